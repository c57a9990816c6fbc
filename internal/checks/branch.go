package checks

import (
	"slices"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
)

// Branch is what a stage runs for one incident: the checks that are for its type and severity, and which of them are optional.
func Branch(stage []strategyv1.StageCheck, incident strategyv1.StrategyIncidentSpec) (uses []strategyv1.CheckUse, optional []string) {
	for _, check := range stage {
		if len(check.Types) > 0 && !slices.Contains(check.Types, incident.Type) || len(check.Severities) > 0 && !slices.Contains(check.Severities, incident.Severity) {
			continue
		}
		uses = append(uses, strategyv1.CheckUse{Name: check.Name, Env: check.Env})
		if check.Need == strategyv1.NeedOptional {
			optional = append(optional, check.Name)
		}
	}
	return uses, optional
}
