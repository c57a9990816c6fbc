package rollback

import (
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/pass"
)

// takeEffect waits until the running scheduler has the edits: written, rolled out, proved.
func (p *plan) takeEffect() pass.Outcome {
	if p.out.Is(strategyv1.ConditionInEffect) {
		if !p.out.Logged() {
			p.keepConfig("after", p.seen.Config.Document.String())
		}
		return pass.GoOn
	}
	if !p.effectIsOpen() {
		return pass.GoOn
	}
	if _, reason, message := p.overwritten(); message != "" && !p.late() { // there is nothing to prove
		p.out.Stall(p.stalledFor(reason), message)
		p.out.Wake(p.effectDeadline())
		return pass.Ends
	} else if message != "" {
		p.notInEffect(message)
		return pass.Ends
	}
	if !p.written() {
		return p.awaitWriter()
	}
	p.out.Set(strategyv1.ConditionApplied, metav1.ConditionTrue, strategyv1.ReasonEdited, "the configuration holds the edits")
	proof := p.prove(strategyv1.StageProof)
	switch {
	case proof.failed != "":
		p.notInEffect(proof.failed)
		return pass.Ends
	case proof.unmeasured != "":
		p.unproved(proof.unmeasured)
		return pass.GoOn
	case proof.proved:
		p.inEffect()
		return pass.GoOn
	case p.late() && proof.reason == strategyv1.ReasonRollingOut:
		p.notInEffect(fmt.Sprintf("not in effect after %d s: %s", p.seen.Playbook.Spec.Scheduler.Rollout.TimeoutSeconds, proof.waiting))
		return pass.Ends
	case p.late(): // nothing was measured, so nothing is known
		p.unproved(fmt.Sprintf("not proved after %d s: %s", p.seen.Playbook.Spec.Scheduler.Rollout.TimeoutSeconds, proof.waiting))
		return pass.GoOn
	}
	p.await(proof, proof.reason)
	p.out.Wake(p.effectDeadline())
	return pass.Ends
}

// effectIsOpen: it was not decided yet whether it came into effect, or that is to be proved anew.
func (p *plan) effectIsOpen() bool {
	switch p.out.Reason(strategyv1.ConditionInEffect) {
	case "", strategyv1.ReasonRenewing, strategyv1.ReasonPutBack:
		return true
	}
	return false
}

// await says what the proof waits for. What the operator cannot bring back (a Deployment, a PodTemplate) stalls.
func (p *plan) await(proof proofOf, reason string) {
	if proof.reason == strategyv1.ReasonDeploymentNotFound || proof.reason == strategyv1.ReasonPodTemplateNotFound {
		p.out.BadInput(proof.reason, proof.waiting)
		return
	}
	p.out.Working(reason, proof.waiting)
}

// awaitWriter waits for the one writer of the configuration, or says why it will not write.
func (p *plan) awaitWriter() pass.Outcome {
	refusal := p.refusal()
	switch {
	case refusal == nil:
	case refusal.Reason == strategyv1.ReasonEditRefused && p.holder() == nil:
		p.giveUp(refusal.Message)
		return pass.Ends
	case refusal.Reason == strategyv1.ReasonEditRefused: // a renewal: what was approved before stays in force
		p.out.Stall(refusal.Reason, "not renewed: "+refusal.Message+". To end it: "+p.restoreCommand())
		return pass.Ends
	case p.holder() == nil: // another claim was faster: it waits as before its claim, where it may be denied or expire
		p.unclaim()
		return pass.GoOn
	}
	if p.late() {
		p.notInEffect("the edits were not written in time; " + p.notWritten())
		return pass.Ends
	}
	p.out.Set(strategyv1.ConditionApplied, metav1.ConditionFalse, strategyv1.ReasonApplying, "the edits are about to be written")
	p.out.Working(strategyv1.ReasonApplying, "waiting for the configuration to be written")
	p.out.Wake(p.effectDeadline())
	return pass.Ends
}

func (p *plan) inEffect() {
	reason, how := p.proved()
	p.out.Set(strategyv1.ConditionInEffect, metav1.ConditionTrue, reason, how)
	if !p.isDrill() {
		p.next.Proof.Pods = started(trading(p.pods()))
	}
	event := strategyv1.EventConfigApplied
	switch {
	case p.next.Plan.Renewals > 0:
		event = strategyv1.EventRenewed
	case len(p.next.Plan.Disables) > 0:
		event = strategyv1.EventDisabled
	}
	p.out.Note(event, how+": "+p.summary(), "")
	p.keepConfig("after", p.seen.Config.Document.String())
}

func (p *plan) notInEffect(message string) {
	p.out.Set(strategyv1.ConditionInEffect, metav1.ConditionFalse, strategyv1.ReasonNotInEffect, message)
	p.failed(strategyv1.ReasonNotInEffect, message)
}

// effectDeadline counts from the newest write of the configuration: a claim may have waited for room, and another
// rollback's write restarts the scheduler once more.
func (p *plan) effectDeadline() time.Time {
	from := p.next.Config.ClaimedTime.Time
	if holder := p.holder(); holder != nil && p.written() && holder.Since.After(from) {
		from = holder.Since
	}
	adopted := time.Time{}
	if p.next.AdoptedChecks != nil {
		adopted = p.next.AdoptedChecks.Time.Time
	}
	written := p.seen.Config.State.Written
	if written.After(p.now) { // by the operator's own clock, so somebody else wrote it, to be asked never
		written = time.Time{}
	}
	for _, later := range []time.Time{written, p.resumed(), adopted} {
		if later.After(from) {
			from = later
		}
	}
	return from.Add(time.Duration(p.seen.Playbook.Spec.Scheduler.Rollout.TimeoutSeconds) * time.Second)
}

func (p *plan) late() bool {
	return !p.now.Before(p.effectDeadline())
}

// unproved keeps the edits: what was approved stands in the configuration, and not knowing is no reason to trade again.
func (p *plan) unproved(message string) {
	message = "the edits are written and rolled out, but it could not be proved that they are in force: " + message
	p.out.Set(strategyv1.ConditionInEffect, metav1.ConditionUnknown, strategyv1.ReasonUnproved, message)
	p.out.Set(strategyv1.ConditionVerified, metav1.ConditionFalse, strategyv1.ReasonUnproved, message)
	p.out.Note(strategyv1.EventUnverified, message, "")
}
