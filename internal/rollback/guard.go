package rollback

import (
	"cmp"
	"fmt"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/facts"
	"tradeops.dev/strategy-operator/internal/pass"
	"tradeops.dev/strategy-operator/internal/record"
)

// refusal says why the writer of the configuration would refuse the plan now, or is nil. The writer asks again within
// its own compare-and-swap; this is only for people, and for not claiming in vain.
func (p *plan) refusal() *record.Refusal {
	claim := record.Claim{
		UID: p.uid(), Name: p.Rollback.Name, Revision: p.status.Plan.Revision,
		Edits: p.status.Plan.Edits, Disables: p.status.Plan.Disables, Guard: p.guardSpec(),
	}
	if p.tried == nil || !p.tried.claim.Same(claim) { // several rules of a pass ask
		_, _, refusal := record.Try(p.Config.Document, p.Config.State, claim, p.Now)
		p.tried = &tried{claim, refusal}
	}
	return p.tried.refusal
}

// tried is what the writer would say about a claim.
type tried struct {
	claim   record.Claim
	refusal *record.Refusal
}

// guardSpec is the guard that binds this rollback; none once a person lifted it.
func (p *plan) guardSpec() *strategyv1.GuardSpec {
	if p.status.Override != nil {
		return nil
	}
	return p.Playbook.Spec.Guard
}

// guard waits for room, or for a person who lifts the guard.
func (p *plan) guard() bool {
	if p.claimed() != "" {
		return false
	}
	if until := p.until(); !until.IsZero() && !p.Now.Before(until) {
		p.expireApproval(fmt.Sprintf("the time box ended at %s, before the change was made; nothing was changed. Create another rollback", rfc3339(until)))
		return true
	}
	return p.waitsForRoom(p.refusal())
}

// waitsForRoom says whether a refusal is one that time or a person can cure, and tells so.
func (p *plan) waitsForRoom(refusal *record.Refusal) bool {
	if refusal == nil {
		return false
	}
	message := refusal.Message
	if refusal.Reason == strategyv1.ReasonGuardExceeded {
		lifted, unenforced := p.lifted(recent(p.Decided))
		if lifted != nil {
			p.liftGuard(*lifted)
			return false
		}
		p.asks = strategyv1.WhoApprover
		message += fmt.Sprintf(". It waits for room; to go ahead all the same: kubectl strategy override %s -n %s", p.Rollback.Name, p.Rollback.Namespace)
		if unenforced != "" {
			message += ". " + unenforced
		}
	}
	if p.Reason(strategyv1.ConditionApplied) != refusal.Reason {
		p.Note(strategyv1.EventHeldBack, message, "")
	}
	p.Set(strategyv1.ConditionApplied, metav1.ConditionFalse, refusal.Reason, message)
	p.BadInput(refusal.Reason, message)
	if until := p.until(); !until.IsZero() && p.Now.Before(until) {
		p.Wake(until)
	}
	return true
}

func (p *plan) liftGuard(decided facts.Decided) {
	p.status.Override = &strategyv1.DecisionReference{Name: decided.Name, Verdict: decided.Verdict, By: decided.By, Time: decided.Time}
	p.Note(strategyv1.EventOverridden, because("the guard was lifted", decided), decided.By)
	p.Set(strategyv1.ConditionApplied, metav1.ConditionFalse, strategyv1.ReasonPlanned, because("the guard was lifted", decided))
}

// lifted is the newest Override decision of these names that counts; else why the newest one does not.
func (p *plan) lifted(names []string) (lifted *facts.Decided, refusal string) {
	for i, decided := range slices.Backward(p.Decided) {
		if decided.Verdict != strategyv1.DecisionOverride || !slices.Contains(names, decided.Name) {
			continue
		}
		if p.status.Override != nil && decided.Name == p.status.Override.Name {
			break // and what is older
		}
		why := p.notLifted(decided)
		if why == "" {
			return &p.Decided[i], ""
		}
		refusal = cmp.Or(refusal, notHonoured(decided, why))
	}
	return nil, refusal
}

func (p *plan) notLifted(decided facts.Decided) string {
	switch {
	case decided.Digest != p.status.Plan.Digest:
		return "it names another plan; look at status.plan and override again"
	case p.fourEyes(decided) != "":
		return p.fourEyes(decided)
	case !p.identity().Enforced:
		return p.unvouched(decided)
	}
	return ""
}

// fourEyes says why a decision is not another person's, or is empty.
func (p *plan) fourEyes(decided facts.Decided) string {
	switch {
	case p.Rollback.Spec.RequestedBy == "":
		return "nobody knows who asked for the rollback: its requestedBy was not stamped. Install the admission policies and create another rollback"
	case p.remediation.Approval.Requester != strategyv1.RequesterMayApprove && decided.By == p.Rollback.Spec.RequestedBy:
		return "whoever asked for a change may not approve it (four eyes)"
	}
	return ""
}

// claim asks the writer of the configuration for the edits, after the log says so.
func (p *plan) claim() bool {
	if p.claimed() != "" {
		return false
	}
	p.Working(strategyv1.ReasonApplying, p.summary())
	if p.setFinalizer(true) { // before anything of it can be in the configuration
		p.Wake(p.Now)
		return true
	}
	if p.Reason(strategyv1.ConditionApplied) != strategyv1.ReasonApplying {
		p.Set(strategyv1.ConditionApplied, metav1.ConditionFalse, strategyv1.ReasonApplying, "the edits are about to be written")
		p.Note(strategyv1.EventConfigChange, "writing the approved edits: "+p.summary(), "")
	}
	if !p.Logged() {
		p.AwaitLog()
		p.keepPlanned()
		return true
	}
	p.ask(strategyv1.ClaimHold)
	p.Wake(p.Now.Add(pass.Recheck))
	return true
}

func (p *plan) ask(claim strategyv1.ClaimState) {
	if p.status.Config == nil {
		reference := p.Playbook.Spec.Scheduler.Config
		p.status.Config = &strategyv1.ConfigClaim{ConfigMapName: reference.ConfigMapName, Key: reference.Key}
	}
	p.status.Config.Claim, p.status.Config.ClaimedTime = claim, new(p.Stamp())
	p.status.Config.Revision, p.status.Config.Guard = p.status.Plan.Revision, nil
	if claim == strategyv1.ClaimHold {
		p.status.Config.Guard = p.guardSpec()
	}
	if p.status.Proof != nil && claim == strategyv1.ClaimHold {
		p.status.Proof = &strategyv1.ProofStatus{Round: p.status.Proof.Round} // a renewal asks anew
	} else {
		p.status.Proof = nil
	}
}
