package rollback

import (
	"fmt"
	"time"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/conditions"
)

// holdBack: of a suspended playbook nothing new is started.
func (p *plan) holdBack() {
	if !p.Playbook.Suspended {
		p.Resume()
		return
	}
	p.Hold(strategyv1.ReasonPlaybookSuspended, fmt.Sprintf(
		"StrategyPlaybook %s is suspended: nothing is written, restarted, checked or restored; what is in force stays in force. To go on: kubectl strategy resume playbook/%s -n %s",
		p.Rollback.Spec.PlaybookName, p.Rollback.Spec.PlaybookName, p.Rollback.Namespace))
}

// frozen: from the claim on, a held rollback stays as it is. Only the end of its time box is recorded, which the scheduler
// carries out by itself.
func (p *plan) frozen() bool {
	if !p.Held() || p.claimed() == "" && p.holder() == nil && p.status.Restore == nil {
		return false
	}
	p.boxEnds()
	return true
}

// awaitResume: before the claim, a held rollback is planned and approved, and goes no further.
func (p *plan) awaitResume() bool {
	if !p.Held() {
		return false
	}
	p.Working(strategyv1.ReasonApproved, "approved; nothing is written while the playbook is suspended: "+p.summary())
	if until := p.until(); !until.IsZero() && p.Now.Before(until) {
		p.Wake(until)
	}
	return true
}

// deletionHeld: undoing the edits of a deleted rollback waits, too. Leaving them to people does not: it changes nothing.
func (p *plan) deletionHeld() bool {
	if !p.Held() || p.Rollback.Spec.DeletionPolicy != strategyv1.DeletionRestore || p.claimed() == "" {
		return false
	}
	p.Stall(strategyv1.ReasonPlaybookSuspended, "deleted with deletionPolicy Restore: the edits are undone when the playbook is not suspended any more. "+p.Message(strategyv1.ConditionOnHold))
	return true
}

// resumed is when new effects were allowed again; zero if they always were. What could not happen before is not late.
func (p *plan) resumed() time.Time {
	if conditions.Reason(p.status.Conditions, strategyv1.ConditionOnHold) != strategyv1.ReasonReleased {
		return time.Time{}
	}
	return conditions.Since(p.status.Conditions, strategyv1.ConditionOnHold)
}

// isDrill: the rollback works on a copy.
func (p *plan) isDrill() bool { return p.Rollback.Spec.Mode == strategyv1.ModeDrill }
