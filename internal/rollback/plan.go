package rollback

import (
	"time"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/change"
	"tradeops.dev/strategy-operator/internal/facts"
	"tradeops.dev/strategy-operator/internal/lifecycle"
	"tradeops.dev/strategy-operator/internal/pass"
)

// plan is one pass over a rollback.
type plan struct {
	seen        Observed                          // what is decided on; nothing changes it
	out         *pass.Pass                        // what comes out
	next        strategyv1.StrategyRollbackStatus // the status as it will be
	now         time.Time
	remediation strategyv1.RemediationSpec
	foreign     string         // why the remedy's own approval is not for this change; empty: it is, or there is no remedy
	asks        strategyv1.Who // whose turn a rule says it is
	tried       *tried
	unseenPods  *facts.Problem // the pods were asked for, and could not be read
	unanswered  *facts.Problem // it was asked whether identities are enforced, and there was no answer
	needs       Need           // facts that a rule asked for and that were not read
	spent       uint64         // what rules cost in this pass, together
}

// Plan decides one pass, or says which facts it needs for that.
func Plan(o Observed, now time.Time) Decision {
	p := newPlan(o, now)
	for _, record := range records {
		record(p)
	}
	if !p.hasEnded() {
		for _, deadline := range deadlines {
			deadline(p)
		}
	}
	rule := p.decide()
	if p.hasEnded() {
		p.out.AwaitLog() // the last head goes into the status
	}
	if p.needs != 0 {
		return Decision{Needs: p.needs}
	}
	p.answerRest()
	p.tellRefused()
	turn := p.turn()
	p.next.State, p.next.WaitsFor, p.next.DueTime = lifecycle.RollbackPhase(p.next), turn.Who, turn.Due()
	steps, nextAt := p.out.Finish(p.subject(), turn)
	return Decision{Status: p.sparing(), Steps: steps, NextAt: nextAt, Rule: rule}
}

func newPlan(o Observed, now time.Time) *plan {
	o.Pauses = o.Pauses.OrDefault()
	p := &plan{seen: o, now: now, next: *o.Rollback.Status.DeepCopy()}
	p.remediation, p.foreign = remediationOf(o)
	p.next.ObservedGeneration = o.Rollback.Generation
	p.out = pass.New(now, o.Rollback.Generation, o.Prefix, o.Log, pass.Status{
		Conditions: &p.next.Conditions, Timeline: &p.next.Timeline, Checks: &p.next.Checks, Running: &p.next.Running, Log: &p.next.Log, Answers: &p.next.Answers,
	})
	p.out.Drill = p.isDrill()
	p.out.Refused(o.Refused)
	p.seen.Decided = p.out.Decisions(o.Rollback.Namespace, o.Decided)
	return p
}

// decide names the rule that ended the pass.
func (p *plan) decide() string {
	if !p.hasEnded() && !p.isDeleted() {
		if name := pass.First(p, anyPhase); name != "" {
			return name
		}
	}
	return pass.Decide(p, p.phase, procedure)
}

// phase is whose rules apply now.
func (p *plan) phase() phase {
	switch {
	case p.hasEnded():
		return over
	case p.isDeleted():
		return deleted
	case lifecycle.Restoring(p.next):
		return undone
	case p.claimed() == "":
		return before
	}
	return inForce
}

func (p *plan) isDeleted() bool { return !p.seen.Rollback.DeletionTimestamp.IsZero() }

func (p *plan) sparing() strategyv1.StrategyRollbackStatus {
	if p.hasEnded() || p.next.WaitsFor != strategyv1.WhoMachine {
		return p.next
	}
	return pass.Spare(p.next, p.seen.Rollback.Status, func(s *strategyv1.StrategyRollbackStatus) **strategyv1.LogStatus { return &s.Log })
}

// running: started and not ended. Jobs concern only such a rollback.
func (p *plan) running() bool {
	return p.next.PlaybookRevision != "" && p.seen.Playbook.Problem == nil && !p.hasEnded()
}

// remediationOf is where approval, checks and time box come from. Without one: another person approves, nothing but the
// proof is checked, and nothing is reverted unless somebody asks for it. What the remedy does not mean for the incident has its checks and
// its time box, but not its approval: that was given to something else.
func remediationOf(o Observed) (remediation strategyv1.RemediationSpec, foreign string) {
	spec := o.Rollback.Spec
	for _, remediation := range o.Playbook.Spec.Remediations {
		if remediation.Name != spec.RemediationName {
			continue
		}
		if foreign = change.NotOfRemedy(spec, o.Playbook.Spec.Remediations, o.Incident); foreign == "" {
			return remediation, ""
		}
		strict := remediation.Approval
		strict.Mode, strict.Requester = strategyv1.ApprovalRequired, strategyv1.RequesterDenied
		if remediation.Approval == strict && (o.Incident == nil || foreign == change.NotAsked) {
			foreign = "" // it makes no difference, and nobody takes it for what an incident asks for
		}
		remediation.Approval = strict
		return remediation, foreign
	}
	duration := new(int32(defaultMaxDuration))
	if spec.MaxDurationSeconds != nil {
		duration = spec.MaxDurationSeconds
	}
	return strategyv1.RemediationSpec{
		Approval: strategyv1.ApprovalSpec{
			Mode: strategyv1.ApprovalRequired, TimeoutSeconds: defaultApprovalTimeout, Requester: strategyv1.RequesterDenied,
		},
		OnFailedAfter: strategyv1.FailedAfterKeep, MaxDurationSeconds: duration,
	}, ""
}

// What a rollback without a remediation gets; the same figures are the defaults of a remediation in the API.
const (
	defaultMaxDuration     = 14400
	defaultApprovalTimeout = 900
)
