package incident_test

import (
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/conditions"
	"tradeops.dev/strategy-operator/internal/facts"
	"tradeops.dev/strategy-operator/internal/testkit"
)

// Each deadline is tried one second before, at, and one second after it.
func TestDeadlines(t *testing.T) {
	never := func(s *story) { s.Spec.Triage.Escalate = nil }
	for name, c := range map[string]struct {
		given     func(*story)
		at        time.Duration
		sla       string
		escalated string
		level     strategyv1.Level
		actions   string
	}{
		"rule lasts: a second before":                  {nil, 239 * time.Second, "Unknown/WithinLimits", "", "L1", ""},
		"rule lasts: at its time":                      {nil, 240 * time.Second, "Unknown/WithinLimits", "True/RuleHeld", "L2", "log 1+ escalated; create Job Diagnosis/load/1; create Job Diagnosis/smoke/1; tell Diagnosing"},
		"rule lasts: a second after":                   {nil, 241 * time.Second, "Unknown/WithinLimits", "True/RuleHeld", "L2", "log 1+ escalated; create Job Diagnosis/load/1; create Job Diagnosis/smoke/1; tell Diagnosing"},
		"L1's deadline: a second before":               {never, 299 * time.Second, "Unknown/WithinLimits", "", "L1", ""},
		"L1's deadline passed without an answer":       {never, 300 * time.Second, "False/DeadlinePassed", "True/DeadlinePassed", "L2", "log 1+ sla_breached,escalated; warn DeadlinePassed"},
		"L1's deadline: a second after":                {never, 301 * time.Second, "False/DeadlinePassed", "True/DeadlinePassed", "L2", "log 1+ sla_breached,escalated; warn DeadlinePassed"},
		"L2's deadline: a second before":               {(*story).diagnosing, 899 * time.Second, "Unknown/WithinLimits", "True/PersonDecided", "L2", ""},
		"L2's deadline passed without an answer":       {(*story).diagnosing, 900 * time.Second, "False/DeadlinePassed", "True/PersonDecided", "TechLead", "log 2+ sla_breached,escalated; warn DeadlinePassed; warn LeadCalled"},
		"L2's deadline: a second after":                {(*story).diagnosing, 901 * time.Second, "False/DeadlinePassed", "True/PersonDecided", "TechLead", "log 2+ sla_breached,escalated; warn DeadlinePassed; warn LeadCalled"},
		"both deadlines are recorded after an outage":  {never, time.Hour, "False/DeadlinePassed", "True/DeadlinePassed", "TechLead", "log 1+ sla_breached,escalated,escalated; warn DeadlinePassed; warn LeadCalled"},
		"a cause that was found is no answer of L2":    {(*story).mitigating, time.Hour, "False/DeadlinePassed", "True/PersonDecided", "TechLead", "log 5+ sla_breached,escalated; warn DeadlinePassed; warn LeadCalled"},
		"a deadline fires although the log has no key": {func(s *story) { never(s); s.logProblem = &facts.Problem{Reason: "SecretNotFound", Message: "m"} }, 300 * time.Second, "False/DeadlinePassed", "True/DeadlinePassed", "L2", "warn SecretNotFound; warn DeadlinePassed"},
		"the clock starts at detectedTime": {func(s *story) {
			never(s)
			s.incident.Status, s.incident.UID = strategyv1.StrategyIncidentStatus{}, "another"
			clear(s.Logs)
			s.incident.Spec.DetectedTime = new(metav1.NewTime(testkit.T0.Add(-200 * time.Second)))
		}, 100 * time.Second, "False/DeadlinePassed", "True/DeadlinePassed", "L2", "log 0+ incident,sla_breached,escalated; create Job Triage/audit/1; create Job Triage/load/1; warn DeadlinePassed"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			s.quiet()
			if c.given != nil {
				c.given(s)
			}
			s.At(c.at)
			decision := s.plan()
			s.incident.Status = decision.Status
			expect(t, "SLAMet", s.condition(strategyv1.ConditionSLAMet), c.sla)
			expect(t, "Escalated", s.condition(strategyv1.ConditionEscalated), c.escalated)
			expect(t, "level", string(decision.Status.Level), string(c.level))
			expect(t, "actions", strings.Join(testkit.Describe(decision.Steps.InOrder()), "; "), c.actions)
		})
	}
}

func TestADueDeadlineIsRecordedOnce(t *testing.T) {
	s := newStory(t)
	s.Spec.Triage.Escalate = nil
	s.quiet()
	s.At(time.Hour)
	s.quiet()
	s.At(2 * time.Hour)
	s.quiet()
	expect(t, "the log", s.events(), "incident sla_breached escalated escalated unanswered")
	line := s.Logs[prefix][1].Message
	if !strings.Contains(line, "L1 had to answer by 2026-11-23T10:05:00Z") || !strings.Contains(line, "L2 had to answer by 2026-11-23T10:15:00Z") {
		t.Errorf("the breach does not name both deadlines: %s", line)
	}
}

