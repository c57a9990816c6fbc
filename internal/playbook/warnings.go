package playbook

import (
	"fmt"
	"slices"
	"strings"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
)

// Warnings are what may be meant as it stands, but is often a trap; a playbook with warnings is sound.
func Warnings(spec strategyv1.StrategyPlaybookSpec) []string {
	return append(emptyAlls(spec), unseenTypes(spec)...)
}

// emptyAlls are rules in which "all" may hold over nothing. The rules of verdicts look at one report, and often mean just that; a gate with
// checks has them all.
func emptyAlls(spec strategyv1.StrategyPlaybookSpec) (warnings []string) {
	var gated []string
	for _, remediation := range spec.Remediations {
		if remediation.Restore != nil && len(remediation.Restore.Checks) > 0 {
			gated = append(gated, restoreRule(remediation))
		}
	}
	for _, rule := range Rules(spec) {
		listed := strings.ReplaceAll(rule.When, "].all(", "") // of a list that the rule itself writes down
		if strings.Contains(listed, ".all(") && !strings.Contains(rule.When, "size(") && !slices.Contains(rule.sees, "report") && !slices.Contains(gated, rule.Where) {
			warnings = append(warnings, rule.Where+": .all() holds over an empty list, too; ask size(...) > 0 as well")
		}
	}
	return warnings
}

// unseenTypes are the types of incidents that no branch of triage or diagnosis is for, where the playbook has branches at all.
func unseenTypes(spec strategyv1.StrategyPlaybookSpec) []string {
	var unseen []string
	all := strategyv1.IncidentTypes()
	for _, kind := range all {
		if !hasBranch(spec, kind) {
			unseen = append(unseen, string(kind))
		}
	}
	if len(unseen) == 0 || len(unseen) == len(all) {
		return nil
	}
	return []string{fmt.Sprintf("incidents of type %s: no check of triage or diagnosis is for them, and no escalate or cause rule names them; only what is for all types looks at them",
		strings.Join(unseen, ", "))}
}

// hasBranch: a check is for this type, or a rule names it.
func hasBranch(spec strategyv1.StrategyPlaybookSpec, kind strategyv1.IncidentType) bool {
	for _, check := range slices.Concat(spec.Triage.Checks, spec.Diagnosis.Checks) {
		if slices.Contains(check.Types, kind) {
			return true
		}
	}
	names := func(rule string) bool {
		return strings.Contains(rule, "'"+string(kind)+"'") || strings.Contains(rule, `"`+string(kind)+`"`)
	}
	return slices.ContainsFunc(spec.Triage.Escalate, func(r strategyv1.EscalateRule) bool { return names(r.When) }) ||
		slices.ContainsFunc(spec.Diagnosis.Causes, func(c strategyv1.CauseRule) bool { return names(c.When) })
}
