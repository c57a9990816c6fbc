package incident

import (
	"cmp"
	"fmt"
	"slices"

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
	if problem := p.noProcedure(); problem != nil {
		return problem
	}
	if p.begun() {
		return nil
	}
	if p.seen.Config.Problem != nil {
		return p.seen.Config.Problem
	}
	return p.scheduleProblem()
}

// noProcedure is why nobody knows what to do, or could log what is done.
func (p *plan) noProcedure() *facts.Problem { return cmp.Or(p.noPlaybook(), p.seen.Log.Problem) }

// noPlaybook is why nobody knows what to do, whom to call, and by when.
func (p *plan) noPlaybook() *facts.Problem { return cmp.Or(p.seen.NotServed, p.seen.Playbook.Problem) }

// begun: something was done already, on a configuration that was as it should be.
func (p *plan) begun() bool {
	return len(p.next.Checks)+len(p.seen.Runs.Jobs) > 0 || p.next.Cause != nil
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
			"the configuration has no schedule %q; it has: %s. Report it again with a schedule that exists, and %s", name, names(known), commandTo(p.seen.Incident, "resolve"))}
	}
	if strategy := p.seen.Incident.Spec.Strategy; strategy != "" && len(botcore.SchedulesOf(p.seen.Config.Summary, strategy)) == 0 {
		return &facts.Problem{Reason: strategyv1.ReasonScheduleNotFound, Message: fmt.Sprintf(
			"no schedule of the configuration uses strategy %q. Report it again with a strategy that is used, and %s", strategy, commandTo(p.seen.Incident, "resolve"))}
	}
	return nil
}
