package rollback_test

import (
	"strings"
	"testing"
	"time"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/conditions"
	"tradeops.dev/strategy-operator/internal/facts"
)

var noAnswer = &facts.Problem{Reason: strategyv1.ReasonAPIUnavailable, Message: "the API server gives no answer", Retry: 5 * time.Second}

// TestWhoDecidedCannotBeAsked: nothing is honoured, nothing is lost, and what hangs on nobody's name goes on.
func TestWhoDecidedCannotBeAsked(t *testing.T) {
	inEffect := func(s *story) string {
		return conditions.Reason(s.rollback.Status.Conditions, strategyv1.ConditionInEffect)
	}
	for name, c := range map[string]struct {
		given     func(*story)
		decide    strategyv1.DecisionVerdict
		after     time.Duration // when it is looked at, and nobody answers
		meanwhile func(*story) string
		is        string
		then      func(*story) string
		becomes   string
	}{
		"an approval":                      {func(s *story) { s.quiet() }, strategyv1.DecisionApprove, 0, (*story).ready, "APIUnavailable", (*story).ready, "Verified"},
		"an approval, seen after its time": {func(s *story) { s.quiet() }, strategyv1.DecisionApprove, time.Hour, (*story).ready, "APIUnavailable", (*story).ready, "Verified"},
		"a denial needs no name":           {func(s *story) { s.quiet() }, strategyv1.DecisionDeny, 0, (*story).ready, "Denied", (*story).ready, "Denied"},
		"a restore":                        {func(s *story) { s.approved() }, strategyv1.DecisionRestore, 0, (*story).ready, "APIUnavailable", (*story).ready, "Restored"},
		"the time box ends all the same":   {func(s *story) { s.approved() }, strategyv1.DecisionRestore, 4 * time.Hour, inEffect, "Expired", (*story).ready, "Restored"},
		"a renewal":                        {func(s *story) { s.approved() }, strategyv1.DecisionRenew, 0, (*story).ready, "Verified", func(s *story) string { return s.rollback.Status.Plan.Until.UTC().Format("15:04:05") }, "14:00:02"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			c.given(s)
			s.decide(c.decide, "bob")
			s.identity = facts.Identity{Problem: noAnswer}
			s.Now = s.Now.Add(c.after)
			s.quiet()
			expect(t, "while nobody answers", c.meanwhile(s), c.is)
			if events := s.events(); strings.Contains(events, "not_honoured") || strings.Contains(events, "voided") || s.rollback.Status.VoidedTime != nil {
				t.Errorf("a decision was made worthless: %s", events)
			}
			s.identity = facts.Identity{Enforced: true}
			s.quiet()
			expect(t, "when it is answered", c.then(s), c.becomes)
		})
	}
}

// TestPodsThatCannotBeReadProveNothing: neither that the change is in force, nor that it is not.
func TestPodsThatCannotBeReadProveNothing(t *testing.T) {
	s := newStory(t)
	s.quiet()
	s.decide(strategyv1.DecisionApprove, "bob")
	s.podsProblem = noAnswer
	s.quiet()
	expect(t, "while nobody answers", s.ready(), "Proving")
	if message := s.message(strategyv1.ConditionReady); !strings.Contains(message, noAnswer.Message) {
		t.Errorf("it says %q", message)
	}
	s.Now = s.Now.Add(time.Hour)
	s.quiet()
	expect(t, "when its time is over", conditions.Reason(s.rollback.Status.Conditions, strategyv1.ConditionInEffect), "Unproved")
	if strings.Contains(s.events(), "restore") {
		t.Errorf("it was reverted for nothing: %s", s.events())
	}
}
