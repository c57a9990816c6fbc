package subject

import (
	"cmp"
	"strconv"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/config/botcore"
)

// Alerts are what a rule sees as `incident.alerts`.
func Alerts(alerts []strategyv1.IncidentAlert) []any {
	list := make([]any, len(alerts))
	for i, alert := range alerts {
		list[i] = map[string]any{"name": alert.Name, "state": string(alert.State), "severity": string(alert.Severity), "occurrences": float64(alert.Occurrences)}
	}
	return list
}

// Limits are the budgets of a configuration. One that is no number is left out: a rule that needs it cannot be evaluated.
func Limits(configuration botcore.Summary) map[string]any {
	limits := map[string]any{}
	for _, limit := range configuration.ResourceLimits {
		if value, err := strconv.ParseFloat(limit.Value, 64); err == nil {
			limits[limit.Name] = value
		}
	}
	return limits
}

// Risk is the risk profile of an incident's schedules, else of the environment.
func Risk(configuration botcore.Summary, incident strategyv1.StrategyIncidentSpec) map[string]any {
	name := cmp.Or(RiskProfile(configuration, incident), configuration.RiskProfile)
	for _, profile := range configuration.RiskProfiles {
		if profile.Name != name {
			continue
		}
		if value, err := strconv.ParseFloat(profile.MaxDailyLossPct, 64); err == nil {
			return map[string]any{"profile": name, "max_daily_loss_pct": value}
		}
	}
	return map[string]any{"profile": name}
}

// RiskProfile of an incident's schedule; empty if it names none.
func RiskProfile(configuration botcore.Summary, incident strategyv1.StrategyIncidentSpec) string {
	for _, schedule := range configuration.Schedules {
		if incident.Schedule != "" && schedule.Name == incident.Schedule || incident.Strategy != "" && schedule.Strategy == incident.Strategy {
			return schedule.RiskProfile
		}
	}
	return ""
}
