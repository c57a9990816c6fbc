package rollback

import (
	"fmt"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/bounded"
	"tradeops.dev/strategy-operator/internal/config"
	"tradeops.dev/strategy-operator/internal/facts"
	"tradeops.dev/strategy-operator/internal/lifecycle"
	"tradeops.dev/strategy-operator/internal/record"
)

// maxLead is how long before the end of the time box the restore starts at most, so that its gate and its restart fit in.
const maxLead = 300 * time.Second

// boxEnds says so when the time box is over: the scheduler has ended the mitigation by itself, whether or not the
// operator ran. What has no end in the scheduler's configuration stays in force until it is restored.
func (p *plan) boxEnds() bool {
	until := p.until()
	if until.IsZero() || p.holder() == nil || p.claimed() != strategyv1.ClaimHold {
		return false
	}
	if p.Now.Before(until) {
		p.Wake(until)
		return false
	}
	reason := p.Reason(strategyv1.ConditionInEffect)
	if p.isDrill() || reason == strategyv1.ReasonExpired || !slices.ContainsFunc(p.Rollback.Spec.Actions, endsByItself) {
		return false
	}
	message := fmt.Sprintf("the time box ended at %s: the scheduler trades again by itself. ", rfc3339(until))
	if stays := p.stays(); len(stays) > 0 {
		message += fmt.Sprintf("What has no end in its configuration stays in force until it is restored: %s. ", strings.Join(stays, ", "))
	}
	message += fmt.Sprintf("To hold it back again: %s; to remove the edits: %s", p.renewCommand(), p.restoreCommand())
	p.Note(strategyv1.EventExpired, message, "")
	p.Set(strategyv1.ConditionInEffect, metav1.ConditionFalse, strategyv1.ReasonExpired, message)
	return false
}

// stays are the actions, in words, whose edits do not end by themselves.
func (p *plan) stays() []string {
	var words []string
	for _, wanted := range p.Rollback.Spec.Actions {
		if !endsByItself(wanted) {
			words = append(words, inWords(wanted))
		}
	}
	return words
}

// endsByItself: the edits carry the end of the time box into the scheduler's own configuration.
func endsByItself(wanted strategyv1.RollbackAction) bool {
	return wanted.Type == strategyv1.ActionDisableSchedule || wanted.Type == strategyv1.ActionSetSignalLimit
}

// endTimeBox asks for the gated restore in time for it to be done at the end, once for each time box.
func (p *plan) endTimeBox() bool {
	until := p.until()
	if until.IsZero() {
		return false
	}
	begin := until.Add(-min(maxLead, p.timeBox()/10))
	if p.Now.Before(begin) {
		p.Wake(begin)
		return false
	}
	if asked := p.status.Restore; asked != nil && !asked.RequestedTime.Time.Before(begin.Truncate(time.Second)) {
		return false
	}
	p.request(requestTimeBox, "")
	p.Working(strategyv1.ReasonCheckingRestore, "the time box ends at "+rfc3339(until))
	p.Wake(p.Now)
	return true
}

// renewRequested moves the end of the time box when a person says so: its full length again, counted from the decision.
// The decision names the plan that is in force, and what it agrees to follows from it alone.
func (p *plan) renewRequested() bool {
	if p.claimed() != strategyv1.ClaimHold || !p.holds() || p.until().IsZero() {
		return false
	}
	if asked := p.status.Restore; asked != nil && !lifecycle.Parked(p.status) && (asked.Request != requestTimeBox || p.releasing()) {
		return false // a person's restore goes first, and what is being undone is not renewed
	}
	decided := p.renewal()
	if decided == nil {
		return false
	}
	until := decided.Time.UTC().Add(p.timeBox())
	edits, diff, refusal := p.renewedEdits(until)
	if refusal != "" {
		p.notePerDecision(notHonoured(*decided, refusal))
		return false
	}
	p.status.Plan.Until, p.status.Plan.Renewals = new(metav1.NewTime(until)), p.status.Plan.Renewals+1
	p.revise(edits)
	p.status.Plan.Diff = bounded.Text(diff, maxDiff)
	p.Set(strategyv1.ConditionPlanned, metav1.ConditionTrue, strategyv1.ReasonPlanned, p.summary())
	p.decide(*decided)
	message := because("renewed until "+rfc3339(until), *decided) + "; the scheduler is restarted for it"
	p.Set(strategyv1.ConditionInEffect, metav1.ConditionUnknown, strategyv1.ReasonRenewing, message)
	if p.status.Restore != nil { // a gate that failed, or was being asked at the end of the old time box
		p.status.Restore.Result = strategyv1.RestoreSuperseded
		p.Set(strategyv1.ConditionRestored, metav1.ConditionFalse, strategyv1.ReasonRenewing, message)
	}
	p.Note(strategyv1.EventApproved, message, decided.By)
	return false
}

