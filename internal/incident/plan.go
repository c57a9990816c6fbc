package incident

import (
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/checks"
	"tradeops.dev/strategy-operator/internal/facts"
	"tradeops.dev/strategy-operator/internal/lifecycle"
	"tradeops.dev/strategy-operator/internal/pass"
	"tradeops.dev/strategy-operator/internal/rules"
	"tradeops.dev/strategy-operator/internal/subject"
	"tradeops.dev/strategy-operator/internal/timeline"
)

// progress are the rules of the procedure; the first that applies ends the pass.
var progress = []func(*plan) bool{
	(*plan).deleted,
	(*plan).closed,
	(*plan).badInput,
	(*plan).start,
	(*plan).decidedByPerson,
	(*plan).duplicate,
	(*plan).triage,
	(*plan).diagnose,
	(*plan).followParent,
	(*plan).remediate,
	(*plan).mitigate,
}

// deadlines are the rules of time and of signals; every due one fires.
var deadlines = []func(*plan){
	(*plan).breaches,
	(*plan).handOver,
	(*plan).callLead,
	(*plan).watchSignals,
}

// plan is one pass: the observed facts and the decision as it grows.
type plan struct {
	Observed
	*pass.Pass
	status   strategyv1.StrategyIncidentStatus
	given    *rules.Vars     // what rules see of the facts, the same throughout the pass
	unjudged []string        // rules of the lead that cannot be evaluated
	turn     *lifecycle.Turn // whose turn a rule says it is
	needs    Need            // facts that a rule asked for and that were not read
}

// Plan decides one pass, or says which facts it needs for that.
func Plan(o Observed, now time.Time) Decision {
	p := &plan{Observed: o, status: *o.Incident.Status.DeepCopy()}
	p.status.ObservedGeneration = o.Incident.Generation
	p.Pass = pass.New(now, o.Incident.Generation, o.Prefix, o.Log, pass.Status{
		Conditions: &p.status.Conditions, Timeline: &p.status.Timeline, Checks: &p.status.Checks, Log: &p.status.Log,
	})
	if p.running() {
		p.holdBack()
		p.acknowledged()
		p.trackQuiet()
		p.Collect(checks.Collect(p.Playbook.Spec.Checks, p.status.Checks, p.Runs.Jobs, p.verdictVars))
	}
	for _, rule := range progress {
		if rule(p) {
			break
		}
	}
	if p.running() {
		for _, rule := range deadlines {
			rule(p)
		}
	}
	p.status.Level = lifecycle.Level(p.status)
	turn := lifecycle.IncidentTurn(p.status)
	if p.turn != nil && !p.isClosed() {
		turn = *p.turn
	}
	p.status.State, p.status.WaitsFor, p.status.DueTime = lifecycle.IncidentPhase(p.status), turn.Who, turn.Due()
	p.keepSignals()
	if p.isClosed() {
		p.AwaitLog() // the last head goes into the status
	}
	if p.needs != 0 {
		return Decision{Needs: p.needs}
	}
	actions, nextAt := p.Finish(p.subject(), turn)
	return Decision{Status: p.sparing(), Actions: actions, NextAt: nextAt}
}

// running: started and not closed. Deadlines and Jobs concern only such an incident.
func (p *plan) running() bool {
	return p.status.PlaybookRevision != "" && p.Playbook.Problem == nil && !p.isClosed() && p.Incident.DeletionTimestamp.IsZero()
}

func (p *plan) isClosed() bool { return lifecycle.Closed(p.status) }

// turnOf says whose turn it is where the level and the deadlines alone would not; a zero time leaves it to the deadlines.
func (p *plan) turnOf(who strategyv1.Who, until time.Time) {
	if until.IsZero() {
		until = lifecycle.IncidentTurn(p.status).Until
	}
	p.turn = &lifecycle.Turn{Who: who, Until: until}
}

func (p *plan) isDrill() bool {
	return p.Incident.Spec.Mode == strategyv1.IncidentDrill
}

// deleted: owner references take the Jobs along; a rollback stays, since deleting an incident must not re-enable trading.
func (p *plan) deleted() bool {
	return !p.Incident.DeletionTimestamp.IsZero()
}

// closed: only Jobs that are still there are removed.
func (p *plan) closed() bool {
	if !p.isClosed() {
		return false
	}
	p.DeleteJobs(p.Runs.Jobs)
	if p.LogHead.Problem != nil {
		p.Wake(p.Now.Add(pass.Recheck)) // the last entry is not lost when the key is gone for a while
	}
	return true
}

func (p *plan) badInput() bool {
	problem := p.problem()
	if problem == nil {
		return false
	}
	p.Blocked(*problem)
	return true
}

