package incident

import (
	"maps"
	"strconv"

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
		incident["alerts"], incident["alertCount"] = p.alerts(), float64(p.next.AlertCount)
		incident["severity"] = string(p.severity())
		p.given = &rules.Vars{Incident: incident, Signals: p.signals().Values(), Limits: p.limits(), Risk: p.risk()}
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
	return rules.Vars{Incident: subject.Variables(p.seen.Incident.Name, p.seen.Incident)}
}

func (p *plan) alerts() []any {
	alerts := make([]any, len(p.next.Alerts))
	for i, alert := range p.next.Alerts {
		alerts[i] = map[string]any{"name": alert.Name, "state": string(alert.State), "fingerprint": alert.Fingerprint}
	}
	return alerts
}

// limits are the budgets of the configuration. One that is no number is left out: a rule that needs it cannot be evaluated.
func (p *plan) limits() map[string]any {
	limits := map[string]any{}
	for _, limit := range p.seen.Config.Summary.ResourceLimits {
		if value, err := strconv.ParseFloat(limit.Value, 64); err == nil {
			limits[limit.Name] = value
		}
	}
	return limits
}

// risk is the risk profile of the incident's schedules, else of the environment.
func (p *plan) risk() map[string]any {
	name := orElse(p.riskProfile(), p.seen.Config.Summary.RiskProfile)
	for _, profile := range p.seen.Config.Summary.RiskProfiles {
		if profile.Name != name {
			continue
		}
		if value, err := strconv.ParseFloat(profile.MaxDailyLossPct, 64); err == nil {
			return map[string]any{"profile": name, "max_daily_loss_pct": value}
		}
	}
	return map[string]any{"profile": name}
}

// riskProfile of the incident's schedule; empty if it names none.
func (p *plan) riskProfile() string {
	spec := p.seen.Incident.Spec
	for _, schedule := range p.seen.Config.Summary.Schedules {
		if spec.Schedule != "" && schedule.Name == spec.Schedule || spec.Strategy != "" && schedule.Strategy == spec.Strategy {
			return schedule.RiskProfile
		}
	}
	return ""
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
