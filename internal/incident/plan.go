package incident

import (
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/checks"
	"tradeops.dev/strategy-operator/internal/facts"
	"tradeops.dev/strategy-operator/internal/pass"
	"tradeops.dev/strategy-operator/internal/timeline"
)

// progress are the rules of the procedure; the first that applies ends the pass.
var progress = []func(*plan) bool{
	(*plan).deleted,
	(*plan).closed,
	(*plan).badInput,
	(*plan).start,
	(*plan).decidedByPerson,
	(*plan).triage,
	(*plan).diagnose,
	(*plan).remediate,
	(*plan).mitigate,
}

// deadlines are the rules of time; every due one fires.
var deadlines = []func(*plan){
	(*plan).breaches,
}

// plan is one pass: the observed facts and the decision as it grows.
type plan struct {
	Observed
	*pass.Pass
	status strategyv1.StrategyIncidentStatus
}

// Plan decides one pass.
func Plan(o Observed, now time.Time) Decision {
	p := &plan{Observed: o, status: *o.Incident.Status.DeepCopy()}
	p.status.ObservedGeneration = o.Incident.Generation
	p.Pass = pass.New(now, o.Incident.Generation, o.Prefix, o.Log, pass.Status{
		Conditions: &p.status.Conditions, Timeline: &p.status.Timeline, Checks: &p.status.Checks, Log: &p.status.Log,
	})
	if p.running() {
		p.Collect(checks.Collect(p.Playbook.Spec.Checks, p.status.Checks, p.Runs.Jobs, p.varsOf))
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
	if p.isClosed() {
		p.AwaitLog() // the last head goes into the status
	}
	actions, nextAt := p.Finish(p.subject())
	return Decision{Status: p.sparing(), Actions: actions, NextAt: nextAt}
}

// running: started and not closed. Deadlines and Jobs concern only such an incident.
func (p *plan) running() bool {
	return p.status.PlaybookRevision != "" && p.Playbook.Problem == nil && !p.isClosed() && p.Incident.DeletionTimestamp.IsZero()
}

func (p *plan) isClosed() bool {
	return p.Is(strategyv1.ConditionReady)
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

// subject is what each entry of the incident's log says about it, in the scheduler's own terms.
func (p *plan) subject() timeline.Subject {
	spec := p.Incident.Spec
	target := spec.Schedule
	if target == "" {
		target = spec.Strategy
	}
	if target == "" {
		target = p.Incident.Name
	}
	return timeline.Subject{
		UID: string(p.Incident.UID), Kind: "incident", Severity: string(spec.Severity), Tags: []string{"incident"},
		Artefacts: map[string]string{
			"incident": p.Incident.Namespace + "/" + p.Incident.Name, "type": string(spec.Type),
			"playbook_revision": p.status.PlaybookRevision,
		},
		Metadata: map[string]string{
			"schedule_run_id":    fmt.Sprintf("%s:%s", target, p.Incident.CreationTimestamp.UTC().Format(time.RFC3339)),
			"primary_exchange":   p.Config.Summary.Exchange,
			"risk_budget_bucket": p.bucket(),
		},
	}
}

// bucket is the risk profile of the incident's schedule.
func (p *plan) bucket() string {
	for _, schedule := range p.Config.Summary.Schedules {
		if schedule.Name == p.Incident.Spec.Schedule || schedule.Strategy == p.Incident.Spec.Strategy {
			return schedule.RiskProfile
		}
	}
	return "unknown"
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