// A story of deadlines in which the operator is down for an hour at any point ends as it would have, only later.
func TestALateAnswerIsNoAnswerInTime(t *testing.T) {
	for name, c := range map[string]struct {
		decide func(*story)
		sla    string
	}{
		"a false alarm judged after L1's deadline": {func(s *story) {
			s.Spec.Triage.FalseAlarm.ReportedBy = strategyv1.ReportedByAnyone
			s.reports(reports{"audit": testkit.OK(), "load": testkit.OK()})
			s.Step()
			s.Step()
		}, "False/DeadlinePassed"},
		"a person resolved in time, which is seen late": {func(s *story) { s.decide(strategyv1.DecisionResolve, "bob") }, "True/WithinLimits"},
		"a person resolved after L1's deadline, before L2's": {func(s *story) {
			s.At(301 * time.Second)
			s.decide(strategyv1.DecisionResolve, "bob")
		}, "False/DeadlinePassed"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			s.Spec.Triage.Escalate = nil
			s.quiet()
			c.decide(s)
			s.At(time.Hour) // nobody was there meanwhile
			s.quiet()
			if got := s.condition(strategyv1.ConditionReady); !strings.HasPrefix(got, "True/") {
				t.Fatalf("not closed: %s", got)
			}
			expect(t, "SLAMet", s.condition(strategyv1.ConditionSLAMet), c.sla)
		})
	}
}

func TestTriageWithoutATimeRuleGoesToL2BeforeL2sDeadline(t *testing.T) {
	s := newStory(t)
	s.Spec.Triage.Escalate = nil
	s.reports(reports{"Triage/audit": testkit.Warn(), "Triage/load": testkit.OK()})
	s.quiet()
	s.At(899 * time.Second)
	s.quiet()
	expect(t, "level a second before L2's deadline", string(s.incident.Status.Level), "L2")
}

// Bad input stalls with one clear message and changes nothing; what is fixed is found again by itself.
func TestBadInput(t *testing.T) {
	problem := func(reason string) *facts.Problem {
		return &facts.Problem{Reason: reason, Message: "what is wrong with " + reason}
	}
	for name, c := range map[string]struct {
		given  func(*story)
		reason string
		says   string
	}{
		"a namespace that is not served": {func(s *story) { s.notServed = problem("NamespaceNotServed") }, "NamespaceNotServed", "what is wrong"},
		"a playbook that is not there":   {func(s *story) { s.playbookProblem = problem("PlaybookNotFound") }, "PlaybookNotFound", "what is wrong"},
		"a playbook that is not ready":   {func(s *story) { s.playbookProblem = problem("PlaybookNotReady") }, "PlaybookNotReady", "what is wrong"},
		"the first of several problems": {func(s *story) {
			s.notServed, s.playbookProblem = problem("NamespaceNotServed"), problem("PlaybookNotFound")
		}, "NamespaceNotServed", "NamespaceNotServed"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			c.given(s)
			decision := s.plan()
			expect(t, "conditions", testkit.Conditions(decision.Status.Conditions), "Ready=False/"+c.reason+" Stalled=True/"+c.reason)
			expect(t, "actions", strings.Join(testkit.Describe(decision.Steps.InOrder()), "; "), "warn "+c.reason)
			expect(t, "next", until(decision.NextAt), "30s")
			for _, condition := range decision.Status.Conditions {
				if !strings.Contains(condition.Message, c.says) {
					t.Errorf("%s says %q, not %q", condition.Type, condition.Message, c.says)
				}
			}
			if decision.Status.PlaybookRevision != "" || decision.Status.Timeline != nil {
				t.Errorf("it started: %+v", decision.Status)
			}
			s.notServed, s.playbookProblem, s.logProblem, s.configProblem = nil, nil, nil, nil
			s.incident.Spec.Schedule, s.incident.Spec.Strategy = "fast", ""
			s.incident.Status = decision.Status
			s.quiet()
			expect(t, "when fixed", s.condition(strategyv1.ConditionReady), "False/Triaging")
		})
	}
}

