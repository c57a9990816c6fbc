package checks

import (
	"slices"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
)

// Branch is what a stage runs for an incident of this type: the checks that are for any of the severities, and which of them are optional.
func Branch(stage []strategyv1.StageCheck, kind strategyv1.IncidentType, severities ...strategyv1.Severity) (uses []strategyv1.CheckUse, optional []string) {
	for _, check := range stage {
		ofType := len(check.Types) == 0 || slices.Contains(check.Types, kind)
		ofSeverity := len(check.Severities) == 0 || slices.ContainsFunc(severities, func(counts strategyv1.Severity) bool { return slices.Contains(check.Severities, counts) })
		if !ofType || !ofSeverity {
			continue
		}
		uses = append(uses, strategyv1.CheckUse{Name: check.Name, Env: check.Env})
		if check.Need == strategyv1.NeedOptional {
			optional = append(optional, check.Name)
		}
	}
	return uses, optional
}
