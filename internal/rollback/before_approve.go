package rollback

import (
	"fmt"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/decide"
	"tradeops.dev/strategy-operator/internal/facts"
	"tradeops.dev/strategy-operator/internal/pass"
)

// approve waits for a decision on exactly this plan.
func (p *plan) approve() pass.Outcome {
	if p.out.Is(strategyv1.ConditionApproved) {
		return pass.GoOn
	}
	if p.remediation.Approval.Mode == strategyv1.ApprovalAutomatic {
		p.out.Set(strategyv1.ConditionApproved, metav1.ConditionTrue, strategyv1.ReasonAutomatic, "the playbook asks for no approval")
		p.out.Note(strategyv1.EventApproved, "automatically, as the playbook says", "")
		return pass.GoOn
	}
	deadline := p.approveBy()
	if p.out.Reason(strategyv1.ConditionApproved) == strategyv1.ReasonIdentityUnenforced && !p.identity().Enforced {
		p.out.BadInput(strategyv1.ReasonIdentityUnenforced, p.out.Message(strategyv1.ConditionApproved))
		return pass.Ends
	}
	honoured, refusal := p.approval(deadline)
	if honoured != nil {
		message := decide.Because("approved", *honoured)
		p.next.Decision = decide.Reference(*honoured)
		p.out.Set(strategyv1.ConditionApproved, metav1.ConditionTrue, strategyv1.ReasonApproved, message)
		p.out.Note(strategyv1.EventApproved, message, honoured.By)
		return pass.GoOn
	}
	if refusal.Reason == strategyv1.ReasonIdentityUnenforced {
		// Nobody knows who made this decision, and nobody will when the policies are back: it never counts.
		message := refusal.Message + ". When the policies are in force, approve again"
		p.out.Note(strategyv1.EventApprovalVoided, message, "")
		p.revise(p.next.Plan.Edits)
		p.out.Set(strategyv1.ConditionApproved, metav1.ConditionFalse, refusal.Reason, message)
		p.out.BadInput(refusal.Reason, message)
		return pass.Ends
	}
	if refusal.Reason != "" { // somebody approved, and nobody can be asked who: it is asked again, whenever the time is over
		p.out.Blocked(refusal)
		return pass.Ends
	}
	p.awaitApproval(deadline, refusal.Message)
	return pass.Ends
}

func (p *plan) awaitApproval(deadline time.Time, refusal string) {
	message := fmt.Sprintf("%s. Until %s someone other than %s may decide: kubectl strategy approve %s -n %s (or deny)",
		p.summary(), rfc3339(deadline), p.requester(), p.seen.Rollback.Name, p.seen.Rollback.Namespace)
	if p.remediation.Approval.Requester == strategyv1.RequesterMayApprove {
		message = fmt.Sprintf("%s. Decide until %s: kubectl strategy approve %s -n %s (or deny)",
			p.summary(), rfc3339(deadline), p.seen.Rollback.Name, p.seen.Rollback.Namespace)
	}
	message += p.notOfRemedy()
	if refusal != "" {
		message += ". " + refusal
	}
	if waits := p.refusal(); waits != nil {
		message += ". Approved now it would wait: " + waits.Message
	}
	p.out.Set(strategyv1.ConditionApproved, metav1.ConditionUnknown, strategyv1.ReasonAwaitingApproval, message)
	p.out.Working(strategyv1.ReasonAwaitingApproval, message)
	p.out.Wake(deadline)
}

// approval is the first decision that holds for this plan; else why the newest one does not.
func (p *plan) approval(deadline time.Time) (honoured *facts.Decided, refusal facts.Problem) {
	for one := range decide.Oldest(p.seen.Decided, strategyv1.DecisionApprove) {
		why := decide.Objection(one, decide.NamesPlan(p.next.Plan.Digest, "approve again"), decide.InTime(deadline), p.fourEyes())
		if why != "" {
			refusal.Message = decide.NotHonoured(one, why)
			continue
		}
		identity := p.identity()
		if identity.Problem != nil {
			return nil, *identity.Problem
		}
		if !identity.Enforced {
			return nil, facts.Problem{Reason: strategyv1.ReasonIdentityUnenforced, Message: decide.NotHonoured(one, identity.Message)}
		}
		return &one, facts.Problem{}
	}
	return nil, refusal
}

// fourEyes is the test that a decision is not that of whoever asked for the rollback.
func (p *plan) fourEyes() decide.Test {
	return decide.FourEyes(p.seen.Rollback.Spec.RequestedBy, p.remediation.Approval.Requester)
}

// vouched leaves out the decisions that nobody can vouch for. An approval is bound to its plan, which changes then.
func vouched(status strategyv1.StrategyRollbackStatus, decided []facts.Decided) []facts.Decided {
	if status.VoidedTime == nil {
		return decided
	}
	bound := []strategyv1.DecisionVerdict{strategyv1.DecisionOverride, strategyv1.DecisionRenew, strategyv1.DecisionRestore}
	return slices.DeleteFunc(slices.Clone(decided), func(d facts.Decided) bool {
		return slices.Contains(bound, d.Verdict) && !d.Time.After(status.VoidedTime.Time)
	})
}

// unvouched makes a decision worthless that was seen while identities were not enforced: nobody knows who made it, and
// nobody will when the policies are back.
func (p *plan) unvouched(decided facts.Decided) (why string) {
	if p.next.VoidedTime == nil || decided.Time.After(p.next.VoidedTime.Time) {
		p.next.VoidedTime = &decided.Time
	}
	why = p.identity().Message + ". When the policies are in force, decide again"
	p.notePerDecision(decide.NotHonoured(decided, why))
	return why
}

// notePerDecision tells once why a decision is not honoured.
func (p *plan) notePerDecision(message string) {
	for _, entry := range p.next.Timeline {
		if entry.Event == strategyv1.EventNotHonoured && entry.Message == message {
			return
		}
	}
	p.out.Note(strategyv1.EventNotHonoured, message, "")
}
