package rollback

import (
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
	stage := p.run(strategyv1.StageAfter, 1, p.remediation.After)
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
	p.out.Set(strategyv1.ConditionVerified, metav1.ConditionTrue, strategyv1.ReasonVerified, "the checks after the change are not worse than before")
	p.out.Note(strategyv1.EventVerified, "verified: "+p.summary(), "")
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
	if path := p.overwritten(); path != "" {
		message := fmt.Sprintf("%s no longer holds this rollback's value; the scheduler loses the change at its next start. Who changed it: kubectl get configmap %s -n %s --show-managed-fields -o yaml; to end the rollback: %s",
			path, p.next.Config.ConfigMapName, p.seen.Rollback.Namespace, p.restoreCommand())
		p.out.Set(strategyv1.ConditionApplied, metav1.ConditionFalse, strategyv1.ReasonOverwritten, message)
		p.out.Stall(strategyv1.ReasonOverwritten, message)
		return pass.Ends
	}
	if p.out.Is(strategyv1.ConditionInEffect) {
		p.out.Set(strategyv1.ConditionApplied, metav1.ConditionTrue, strategyv1.ReasonEdited, "the configuration holds the edits")
	}
	verified := meta.FindStatusCondition(p.next.Conditions, strategyv1.ConditionVerified)
	switch {
	case lifecycle.GateFailed(p.next):
		p.out.Stall(strategyv1.ReasonRestoreGateFailed, p.out.Message(strategyv1.ConditionRestored))
	case p.out.Reason(strategyv1.ConditionInEffect) == strategyv1.ReasonExpired:
		p.asks = strategyv1.WhoApprover // to renew, or to restore
		p.out.Stall(strategyv1.ReasonExpired, p.out.Message(strategyv1.ConditionInEffect))
	case p.out.Is(strategyv1.ConditionVerified):
		p.out.Done(strategyv1.ReasonVerified, fmt.Sprintf("in effect and verified: %s. To undo it: %s", p.summary(), p.restoreCommand()))
	case verified != nil:
		p.out.Stall(verified.Reason, verified.Message+". To undo the change: "+p.restoreCommand())
	}
	return pass.Ends
}

// overwritten is the first path that people or a tool changed while this rollback holds it. While a renewal waits
// for the writer, the old value is expected and not told.
func (p *plan) overwritten() string {
	if !p.written() && p.holder() != nil {
		return ""
	}
	for _, edit := range p.next.Plan.Edits {
		held, err := p.seen.Config.Document.Holds(edit.Path, edit.To)
		if err != nil || !held {
			return edit.Path
		}
	}
	return ""
}
