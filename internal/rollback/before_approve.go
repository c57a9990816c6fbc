package rollback

import (
	"fmt"
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
	p.refuseApprovals(deadline)
	approving, refusal := p.approval(deadline)
	if approving != nil && refusal.Reason == "" {
		message := decide.Because("approved", *approving)
		p.next.Decision = decide.Reference(*approving)
		p.out.Set(strategyv1.ConditionApproved, metav1.ConditionTrue, strategyv1.ReasonApproved, message)
		p.out.Note(strategyv1.EventApproved, message, approving.By)
		p.out.Honour(*approving)
		return pass.GoOn
	}
	if refusal.Reason == strategyv1.ReasonIdentityUnenforced {
		// Nobody knows who made this decision, and nobody will when the policies are back: it never counts.
		why := refusal.Message + ". When the policies are in force, approve again"
		message := decide.NotHonoured(*approving, why)
		p.out.Void(*approving, why)
		p.revise(p.next.Plan.Edits)
		p.out.Set(strategyv1.ConditionApproved, metav1.ConditionFalse, refusal.Reason, message)
		p.out.BadInput(refusal.Reason, message)
		return pass.Ends
	}
	if refusal.Reason != "" { // somebody approved, and nobody can be asked who: it is asked again, whenever the time is over
		p.out.Blocked(refusal)
		return pass.Ends
	}
	p.awaitApproval(deadline, p.out.LastRefusal())
	return pass.Ends
}

func (p *plan) awaitApproval(deadline time.Time, refusal string) {
	message := fmt.Sprintf("%s. Until %s someone other than %s may decide: kubectl strategy approve %s -n %s (or deny)",
		p.summary(), rfc3339(deadline), p.requester(), p.seen.Rollback.Name, p.seen.Rollback.Namespace)
	if p.remediation.Approval.Requester == strategyv1.RequesterMayApprove {
		message = fmt.Sprintf("%s. Decide until %s: kubectl strategy approve %s -n %s (or deny)",
			p.summary(), rfc3339(deadline), p.seen.Rollback.Name, p.seen.Rollback.Namespace)
	}
	message += p.notOfRemedy() + p.unknownRequester() + p.untold()
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

// untold says that nobody hears of this by a notification: those are sent for incidents.
func (p *plan) untold() string {
	if p.seen.Playbook.Spec.Notifications == nil || p.seen.Rollback.Spec.IncidentName != "" {
		return ""
	}
	return ". No notification is sent for a rollback without an incident, so tell somebody who may approve it"
}

// approval is the first decision that counts for this plan; refusal says why it cannot be honoured now.
func (p *plan) approval(deadline time.Time) (approving *facts.Decided, refusal facts.Problem) {
	for one := range decide.Oldest(p.out.Unanswered(), strategyv1.DecisionApprove) {
		if p.notApproved(one, deadline) != "" {
			continue
		}
		identity := p.identity()
		if identity.Problem != nil {
			return &one, *identity.Problem
		}
		if why := identity.Doubt(one); why != "" {
			return &one, facts.Problem{Reason: strategyv1.ReasonIdentityUnenforced, Message: why}
		}
		return &one, facts.Problem{}
	}
	return nil, facts.Problem{}
}

func (p *plan) notApproved(decided facts.Decided, deadline time.Time) (why string) {
	return decide.Objection(decided, decide.NamesPlan(p.next.Plan.Digest, "approve again"), decide.InTime(deadline, p.now), p.fourEyes())
}

// refuseApprovals answers those that cannot count.
func (p *plan) refuseApprovals(deadline time.Time) {
	for one := range decide.Oldest(p.out.Unanswered(), strategyv1.DecisionApprove) {
		if why := p.notApproved(one, deadline); why != "" {
			p.out.Refuse(one, why)
		}
	}
}

// fourEyes is the test that a decision is not that of whoever asked for the rollback.
func (p *plan) fourEyes() decide.Test {
	return decide.FourEyes(p.seen.Rollback.Spec.RequestedBy, p.remediation.Approval.Requester)
}

// unvouched makes a decision worthless that was seen while identities were not enforced: nobody knows who made it, and
// nobody will when the policies are back.
func (p *plan) unvouched(decided facts.Decided, why string) {
	if p.next.VoidedTime == nil || decided.Time.After(p.next.VoidedTime.Time) {
		p.next.VoidedTime = &decided.Time
	}
	p.out.Void(decided, why)
}
