package rollback

import (
	"cmp"
	"fmt"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/checks"
	"tradeops.dev/strategy-operator/internal/lifecycle"
	"tradeops.dev/strategy-operator/internal/pass"
)

// checkAfter compares with the baseline, once.
func (p *plan) checkAfter() pass.Outcome {
	if !p.out.Is(strategyv1.ConditionInEffect) || meta.FindStatusCondition(p.next.Conditions, strategyv1.ConditionVerified) != nil {
		return pass.GoOn
	}
	stage := p.run(strategyv1.StageAfter, p.roundOf(1), p.remediation.After)
	if stage.Missing != "" {
		return pass.Ends
	}
	if !stage.Done {
		p.out.Working(strategyv1.ReasonCheckingAfter, fmt.Sprintf("in effect; %d of %d checks after the change judged", len(stage.Final), len(p.remediation.After)))
		return pass.Ends
	}
	for _, record := range stage.Final {
		if record.Verdict == strategyv1.VerdictFail {
			p.failed(strategyv1.ReasonFailedAfter, checks.Sentence(record))
			return pass.Ends
		}
	}
	for _, record := range stage.Final {
		if record.Verdict == strategyv1.VerdictError || record.Verdict == strategyv1.VerdictInconclusive {
			message := "the change is in effect, but could not be verified: " + checks.Sentence(record)
			p.out.Set(strategyv1.ConditionVerified, metav1.ConditionFalse, strategyv1.ReasonUnmeasuredAfter, message)
			p.out.Note(strategyv1.EventUnverified, message, "")
			return pass.GoOn
		}
	}
	message := "no check after the change is configured"
	if len(stage.Final) > 0 {
		message = "not worse than before: " + verdicts(stage.Final)
	}
	p.out.Set(strategyv1.ConditionVerified, metav1.ConditionTrue, strategyv1.ReasonVerified, message)
	p.out.Note(strategyv1.EventVerified, fmt.Sprintf("verified (%s): %s", message, p.summary()), "")
	return pass.GoOn
}

// failed reverts the change, or keeps it and asks L2, as the playbook says. A renewal that fails is kept: what it
// renews was good.
func (p *plan) failed(reason, message string) {
	p.out.Set(strategyv1.ConditionVerified, metav1.ConditionFalse, reason, message)
	p.out.Note(strategyv1.EventFailed, message, "")
	if p.remediation.OnFailedAfter == strategyv1.FailedAfterKeep || p.next.Plan.Renewals > 0 {
		p.out.Stall(reason, message+". The change is kept; to undo it: "+p.restoreCommand())
		return
	}
	p.request(requestFailedAfter, "")
	next := ""
	if p.remediation.OnFailedAfter == strategyv1.FailedAfterNext {
		next = "; then the incident asks for remedy " + p.remediation.Then
	}
	p.out.Working(strategyv1.ReasonReverting, message+"; undoing the change"+next)
	p.out.Wake(p.now)
}

// watch looks whether a change still stands where it was made.
func (p *plan) watch() pass.Outcome {
	if _, reason, message := p.overwritten(); message != "" {
		p.out.Stall(p.stalledFor(reason), cmp.Or(p.inDoubt(), message)+p.boxIsOver())
		return pass.Ends
	}
	if p.written() {
		p.out.Set(strategyv1.ConditionApplied, metav1.ConditionTrue, strategyv1.ReasonEdited, "the configuration holds the edits")
	}
	verified := meta.FindStatusCondition(p.next.Conditions, strategyv1.ConditionVerified)
	switch {
	case p.expired(): // whatever its gate says: that was before
		p.asks = strategyv1.WhoApprover // to renew, or to restore
		p.out.Stall(strategyv1.ReasonExpired, p.out.Message(strategyv1.ConditionInEffect)+p.gateSaid())
	case lifecycle.GateFailed(p.next):
		p.out.Stall(strategyv1.ReasonRestoreGateFailed, p.out.Message(strategyv1.ConditionRestored))
	case p.inDoubt() != "":
		p.out.Stall(strategyv1.ReasonOverwritten, p.inDoubt()+". The configuration holds the edits again; to bring them into effect: "+p.renewCommand()+"; to undo them: "+p.restoreCommand())
	case p.out.Is(strategyv1.ConditionVerified) && p.uncommitted():
		p.out.Stall(p.out.Reason(strategyv1.ConditionCommitted), "in effect, and not committed: "+p.out.Message(strategyv1.ConditionCommitted))
	case p.out.Is(strategyv1.ConditionVerified):
		p.out.Done(strategyv1.ReasonVerified, fmt.Sprintf("in effect (%s): %s. To undo it: %s", verified.Message, p.summary(), p.restoreCommand()))
	case verified != nil:
		p.out.Stall(verified.Reason, verified.Message+". To undo the change: "+p.restoreCommand()+"; "+p.adoptCommand())
	}
	return pass.Ends
}

// expired: the scheduler has ended the mitigation by itself.
func (p *plan) expired() bool {
	return p.out.Reason(strategyv1.ConditionInEffect) == strategyv1.ReasonExpired
}

// boxIsOver tells of the end of the time box where something else is told first.
func (p *plan) boxIsOver() string {
	if !p.expired() {
		return ""
	}
	return ". And " + p.out.Message(strategyv1.ConditionInEffect)
}

// gateSaid is why the edits were not undone when the time box ended.
func (p *plan) gateSaid() string {
	if !lifecycle.GateFailed(p.next) {
		return ""
	}
	return ". The edits were not undone, since the gate of the restore did not hold"
}

// inDoubt says that the scheduler started on a configuration that somebody had changed, or is empty.
func (p *plan) inDoubt() string {
	if p.out.Reason(strategyv1.ConditionInEffect) != strategyv1.ReasonOverwritten {
		return ""
	}
	return p.out.Message(strategyv1.ConditionInEffect)
}
