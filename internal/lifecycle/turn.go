package lifecycle

import (
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
)

// Turn is whose turn it is, and until when; zero = no end.
type Turn struct {
	Who   strategyv1.Who
	Until time.Time
}

// Due is until when, as the API keeps it.
func (t Turn) Due() *metav1.Time {
	if t.Until.IsZero() {
		return nil
	}
	return new(metav1.NewTime(t.Until.UTC().Truncate(time.Second)))
}

// is says whether a condition has a status; "" = it is not there.
func is(list []metav1.Condition, kind string, status metav1.ConditionStatus) bool {
	found := meta.FindStatusCondition(list, kind)
	if found == nil {
		return status == ""
	}
	return found.Status == status
}
