package incident_test

import (
	"strings"
	"testing"
	"time"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/facts"
	"tradeops.dev/strategy-operator/internal/testkit"
)

// TestAnIncidentWithoutALogHasItsClock: whatever keeps the log from being read, people are called and what they decide counts; nothing else is done,
// and the log has all of it in the end, once.
func TestAnIncidentWithoutALogHasItsClock(t *testing.T) {
	for _, reason := range []string{strategyv1.ReasonEvidenceUnavailable, strategyv1.ReasonSecretNotFound, strategyv1.ReasonLogConflict} {
		t.Run(reason, func(t *testing.T) {
			s := newStory(t)
			s.logProblem = &facts.Problem{Reason: reason, Message: "what is wrong"}
			s.quiet()
			expect(t, "Ready", s.condition(strategyv1.ConditionReady), "False/"+reason)
			expect(t, "whose turn", string(s.incident.Status.WaitsFor)+" at "+string(s.incident.Status.Level), "L1 at L1")
			s.At(time.Minute)
			s.decides(strategyv1.DecisionAcknowledge, "alice", time.Minute)
			s.quiet()
			expect(t, "somebody is on it", s.answer(strategyv1.LevelL1), "alice after 1m0s")
			s.At(20 * time.Minute)
			s.quiet()
			expect(t, "level", string(s.incident.Status.Level), "TechLead")
			expect(t, "SLAMet", s.condition(strategyv1.ConditionSLAMet), "False/DeadlinePassed")
			if len(s.Created)+len(s.Rollbacks) > 0 || s.events() != "" || s.incident.Status.Log != nil {
				t.Errorf("without a log it did %v, and logged %q", s.Created, s.events())
			}
			s.logProblem = nil
			s.quiet()
			expect(t, "when it can be read", s.condition(strategyv1.ConditionReady), "False/Diagnosing")
			if events := s.events(); !strings.HasPrefix(events, "incident acknowledged ") || strings.Count(events, "incident") != 1 {
				t.Errorf("the log: %s", events)
			}
		})
	}
}

// TestClosedBeforeItsLogCouldBeRead: the log has the report once, and the end.
func TestClosedBeforeItsLogCouldBeRead(t *testing.T) {
	s := newStory(t)
	s.logProblem = &facts.Problem{Reason: strategyv1.ReasonEvidenceUnavailable, Message: "away"}
	s.quiet()
	s.decide(strategyv1.DecisionResolve, "bob")
	s.quiet()
	s.logProblem = nil
	s.quiet()
	expect(t, "the log", s.events(), "incident closed")
}

// TestAnAlertThatComesAndGoesFillsNoStatus: the API server refuses a status with more than 256 entries, and every clock would stop.
func TestAnAlertThatComesAndGoesFillsNoStatus(t *testing.T) {
	s := newStory(t)
	s.Spec.Triage.Escalate = nil
	s.quiet()
	s.logProblem = &facts.Problem{Reason: strategyv1.ReasonEvidenceUnavailable, Message: "away"}
	for range 300 {
		s.fired(strategyv1.AlertFiring)
		s.pass() // the API takes each status
		s.fired(strategyv1.AlertResolved)
		s.pass()
	}
	said := 0
	for _, entry := range s.incident.Status.Timeline {
		if strings.HasPrefix(entry.Message, "what repeats itself is not noted") {
			said++
		}
	}
	if said != 1 {
		t.Errorf("that something is left out is said %d times", said)
	}
	s.At(20 * time.Minute)
	s.quiet()
	expect(t, "level", string(s.incident.Status.Level), "TechLead")
	s.logProblem = nil
	s.quiet()
	before := len(s.Logs[prefix])
	s.fired(strategyv1.AlertFiring)
	s.quiet()
	if len(s.Logs[prefix]) == before {
		t.Errorf("it is not noted again when the log can be written")
	}
}

// TestAnAlertThatJoinsDuringAnOutageKeepsItOpen: what an earlier pass heard is no proof of quiet.
func TestAnAlertThatJoinsDuringAnOutageKeepsItOpen(t *testing.T) {
	s := newStory(t)
	s.Spec.Recovery = &strategyv1.RecoverySpec{QuietSeconds: 120}
	s.mitigating()
	s.verified()
	s.At(10 * time.Minute)
	s.restored()
	expect(t, "before", s.condition(strategyv1.ConditionReady), "False/Recovering")
	s.logProblem = &facts.Problem{Reason: strategyv1.ReasonEvidenceUnavailable, Message: "away"}
	s.quiet()
	s.At(30 * time.Minute)
	s.fired(strategyv1.AlertFiring)
	s.logProblem = nil
	s.quiet()
	if s.incident.Status.ClosedTime != nil {
		t.Errorf("it is closed while its alert fires: %s", s.message(strategyv1.ConditionReady))
	}
}

