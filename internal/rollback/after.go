package rollback

import (
	"fmt"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/checks"
	"tradeops.dev/strategy-operator/internal/lifecycle"
)

// checkAfter compares with the baseline, once.
func (p *plan) checkAfter() bool {
	if !p.Is(strategyv1.ConditionInEffect) || meta.FindStatusCondition(p.status.Conditions, strategyv1.ConditionVerified) != nil {
		return false
	}
	stage := p.run(strategyv1.StageAfter, 1, p.remediation.After)
	if stage.Missing != "" {
		return true
	}
	if !stage.Done {
		p.Working(strategyv1.ReasonCheckingAfter, fmt.Sprintf("in effect; %d of %d checks after the change judged", len(stage.Final), len(p.remediation.After)))
		return true
	}
	for _, record := range stage.Final {
		if record.Verdict == strategyv1.VerdictFail {
			p.failed(strategyv1.ReasonFailedAfter, checks.Sentence(record))
			return true
		}
	}
	for _, record := range stage.Final {
		if record.Verdict == strategyv1.VerdictError || record.Verdict == strategyv1.VerdictInconclusive {
			message := "the change is in effect, but could not be verified: " + checks.Sentence(record)
			p.Set(strategyv1.ConditionVerified, metav1.ConditionFalse, strategyv1.ReasonUnmeasuredAfter, message)
			p.Note(strategyv1.EventUnverified, message, "")
			return false
		}
	}
	p.Set(strategyv1.ConditionVerified, metav1.ConditionTrue, strategyv1.ReasonVerified, "the checks after the change are not worse than before")
	p.Note(strategyv1.EventVerified, "verified: "+p.summary(), "")
	return false
}

// failed reverts the change, or keeps it and asks a person, as the playbook says. A renewal that fails is kept: what it
// renews was good.
func (p *plan) failed(reason, message string) {
	p.Set(strategyv1.ConditionVerified, metav1.ConditionFalse, reason, message)
	p.Note(strategyv1.EventFailed, message, "")
	if p.remediation.OnFailedAfter == strategyv1.FailedAfterKeep || p.status.Plan.Renewals > 0 {
		p.Stall(reason, message+". The change is kept; to undo it: "+p.restoreCommand())
		return
	}
	p.request(requestFailedAfter, "")
	next := ""
	if p.remediation.OnFailedAfter == strategyv1.FailedAfterNext {
		next = "; then the incident asks for remedy " + p.remediation.Then
	}
	p.Working(strategyv1.ReasonReverting, message+"; undoing the change"+next)
	p.Wake(p.Now)
}

// hold watches whether a change still stands where it was made.
func (p *plan) hold() bool {
	if path := p.overwritten(); path != "" {
		message := fmt.Sprintf("%s no longer holds this rollback's value; the scheduler loses the change at its next start. Who changed it: kubectl get configmap %s -n %s --show-managed-fields -o yaml; to end the rollback: %s",
			path, p.status.Config.ConfigMapName, p.Rollback.Namespace, p.restoreCommand())
		p.Set(strategyv1.ConditionApplied, metav1.ConditionFalse, strategyv1.ReasonOverwritten, message)
		p.Stall(strategyv1.ReasonOverwritten, message)
		return true
	}
	if p.Is(strategyv1.ConditionInEffect) {
		p.Set(strategyv1.ConditionApplied, metav1.ConditionTrue, strategyv1.ReasonEdited, "the configuration holds the edits")
	}
	verified := meta.FindStatusCondition(p.status.Conditions, strategyv1.ConditionVerified)
	switch {
	case lifecycle.GateFailed(p.status):
		p.Stall(strategyv1.ReasonRestoreGateFailed, p.Message(strategyv1.ConditionRestored))
	case p.Reason(strategyv1.ConditionInEffect) == strategyv1.ReasonExpired:
		p.asks = strategyv1.WhoApprover // to renew, or to restore
		p.Stall(strategyv1.ReasonExpired, p.Message(strategyv1.ConditionInEffect))
	case p.Is(strategyv1.ConditionVerified):
		p.Done(strategyv1.ReasonVerified, fmt.Sprintf("in effect and verified: %s. To undo it: %s", p.summary(), p.restoreCommand()))
	case verified != nil:
		p.Stall(verified.Reason, verified.Message+". To undo the change: "+p.restoreCommand())
	}
	return true
}

// overwritten is the first path that people or a tool changed while this rollback holds it. What a renewal has not written
// yet is nobody's change.
func (p *plan) overwritten() string {
	if !p.holds() && p.holder() != nil {
		return ""
	}
	for _, edit := range p.status.Plan.Edits {
		held, err := p.Config.Document.Holds(edit.Path, edit.To)
		if err != nil || !held {
			return edit.Path
		}
	}
	return ""
}

func (p *plan) restoreCommand() string {
	return fmt.Sprintf("kubectl strategy restore %s -n %s", p.Rollback.Name, p.Rollback.Namespace)
}
