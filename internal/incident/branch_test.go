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
	optional := func(s *story) { s.Spec.Triage.Checks[1].Need = strategyv1.NeedOptional }
	for name, c := range map[string]struct {
		given func(*story)
		ready string
	}{
		"that passes counts":                            {func(s *story) { optional(s); s.reports(reports{"audit": testkit.OK(), "load": testkit.OK()}) }, "True/FalseAlarm"},
		"that fails counts":                             {func(s *story) { optional(s); s.reports(reports{"audit": testkit.OK(), "load": testkit.Fail()}) }, "False/Triaging"},
		"that could not be measured is left out":        {func(s *story) { optional(s); s.reports(reports{"audit": testkit.OK(), "load": testkit.Broken()}) }, "True/FalseAlarm"},
		"that no rule could judge is not left out":      {func(s *story) { optional(s); s.reports(reports{"audit": testkit.OK(), "load": testkit.Mute()}) }, "False/Triaging"},
		"that is required and not measured is in sight": {func(s *story) { s.reports(reports{"audit": testkit.OK(), "load": testkit.Broken()}) }, "False/Triaging"},
		"without its PodTemplate is left out": {func(s *story) {
			optional(s)
			for i := range s.Spec.Checks {
				if s.Spec.Checks[i].Name == "load" {
					s.Spec.Checks[i].PodTemplateName = "gone"
				}
			}
			s.reports(reports{"audit": testkit.OK()})
		}, "True/FalseAlarm"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			c.given(s)
			s.quiet()
			expect(t, "Ready", s.condition(strategyv1.ConditionReady), c.ready)
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