// problem is the first thing that is wrong with the input, in the order in which a person would mend it.
func (p *plan) problem() *facts.Problem {
	for _, candidate := range []*facts.Problem{p.NotServed, p.Playbook.Problem, p.Log.Problem} {
		if candidate != nil {
			return candidate
		}
	}
	if p.status.PlaybookRevision == "" {
		if p.Config.Problem != nil {
			return p.Config.Problem
		}
		return p.scheduleProblem()
	}
	return nil
}

// start freezes the playbook and fixes the deadlines, once.
func (p *plan) start() bool {
	if p.status.PlaybookRevision != "" {
		return false
	}
	p.status.PlaybookRevision = p.Playbook.Revision
	p.status.Dashboards = p.Playbook.Spec.Dashboards
	p.status.Deadlines = []strategyv1.Deadline{
		{Level: strategyv1.LevelL1, Time: p.after(p.Playbook.Spec.Triage.RespondWithinSeconds)},
		{Level: strategyv1.LevelL2, Time: p.after(p.Playbook.Spec.Diagnosis.RespondWithinSeconds)},
	}
	p.StartLog()
	spec := p.Incident.Spec
	kind := "incident"
	if p.isDrill() {
		kind = "drill"
	}
	p.Note(strategyv1.EventIncident, fmt.Sprintf("%s %s, severity %s%s, reported by %s: %s",
		spec.Type, kind, spec.Severity, about(spec), orElse(spec.RequestedBy, "unknown"), orElse(spec.Summary, "no summary")), spec.RequestedBy)
	p.Set(strategyv1.ConditionTriaged, metav1.ConditionUnknown, strategyv1.ReasonTriaging, "the triage checks have not been judged yet")
	p.Set(strategyv1.ConditionSLAMet, metav1.ConditionUnknown, strategyv1.ReasonWithinLimits, "no deadline has passed")
	if p.isDrill() {
		p.Set(strategyv1.ConditionSLAMet, metav1.ConditionUnknown, strategyv1.ReasonDrill, "an exercise: a late answer is no breach")
	}
	p.call(strategyv1.LevelL1)
	p.holdBack()
	return false
}

// holdBack: a suspended incident, or one of a suspended playbook, starts nothing new.
func (p *plan) holdBack() {
	name, namespace := p.Incident.Spec.PlaybookName, p.Incident.Namespace
	switch {
	case p.Playbook.Suspended:
		p.Hold(strategyv1.ReasonPlaybookSuspended, fmt.Sprintf(
			"StrategyPlaybook %s is suspended: no Job and no change is started. To go on: kubectl strategy resume playbook/%s -n %s", name, name, namespace))
	case p.Incident.Spec.Suspend:
		p.Hold(strategyv1.ReasonIncidentSuspended, fmt.Sprintf(
			"the incident is suspended: it starts no Job and asks for no remedy. To go on: kubectl strategy resume incident/%s -n %s", p.Incident.Name, namespace))
	default:
		p.Resume()
	}
}

// sparing leaves the log's head as it was when nothing else changed: it goes with the next change, or at the end.
func (p *plan) sparing() strategyv1.StrategyIncidentStatus {
	spared := p.status
	if !p.isClosed() && p.Incident.Status.Log != nil {
		spared.Log = p.Incident.Status.Log
	}
	if equality.Semantic.DeepEqual(spared, p.Incident.Status) {
		return spared
	}
	return p.status
}

// detected starts the clock of every deadline.
func (p *plan) detected() time.Time {
	if p.Incident.Spec.DetectedTime != nil {
		return p.Incident.Spec.DetectedTime.Time
	}
	return p.Incident.CreationTimestamp.Time
}

func (p *plan) after(seconds int32) metav1.Time {
	return metav1.NewTime(p.detected().Add(time.Duration(seconds) * time.Second).UTC())
}

// subject is what each entry of the incident's log says about it, in the scheduler's own terms.
func (p *plan) subject() timeline.Subject {
	spec := p.Incident.Spec
	target := orElse(orElse(spec.Schedule, spec.Strategy), p.Incident.Name)
	tags := []string{"incident"}
	if p.isDrill() {
		tags = append(tags, "drill")
	}
	return timeline.Subject{
		UID: string(p.Incident.UID), Kind: "incident", Severity: string(spec.Severity), Tags: tags,
		Artefacts: map[string]string{
			"incident": p.Incident.Namespace + "/" + p.Incident.Name, "type": string(spec.Type),
			"playbook_revision": p.status.PlaybookRevision,
		},
		Metadata: subject.Metadata(target, p.Incident.CreationTimestamp, p.Config.Summary, p.riskProfile()),
	}
}
