package incident_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/decide"
	"tradeops.dev/strategy-operator/internal/facts"
	"tradeops.dev/strategy-operator/internal/testkit"
)

// decides adds a decision that was made so long after T0.
func (s *story) decides(verdict strategyv1.DecisionVerdict, by string, at time.Duration) {
	s.decided = append(s.decided, facts.Decided{
		Name: fmt.Sprintf("d-%d", len(s.decided)), UID: fmt.Sprintf("u-%d", len(s.decided)), Verdict: verdict, By: by, Time: metav1.NewTime(testkit.T0.Add(at)), Reason: "as agreed",
	})
}

// approvedBy is what the rollback's own controller says of a decision.
func (s *story) approvedBy(verdict strategyv1.DecisionVerdict, by string, at time.Duration) {
	for _, rollback := range s.Rollbacks {
		rollback.Status.Decision = &strategyv1.DecisionReference{Name: "d", Verdict: verdict, By: by, Time: metav1.NewTime(testkit.T0.Add(at))}
	}
}

// answer is how a level's deadline stands: who answered when, or what else.
func (s *story) answer(level strategyv1.Level) string {
	for _, deadline := range s.incident.Status.Deadlines {
		if deadline.Level != level {
			continue
		}
		var words []string
		if deadline.AnsweredTime != nil {
			words = append(words, fmt.Sprintf("%s after %s", deadline.AnsweredBy, deadline.AnsweredTime.Sub(testkit.T0)))
		}
		if deadline.MachineTime != nil {
			words = append(words, "machine")
		}
		if deadline.RelievedTime != nil {
			words = append(words, "relieved")
		}
		if deadline.BreachTime != nil {
			words = append(words, "breach")
		}
		return strings.Join(words, ", ")
	}
	return "none"
}

// TestOnlyPeopleAnswerDeadlines: what a Job or a rule finds is no answer, and what a person decides is one, at the time at which it was
// decided.
func TestOnlyPeopleAnswerDeadlines(t *testing.T) {
	warned := reports{"Triage/audit": testkit.Warn(), "Triage/load": testkit.OK()}
	byRule := reports{"Triage/audit": testkit.Fail(), "Triage/load": testkit.OK(), "Diagnosis/load": testkit.OK(), "Diagnosis/smoke": testkit.Fail()}
	for name, c := range map[string]struct {
		given  func(*story)
		at     time.Duration
		l1, l2 string
		sla    string
	}{
		"triage has its result":          {func(s *story) { s.Spec.Triage.Escalate = nil; s.reports(warned) }, time.Minute, "machine", "", "Unknown/WithinLimits"},
		"and nobody looks at it":         {func(s *story) { s.Spec.Triage.Escalate = nil; s.reports(warned) }, 300 * time.Second, "machine, breach", "", "False/DeadlinePassed"},
		"a rule hands over in time":      {func(s *story) { s.reports(byRule) }, 500 * time.Second, "machine, relieved", "machine", "Unknown/WithinLimits"},
		"and nobody answers for L2":      {func(s *story) { s.reports(byRule) }, 900 * time.Second, "machine, relieved", "machine, breach", "False/DeadlinePassed"},
		"a rule by time hands over, too": {nil, 500 * time.Second, "machine, relieved", "", "Unknown/WithinLimits"},
		"a person escalates":             {func(s *story) { s.decides("Escalate", "alice", time.Minute) }, 500 * time.Second, "alice after 1m0s", "", "Unknown/WithinLimits"},
		"a person is on it":              {func(s *story) { s.Spec.Triage.Escalate = nil; s.decides("Acknowledge", "alice", 299*time.Second) }, 301 * time.Second, "alice after 4m59s", "", "Unknown/WithinLimits"},
		"the machine says it is on it":   {func(s *story) { s.decides("Acknowledge", "system:serviceaccount:x:y", time.Minute) }, 500 * time.Second, "breach", "", "False/DeadlinePassed"},
		"or one with a name of its own":  {func(s *story) { s.decides("Acknowledge", "argocd", time.Minute) }, 500 * time.Second, "breach", "", "False/DeadlinePassed"},
		"a person at L2 is on it":        {func(s *story) { s.reports(byRule); s.decides("Acknowledge", "bob", 10*time.Minute) }, time.Hour, "machine, relieved", "bob after 10m0s, machine", "Unknown/WithinLimits"},
		"a person at L2, late":           {func(s *story) { s.reports(byRule); s.decides("Acknowledge", "bob", 901*time.Second) }, time.Hour, "machine, relieved", "bob after 15m1s, machine, breach", "False/DeadlinePassed"},
		"its rollback is approved": {func(s *story) {
			s.reports(byRule)
			s.quiet()
			s.quiet()
			s.approvedBy("Approve", "bob", 800*time.Second)
		}, time.Hour, "machine, relieved", "bob after 13m20s, machine", "Unknown/WithinLimits"},
		"its rollback is denied":          {func(s *story) { s.reports(byRule); s.quiet(); s.quiet(); s.approvedBy("Deny", "bob", 800*time.Second) }, time.Hour, "machine, relieved", "bob after 13m20s, machine", "Unknown/WithinLimits"},
		"a playbook that cannot be read":  {func(s *story) { s.quiet(); s.gone(); s.decides("Acknowledge", "alice", time.Minute) }, 2 * time.Minute, "alice after 1m0s", "", "Unknown/WithinLimits"},
		"and nobody is there":             {func(s *story) { s.quiet(); s.gone() }, 300 * time.Second, "breach", "", "False/DeadlinePassed"},
		"closed in time, which is enough": {func(s *story) { s.decides("Resolve", "bob", time.Minute) }, time.Hour, "bob after 1m0s", "", "True/WithinLimits"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			s.machines = decide.Machines{"argocd"}
			s.quiet()
			if c.given != nil {
				c.given(s)
			}
			for _, at := range []time.Duration{0, 240 * time.Second, c.at} {
				if at <= c.at {
					s.At(at)
					s.quiet()
				}
			}
			expect(t, "L1", s.answer(strategyv1.LevelL1), c.l1)
			expect(t, "L2", s.answer(strategyv1.LevelL2), c.l2)
			expect(t, "SLAMet", s.condition(strategyv1.ConditionSLAMet), c.sla)
		})
	}
}