// TestReopenedWithoutItsPlaybook: the deadlines come with the playbook, and what was decided meanwhile answers them.
func TestReopenedWithoutItsPlaybook(t *testing.T) {
	s := newStory(t)
	s.reports(reports{"audit": testkit.OK(), "load": testkit.OK(), "smoke": testkit.OK()})
	s.quiet()
	s.decides(strategyv1.DecisionResolve, "alice", 0)
	s.quiet()
	s.Spec.Recovery = &strategyv1.RecoverySpec{ReopenSeconds: 2 * 86400}
	s.gone()
	s.At(time.Hour)
	s.decides(strategyv1.DecisionReopen, "bob", time.Hour)
	s.quiet()
	if len(s.incident.Status.Deadlines) > 0 {
		t.Errorf("the old ones count: %+v", s.incident.Status.Deadlines)
	}
	s.At(time.Hour + time.Minute)
	s.decides(strategyv1.DecisionAcknowledge, "carol", time.Hour+time.Minute)
	s.quiet()
	s.At(2 * time.Hour)
	s.playbookProblem, s.logProblem = nil, nil
	s.quiet()
	expect(t, "L1", s.answer(strategyv1.LevelL1), "bob after 1h0m0s")
	if answer := s.answer(strategyv1.LevelL2); !strings.HasPrefix(answer, "carol after 1h1m0s") {
		t.Errorf("L2: %s", answer)
	}
}

// TestAReopenWaitsForThePlaybookThatSaysWhetherItIsLate.
func TestAReopenWaitsForThePlaybookThatSaysWhetherItIsLate(t *testing.T) {
	s := newStory(t)
	s.Spec.Recovery = &strategyv1.RecoverySpec{ReopenSeconds: 2 * 86400}
	s.quiet()
	s.decides(strategyv1.DecisionResolve, "alice", 0)
	s.quiet()
	playbook := s.Spec.Recovery
	s.Spec.Recovery = nil // nobody can read it
	s.gone()
	s.At(30 * time.Hour)
	s.decides(strategyv1.DecisionReopen, "bob", 30*time.Hour)
	s.quiet()
	if s.incident.Status.ClosedTime == nil || len(s.incident.Status.Answers) != 0 && s.incident.Status.Answers[len(s.incident.Status.Answers)-1].Outcome == strategyv1.OutcomeRefused {
		t.Errorf("it does not wait: %+v", s.incident.Status.Answers)
	}
	s.Spec.Recovery, s.playbookProblem, s.logProblem = playbook, nil, nil
	s.quiet()
	if s.incident.Status.ClosedTime != nil {
		t.Errorf("it is not reopened: %+v", s.incident.Status.Answers)
	}
}

// TestAClockThatIsSetBackMakesNoRemedyHistory: a rollback that ended by an earlier clock than the one by which its round began is of this round.
func TestAClockThatIsSetBackMakesNoRemedyHistory(t *testing.T) {
	s := newStory(t)
	s.Spec.Recovery = &strategyv1.RecoverySpec{Quiet: "signals.drawdown < 4.0", QuietSeconds: 120}
	s.signals = map[string]float64{"drawdown": 1}
	s.mitigating()
	s.verified()
	s.At(10 * time.Minute)
	s.restored()
	s.signals["drawdown"] = 5
	s.quiet()
	if s.incident.Status.Round != 2 || len(s.Rollbacks) != 2 {
		t.Fatalf("round %d, rollbacks %v", s.incident.Status.Round, sortedNames(s.Rollbacks))
	}
	s.Now = testkit.T0.Add(5 * time.Minute)
	s.rollbackIs(strategyv1.ReasonDenied, "False", "True")
	s.quiet()
	expect(t, "Ready", s.condition(strategyv1.ConditionReady), "False/NeedsPerson")
	if message := s.message(strategyv1.ConditionReady); !strings.HasPrefix(message, "rollback pnl-12345678-r2: ") {
		t.Errorf("the denied one is history: %s", message)
	}
}

// TestAnotherTimeForL1MovesNoClock: a version that was approved later gives L1 more time, and its rules count from the same beginning.
func TestAnotherTimeForL1MovesNoClock(t *testing.T) {
	s := newStory(t)
	s.Spec.Triage.Escalate = []strategyv1.EscalateRule{{Name: "long", AfterSeconds: 240}}
	s.quiet()
	s.Spec.Triage.RespondWithinSeconds += 180
	s.At(2 * time.Minute)
	s.quiet()
	expect(t, "after 120 of 240 s", s.condition(strategyv1.ConditionEscalated), "")
	s.At(4 * time.Minute)
	s.quiet()
	expect(t, "after 240 s", s.condition(strategyv1.ConditionEscalated), "True/RuleHeld")
}
