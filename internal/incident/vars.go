package incident

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/bounded"
	"tradeops.dev/strategy-operator/internal/checks"
	"tradeops.dev/strategy-operator/internal/config/botcore"
	"tradeops.dev/strategy-operator/internal/facts"
	"tradeops.dev/strategy-operator/internal/lifecycle"
	"tradeops.dev/strategy-operator/internal/rules"
	"tradeops.dev/strategy-operator/internal/subject"
)

// variables are what rules see of the facts; built when the first rule of a pass asks.
func (p *plan) variables() rules.Vars {
	if p.given == nil {
		incident := subject.Variables(p.Incident.Name, p.Incident)
		incident["alerts"], incident["alertCount"] = p.alerts(), float64(p.status.AlertCount)
		p.given = &rules.Vars{Incident: incident, Signals: p.signals().Values(), Limits: p.limits(), Risk: p.risk()}
	}
	return *p.given
}

// vars are the variables of the rules of a stage, or of no stage. The level is the one thing that changes within a pass.
func (p *plan) vars(judged []strategyv1.CheckStatus) rules.Vars {
	vars := p.variables()
	vars.Incident, vars.Checks = maps.Clone(vars.Incident), checks.Facts(judged, p.Runs.Outcomes)
	vars.Incident["level"] = string(lifecycle.Level(p.status))
	return vars
}

// verdictVars are the variables of the verdict rules of a check.
func (p *plan) verdictVars(checks.ID) rules.Vars {
	return rules.Vars{Incident: subject.Variables(p.Incident.Name, p.Incident)}
}

func (p *plan) alerts() []any {
	alerts := make([]any, len(p.status.Alerts))
	for i, alert := range p.status.Alerts {
		alerts[i] = map[string]any{"name": alert.Name, "state": string(alert.State), "fingerprint": alert.Fingerprint}
	}
	return alerts
}

// limits are the budgets of the configuration. One that is no number is left out: a rule that needs it cannot be evaluated.
func (p *plan) limits() map[string]any {
	limits := map[string]any{}
	for _, limit := range p.Config.Summary.ResourceLimits {
		if value, err := strconv.ParseFloat(limit.Value, 64); err == nil {
			limits[limit.Name] = value
		}
	}
	return limits
}

// risk is the risk profile of the incident's schedules, else of the environment.
func (p *plan) risk() map[string]any {
	name := orElse(p.riskProfile(), p.Config.Summary.RiskProfile)
	for _, profile := range p.Config.Summary.RiskProfiles {
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
	spec := p.Incident.Spec
	for _, schedule := range p.Config.Summary.Schedules {
		if spec.Schedule != "" && schedule.Name == spec.Schedule || spec.Strategy != "" && schedule.Strategy == spec.Strategy {
			return schedule.RiskProfile
		}
	}
	return ""
}

// schedules concerned, as the configuration has them now.
func (p *plan) schedules() []string {
	if p.Incident.Spec.Schedule != "" {
		return []string{p.Incident.Spec.Schedule}
	}
	if p.Incident.Spec.Strategy != "" {
		return botcore.SchedulesOf(p.Config.Summary, p.Incident.Spec.Strategy)
	}
	return nil
}

func (p *plan) scheduleProblem() *facts.Problem {
	schedules := p.Config.Summary.Schedules
	known := make([]string, len(schedules))
	for i, schedule := range schedules {
		known[i] = schedule.Name
	}
	name := p.Incident.Spec.Schedule
	if name != "" && !slices.Contains(known, name) {
		return &facts.Problem{Reason: strategyv1.ReasonScheduleNotFound, Message: fmt.Sprintf(
			"the configuration has no schedule %q; it has: %s. Delete this incident and create one with a schedule that exists", name, strings.Join(known, ", "))}
	}
	if strategy := p.Incident.Spec.Strategy; strategy != "" && len(botcore.SchedulesOf(p.Config.Summary, strategy)) == 0 {
		return &facts.Problem{Reason: strategyv1.ReasonScheduleNotFound, Message: fmt.Sprintf(
			"no schedule of the configuration uses strategy %q. Delete this incident and create one with a strategy that is used", strategy)}
	}
	return nil
}

// because is a rule with the signals that it was decided on: "signals.cpu > 78.0 (cpu = 81.2 percent)".
func (p *plan) because(rule string) string {
	var used []string
	uses, _ := rules.Uses(rule) // a rule that was evaluated compiles
	for _, name := range uses["signals"] {
		if reading, known := p.signals().Readings[name]; known && reading.Known {
			used = append(used, fmt.Sprintf("%s = %s%s", name, decimal(reading.Value), p.unit(name)))
		}
	}
	if len(used) == 0 {
		return rule
	}
	return fmt.Sprintf("%s (%s)", rule, strings.Join(used, ", "))
}

func (p *plan) unit(name string) string {
	if p.Playbook.Spec.Signals != nil {
		for _, query := range p.Playbook.Spec.Signals.Queries {
			if query.Name == name && query.Unit != "" {
				return " " + query.Unit
			}
		}
	}
	return ""
}

func decimal(value float64) string { return strconv.FormatFloat(value, 'f', -1, 64) }

func because(what string, decided facts.Decided) string {
	message := fmt.Sprintf("%s by %s (StrategyDecision %s)", what, decided.By, decided.Name)
	if decided.Reason != "" {
		message += ": " + decided.Reason
	}
	return message
}

func about(spec strategyv1.StrategyIncidentSpec) string {
	switch {
	case spec.Schedule != "":
		return ", schedule " + spec.Schedule
	case spec.Strategy != "":
		return ", strategy " + spec.Strategy
	}
	return ""
}

func decide(incident *strategyv1.StrategyIncident, verdict string) string {
	return fmt.Sprintf("kubectl strategy %s %s -n %s", verdict, incident.Name, incident.Namespace)
}

func orElse(text, other string) string {
	if text == "" {
		return other
	}
	return text
}

func progressOf(stage checks.Result, all int) string {
	message := fmt.Sprintf("%d of %d checks judged", len(stage.Final)+len(stage.Without), all)
	for _, name := range sorted(stage.Waiting) {
		message += fmt.Sprintf("; %s waits: %s", name, stage.Waiting[name])
	}
	return bounded.Text(message, 1024)
}

func sorted(waiting map[string]string) []string {
	names := make([]string, 0, len(waiting))
	for name := range waiting {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