// TestAPlaybookThatIsJustBeingCheckedIsNoNews: nobody has to do anything, and is told of nothing.
func TestAPlaybookThatIsJustBeingCheckedIsNoNews(t *testing.T) {
	s := newStory(t)
	s.playbookProblem = &facts.Problem{Reason: strategyv1.ReasonPlaybookNotReady, Message: "it is being checked", Retry: time.Second, Passes: true}
	decision := s.plan()
	expect(t, "actions", strings.Join(testkit.Describe(decision.Steps.InOrder()), "; "), "")
	expect(t, "conditions", testkit.Conditions(decision.Status.Conditions), "Ready=False/PlaybookNotReady")
	expect(t, "whose turn", string(decision.Status.WaitsFor)+" in "+until(decision.NextAt), "Machine in 1s")
}

// TestAnIncidentOnABrokenConfigurationHasItsClock: nothing can be checked, but people are called, and what they decide counts.
func TestAnIncidentOnABrokenConfigurationHasItsClock(t *testing.T) {
	problem := func(reason string) func(*story) {
		return func(s *story) { s.configProblem = &facts.Problem{Reason: reason, Message: "what is wrong"} }
	}
	for name, c := range map[string]struct {
		given  func(*story)
		reason string
		says   string
	}{
		"a configuration that is not there":  {problem("ConfigMapNotFound"), "ConfigMapNotFound", "what is wrong"},
		"a configuration without the opt-in": {problem("ConfigMapNotLabelled"), "ConfigMapNotLabelled", "what is wrong"},
		"a schedule that does not exist":     {func(s *story) { s.incident.Spec.Schedule = "nope" }, "ScheduleNotFound", `no schedule "nope"; it has: fast, slow, trend_watch`},
		"a strategy that nobody uses":        {func(s *story) { s.incident.Spec.Schedule, s.incident.Spec.Strategy = "", "nope" }, "ScheduleNotFound", `uses strategy "nope"`},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			c.given(s)
			decision := s.quiet()
			expect(t, "Ready", s.condition(strategyv1.ConditionReady), "False/"+c.reason)
			expect(t, "whose turn", string(s.incident.Status.WaitsFor)+" at "+string(s.incident.Status.Level), "L1 at L1")
			expect(t, "next", until(decision.NextAt), "30s")
			if message := conditions.Message(s.incident.Status.Conditions, strategyv1.ConditionReady); !strings.Contains(message, c.says) {
				t.Errorf("it says %q, not %q", message, c.says)
			}
			s.At(time.Minute)
			s.decides(strategyv1.DecisionAcknowledge, "alice", time.Minute)
			s.quiet()
			expect(t, "somebody is on it", s.answer(strategyv1.LevelL1), "alice after 1m0s")
			s.decides(strategyv1.DecisionEscalate, "alice", 2*time.Minute)
			s.At(2 * time.Minute)
			s.quiet()
			expect(t, "handed over", string(s.incident.Status.WaitsFor)+" at "+string(s.incident.Status.Level), "L2 at L2")
			s.At(16 * time.Minute)
			s.quiet()
			expect(t, "SLAMet", s.condition(strategyv1.ConditionSLAMet), "False/DeadlinePassed")
			if len(s.Created) > 0 {
				t.Errorf("it ran %v", s.Created)
			}
			s.configProblem, s.incident.Spec.Schedule, s.incident.Spec.Strategy = nil, "fast", ""
			s.quiet()
			expect(t, "when it is fixed", s.condition(strategyv1.ConditionReady), "False/Diagnosing")
		})
	}
}

func TestConfigurationProblemsDoNotStopAStartedIncident(t *testing.T) {
	s := newStory(t)
	s.quiet()
	s.configProblem = &facts.Problem{Reason: "ConfigMapNotFound", Message: "gone"}
	s.decide(strategyv1.DecisionEscalate, "bob")
	s.quiet()
	expect(t, "Ready", s.condition(strategyv1.ConditionReady), "False/Diagnosing")
}

func TestTheLastEntryIsNotLostWhenTheKeyIsGoneAtTheEnd(t *testing.T) {
	s := newStory(t)
	s.quiet()
	s.decide(strategyv1.DecisionResolve, "bob")
	s.crashAfter = 0
	s.pass() // the status says closed, the log not yet
	s.logProblem = &facts.Problem{Reason: "SecretNotFound", Message: "gone"}
	if decision := s.plan(); decision.NextAt.IsZero() {
		t.Errorf("nobody looks again for the key, so the entry `closed` is never logged")
	}
	s.logProblem = nil
	s.quiet()
	expect(t, "the log", s.events(), "incident closed")
}

