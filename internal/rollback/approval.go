package rollback

import (
	"fmt"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/bounded"
	"tradeops.dev/strategy-operator/internal/conditions"
	"tradeops.dev/strategy-operator/internal/config/botcore"
	"tradeops.dev/strategy-operator/internal/facts"
	"tradeops.dev/strategy-operator/internal/pass"
)

// deleted: the configuration stays as it is, since deleting a rollback must not re-enable trading. The scheduler itself
// ends the mitigation at the end of the time box.
func (p *plan) deleted() bool {
	return !p.Rollback.DeletionTimestamp.IsZero()
}

// ended: only Jobs that are still there are removed.
func (p *plan) ended() bool {
	if !p.hasEnded() {
		return false
	}
	p.DeleteJobs(p.Runs.Jobs)
	if p.LogHead.Problem != nil {
		p.Wake(p.Now.Add(pass.Recheck)) // the last entry is not lost when the key is gone for a while
	}
	return true
}

func (p *plan) hasEnded() bool {
	approval := p.Reason(strategyv1.ConditionApproved)
	return p.Is(strategyv1.ConditionRestored) || approval == strategyv1.ReasonDenied || approval == strategyv1.ReasonApprovalExpired
}

func (p *plan) badInput() bool {
	problem := p.problem()
	if problem == nil {
		return false
	}
	p.BadInput(problem.Reason, problem.Message)
	return true
}

func (p *plan) problem() *facts.Problem {
	for _, candidate := range []*facts.Problem{p.NotServed, p.Playbook.Problem, p.Log.Problem, p.Config.Problem} {
		if candidate != nil {
			return candidate
		}
	}
	spec := p.Rollback.Spec
	if spec.RemediationName != "" && p.remediation.Name == "" {
		return &facts.Problem{Reason: strategyv1.ReasonRemediationNotFound, Message: fmt.Sprintf(
			"playbook %s has no remediation %q; create another rollback with one that exists", spec.PlaybookName, spec.RemediationName)}
	}
	if p.Deployment == nil && p.claimed() == "" {
		return &facts.Problem{Reason: strategyv1.ReasonDeploymentNotFound, Message: fmt.Sprintf(
			"Deployment %s does not exist in namespace %s, so a change could not come into effect", p.Playbook.Spec.Scheduler.Rollout.DeploymentName, p.Rollback.Namespace)}
	}
	return nil
}

// start freezes the playbook.
func (p *plan) start() bool {
	if p.status.PlaybookRevision == "" {
		p.status.PlaybookRevision = p.Playbook.Revision
		p.StartLog()
	}
	return false
}

// planEdits computes the plan again in every pass until the edits are claimed, so that what is approved is what the
// document needs now.
func (p *plan) planEdits() bool {
	if p.claimed() != "" {
		return false
	}
	until := p.until()
	scheduler := p.Playbook.Spec.Scheduler
	draft, err := NewDraft([]byte(p.Config.Content), botcore.Target{Scheduler: scheduler.Name, Environment: scheduler.Environment},
		scheduler.Config.Key, p.Rollback.Name, p.Rollback.Spec, until)
	if err != nil {
		return p.cannotPlan(strategyv1.ReasonEditRefused, err.Error())
	}
	if problem := heldByOther(p.Config, string(p.Rollback.UID), draft.Edits); problem != nil {
		return p.cannotPlan(problem.Reason, problem.Message)
	}
	switch {
	case p.status.Plan == nil:
		p.status.Plan = &strategyv1.RollbackPlan{PlannedTime: p.Stamp()}
		if !until.IsZero() {
			p.status.Plan.Until = new(metav1.NewTime(until))
		}
		p.revise(draft.Edits)
		p.Note("rollback_requested", fmt.Sprintf("asked for by %s: %s", p.requester(), p.summary()), p.Rollback.Spec.RequestedBy)
	case !equality.Semantic.DeepEqual(p.status.Plan.Edits, draft.Edits):
		p.void("the configuration was changed at an edited path")
		p.revise(draft.Edits)
	}
	p.status.Plan.Diff = bounded.Text(draft.Diff, maxDiff)
	p.Set(strategyv1.ConditionPlanned, metav1.ConditionTrue, strategyv1.ReasonPlanned, p.summary())
	return false
}