// renewal is the newest Renew decision for this plan that counts. Why another one does not is told.
func (p *plan) renewal() *facts.Decided {
	for i, decided := range slices.Backward(p.Decided) {
		if decided.Verdict != strategyv1.DecisionRenew || decided.Digest != p.status.Plan.Digest {
			continue
		}
		refusal := p.notRenewed(decided)
		if refusal == "" {
			return &p.Decided[i]
		}
		p.notePerDecision(notHonoured(decided, refusal))
	}
	return nil
}

func (p *plan) notRenewed(decided facts.Decided) string {
	switch {
	case p.fourEyes(decided) != "":
		return p.fourEyes(decided)
	case !p.identity().Enforced:
		return p.unvouched(decided)
	case !p.Now.Before(decided.Time.Add(p.timeBox())):
		return "the time box that it asks for is over already"
	}
	return ""
}

// notePerDecision tells once why a decision is not honoured.
func (p *plan) notePerDecision(message string) {
	for _, entry := range p.status.Timeline {
		if entry.Event == strategyv1.EventNotHonoured && entry.Message == message {
			return
		}
	}
	p.Note(strategyv1.EventNotHonoured, message, "")
}

// renewedEdits are the plan's edits with a new end, or why they cannot be. Anything else that would be different needs a
// plan of its own.
func (p *plan) renewedEdits(until time.Time) (edits []strategyv1.PlannedEdit, diff, refusal string) {
	before, err := record.Without(p.Config.Document, p.Config.State, p.uid())
	if err != nil {
		return nil, "", err.Error()
	}
	draft, err := p.draft(before, until)
	if err != nil {
		return nil, "", err.Error()
	}
	same := slices.EqualFunc(draft.Edits, p.status.Plan.Edits, func(a, b strategyv1.PlannedEdit) bool { return a.Path == b.Path })
	if !same {
		return nil, "", "the configuration has changed so much that other places would be edited; restore this rollback and create another one"
	}
	for i := range draft.Edits {
		draft.Edits[i].From = p.status.Plan.Edits[i].From
	}
	renewed, _, refused := record.Try(p.Config.Document, p.Config.State, record.Claim{
		UID: p.uid(), Name: p.Rollback.Name, Revision: p.status.Plan.Revision + 1, Edits: draft.Edits, Disables: p.status.Plan.Disables,
	}, p.Now)
	if refused != nil {
		return nil, "", refused.Message
	}
	return draft.Edits, config.UnifiedDiff(p.Playbook.Spec.Scheduler.Config.Key, p.Config.Document.String(), renewed.String()), ""
}

// renew claims the renewed edits, after the log says so.
func (p *plan) renew() bool {
	if p.claimed() != strategyv1.ClaimHold || p.status.Config.Revision == p.status.Plan.Revision {
		return false
	}
	p.Working(strategyv1.ReasonRenewing, p.Message(strategyv1.ConditionInEffect))
	if !p.Logged() {
		p.AwaitLog()
		return true
	}
	p.ask(strategyv1.ClaimHold)
	p.Wake(p.Now)
	return true
}

func (p *plan) renewCommand() string {
	return fmt.Sprintf("kubectl strategy renew %s -n %s", p.Rollback.Name, p.Rollback.Namespace)
}