func TestTheRollbackOfAnIncident(t *testing.T) {
	for name, c := range map[string]struct {
		given     func(*story)
		schedules string
		reason    string
	}{
		"the incident's schedule":                     {func(*story) {}, "fast", "incident pnl: SignalDegradation, drawdown"},
		"strategy -> all its schedules":               {func(s *story) { s.incident.Spec.Schedule, s.incident.Spec.Strategy = "", "arb" }, "fast slow", "incident pnl: SignalDegradation, drawdown"},
		"a schedule that the remedy names":            {func(s *story) { s.Spec.Remediations[0].Actions[0].Schedule = "slow" }, "slow", "incident pnl: SignalDegradation, drawdown"},
		"without summary":                             {func(s *story) { s.incident.Spec.Summary = "" }, "fast", "incident pnl: SignalDegradation"},
		"a long summary is cut to what the API takes": {func(s *story) { s.incident.Spec.Summary = strings.Repeat("ä", 256) }, "fast", ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			c.given(s)
			s.mitigating()
			created := s.Rollbacks["pnl-12345678"]
			if created == nil {
				t.Fatalf("no rollback of that name: %v", sortedNames(s.Rollbacks))
			}
			var schedules []string
			for _, wanted := range created.Spec.Actions {
				schedules = append(schedules, wanted.Schedule)
			}
			expect(t, "schedules", strings.Join(schedules, " "), c.schedules)
			if c.reason != "" {
				expect(t, "reason", created.Spec.Reason, c.reason)
			}
			if len(created.Spec.Reason) > 512 {
				t.Errorf("the reason has %d bytes", len(created.Spec.Reason))
			}
			expect(t, "labels", created.Labels[strategyv1.LabelIncident], "pnl")
			expect(t, "incident", created.Spec.IncidentName+" "+created.Spec.IncidentUID, "pnl 12345678-aaaa")
			expect(t, "who asks", created.Spec.RequestedBy, "alice")
			expect(t, "remedy", created.Spec.RemediationName+" "+string(created.Spec.DesiredState), "disable Applied")
			if created.OwnerReferences != nil {
				t.Errorf("deleting an incident would delete its rollback")
			}
		})
	}
}

func TestTheRollbackOfAnIncidentWithTheLongestName(t *testing.T) {
	s := newStory(t)
	s.incident.Name = strings.Repeat("a", 253)
	s.mitigating()
	for name, created := range s.Rollbacks {
		if len(name) > 253 {
			t.Errorf("the API server refuses a name of %d characters", len(name))
		}
		if label := created.Labels[strategyv1.LabelIncident]; len(label) > 63 {
			t.Errorf("the label has %d characters", len(label))
		}
	}
}

func TestAFailedRestoreGateLeavesTheIncidentContained(t *testing.T) {
	s := newStory(t)
	s.mitigating()
	s.rollbackIs(strategyv1.ReasonVerified, metav1.ConditionTrue, metav1.ConditionFalse)
	s.quiet()
	s.rollbackIs(strategyv1.ReasonRestoreGateFailed, metav1.ConditionFalse, metav1.ConditionTrue)
	s.quiet()
	expect(t, "Ready", s.condition(strategyv1.ConditionReady), "False/NeedsPerson")
	if got := s.condition(strategyv1.ConditionContained); !strings.HasPrefix(got, "True/") {
		t.Errorf("the change stays in effect, but Contained is %s", got)
	}
}

func TestOfSeveralRollbacksTheOneInForceCounts(t *testing.T) {
	s := newStory(t)
	s.mitigating()
	s.rollbackIs(strategyv1.ReasonDenied, metav1.ConditionFalse, metav1.ConditionTrue)
	second := s.Rollbacks["pnl-12345678"].DeepCopy()
	second.Name, second.UID, second.Status = "z-by-hand", "uid-2", strategyv1.StrategyRollbackStatus{}
	s.Rollbacks[second.Name] = second
	s.quiet()
	expect(t, "a person's second rollback is followed", s.condition(strategyv1.ConditionReady), "False/Mitigating")
	if len(s.incident.Status.Rollbacks) != 2 {
		t.Errorf("rollbacks: %+v", s.incident.Status.Rollbacks)
	}
}

// TestDeadlinesGoOnWhereNothingMayBeRead: a right was lost after the start, and L1's time is up all the same.
func TestDeadlinesGoOnWhereNothingMayBeRead(t *testing.T) {
	s := newStory(t)
	s.quiet()
	s.notServed = &facts.Problem{Reason: strategyv1.ReasonNamespaceNotServed, Message: "bind the role"}
	s.At(4 * time.Minute)
	s.quiet()
	expect(t, "a minute before its time is up", s.condition(strategyv1.ConditionEscalated), "")
	s.At(6 * time.Minute)
	s.quiet()
	expect(t, "Ready", s.condition(strategyv1.ConditionReady), "False/NamespaceNotServed")
	expect(t, "Escalated", s.condition(strategyv1.ConditionEscalated), "True/DeadlinePassed")
}