// gone: the playbook cannot be read any more.
func (s *story) gone() {
	s.playbookProblem = &facts.Problem{Reason: strategyv1.ReasonPlaybookNotFound, Message: "gone"}
	s.logProblem = s.playbookProblem
}

// TestNobodyAnsweringGoesUp, level by level, and at the top it is told again and again, but not without end.
func TestNobodyAnsweringGoesUp(t *testing.T) {
	for name, c := range map[string]struct {
		given func(*story)
		at    time.Duration
		level strategyv1.Level
		told  int
	}{
		"L1's time is up":                      {nil, 300 * time.Second, "L2", 0},
		"L2's time is up":                      {nil, 900 * time.Second, "TechLead", 0},
		"the lead's time is not":               {nil, 1799 * time.Second, "TechLead", 0},
		"the lead does not answer":             {nil, 1800 * time.Second, "TechLead", 1},
		"told again after twice that":          {nil, 3600 * time.Second, "TechLead", 2},
		"and in two days not often":            {nil, 48 * time.Hour, "TechLead", 7},
		"somebody is on it":                    {func(s *story) { s.decides("Acknowledge", "alice", 0); s.decided[0].Valid = 4 * time.Hour }, 3 * time.Hour, "L1", 0},
		"and that ends":                        {func(s *story) { s.decides("Acknowledge", "alice", 0); s.decided[0].Valid = time.Hour }, 61 * time.Minute, "TechLead", 0},
		"a question to L2 that nobody answers": {asked, 25*time.Minute - time.Second, "L2", 0},
		"and its time is up":                   {asked, 25*time.Minute + time.Second, "TechLead", 0},
		"whoever decides has the time again": {func(s *story) {
			asked(s)
			s.decides("Acknowledge", "bob", 20*time.Minute)
			s.decided[2].Valid = time.Minute
		}, 36*time.Minute - time.Second, "L2", 0},
		"and then it is up": {func(s *story) {
			asked(s)
			s.decides("Acknowledge", "bob", 20*time.Minute)
			s.decided[2].Valid = time.Minute
		}, 36 * time.Minute, "TechLead", 0},
		"an approval that nobody gave": {func(s *story) { expired(s, 10*time.Minute) }, 11 * time.Minute, "TechLead", 0},
		"but somebody was there after it expired": {func(s *story) {
			expired(s, 10*time.Minute)
			s.decides("Acknowledge", "bob", 10*time.Minute)
		}, 12 * time.Minute, "L2", 0},
		"a machine that says that it is on it is nobody": {func(s *story) { asked(s); s.decides("Resolved?", "system:x", 20*time.Minute) }, 25*time.Minute + time.Second, "TechLead", 0},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			s.Spec.Triage.Escalate = nil
			if c.given != nil {
				c.given(s)
			}
			for s.Now.Before(testkit.T0.Add(c.at)) {
				decision := s.quiet()
				next := testkit.T0.Add(c.at)
				if !decision.NextAt.IsZero() && decision.NextAt.Before(next) {
					next = decision.NextAt
				}
				s.At(next.Sub(testkit.T0))
			}
			s.quiet()
			expect(t, "level", string(s.incident.Status.Level), string(c.level))
			if told := strings.Count(s.events(), "unanswered"); told != c.told {
				t.Errorf("it was told %d times, not %d: %s", told, c.told, s.events())
			}
		})
	}
}

// asked: bob answered for L2 ten minutes after the start, and since then the cause is unknown.
func asked(s *story) {
	s.diagnosed(reports{"load": testkit.OK(), "smoke": testkit.OK()})
	s.At(10 * time.Minute)
	s.decides("Acknowledge", "bob", 10*time.Minute)
	s.decided[1].Valid = time.Second
	s.quiet()
}

// expired: nobody approved the rollback in time.
func expired(s *story, at time.Duration) {
	s.mitigating()
	s.At(at)
	s.rollbackIs(strategyv1.ReasonApprovalExpired, metav1.ConditionFalse, metav1.ConditionTrue)
	if len(s.decided) == 0 {
		s.T.Fatalf("nobody escalated")
	}
}