// cannotPlan voids an approval: what was approved is not possible any more.
func (p *plan) cannotPlan(reason, message string) bool {
	if p.status.Plan != nil && p.Is(strategyv1.ConditionApproved) {
		p.void(message)
		p.revise(p.status.Plan.Edits)
	}
	p.Set(strategyv1.ConditionPlanned, metav1.ConditionFalse, reason, message)
	p.BadInput(reason, message+". Nothing was changed; mend the configuration or create another rollback")
	return true
}

// revise makes every earlier approval worthless.
func (p *plan) revise(edits []strategyv1.PlannedEdit) {
	p.status.Plan.Revision++
	p.status.Plan.RevisionTime = p.Stamp()
	p.status.Plan.Edits = edits
	p.status.Plan.Digest = digest(string(p.Rollback.UID), p.status.Plan.Revision, edits)
}

func (p *plan) void(why string) {
	if p.Is(strategyv1.ConditionApproved) {
		p.Note("approval_voided", why, "")
	}
	p.status.Decision = nil
	p.Set(strategyv1.ConditionApproved, metav1.ConditionFalse, strategyv1.ReasonPlanChanged, why)
	p.Set(strategyv1.ConditionApplied, metav1.ConditionFalse, strategyv1.ReasonPlanned, "nothing was changed")
}

// until is pinned at the first plan: an approval is for a moment in time, not for a duration.
func (p *plan) until() time.Time {
	if p.status.Plan != nil {
		if p.status.Plan.Until == nil {
			return time.Time{}
		}
		return p.status.Plan.Until.UTC()
	}
	if p.remediation.MaxDurationSeconds == nil || *p.remediation.MaxDurationSeconds == 0 {
		return time.Time{}
	}
	return p.Stamp().Add(time.Duration(*p.remediation.MaxDurationSeconds) * time.Second)
}

// approve waits for a decision on exactly this plan.
func (p *plan) approve() bool {
	if p.claimed() != "" {
		return false
	}
	if denied := p.newest(strategyv1.DecisionDeny); denied != nil {
		p.decide(*denied)
		p.Set(strategyv1.ConditionApproved, metav1.ConditionFalse, strategyv1.ReasonDenied, because("denied", *denied))
		p.Note("denied", because("denied", *denied), denied.By)
		p.Stall(strategyv1.ReasonDenied, because("denied", *denied)+". Nothing was changed")
		return true
	}
	if p.Is(strategyv1.ConditionApproved) {
		return false
	}
	if p.remediation.Approval.Mode == strategyv1.ApprovalAutomatic {
		p.Set(strategyv1.ConditionApproved, metav1.ConditionTrue, strategyv1.ReasonAutomatic, "the playbook asks for no approval")
		p.Note("approved", "automatically, as the playbook says", "")
		return false
	}
	deadline := p.status.Plan.RevisionTime.Add(time.Duration(p.remediation.Approval.TimeoutSeconds) * time.Second)
	if p.Reason(strategyv1.ConditionApproved) == strategyv1.ReasonIdentityUnenforced && !p.Identity.Enforced {
		p.BadInput(strategyv1.ReasonIdentityUnenforced, p.Message(strategyv1.ConditionApproved))
		return true
	}
	honoured, refusal := p.approval(deadline)
	if honoured != nil {
		p.decide(*honoured)
		p.Set(strategyv1.ConditionApproved, metav1.ConditionTrue, strategyv1.ReasonApproved, because("approved", *honoured))
		p.Note("approved", because("approved", *honoured), honoured.By)
		return false
	}
	if refusal.Reason == strategyv1.ReasonIdentityUnenforced {
		// Nobody knows who made this decision, and nobody will when the policies are back: it never counts.
		message := refusal.Message + ". When the policies are in force, approve again"
		p.Note("approval_voided", message, "")
		p.revise(p.status.Plan.Edits)
		p.Set(strategyv1.ConditionApproved, metav1.ConditionFalse, refusal.Reason, message)
		p.BadInput(refusal.Reason, message)
		return true
	}
	if !p.Now.Before(deadline) {
		p.expireApproval(fmt.Sprintf("nobody approved by %s; nothing was changed. Create another rollback to ask again", deadline.UTC().Format(time.RFC3339)))
		return true
	}
	p.awaitApproval(deadline, refusal.Message)
	return true
}

