package incident

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/lifecycle"
	"tradeops.dev/strategy-operator/internal/pass"
	"tradeops.dev/strategy-operator/internal/rules"
	"tradeops.dev/strategy-operator/internal/subject"
	"tradeops.dev/strategy-operator/internal/timeline"
)

// plan is one pass over an incident.
type plan struct {
	seen     Observed                          // what is decided on; nothing changes it
	out      *pass.Pass                        // what comes out
	next     strategyv1.StrategyIncidentStatus // the status as it will be
	now      time.Time
	spent    uint64          // what rules cost in this pass, together
	given    *rules.Vars     // what rules see of the facts, the same throughout the pass
	unjudged []string        // rules of the lead that cannot be evaluated
	turn     *lifecycle.Turn // whose turn a rule says it is
	needs    Need            // facts that a rule asked for and that were not read
}

// Plan decides one pass, or says which facts it needs for that.
func Plan(o Observed, now time.Time) Decision {
	p := newPlan(o, now)
	for _, record := range records {
		record(p)
	}
	rule := p.decide()
	p.tellRefused()
	if p.started() {
		for _, deadline := range deadlines {
			deadline(p)
		}
	}
	p.answerRest()
	p.next.Level = lifecycle.Level(p.next)
	turn := p.whose()
	p.next.State, p.next.WaitsFor, p.next.DueTime = lifecycle.IncidentPhase(p.next), turn.Who, turn.Due()
	p.settle()
	p.keepSignals()
	if p.isClosed() {
		p.out.AwaitLog() // the last head goes into the status
	}
	if p.needs != 0 {
		return Decision{Needs: p.needs}
	}
	steps, nextAt := p.out.Finish(p.subject(), turn)
	return Decision{Status: p.sparing(), Steps: steps, NextAt: nextAt, Rule: rule}
}

// tellRefused tells what the API server refuses of what this pass asks for.
func (p *plan) tellRefused() {
	if p.isClosed() {
		p.out.TellRefusedOver()
		return
	}
	if p.out.TellRefused() {
		p.turn = nil // whoever was to be next cannot help
	}
}

func newPlan(o Observed, now time.Time) *plan {
	p := &plan{seen: o, now: now, next: *o.Incident.Status.DeepCopy()}
	p.next.ObservedGeneration = o.Incident.Generation
	p.out = pass.New(now, o.Incident.Generation, o.Prefix, o.Log, pass.Status{
		Conditions: &p.next.Conditions, Timeline: &p.next.Timeline, Checks: &p.next.Checks, Running: &p.next.Running, Log: &p.next.Log, Answers: &p.next.Answers,
	})
	p.out.Drill = p.isDrill()
	p.out.Refused(o.Refused)
	p.out.Decisions(o.Incident.Namespace, o.Decided)
	return p
}

// decide names the rule that ended the pass.
func (p *plan) decide() string {
	if !p.isClosed() && !p.isDeleted() {
		if name := pass.First(p, anyPhase); name != "" {
			return name
		}
	}
	return pass.Decide(p, p.phase, procedure)
}

// phase is whose rules apply now.
func (p *plan) phase() phase {
	switch state := lifecycle.IncidentPhase(p.next); {
	case p.isDeleted():
		return deleted
	case state == strategyv1.IncidentClosed:
		return closed
	case state == strategyv1.IncidentMitigation, state == strategyv1.IncidentRecovery:
		return mitigation
	case state == strategyv1.IncidentDiagnosis:
		return diagnosis
	}
	return triage
}

// isDeleted: owner references take the Jobs along; a rollback stays, since deleting an incident must not trade again.
func (p *plan) isDeleted() bool { return !p.seen.Incident.DeletionTimestamp.IsZero() }

func (p *plan) sparing() strategyv1.StrategyIncidentStatus {
	if p.isClosed() || p.next.WaitsFor != strategyv1.WhoMachine {
		return p.next
	}
	return pass.Spare(p.next, p.seen.Incident.Status, func(s *strategyv1.StrategyIncidentStatus) **strategyv1.LogStatus { return &s.Log })
}

func (p *plan) isClosed() bool { return lifecycle.Closed(p.next) }

// started and not closed: people owe it an answer, whether its playbook can be read now or not.
func (p *plan) started() bool {
	return p.next.PlaybookRevision != "" && !p.isClosed() && !p.isDeleted()
}

// running: started, and its playbook can be read. Jobs concern only such an incident.
func (p *plan) running() bool { return p.started() && p.seen.Playbook.Problem == nil }

func (p *plan) isDrill() bool {
	return p.seen.Incident.Spec.Mode == strategyv1.IncidentDrill
}

// turnOf says whose turn it is where the level and the deadlines alone would not; a zero time leaves it to the deadlines.
func (p *plan) turnOf(who strategyv1.Who, until time.Time) {
	if until.IsZero() {
		until = lifecycle.IncidentTurn(p.next).Until
	}
	p.turn = &lifecycle.Turn{Who: who, Until: until}
}

// subject is what each entry of the incident's log says about it, in the scheduler's own terms.
func (p *plan) subject() timeline.Subject {
	spec := p.seen.Incident.Spec
	target := orElse(orElse(spec.Schedule, spec.Strategy), p.seen.Incident.Name)
	tags := []string{"incident"}
	if p.isDrill() {
		tags = append(tags, "drill")
	}
	return timeline.Subject{
		UID: string(p.seen.Incident.UID), Kind: "incident", Severity: string(p.severity()), Tags: tags,
		Artefacts: map[string]string{
			"incident": p.seen.Incident.Namespace + "/" + p.seen.Incident.Name, "type": string(spec.Type),
			"playbook_revision": p.next.PlaybookRevision,
		},
		Metadata: subject.Metadata(target, p.seen.Incident.CreationTimestamp, p.seen.Config.Summary, p.riskProfile()),
	}
}

// began starts the clock of every deadline: when the fault was detected, or the incident was reopened. Both are told by other clocks: one that is
// ahead switches no deadline off: what lies behind the deadline of L1 was not counted from. Its own time says better when it began only then, since a
// playbook that is approved later may give L1 another time.
func (p *plan) began() time.Time {
	began := lifecycle.Detected(p.seen.Incident)
	if p.next.Reopened != nil {
		began = p.next.Reopened.Time.Time
	}
	if deadline := p.deadline(strategyv1.LevelL1); deadline != nil && began.After(deadline.Time.Time) && p.seen.Playbook.Problem == nil {
		counted := deadline.Time.Add(-time.Duration(p.seen.Playbook.Spec.Triage.RespondWithinSeconds) * time.Second)
		return earliest(began, counted)
	}
	return earliest(began, p.now)
}

// earliest of two times. By the clock of others something may have happened only later.
func earliest(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func (p *plan) after(seconds int32) metav1.Time {
	return metav1.NewTime(p.began().Add(time.Duration(seconds) * time.Second).UTC())
}
