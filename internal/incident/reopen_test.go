package incident_test

import (
	"strings"
	"testing"
	"time"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/lifecycle"
	"tradeops.dev/strategy-operator/internal/testkit"
)

// TestAClosedIncidentCanBeReopened within a time, whoever or whatever closed it. It goes on at L2, and nothing that was decided before
// closes it again.
func TestAClosedIncidentCanBeReopened(t *testing.T) {
	well := reports{"audit": testkit.OK(), "load": testkit.OK(), "smoke": testkit.OK()}
	byRule := func(s *story) { s.incident.Spec.RequestedBy = intake; s.reports(well) }
	byPerson := func(s *story) { s.quiet(); s.reports(well); s.decides(strategyv1.DecisionResolve, "alice", 0) }
	asDuplicate := func(s *story) {
		s.same = []strategyv1.StrategyIncident{other("first", -time.Minute, nil)}
		s.reports(well)
	}
	afterARemedy := func(s *story) { s.mitigating(); s.verified(); s.restored() }
	for name, c := range map[string]struct {
		given func(*story)
		at    time.Duration
		ready string
	}{
		"closed by a rule":           {byRule, time.Hour, "False/NeedsPerson"},
		"closed by a person":         {byPerson, time.Hour, "False/NeedsPerson"},
		"closed as a duplicate":      {asDuplicate, time.Hour, "False/NeedsPerson"},
		"closed after a remedy":      {afterARemedy, time.Hour, "False/Mitigating"},
		"in the last second":         {byPerson, 24 * time.Hour, "False/NeedsPerson"},
		"too late":                   {byPerson, 24*time.Hour + time.Second, "True/Resolved"},
		"in the second of its end":   {byPerson, 0, "False/NeedsPerson"},
		"within the playbook's time": {func(s *story) { s.Spec.Recovery = &strategyv1.RecoverySpec{ReopenSeconds: 60}; byPerson(s) }, time.Minute, "False/NeedsPerson"},
		"after the playbook's time":  {func(s *story) { s.Spec.Recovery = &strategyv1.RecoverySpec{ReopenSeconds: 60}; byPerson(s) }, 61 * time.Second, "True/Resolved"},
		"that could never start":     {func(s *story) { s.gone(); s.decides(strategyv1.DecisionResolve, "alice", 0) }, time.Hour, "False/PlaybookNotFound"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			c.given(s)
			s.quiet()
			if !lifecycle.Closed(s.incident.Status) {
				t.Fatalf("it is open: %s", testkit.Conditions(s.incident.Status.Conditions))
			}
			created := len(s.Created)
			s.At(c.at)
			s.decides(strategyv1.DecisionReopen, "bob", c.at)
			s.quiet()
			s.quiet()
			expect(t, "Ready", s.condition(strategyv1.ConditionReady), c.ready)
			status := s.incident.Status
			answers := status.Answers
			if strings.HasPrefix(c.ready, "True/") {
				if newest := answers[len(answers)-1]; newest.Outcome != strategyv1.OutcomeRefused || !strings.Contains(newest.Message, "it could be reopened until") {
					t.Errorf("bob is told %+v", newest)
				}
				return
			}
			if newest := answers[len(answers)-1]; newest.Outcome != strategyv1.OutcomeHonoured {
				t.Errorf("bob is told %+v", newest)
			}
			if lifecycle.Closed(status) || status.Reopened == nil || status.Reopened.By != "bob" || status.Round != 2 || status.NextAllowedTime != nil || status.Strikes != 0 {
				t.Errorf("%+v", status)
			}
			expect(t, "Resolved", s.condition(strategyv1.ConditionResolved), "False/Reopened")
			if c.ready == "False/PlaybookNotFound" {
				s.playbookProblem, s.logProblem = nil, nil
				s.reports(well)
				s.quiet()
				expect(t, "when there is a playbook", s.condition(strategyv1.ConditionReady), "False/NeedsPerson")
			}
			expect(t, "L1", s.answer(strategyv1.LevelL1)[:3], "bob")
			expect(t, "level", string(s.incident.Status.Level), "L2")
			expect(t, "L2's deadline", s.incident.Status.Deadlines[1].Time.Sub(testkit.T0).String(), (c.at + 15*time.Minute).String())
			if len(s.Created) == created {
				t.Errorf("the diagnosis was not made anew")
			}
			s.At(c.at + time.Minute)
			s.decides(strategyv1.DecisionResolve, "bob", c.at+time.Minute)
			s.quiet()
			if !lifecycle.Closed(s.incident.Status) && len(s.Rollbacks) == 0 {
				t.Errorf("nobody can close it again")
			}
		})
	}
}
