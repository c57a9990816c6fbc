package rollback

import (
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/evidence"
	"tradeops.dev/strategy-operator/internal/record"
)

// checkBefore measures the baseline. Its verdicts do not block: the fault is often why we are here.
func (p *plan) checkBefore() bool {
	if p.claimed() != "" {
		return false
	}
	stage := p.run(strategyv1.StageBefore, 1, p.remediation.Before)
	if stage.Missing != "" {
		return true
	}
	if !stage.Done {
		p.Working(strategyv1.ReasonCheckingBefore, fmt.Sprintf("measuring the baseline: %d of %d checks judged", len(stage.Final), len(p.remediation.Before)))
		return true
	}
	return false
}

// takeEffect waits until the running scheduler has the edits: written, rolled out, proved.
func (p *plan) takeEffect() bool {
	if p.Is(strategyv1.ConditionInEffect) {
		if !p.Logged() {
			p.keepConfig("after", p.Config.Document.String())
		}
		return false
	}
	if reason := p.Reason(strategyv1.ConditionInEffect); reason != "" && reason != strategyv1.ReasonRenewing {
		return false // it was decided that it did not come into effect, or it ended
	}
	if !p.holds() {
		return p.awaitWriter()
	}
	p.Set(strategyv1.ConditionApplied, metav1.ConditionTrue, strategyv1.ReasonEdited, "the configuration holds the edits")
	proof := p.prove(strategyv1.StageProof)
	switch {
	case proof.failed != "":
		p.notInEffect(proof.failed)
		return true
	case proof.unmeasured != "":
		p.unproved(proof.unmeasured)
		return false
	case proof.proved:
		p.inEffect()
		return false
	case p.late() && proof.reason == strategyv1.ReasonRollingOut:
		p.notInEffect(fmt.Sprintf("not in effect after %d s: %s", p.Playbook.Spec.Scheduler.Rollout.TimeoutSeconds, proof.waiting))
		return true
	case p.late(): // nothing was measured, so nothing is known
		p.unproved(fmt.Sprintf("not proved after %d s: %s", p.Playbook.Spec.Scheduler.Rollout.TimeoutSeconds, proof.waiting))
		return false
	}
	p.await(proof, proof.reason)
	p.Wake(p.effectDeadline())
	return true
}

// await says what the proof waits for. What only a person can bring back stalls.
func (p *plan) await(proof proofOf, reason string) {
	if proof.reason == strategyv1.ReasonDeploymentNotFound || proof.reason == strategyv1.ReasonPodTemplateNotFound {
		p.BadInput(proof.reason, proof.waiting)
		return
	}
	p.Working(reason, proof.waiting)
}

// awaitWriter waits for the one writer of the configuration, or says why it will not write.
func (p *plan) awaitWriter() bool {
	refusal := p.refusal()
	switch {
	case refusal == nil:
	case refusal.Reason == strategyv1.ReasonEditRefused && p.holder() == nil:
		p.giveUp(refusal.Message)
		return true
	case refusal.Reason == strategyv1.ReasonEditRefused: // a renewal: what was approved before stays in force
		if !p.endTimeBox() {
			p.Stall(refusal.Reason, "not renewed: "+refusal.Message+". To end it: "+p.restoreCommand())
		}
		return true
	case p.holder() == nil: // another claim was faster: it waits as before its claim, where it may be denied or expire
		p.unclaim()
		if !p.guard() {
			p.Wake(p.Now)
		}
		return true
	}
	if p.late() {
		p.notInEffect("the edits were not written in time; the events of the rollback and of the ConfigMap say why")
		return true
	}
	p.Set(strategyv1.ConditionApplied, metav1.ConditionFalse, strategyv1.ReasonApplying, "the edits are about to be written")
	p.Working(strategyv1.ReasonApplying, "waiting for the configuration to be written")
	p.Wake(p.effectDeadline())
	return true
}

