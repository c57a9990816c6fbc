package rollback

import (
	"fmt"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/change"
	"tradeops.dev/strategy-operator/internal/config/botcore"
	"tradeops.dev/strategy-operator/internal/lifecycle"
)

// expires ends a rollback that changed nothing when its time is over: the time to approve it, or its time box.
func (p *plan) expires() {
	if p.phase() != before || p.next.Plan == nil || p.seen.Playbook.Problem != nil || p.holder() != nil || p.seen.Rollback.Spec.Mode == strategyv1.ModeDryRun {
		return
	}
	if until := p.until(); !until.IsZero() {
		if !p.now.Before(until) {
			p.expire(fmt.Sprintf("the time box ended at %s, before the change was made; nothing was changed. Create another rollback", rfc3339(until)))
			return
		}
		p.out.Wake(until)
	}
	if p.out.Is(strategyv1.ConditionApproved) || p.remediation.Approval.Mode == strategyv1.ApprovalAutomatic {
		return
	}
	deadline := p.approveBy()
	if p.now.Before(deadline) {
		p.out.Wake(deadline)
		return
	}
	// What was approved in time counts whenever it is seen, and so does that nobody knows who approved.
	if approving, _ := p.approval(deadline); approving == nil && p.out.Reason(strategyv1.ConditionApproved) != strategyv1.ReasonIdentityUnenforced {
		p.refuseApprovals(deadline)
		p.expire(fmt.Sprintf("nobody approved by %s; nothing was changed. Create another rollback to ask again", rfc3339(deadline)))
	}
}

// expire ends a rollback that changed nothing.
func (p *plan) expire(message string) {
	p.end(strategyv1.EndApprovalExpired)
	p.out.Set(strategyv1.ConditionApproved, metav1.ConditionFalse, strategyv1.ReasonApprovalExpired, message)
	p.out.Note(strategyv1.EventExpired, message, "")
	p.out.Stall(strategyv1.ReasonApprovalExpired, message)
}

// boxEnds says so when the time box is over: the scheduler has ended the mitigation by itself, whether or not the
// operator ran. What has no end in the scheduler's configuration stays in force until it is restored.
func (p *plan) boxEnds() {
	until := p.until()
	// Whoever cannot read it now, the scheduler had it. What is being undone counts until it is known that it was.
	held := p.claimed() == strategyv1.ClaimHold || p.claimed() == strategyv1.ClaimRelease && p.out.Is(strategyv1.ConditionInEffect)
	if until.IsZero() || !held || !lifecycle.Changed(p.next) {
		return
	}
	if p.now.Before(until) {
		p.out.Wake(until)
		return
	}
	if p.isDrill() || p.expired() || !p.endsByItself(until) {
		return
	}
	message := fmt.Sprintf("the time box ended at %s: the scheduler trades again by itself. ", rfc3339(until))
	if stays := p.stays(); len(stays) > 0 {
		message += fmt.Sprintf("What has no end in its configuration stays in force until it is restored: %s. ", strings.Join(stays, ", "))
	}
	message += fmt.Sprintf("To hold it back again: %s; to remove the edits: %s", p.renewCommand(), p.restoreCommand())
	p.out.Note(strategyv1.EventExpired, message, "")
	p.out.Set(strategyv1.ConditionInEffect, metav1.ConditionFalse, strategyv1.ReasonExpired, message)
}

// stays are the actions, in words, whose edits do not end by themselves.
func (p *plan) stays() []string {
	var words []string
	for _, wanted := range p.seen.Rollback.Spec.Actions {
		if !mayEnd(wanted) {
			words = append(words, change.Words(wanted))
		}
	}
	return words
}

// mayEnd: such edits carry the end of the time box into the scheduler's own configuration.
func mayEnd(wanted strategyv1.RollbackAction) bool {
	return wanted.Type == strategyv1.ActionDisableSchedule || wanted.Type == strategyv1.ActionSetSignalLimit
}

// endsByItself says whether some edit has the end of the time box in it. Where somebody holds a schedule back for longer there is none.
func (p *plan) endsByItself(until time.Time) bool {
	end := botcore.TimeText(until)
	return slices.ContainsFunc(p.next.Plan.Edits, func(edit strategyv1.PlannedEdit) bool { return strings.Contains(edit.To, end) })
}

// maxLead is how long before the end of the time box the restore starts at most, so that its gate and its restart fit in.
const maxLead = 300 * time.Second

// restoreDue asks for the gated restore in time for it to be done at the end, once for each time box. Somebody who asks for it as well
// goes first, and while the playbook is on hold nothing is restored.
func (p *plan) restoreDue() {
	until := p.until()
	if until.IsZero() || p.phase() != inForce || p.out.Held() || p.out.Reason(strategyv1.ConditionInEffect) == "" || p.newRestore() != nil {
		return
	}
	begin := until.Add(-min(maxLead, p.timeBox()/10))
	if p.now.Before(begin) {
		p.out.Wake(begin)
		return
	}
	if asked := p.next.Restore; asked != nil && !asked.RequestedTime.Time.Before(begin.Truncate(time.Second)) {
		return
	}
	p.request(requestTimeBox, "")
}

// until is pinned at the first plan: an approval is for a moment in time, not for a duration.
func (p *plan) until() time.Time {
	if p.next.Plan != nil {
		if p.next.Plan.Until == nil {
			return time.Time{}
		}
		return p.next.Plan.Until.UTC()
	}
	if p.timeBox() == 0 {
		return time.Time{}
	}
	return p.out.Stamp().Add(p.timeBox())
}

// timeBox is its full length, 0 without one.
func (p *plan) timeBox() time.Duration {
	if p.remediation.MaxDurationSeconds == nil {
		return 0
	}
	return time.Duration(*p.remediation.MaxDurationSeconds) * time.Second
}

// approveBy is when the time to approve the newest revision ends.
func (p *plan) approveBy() time.Time {
	return p.next.Plan.RevisionTime.Add(time.Duration(p.remediation.Approval.TimeoutSeconds) * time.Second)
}
