package incident_test

import (
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/conditions"
	"tradeops.dev/strategy-operator/internal/facts"
	"tradeops.dev/strategy-operator/internal/lifecycle"
)

// TestPeopleCanAlwaysClose: an incident that could never start, say by a typing error, would stay open for good. Where its log can be
// written, the log tells.
func TestPeopleCanAlwaysClose(t *testing.T) {
	problem := &facts.Problem{Reason: "Missing", Message: "m"}
	for name, c := range map[string]struct {
		given  func(*story)
		logged bool
	}{
		"a schedule that does not exist":          {func(s *story) { s.incident.Spec.Schedule = "fats" }, true},
		"a configuration that is not valid":       {func(s *story) { s.configProblem = problem }, true},
		"a playbook that does not exist":          {func(s *story) { s.playbookProblem, s.logProblem = problem, problem }, false},
		"a namespace that is not served":          {func(s *story) { s.notServed = problem }, false},
		"a namespace that is not served any more": {func(s *story) { s.quiet(); s.notServed = problem }, false},
		"a signing key that does not exist":       {func(s *story) { s.logProblem = problem }, false},
		"a bucket that is away, when it began":    {func(s *story) { s.quiet(); s.logProblem = problem }, false},
		"a playbook that is gone since it began":  {func(s *story) { s.quiet(); s.playbookProblem, s.logProblem = problem, problem }, false},
	} {
		for verdict, reason := range map[strategyv1.DecisionVerdict]string{
			strategyv1.DecisionResolve: strategyv1.ReasonResolved, strategyv1.DecisionFalseAlarm: strategyv1.ReasonFalseAlarm,
		} {
			t.Run(name+": "+string(verdict), func(t *testing.T) {
				s := newStory(t)
				c.given(s)
				s.quiet()
				s.decide(verdict, "bob")
				s.quiet()
				if !lifecycle.Closed(s.incident.Status) {
					t.Fatalf("it is open: %s", conditions.Message(s.incident.Status.Conditions, strategyv1.ConditionReady))
				}
				expect(t, "Ready", conditions.Reason(s.incident.Status.Conditions, strategyv1.ConditionReady), reason)
				var events []string
				for _, entry := range s.Logs[prefix] {
					events = append(events, entry.Event)
				}
				if told := strings.Join(events, " "); c.logged != strings.HasPrefix(told, "incident ") {
					t.Errorf("the log has %q", told)
				}
				s.logProblem, s.playbookProblem, s.notServed = nil, nil, nil
				s.quiet()
				if s.incident.Status.Log == nil || len(s.Logs[prefix]) != len(s.incident.Status.Timeline) {
					t.Errorf("when it can be written again, the log has %d entries of %d", len(s.Logs[prefix]), len(s.incident.Status.Timeline))
				}
			})
		}
	}
}

// TestADeletedIncidentIsNotClosed, too: it is on its way out.
func TestADeletedIncidentIsNotClosed(t *testing.T) {
	s := newStory(t)
	s.quiet()
	s.incident.DeletionTimestamp = new(metav1.NewTime(s.Now))
	s.decide(strategyv1.DecisionResolve, "bob")
	s.pass()
	if answers := s.incident.Status.Answers; lifecycle.Closed(s.incident.Status) || len(answers) != 1 || answers[0].Outcome != strategyv1.OutcomeRefused {
		t.Errorf("closed: %v; the decision hears %+v", lifecycle.Closed(s.incident.Status), answers)
	}
}
