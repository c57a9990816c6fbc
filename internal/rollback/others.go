package rollback

import (
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/conditions"
	"tradeops.dev/strategy-operator/internal/lifecycle"
)

// awaitOthers: the changes of different incidents are made one after the other, so that the checks after one measure that
// one. Rollbacks that people make without an incident share a write, as before.
func (p *plan) awaitOthers() bool {
	if p.claimed() != "" || p.Rollback.Spec.IncidentName == "" || p.isDrill() {
		return false
	}
	others := p.others()
	for i := range others {
		other := &others[i]
		if other.Spec.IncidentName == "" || other.Spec.IncidentName == p.Rollback.Spec.IncidentName || !p.goesFirst(other) {
			continue
		}
		message := fmt.Sprintf("rollback %s of incident %s is changing the same configuration; this one follows when that one is verified, or a person has to look at it",
			other.Name, other.Spec.IncidentName)
		if p.Reason(strategyv1.ConditionApplied) != strategyv1.ReasonAwaitingOthers {
			p.Note(strategyv1.EventHeldBack, message, "")
		}
		p.Set(strategyv1.ConditionApplied, metav1.ConditionFalse, strategyv1.ReasonAwaitingOthers, message)
		p.Working(strategyv1.ReasonAwaitingOthers, message)
		p.Wake(p.Now.Add(p.Pauses.Turn))
		if until := p.until(); !until.IsZero() && p.Now.Before(until) {
			p.Wake(until)
		}
		return true
	}
	return false
}

// goesFirst says whether another rollback has claimed and is not verified yet, or is approved and was created before this one.
func (p *plan) goesFirst(other *strategyv1.StrategyRollback) bool {
	stalled := conditions.True(other.Status.Conditions, strategyv1.ConditionStalled)
	next := lifecycle.RollbackPhase(other.Status) == strategyv1.RollbackWaiting && !stalled && other.DeletionTimestamp.IsZero()
	return lifecycle.Busy(other.Status) || next && p.younger(other)
}

func (p *plan) younger(other *strategyv1.StrategyRollback) bool {
	mine, theirs := p.Rollback.CreationTimestamp, other.CreationTimestamp
	if !mine.Equal(&theirs) {
		return theirs.Before(&mine)
	}
	return other.UID < p.Rollback.UID
}
