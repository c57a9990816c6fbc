package incident_test

import (
	"strings"
	"testing"
	"time"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/decide"
	"tradeops.dev/strategy-operator/internal/testkit"
)

const intake = "system:serviceaccount:monitoring:intake"

// TestARuleNeverOverrulesAPerson: what people reported or acknowledged it only proposes as a false alarm, and where something was not
// measured it does not even do that.
func TestARuleNeverOverrulesAPerson(t *testing.T) {
	well := reports{"audit": testkit.OK(), "load": testkit.OK()}
	anyone := func(s *story) { s.Spec.Triage.FalseAlarm.ReportedBy = strategyv1.ReportedByAnyone }
	by := func(who string) func(*story) { return func(s *story) { s.incident.Spec.RequestedBy = who } }
	onIt := func(s *story) { s.decides(strategyv1.DecisionAcknowledge, "alice", 0) }
	broken := reports{"audit": testkit.OK(), "load": testkit.Broken()}
	for name, c := range map[string]struct {
		given   []func(*story)
		reports reports
		ready   string
	}{
		"an alert":                                 {[]func(*story){by(intake)}, well, "True/FalseAlarm"},
		"an alert, by a machine that has a name":   {[]func(*story){by("alertmanager")}, well, "True/FalseAlarm"},
		"a person reported it":                     {nil, well, "False/LooksLikeFalseAlarm"},
		"nobody knows who reported it":             {[]func(*story){by("")}, well, "False/LooksLikeFalseAlarm"},
		"a person reported it, and the rule may":   {[]func(*story){anyone}, well, "True/FalseAlarm"},
		"an alert, and a person is on it":          {[]func(*story){by(intake), onIt}, well, "False/LooksLikeFalseAlarm"},
		"a person is on it, whatever the rule may": {[]func(*story){anyone, onIt}, well, "False/LooksLikeFalseAlarm"},
		"a check that could not be measured": {[]func(*story){by(intake), func(s *story) {
			s.Spec.Triage.FalseAlarm.When = "true"
		}}, broken, "False/Triaging"},
		"an optional one that is left out": {[]func(*story){by(intake), func(s *story) {
			s.Spec.Triage.Checks[1].Need = strategyv1.NeedOptional
		}}, broken, "False/Triaging"},
		"no check for this type at all": {[]func(*story){by(intake), func(s *story) { s.Spec.Triage.Checks = nil }}, well, "False/Triaging"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			s.machines = decide.Machines{"alertmanager"}
			s.reports(c.reports)
			for _, given := range c.given {
				given(s)
			}
			s.quiet()
			expect(t, "Ready", s.condition(strategyv1.ConditionReady), c.ready)
			if c.ready != "False/LooksLikeFalseAlarm" {
				return
			}
			expect(t, "whose turn", string(s.incident.Status.WaitsFor), "L1")
			if told := strings.Count(s.events(), "looks_false"); told != 1 {
				t.Errorf("it was noted %d times", told)
			}
			s.At(time.Minute)
			s.decides(strategyv1.DecisionFalseAlarm, "alice", time.Minute)
			s.quiet()
			expect(t, "a person agrees", s.condition(strategyv1.ConditionReady), "True/FalseAlarm")
		})
	}
}

// TestAProposalThatNobodyTakesUpGoesToL2: it looked like a false alarm, and nobody says so.
func TestAProposalThatNobodyTakesUpGoesToL2(t *testing.T) {
	s := newStory(t)
	s.Spec.Triage.Escalate = nil
	s.reports(reports{"Triage/audit": testkit.OK(), "Triage/load": testkit.OK()})
	s.quiet()
	s.At(300 * time.Second)
	s.quiet()
	expect(t, "Ready", s.condition(strategyv1.ConditionReady), "False/Diagnosing")
	expect(t, "SLAMet", s.condition(strategyv1.ConditionSLAMet), "False/DeadlinePassed")
}