// giveUp takes the claim back when a person changed an edited path between the approval and the write: the plan must be
// made, and approved, again.
func (p *plan) giveUp(why string) {
	p.unclaim()
	p.void(why)
	p.revise(p.status.Plan.Edits)
	p.Working(strategyv1.ReasonPlanChanged, why+"; planning again")
	p.Wake(p.Now)
}

// unclaim takes the claim back. What the writer writes in this moment is stray.
func (p *plan) unclaim() {
	p.status.Config.Claim, p.status.Config.ClaimedTime = "", nil
}

// stray takes back what the writer still wrote in the moment in which its claim was given up.
func (p *plan) stray() bool {
	switch {
	case p.claimed() == "" && p.status.Config != nil && p.holder() != nil:
		p.ask(strategyv1.ClaimRelease)
	case p.claimed() == strategyv1.ClaimRelease && p.status.Restore == nil && p.holder() == nil:
		p.unclaim()
		return false
	case p.claimed() != strategyv1.ClaimRelease || p.status.Restore != nil:
		return false
	}
	p.Working(strategyv1.ReasonPlanChanged, "taking back what was written from the plan before")
	return true
}

// holdsEarlier says whether an edited path holds what it held when it was planned.
func (p *plan) holdsEarlier(edit strategyv1.PlannedEdit) bool {
	value, found, err := p.Config.Document.Get(edit.Path)
	return err == nil && found == (edit.From != nil) && (edit.From == nil || value == *edit.From)
}

func (p *plan) inEffect() {
	reason, how := p.proved()
	p.Set(strategyv1.ConditionInEffect, metav1.ConditionTrue, reason, how)
	event := strategyv1.EventConfigApplied
	switch {
	case p.status.Plan.Renewals > 0:
		event = strategyv1.EventRenewed
	case len(p.status.Plan.Disables) > 0:
		event = strategyv1.EventDisabled
	}
	p.Note(event, how+": "+p.summary(), "")
	p.keepConfig("after", p.Config.Document.String())
}

func (p *plan) notInEffect(message string) {
	p.Set(strategyv1.ConditionInEffect, metav1.ConditionFalse, strategyv1.ReasonNotInEffect, message)
	p.failed(strategyv1.ReasonNotInEffect, message)
}

// effectDeadline counts from the newest write of the configuration: a claim may have waited for room, and another
// rollback's write restarts the scheduler once more.
func (p *plan) effectDeadline() time.Time {
	from := p.status.Config.ClaimedTime.Time
	if holder := p.holder(); holder != nil && p.holds() && holder.Since.After(from) {
		from = holder.Since
	}
	for _, later := range []time.Time{p.Config.State.Written, p.resumed()} {
		if later.After(from) {
			from = later
		}
	}
	return from.Add(time.Duration(p.Playbook.Spec.Scheduler.Rollout.TimeoutSeconds) * time.Second)
}

func (p *plan) late() bool {
	return !p.Now.Before(p.effectDeadline())
}

// unproved keeps the edits: what was approved stands in the configuration, and not knowing is no reason to trade again.
func (p *plan) unproved(message string) {
	message = "the edits are written and rolled out, but it could not be proved that they are in force: " + message
	p.Set(strategyv1.ConditionInEffect, metav1.ConditionUnknown, strategyv1.ReasonUnproved, message)
	p.Set(strategyv1.ConditionVerified, metav1.ConditionFalse, strategyv1.ReasonUnproved, message)
	p.Note(strategyv1.EventUnverified, message, "")
}

// keepPlanned stores the document as it was, and what was approved to become of it.
func (p *plan) keepPlanned() {
	p.keepConfig("before", p.Config.Document.String())
	p.Keep(evidence.ConfigKey(p.Prefix, fmt.Sprintf("%d.diff", p.status.Plan.Revision)), []byte(p.status.Plan.Diff))
}

// keepConfig stores the whole document as evidence. The hash in the key keeps a repeated pass from meeting other bytes.
func (p *plan) keepConfig(what, content string) {
	p.Keep(evidence.ConfigKey(p.Prefix, fmt.Sprintf("%s-%.12s.yaml", what, record.Hash(content))), []byte(content))
}
