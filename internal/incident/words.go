package incident

import (
	"fmt"
	"strconv"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/rules"
)

// because is a rule with the signals that it was decided on: "signals.cpu > 78.0 (cpu = 81.2 percent)".
func (p *plan) because(rule string) string {
	uses, _ := rules.Uses(p.seen.Incident.Namespace, rule) // a rule that was evaluated compiles
	if used := p.signals().Words(uses["signals"], p.unit); used != "" {
		return fmt.Sprintf("%s (%s)", rule, used)
	}
	return rule
}

func (p *plan) unit(name string) string {
	if p.seen.Playbook.Spec.Signals != nil {
		for _, query := range p.seen.Playbook.Spec.Signals.Queries {
			if query.Name == name && query.Unit != "" {
				return " " + query.Unit
			}
		}
	}
	return ""
}

func decimal(value float64) string { return strconv.FormatFloat(value, 'f', -1, 64) }

func about(spec strategyv1.StrategyIncidentSpec) string {
	switch {
	case spec.Schedule != "":
		return ", schedule " + spec.Schedule
	case spec.Strategy != "":
		return ", strategy " + spec.Strategy
	}
	return ""
}

func commandTo(incident *strategyv1.StrategyIncident, verdict string) string {
	return fmt.Sprintf("kubectl strategy %s %s -n %s", verdict, incident.Name, incident.Namespace)
}

func orElse(text, other string) string {
	if text == "" {
		return other
	}
	return text
}
