package incident_test

import (
	"strings"
	"testing"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/testkit"
)

// Each type and severity has its own branch, as data.
func TestBranches(t *testing.T) {
	for name, c := range map[string]struct {
		kind     strategyv1.IncidentType
		severity strategyv1.Severity
		jobs     string
	}{
		"PnL, critical":         {"PnL", "Critical", "Triage/audit/1 Triage/load/1"},
		"Latency, critical":     {"Latency", "Critical", "Triage/load/1 Triage/smoke/1"},
		"Latency, for the info": {"Latency", "Info", "Triage/load/1"},
		"Risk, warning":         {"Risk", "Warning", "Triage/load/1"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			s.incident.Spec.Type, s.incident.Spec.Severity = c.kind, c.severity
			s.Spec.Triage.Checks = []strategyv1.StageCheck{
				{Name: "audit", Types: []strategyv1.IncidentType{"PnL", "Compliance"}},
				{Name: "load"},
				{Name: "smoke", Types: []strategyv1.IncidentType{"Latency"}, Severities: []strategyv1.Severity{"Warning", "Critical"}},
			}
			s.quiet()
			expect(t, "Jobs", strings.Join(s.Jobs(), " "), c.jobs)
		})
	}
}

func TestAnOptionalCheck(t *testing.T) {
	// With the check in sight the rule holds or not; where it is left out, the rule cannot be evaluated.
	looks := strategyv1.EscalateRule{Name: "load", When: "checks.filter(c, c.name == 'load')[0].verdict == 'Pass'"}
	optional := func(s *story) { s.Spec.Triage.Checks[1].Need = strategyv1.NeedOptional }
	for name, c := range map[string]struct {
		given     func(*story)
		escalated string
	}{
		"that passes counts":                            {func(s *story) { optional(s); s.reports(reports{"audit": testkit.OK(), "load": testkit.OK()}) }, "True/RuleHeld"},
		"that fails counts":                             {func(s *story) { optional(s); s.reports(reports{"audit": testkit.OK(), "load": testkit.Fail()}) }, ""},
		"that could not be measured is left out":        {func(s *story) { optional(s); s.reports(reports{"audit": testkit.OK(), "load": testkit.Broken()}) }, "True/RuleErrored"},
		"that no rule could judge is not left out":      {func(s *story) { optional(s); s.reports(reports{"audit": testkit.OK(), "load": testkit.Mute()}) }, ""},
		"that is required and not measured is in sight": {func(s *story) { s.reports(reports{"audit": testkit.OK(), "load": testkit.Broken()}) }, ""},
		"without its PodTemplate is left out": {func(s *story) {
			optional(s)
			for i := range s.Spec.Checks {
				if s.Spec.Checks[i].Name == "load" {
					s.Spec.Checks[i].PodTemplateName = "gone"
				}
			}
			s.reports(reports{"audit": testkit.OK()})
		}, "True/RuleErrored"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			s.Spec.Triage.Escalate = []strategyv1.EscalateRule{looks}
			c.given(s)
			s.quiet()
			expect(t, "Escalated", s.condition(strategyv1.ConditionEscalated), c.escalated)
		})
	}
}

func TestAnOptionalCheckIsRetriedBeforeItIsLeftOut(t *testing.T) {
	s := newStory(t)
	s.Spec.Triage.Checks[1].Need = strategyv1.NeedOptional
	s.reports(reports{"audit": testkit.OK(), "load": testkit.Broken()})
	s.quiet()
	if attempts := s.Created; len(attempts) != 3 { // audit, load, and load again
		t.Errorf("Jobs: %v", attempts)
	}
}
