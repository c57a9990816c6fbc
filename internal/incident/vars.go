package incident

import (
	"maps"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/checks"
	"tradeops.dev/strategy-operator/internal/config/botcore"
	"tradeops.dev/strategy-operator/internal/lifecycle"
	"tradeops.dev/strategy-operator/internal/rules"
	"tradeops.dev/strategy-operator/internal/subject"
)

// variables are what rules see of the facts; built when the first rule of a pass asks.
func (p *plan) variables() rules.Vars {
	if p.given == nil {
		incident := subject.Variables(p.seen.Incident.Name, p.seen.Incident)
		incident["alerts"], incident["alertCount"] = subject.Alerts(p.next.Alerts), float64(p.next.AlertCount)
		incident["severity"] = string(p.severity())
		p.given = &rules.Vars{Owner: p.seen.Incident.Namespace, Spent: &p.spent, Incident: incident, Signals: p.signals().Values(), Limits: subject.Limits(p.seen.Config.Summary), Risk: subject.Risk(p.seen.Config.Summary, p.seen.Incident.Spec)}
	}
	return *p.given
}

// vars are the variables of the rules of a stage, or of no stage. The level is the one thing that changes within a pass.
func (p *plan) vars(judged []strategyv1.CheckStatus) rules.Vars {
	vars := p.variables()
	vars.Incident, vars.Checks = maps.Clone(vars.Incident), checks.Facts(judged, p.seen.Runs.Outcomes)
	vars.Incident["level"] = string(lifecycle.Level(p.next))
	return vars
}

// verdictVars are the variables of the verdict rules of a check.
func (p *plan) verdictVars(checks.ID) rules.Vars {
	return rules.Vars{Owner: p.seen.Incident.Namespace, Spent: &p.spent, Incident: subject.Variables(p.seen.Incident.Name, p.seen.Incident)}
}

// riskProfile of the incident's schedule; empty if it names none.
func (p *plan) riskProfile() string {
	return subject.RiskProfile(p.seen.Config.Summary, p.seen.Incident.Spec)
}

// schedules concerned, as the configuration has them now.
func (p *plan) schedules() []string {
	if p.seen.Incident.Spec.Schedule != "" {
		return []string{p.seen.Incident.Spec.Schedule}
	}
	if p.seen.Incident.Spec.Strategy != "" {
		return botcore.SchedulesOf(p.seen.Config.Summary, p.seen.Incident.Spec.Strategy)
	}
	return nil
}
