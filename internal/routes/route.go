package routes

import (
	"cmp"
	"strings"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/bounded"
)

// maxName is how long the name of a schedule or strategy may be, as the API has it.
const maxName = 128

// Found is what a route makes of an alert.
type Found struct {
	Route    string // its name
	Action   strategyv1.AlertAction
	Type     strategyv1.IncidentType
	Severity strategyv1.Severity
	Schedule string // empty, as Strategy: all schedules of the scheduler
	Strategy string
	NoTarget string // why the alert names no schedule or strategy though the route asks for one; empty: it does, or need not
}

// Find is what the first route that matches makes of an alert with these labels; false: none does.
func (t *Table) Find(alert map[string]strategyv1.AlertText) (Found, bool) {
	if t == nil {
		return Found{}, false
	}
	for _, one := range t.routes {
		if one.matches(alert) {
			return one.found(alert), true
		}
	}
	return Found{}, false
}

// matches: a label that is absent is empty, as in Alertmanager.
func (r route) matches(alert map[string]strategyv1.AlertText) bool {
	for _, matcher := range r.matchers {
		if !matcher.Matches(string(alert[matcher.Name])) {
			return false
		}
	}
	return true
}

func (r route) found(alert map[string]strategyv1.AlertText) Found {
	found := Found{Route: r.Name, Action: cmp.Or(r.Action, strategyv1.AlertActionIncident)}
	if found.Action != strategyv1.AlertActionIncident {
		return found
	}
	found.Type, found.Severity = r.Type, cmp.Or(r.Severity, severityOf(string(alert["severity"])))
	if target := r.Target; target != nil {
		found.Schedule, found.Strategy = target.Schedule, target.Strategy
		switch {
		case target.ScheduleLabel != "":
			found.Schedule, found.NoTarget = nameOf(*target, target.ScheduleLabel, alert)
		case target.StrategyLabel != "":
			found.Strategy, found.NoTarget = nameOf(*target, target.StrategyLabel, alert)
		}
	}
	return found
}

// nameOf is the name that a label of the alert stands for, or why there is none.
func nameOf(target strategyv1.AlertTarget, label string, alert map[string]strategyv1.AlertText) (name, none string) {
	value := string(alert[label])
	for _, known := range target.Values {
		if known.Value == value {
			return known.Name, ""
		}
	}
	switch {
	case value == "":
		return "", "it has no label " + label
	case len(value) > maxName || bounded.Line(value, maxName) != value:
		return "", "its label " + label + " is no name"
	}
	return value, ""
}

// severityOf is what people write into the label severity. What is none of these words is no reason to take a fault lightly, nor to wake everybody.
func severityOf(label string) strategyv1.Severity {
	switch strings.ToLower(label) {
	case "critical", "error", "page", "emergency", "fatal":
		return strategyv1.SeverityCritical
	case "info", "information", "informational", "none", "notice":
		return strategyv1.SeverityInfo
	}
	return strategyv1.SeverityWarning
}

// Name is the rule of an alert, for people.
func Name(alert map[string]strategyv1.AlertText) string {
	return cmp.Or(bounded.Line(string(alert["alertname"]), 253), "alert without a name")
}

// Summary is what an alert says for people.
func Summary(spec strategyv1.StrategyAlertSpec) string {
	text := cmp.Or(string(spec.Annotations["summary"]), string(spec.Annotations["description"]))
	if text == "" && spec.Labels["alertname"] != "" {
		text = "alert " + Name(spec.Labels)
	}
	return bounded.Line(cmp.Or(text, Name(spec.Labels)), maxSummary)
}

// maxSummary is how long the summary of an incident may be.
const maxSummary = 512
