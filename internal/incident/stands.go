package incident

import (
	"fmt"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/conditions"
	"tradeops.dev/strategy-operator/internal/lifecycle"
)

// seeContained takes back that the incident is contained when nothing contains it any more: rollbacks and other incidents are seen whatever
// is wrong with the input.
func (p *plan) seeContained() {
	if !p.started() || !p.out.Is(strategyv1.ConditionContained) {
		return
	}
	current := p.current()
	for i := range current {
		if lifecycle.Contains(current[i].Status) {
			return
		}
	}
	switch {
	case len(current) > 0:
		newest := p.currentRollback()
		status := metav1.ConditionUnknown
		if lifecycle.Ended(newest.Status) || meta.IsStatusConditionFalse(newest.Status.Conditions, strategyv1.ConditionInEffect) {
			status = metav1.ConditionFalse
		}
		reason := orElse(conditions.Reason(newest.Status.Conditions, strategyv1.ConditionReady), strategyv1.ReasonMitigating)
		p.out.Set(strategyv1.ConditionContained, status, reason, fmt.Sprintf("rollback %s is not in effect, or nobody knows it any more: %s",
			newest.Name, conditions.Message(newest.Status.Conditions, strategyv1.ConditionReady)))
	case p.next.ParentName != "":
		p.seeParent()
	default:
		p.out.Set(strategyv1.ConditionContained, metav1.ConditionUnknown, strategyv1.ReasonMitigating,
			"its rollback is gone, or ended before this round: nobody says any more that something contains it")
	}
}

// seeParent: what is contained with another incident is so no longer than that one.
func (p *plan) seeParent() {
	switch parent := p.parent(); {
	case parent == nil:
		p.out.Set(strategyv1.ConditionContained, metav1.ConditionUnknown, strategyv1.ReasonFollowsParent, "incident "+p.next.ParentName+", which had the remedy, is gone")
	case !conditions.True(parent.Status.Conditions, strategyv1.ConditionContained):
		p.out.Set(strategyv1.ConditionContained, metav1.ConditionFalse, strategyv1.ReasonFollowsParent, "incident "+parent.Name+" is not contained")
	}
}
