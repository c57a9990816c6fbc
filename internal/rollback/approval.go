package rollback

import (
	"fmt"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/facts"
)

// approve waits for a decision on exactly this plan.
func (p *plan) approve() bool {
	if p.claimed() != "" {
		return false
	}
	if denied := p.newest(strategyv1.DecisionDeny); denied != nil {
		p.decide(*denied)
		p.end(strategyv1.EndDenied)
		p.Set(strategyv1.ConditionApproved, metav1.ConditionFalse, strategyv1.ReasonDenied, because("denied", *denied))
		p.Note(strategyv1.EventDenied, because("denied", *denied), denied.By)
		p.Stall(strategyv1.ReasonDenied, because("denied", *denied)+". Nothing was changed")
		return true
	}
	if p.Is(strategyv1.ConditionApproved) {
		return false
	}
	if p.remediation.Approval.Mode == strategyv1.ApprovalAutomatic {
		p.Set(strategyv1.ConditionApproved, metav1.ConditionTrue, strategyv1.ReasonAutomatic, "the playbook asks for no approval")
		p.Note(strategyv1.EventApproved, "automatically, as the playbook says", "")
		return false
	}
	deadline := p.approveBy()
	if p.Reason(strategyv1.ConditionApproved) == strategyv1.ReasonIdentityUnenforced && !p.identity().Enforced {
		p.BadInput(strategyv1.ReasonIdentityUnenforced, p.Message(strategyv1.ConditionApproved))
		return true
	}
	honoured, refusal := p.approval(deadline)
	if honoured != nil {
		p.decide(*honoured)
		p.Set(strategyv1.ConditionApproved, metav1.ConditionTrue, strategyv1.ReasonApproved, because("approved", *honoured))
		p.Note(strategyv1.EventApproved, because("approved", *honoured), honoured.By)
		return false
	}
	if refusal.Reason == strategyv1.ReasonIdentityUnenforced {
		// Nobody knows who made this decision, and nobody will when the policies are back: it never counts.
		message := refusal.Message + ". When the policies are in force, approve again"
		p.Note(strategyv1.EventApprovalVoided, message, "")
		p.revise(p.status.Plan.Edits)
		p.Set(strategyv1.ConditionApproved, metav1.ConditionFalse, refusal.Reason, message)
		p.BadInput(refusal.Reason, message)
		return true
	}
	if !p.Now.Before(deadline) {
		p.expireApproval(fmt.Sprintf("nobody approved by %s; nothing was changed. Create another rollback to ask again", rfc3339(deadline)))
		return true
	}
	p.awaitApproval(deadline, refusal.Message)
	return true
}

// approveBy is when the time to approve the newest revision ends.
func (p *plan) approveBy() time.Time {
	return p.status.Plan.RevisionTime.Add(time.Duration(p.remediation.Approval.TimeoutSeconds) * time.Second)
}

// expireApproval ends a rollback that changed nothing.
func (p *plan) expireApproval(message string) {
	p.end(strategyv1.EndApprovalExpired)
	p.Set(strategyv1.ConditionApproved, metav1.ConditionFalse, strategyv1.ReasonApprovalExpired, message)
	p.Note(strategyv1.EventExpired, message, "")
	p.Stall(strategyv1.ReasonApprovalExpired, message)
}

func (p *plan) awaitApproval(deadline time.Time, refusal string) {
	message := fmt.Sprintf("%s. Until %s someone other than %s may decide: kubectl strategy approve %s -n %s (or deny)",
		p.summary(), rfc3339(deadline), p.requester(), p.Rollback.Name, p.Rollback.Namespace)
	if p.remediation.Approval.Requester == strategyv1.RequesterMayApprove {
		message = fmt.Sprintf("%s. Decide until %s: kubectl strategy approve %s -n %s (or deny)",
			p.summary(), rfc3339(deadline), p.Rollback.Name, p.Rollback.Namespace)
	}
	if refusal != "" {
		message += ". " + refusal
	}
	if waits := p.refusal(); waits != nil {
		message += ". Approved now it would wait: " + waits.Message
	}
	p.Set(strategyv1.ConditionApproved, metav1.ConditionUnknown, strategyv1.ReasonAwaitingApproval, message)
	p.Working(strategyv1.ReasonAwaitingApproval, message)
	p.Wake(deadline)
}

// approval is the first decision that holds for this plan; else why the newest one does not.
func (p *plan) approval(deadline time.Time) (*facts.Decided, facts.Problem) {
	var refusal facts.Problem
	for i, decided := range p.Decided {
		if decided.Verdict != strategyv1.DecisionApprove {
			continue
		}
		switch {
		case decided.Digest != p.status.Plan.Digest:
			refusal.Message = notHonoured(decided, "it names another plan; look at status.plan and approve again")
		case decided.Time.After(deadline):
			refusal.Message = notHonoured(decided, "it came too late")
		case p.fourEyes(decided) != "":
			refusal.Message = notHonoured(decided, p.fourEyes(decided))
		case !p.identity().Enforced:
			return nil, facts.Problem{Reason: strategyv1.ReasonIdentityUnenforced, Message: notHonoured(decided, p.identity().Message)}
		default:
			return &p.Decided[i], facts.Problem{}
		}
	}
	return nil, refusal
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
	if p.status.VoidedTime == nil || decided.Time.After(p.status.VoidedTime.Time) {
		p.status.VoidedTime = &decided.Time
	}
	why = p.identity().Message + ". When the policies are in force, decide again"
	p.notePerDecision(notHonoured(decided, why))
	return why
}

func (p *plan) newest(verdict strategyv1.DecisionVerdict) *facts.Decided {
	for i, decided := range slices.Backward(p.Decided) {
		if decided.Verdict == verdict {
			return &p.Decided[i]
		}
	}
	return nil
}

func (p *plan) decide(decided facts.Decided) {
	p.status.Decision = &strategyv1.DecisionReference{Name: decided.Name, Verdict: decided.Verdict, By: decided.By, Time: decided.Time}
}

func because(what string, decided facts.Decided) string {
	message := fmt.Sprintf("%s by %s (StrategyDecision %s)", what, decided.By, decided.Name)
	if decided.Reason != "" {
		message += ": " + decided.Reason
	}
	return message
}

func notHonoured(decided facts.Decided, why string) string {
	return fmt.Sprintf("StrategyDecision %s by %s is not honoured: %s", decided.Name, decided.By, why)
}

func rfc3339(at time.Time) string {
	return at.UTC().Format(time.RFC3339)
}
