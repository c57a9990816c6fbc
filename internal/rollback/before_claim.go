package rollback

import (
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/conditions"
	"tradeops.dev/strategy-operator/internal/evidence"
	"tradeops.dev/strategy-operator/internal/lifecycle"
	"tradeops.dev/strategy-operator/internal/pass"
	"tradeops.dev/strategy-operator/internal/record"
)

// awaitOthers: the changes of different incidents are made one after the other, so that the checks after one measure that
// one. Rollbacks that people make without an incident share a write, as before.
func (p *plan) awaitOthers() pass.Outcome {
	if p.seen.Rollback.Spec.IncidentName == "" || p.isDrill() {
		return pass.GoOn
	}
	others := p.others()
	for i := range others {
		other := &others[i]
		if other.Spec.IncidentName == "" || other.Spec.IncidentName == p.seen.Rollback.Spec.IncidentName || !p.goesFirst(other) {
			continue
		}
		message := fmt.Sprintf("rollback %s of incident %s is changing the same configuration; this one follows when that one is verified, or a person has to look at it",
			other.Name, other.Spec.IncidentName)
		if conditions.True(other.Status.Conditions, strategyv1.ConditionOnHold) {
			p.asks = strategyv1.WhoApprover // who may release it
			message = fmt.Sprintf("rollback %s of incident %s has begun to change the same configuration and is on hold, so this one waits, too, until that is released: %s",
				other.Name, other.Spec.IncidentName, conditions.Message(other.Status.Conditions, strategyv1.ConditionOnHold))
		}
		if p.out.Reason(strategyv1.ConditionApplied) != strategyv1.ReasonAwaitingOthers {
			p.out.Note(strategyv1.EventHeldBack, message, "")
		}
		p.out.Set(strategyv1.ConditionApplied, metav1.ConditionFalse, strategyv1.ReasonAwaitingOthers, message)
		p.out.Working(strategyv1.ReasonAwaitingOthers, message)
		p.out.Wake(p.now.Add(p.seen.Pauses.Turn))
		return pass.Ends
	}
	return pass.GoOn
}

// goesFirst says whether another rollback has claimed and is not verified yet, or is approved and was created before this one.
func (p *plan) goesFirst(other *strategyv1.StrategyRollback) bool {
	stalled := conditions.True(other.Status.Conditions, strategyv1.ConditionStalled)
	next := lifecycle.RollbackPhase(other.Status) == strategyv1.RollbackWaiting && !stalled && other.DeletionTimestamp.IsZero()
	return lifecycle.Busy(other.Status) || next && p.younger(other)
}

func (p *plan) younger(other *strategyv1.StrategyRollback) bool {
	mine, theirs := p.seen.Rollback.CreationTimestamp, other.CreationTimestamp
	if !mine.Equal(&theirs) {
		return theirs.Before(&mine)
	}
	return other.UID < p.seen.Rollback.UID
}

// claim asks the writer of the configuration for the edits, after the log says so.
func (p *plan) claim() pass.Outcome {
	p.out.Working(strategyv1.ReasonApplying, p.summary())
	if p.setFinalizer(true, false) { // before anything of it can be in the configuration
		p.out.Wake(p.now)
		return pass.Ends
	}
	if p.out.Reason(strategyv1.ConditionApplied) != strategyv1.ReasonApplying {
		p.out.Set(strategyv1.ConditionApplied, metav1.ConditionFalse, strategyv1.ReasonApplying, "the edits are about to be written")
		p.out.Note(strategyv1.EventConfigChange, "writing the approved edits: "+p.summary(), "")
	}
	if !p.out.Logged() {
		p.out.AwaitLog()
		p.keepPlanned()
		return pass.Ends
	}
	p.ask(strategyv1.ClaimHold)
	p.out.Wake(p.now.Add(pass.Recheck))
	return pass.Ends
}

func (p *plan) ask(claim strategyv1.ClaimState) {
	if p.next.Config == nil {
		reference := p.target()
		p.next.Config = &strategyv1.ConfigClaim{ConfigMapName: reference.ConfigMapName, Key: reference.Key}
	}
	p.next.Config.Claim, p.next.Config.ClaimedTime = claim, new(p.out.Stamp())
	p.next.Config.Revision, p.next.Config.Guard = p.next.Plan.Revision, nil
	if claim == strategyv1.ClaimHold {
		p.next.Config.Guard, p.next.Config.Reapplies = p.guardSpec(), 0
	}
	if claim == strategyv1.ClaimHold {
		p.forgetProof() // a renewal asks anew
	} else {
		p.next.Proof = nil
	}
}

// forgetProof has the scheduler asked anew.
func (p *plan) forgetProof() {
	if p.next.Proof != nil {
		p.next.Proof = &strategyv1.ProofStatus{Round: p.next.Proof.Round}
	}
}

// unclaim takes the claim back. The writer may be writing what it asked for in this moment: the rule stray finds that in the record.
func (p *plan) unclaim() {
	p.next.Config.Claim, p.next.Config.ClaimedTime = "", nil
}

// giveUp takes the claim back when somebody changed an edited path between the approval and the write: the plan must be
// made, and approved, again.
func (p *plan) giveUp(why string) {
	p.unclaim()
	p.void(why)
	p.revise(p.next.Plan.Edits)
	p.out.Working(strategyv1.ReasonPlanChanged, why+"; planning again")
	p.out.Wake(p.now)
}

// stray releases edits that reached the ConfigMap although their claim was withdrawn in the same moment: our status and the update of
// the writer crossed. They have no claim; only the record shows them.
func (p *plan) stray() pass.Outcome {
	switch {
	case p.claimed() == "" && p.next.Config != nil && p.holder() != nil:
		p.ask(strategyv1.ClaimRelease)
	case p.claimed() == strategyv1.ClaimRelease && p.next.Restore == nil && p.holder() == nil:
		p.unclaim()
		return pass.GoOn
	case p.claimed() != strategyv1.ClaimRelease || p.next.Restore != nil:
		return pass.GoOn
	}
	p.out.Working(strategyv1.ReasonPlanChanged, "taking back what was written from the plan before")
	return pass.Ends
}

// keepPlanned stores the document as it was, and what was approved to become of it.
func (p *plan) keepPlanned() {
	p.keepConfig("before", p.seen.Config.Document.String())
	diff := p.next.Plan.Diff // an unrelated commit may have moved its lines since a crash
	p.out.Keep(evidence.ConfigKey(p.seen.Prefix, fmt.Sprintf("%d-%.12s.diff", p.next.Plan.Revision, record.Hash(diff))), []byte(diff))
}

// keepConfig stores the whole document as evidence. The hash in the key keeps a repeated pass from meeting other bytes under it.
func (p *plan) keepConfig(what, content string) {
	p.out.Keep(evidence.ConfigKey(p.seen.Prefix, fmt.Sprintf("%s-%.12s.yaml", what, record.Hash(content))), []byte(content))
}