// expireApproval ends a rollback that changed nothing.
func (p *plan) expireApproval(message string) {
	p.Set(strategyv1.ConditionApproved, metav1.ConditionFalse, strategyv1.ReasonApprovalExpired, message)
	p.Note("expired", message, "")
	p.Stall(strategyv1.ReasonApprovalExpired, message)
}

func (p *plan) awaitApproval(deadline time.Time, refusal string) {
	message := fmt.Sprintf("%s. Until %s someone other than %s may decide: kubectl strategy approve %s -n %s (or deny)",
		p.summary(), deadline.UTC().Format(time.RFC3339), p.requester(), p.Rollback.Name, p.Rollback.Namespace)
	if p.remediation.Approval.Requester == strategyv1.RequesterMayApprove {
		message = fmt.Sprintf("%s. Decide until %s: kubectl strategy approve %s -n %s (or deny)",
			p.summary(), deadline.UTC().Format(time.RFC3339), p.Rollback.Name, p.Rollback.Namespace)
	}
	if refusal != "" {
		message += ". " + refusal
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
		case p.Rollback.Spec.RequestedBy == "":
			refusal.Message = notHonoured(decided, "nobody knows who asked for the rollback: its requestedBy was not stamped. Install the admission policies and create another rollback")
		case p.remediation.Approval.Requester != strategyv1.RequesterMayApprove && decided.By == p.Rollback.Spec.RequestedBy:
			refusal.Message = notHonoured(decided, "whoever asked for a change may not approve it (four eyes)")
		case !p.Identity.Enforced:
			return nil, facts.Problem{Reason: strategyv1.ReasonIdentityUnenforced, Message: notHonoured(decided, p.Identity.Message)}
		default:
			return &p.Decided[i], facts.Problem{}
		}
	}
	return nil, refusal
}

// NeedsIdentity says whether a decision is there that is honoured only if identities are enforced.
func NeedsIdentity(rollback *strategyv1.StrategyRollback, decided []facts.Decided) bool {
	status := rollback.Status
	if conditions.True(status.Conditions, strategyv1.ConditionRestored) {
		return false
	}
	stalled := conditions.Reason(status.Conditions, strategyv1.ConditionApproved) == strategyv1.ReasonIdentityUnenforced
	if stalled || newRestore(status.Restore, decided) != nil {
		return true
	}
	waiting := status.Plan != nil && !conditions.True(status.Conditions, strategyv1.ConditionApproved)
	return waiting && slices.ContainsFunc(decided, func(d facts.Decided) bool {
		return d.Verdict == strategyv1.DecisionApprove && d.Digest == status.Plan.Digest
	})
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

func (p *plan) requester() string {
	if p.Rollback.Spec.RequestedBy == "" {
		return "an unknown requester"
	}
	return p.Rollback.Spec.RequestedBy
}

// summary is the change in a sentence.
func (p *plan) summary() string {
	text := ""
	for i, wanted := range p.Rollback.Spec.Actions {
		if i > 0 {
			text += ", "
		}
		switch wanted.Type {
		case strategyv1.ActionDisableSchedule:
			text += "disable schedule " + wanted.Schedule
		case strategyv1.ActionSetAllocation:
			text += fmt.Sprintf("set allocation %s/%s to %s", wanted.RiskProfile, wanted.Bucket, wanted.Allocation)
		}
	}
	if p.status.Plan != nil && p.status.Plan.Until != nil {
		text += " until " + p.status.Plan.Until.UTC().Format(time.RFC3339)
	}
	return text
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
