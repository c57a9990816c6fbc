package playbook

import (
	"fmt"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/action"
)

func TestOldRevisionsThatNothingRunsOnAreForgotten(t *testing.T) {
	o := Observed{InUse: map[string]bool{"r-1": true}}
	for n := range keepRevisions + 4 { // r-0 is the oldest
		o.Revisions = append(o.Revisions, appsv1.ControllerRevision{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("r-%d", n)}, Revision: int64(n)})
	}
	current := fmt.Sprintf("r-%d", keepRevisions+3)
	var deleted []string
	for _, next := range forgotten(o, strategyv1.StrategyPlaybookStatus{Revision: current}) {
		deleted = append(deleted, next.(action.DeleteRevision).Key.Name)
	}
	if got := fmt.Sprint(deleted); got != "[r-2 r-0]" {
		t.Errorf("deleted %s: want the oldest two that are neither in use nor among the newest %d", got, keepRevisions)
	}
	if left := forgotten(Observed{Revisions: o.Revisions[:keepRevisions]}, strategyv1.StrategyPlaybookStatus{Revision: "r-0"}); left != nil {
		t.Errorf("deleted %v although few are there", left)
	}
}
