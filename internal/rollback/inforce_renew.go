package rollback

import (
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/bounded"
	"tradeops.dev/strategy-operator/internal/change"
	"tradeops.dev/strategy-operator/internal/config"
	"tradeops.dev/strategy-operator/internal/decide"
	"tradeops.dev/strategy-operator/internal/facts"
	"tradeops.dev/strategy-operator/internal/lifecycle"
	"tradeops.dev/strategy-operator/internal/pass"
	"tradeops.dev/strategy-operator/internal/record"
)

// renewRequested moves the end of the time box when an approver says so: its full length again, counted from the decision.
// The decision names the plan that is in force, and what it agrees to follows from it alone.
func (p *plan) renewRequested() {
	if !p.renewable() {
		return
	}
	decided := p.renewal()
	if decided == nil {
		return
	}
	until := decided.Time.UTC().Add(p.timeBox())
	if now := p.out.Stamp(); decided.Time.After(now.Time) { // a clock that is ahead makes no time box longer
		until = now.Add(p.timeBox())
	}
	edits, diff, refusal := p.renewedEdits(until)
	if refusal != "" {
		p.out.Refuse(*decided, refusal)
		return
	}
	p.next.Plan.Until, p.next.Plan.Renewals = new(metav1.NewTime(until)), p.next.Plan.Renewals+1
	p.revise(edits)
	p.next.Plan.Diff = bounded.Text(diff, change.MaxDiff)
	p.out.Set(strategyv1.ConditionPlanned, metav1.ConditionTrue, strategyv1.ReasonPlanned, p.summary())
	p.next.Decision = decide.Reference(*decided)
	message := decide.Because("renewed until "+rfc3339(until), *decided) + "; the scheduler is restarted for it"
	p.out.Set(strategyv1.ConditionInEffect, metav1.ConditionUnknown, strategyv1.ReasonRenewing, message)
	if p.next.Restore != nil { // a gate that failed, or was being asked at the end of the old time box
		p.next.Restore.Result = strategyv1.RestoreSuperseded
		p.out.Set(strategyv1.ConditionRestored, metav1.ConditionFalse, strategyv1.ReasonRenewing, message)
	}
	p.out.Note(strategyv1.EventApproved, message, decided.By)
	p.out.Honour(*decided)
}

// renewable: what is in force has an end, and nothing stands against moving it. Somebody's restore goes first, and what is being undone is not
// renewed.
func (p *plan) renewable() bool {
	if p.claimed() != strategyv1.ClaimHold || !p.written() || p.until().IsZero() || p.out.Held() || p.isDeleted() || p.problem() != nil || p.newRestore() != nil {
		return false
	}
	asked := p.next.Restore
	return asked == nil || lifecycle.Parked(p.next) || (asked.Request == requestTimeBox && !p.releasing())
}

// renewal is the newest Renew decision for this plan that counts. Why another one does not is told.
func (p *plan) renewal() *facts.Decided {
	for one := range decide.Newest(p.out.Unanswered(), strategyv1.DecisionRenew) {
		if one.Digest != p.next.Plan.Digest {
			continue
		}
		refusal := decide.Objection(one, p.fourEyes(), p.vouchedFor, p.boxAhead)
		if refusal == "" {
			return &one
		}
		if p.unanswered != nil { // it may count yet
			return nil
		}
		p.out.Refuse(one, refusal)
	}
	return nil
}

// boxAhead is the test that the time box that a renewal asks for is not over already.
func (p *plan) boxAhead(decided facts.Decided) string {
	if p.now.Before(decided.Time.Add(p.timeBox())) {
		return ""
	}
	return "the time box that it asks for is over already"
}

// renewedEdits are the plan's edits with a new end, or why they cannot be. Anything else that would be different needs a
// plan of its own.
func (p *plan) renewedEdits(until time.Time) (edits []strategyv1.PlannedEdit, diff, refusal string) {
	before, err := record.Without(p.seen.Config.Document, p.seen.Config.State, p.uid())
	if err != nil {
		return nil, "", err.Error()
	}
	draft, err := p.draft(before, until)
	if err != nil {
		return nil, "", err.Error()
	}
	same := slices.EqualFunc(draft.Edits, p.next.Plan.Edits, func(a, b strategyv1.PlannedEdit) bool { return a.Path == b.Path })
	if !same {
		return nil, "", "the configuration has changed so much that other places would be edited; restore this rollback and create another one"
	}
	for i := range draft.Edits {
		draft.Edits[i].From = p.next.Plan.Edits[i].From
	}
	renewed, _, refused := record.Try(p.seen.Config.Document, p.seen.Config.State, record.Claim{
		UID: p.uid(), Name: p.seen.Rollback.Name, Revision: p.next.Plan.Revision + 1, Edits: draft.Edits, Disables: p.next.Plan.Disables,
	}, p.now)
	if refused != nil {
		return nil, "", refused.Message
	}
	return draft.Edits, config.UnifiedDiff(p.seen.Playbook.Spec.Scheduler.Config.Key, p.seen.Config.Document.String(), renewed.String()), ""
}

// renew claims the renewed edits, after the log says so.
func (p *plan) renew() pass.Outcome {
	if p.next.Config.Revision == p.next.Plan.Revision {
		return pass.GoOn
	}
	p.out.Working(strategyv1.ReasonRenewing, p.out.Message(strategyv1.ConditionInEffect))
	if !p.out.Logged() {
		p.out.AwaitLog()
		return pass.Ends
	}
	p.ask(strategyv1.ClaimHold)
	p.out.Wake(p.now)
	return pass.Ends
}
