package incident

import (
	"fmt"
	"slices"
	"strings"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/config/botcore"
	"tradeops.dev/strategy-operator/internal/facts"
	"tradeops.dev/strategy-operator/internal/pass"
)

func (p *plan) badInput() pass.Outcome {
	problem := p.problem()
	if problem == nil {
		return pass.GoOn
	}
	p.out.Blocked(*problem)
	return pass.Ends
}

// problem is the first thing that is wrong with the input, in the order in which one would fix it.
func (p *plan) problem() *facts.Problem {
	for _, candidate := range []*facts.Problem{p.seen.NotServed, p.seen.Playbook.Problem, p.seen.Log.Problem} {
		if candidate != nil {
			return candidate
		}
	}
	if p.next.PlaybookRevision == "" {
		if p.seen.Config.Problem != nil {
			return p.seen.Config.Problem
		}
		return p.scheduleProblem()
	}
	return nil
}

func (p *plan) scheduleProblem() *facts.Problem {
	schedules := p.seen.Config.Summary.Schedules
	known := make([]string, len(schedules))
	for i, schedule := range schedules {
		known[i] = schedule.Name
	}
	name := p.seen.Incident.Spec.Schedule
	if name != "" && !slices.Contains(known, name) {
		return &facts.Problem{Reason: strategyv1.ReasonScheduleNotFound, Message: fmt.Sprintf(
			"the configuration has no schedule %q; it has: %s. Delete this incident and create one with a schedule that exists", name, strings.Join(known, ", "))}
	}
	if strategy := p.seen.Incident.Spec.Strategy; strategy != "" && len(botcore.SchedulesOf(p.seen.Config.Summary, strategy)) == 0 {
		return &facts.Problem{Reason: strategyv1.ReasonScheduleNotFound, Message: fmt.Sprintf(
			"no schedule of the configuration uses strategy %q. Delete this incident and create one with a strategy that is used", strategy)}
	}
	return nil
}
