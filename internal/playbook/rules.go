package playbook

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/rules"
)

// Rule is one rule of a playbook.
type Rule struct {
	Where string   // for people, e.g. "check load-test, verdict 2"
	When  string   // the CEL expression
	sees  []string // the variables that such a rule is given
}

// What the kinds of rules are given. A rule that uses something else would never see anything in it.
var (
	ofMatches  = []string{"report"}
	ofVerdicts = []string{"report", "exitCode", "before", "incident", "rollback"}
	ofStages   = []string{"incident", "checks", "signals", "limits", "risk"}
	ofLevels   = []string{"incident", "signals", "limits", "risk"}
	ofRestores = []string{"checks", "rollback"}
)

// Rules are all rules of a playbook, in its order.
func Rules(spec strategyv1.StrategyPlaybookSpec) []Rule {
	var all []Rule
	add := func(where, when string, sees []string) {
		if when != "" {
			all = append(all, Rule{Where: where, When: when, sees: sees})
		}
	}
	for _, check := range spec.Checks {
		add(matchRule(check), check.ReportMatch, ofMatches)
		for i, verdict := range check.Verdicts {
			add(verdictRule(check, i), verdict.When, ofVerdicts)
		}
	}
	if spec.Triage.FalseAlarm != nil {
		add("triage.falseAlarm", spec.Triage.FalseAlarm.When, ofStages)
	}
	for _, rule := range spec.Triage.Escalate {
		add("escalate rule "+rule.Name, rule.When, ofStages)
	}
	for _, cause := range spec.Diagnosis.Causes {
		add("cause "+cause.Name, cause.When, ofStages)
	}
	for _, remediation := range spec.Remediations {
		if remediation.Restore != nil {
			add(restoreRule(remediation), remediation.Restore.When, ofRestores)
		}
	}
	if spec.Escalation != nil {
		for _, level := range spec.Escalation.Levels {
			for _, rule := range level.Rules {
				add(fmt.Sprintf("rule %s of level %s", rule.Name, level.Name), rule.When, ofLevels)
			}
		}
	}
	if spec.Recovery != nil {
		add("recovery.quiet", spec.Recovery.Quiet, ofLevels)
	}
	return all
}

func restoreRule(remediation strategyv1.RemediationSpec) string {
	return "remediation " + remediation.Name + " (restore)"
}

func matchRule(check strategyv1.CheckSpec) string {
	return fmt.Sprintf("check %s, reportMatch", check.Name)
}

func verdictRule(check strategyv1.CheckSpec, i int) string {
	return fmt.Sprintf("check %s, verdict %d", check.Name, i+1)
}

// brokenRules are rules that do not compile, that use what they are never given, or a signal that nobody samples.
func brokenRules(owner string, spec strategyv1.StrategyPlaybookSpec) []string {
	var sampled []string
	if spec.Signals != nil {
		for _, query := range spec.Signals.Queries {
			sampled = append(sampled, query.Name)
		}
	}
	var broken []string
	for _, rule := range Rules(spec) {
		uses, err := rules.Uses(owner, rule.When)
		if err != nil {
			broken = append(broken, fmt.Sprintf("%s: %v", rule.Where, err))
			continue
		}
		for _, variable := range slices.Sorted(maps.Keys(uses)) {
			if !slices.Contains(rule.sees, variable) {
				broken = append(broken, fmt.Sprintf("%s: it uses %s, which is never there in such a rule; it may use %s%s",
					rule.Where, variable, strings.Join(rule.sees, ", "), why(rule, variable)))
			}
		}
		if !slices.Contains(rule.sees, "signals") {
			continue
		}
		for _, name := range uses["signals"] {
			if !slices.Contains(sampled, name) {
				broken = append(broken, fmt.Sprintf("%s: it uses signals.%s, which is not in spec.signals.queries (%s)", rule.Where, name, orNone(sampled)))
			}
		}
	}
	return broken
}

// why not: what is known at one moment only must not change a verdict that may be judged again later.
func why(rule Rule, variable string) string {
	if slices.Contains(rule.sees, "report") && slices.Contains([]string{"signals", "limits", "risk"}, variable) {
		return ". A verdict is judged from the stored report alone; compare with " + variable + " in a rule of the triage or the diagnosis"
	}
	return ""
}

func orNone(names []string) string {
	if len(names) == 0 {
		return "it has none"
	}
	return "it has: " + strings.Join(names, ", ")
}
