// Package conditions sets status conditions with the plan's own time, so that a plan stays a function of its input.
package conditions

import (
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tradeops.dev/strategy-operator/internal/bounded"
)

// maxMessage is the API's limit for a condition's message; the schema allows 32 KiB, but nobody reads that.
const maxMessage = 2048

// Set writes one condition, its message as one line: names in it are somebody else's, and one with a line break would write a line of its own.
// The transition time moves only when its status does.
func Set(conditions *[]metav1.Condition, now time.Time, generation int64, kind string, status metav1.ConditionStatus, reason, message string) {
	meta.SetStatusCondition(conditions, metav1.Condition{
		Type: kind, Status: status, Reason: reason, Message: bounded.Line(message, maxMessage),
		ObservedGeneration: generation, LastTransitionTime: metav1.NewTime(now.UTC().Truncate(time.Second)),
	})
}

// True says whether a condition is there and True.
func True(conditions []metav1.Condition, kind string) bool {
	return meta.IsStatusConditionTrue(conditions, kind)
}

// Reason of a condition, empty without it.
func Reason(conditions []metav1.Condition, kind string) string {
	if found := meta.FindStatusCondition(conditions, kind); found != nil {
		return found.Reason
	}
	return ""
}

// Since is when a condition took the status that it has; zero without it.
func Since(conditions []metav1.Condition, kind string) time.Time {
	if found := meta.FindStatusCondition(conditions, kind); found != nil {
		return found.LastTransitionTime.Time
	}
	return time.Time{}
}

// Message of a condition, empty without it.
func Message(conditions []metav1.Condition, kind string) string {
	if found := meta.FindStatusCondition(conditions, kind); found != nil {
		return found.Message
	}
	return ""
}
