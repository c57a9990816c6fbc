package incident_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/conditions"
	"tradeops.dev/strategy-operator/internal/testkit"
)

// TestASleepingIncidentSwallowsNothing: a report is a duplicate only of one that somebody or something works on, as seriously.
func TestASleepingIncidentSwallowsNothing(t *testing.T) {
	with := func(kind string) func(*strategyv1.StrategyIncident) {
		return func(o *strategyv1.StrategyIncident) {
			conditions.Set(&o.Status.Conditions, testkit.T0, 1, kind, metav1.ConditionTrue, "AnyWord", "as it is")
		}
	}
	for name, c := range map[string]struct {
		older func(*strategyv1.StrategyIncident)
		ready string
	}{
		"it is worked on":       {nil, "True/Duplicate"},
		"it is on hold":         {with(strategyv1.ConditionOnHold), "False/Triaging"},
		"it waits for a person": {with(strategyv1.ConditionStalled), "False/Triaging"},
		"its change is undone":  {func(o *strategyv1.StrategyIncident) { o.Status.RestoredTime = new(metav1.NewTime(testkit.T0)) }, "False/Triaging"},
		"it is less severe":     {func(o *strategyv1.StrategyIncident) { o.Spec.Severity = strategyv1.SeverityWarning }, "False/Triaging"},
		"it was, and was raised": {func(o *strategyv1.StrategyIncident) {
			o.Spec.Severity, o.Status.Severity = strategyv1.SeverityWarning, strategyv1.SeverityCritical
		}, "True/Duplicate"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			s.same = []strategyv1.StrategyIncident{other("first", -time.Minute, c.older)}
			s.quiet()
			expect(t, "Ready", s.condition(strategyv1.ConditionReady), c.ready)
		})
	}
}

// TestALaterReportRaisesTheSeverity of an older incident about the same, and calls whoever has it; nothing lowers it.
func TestALaterReportRaisesTheSeverity(t *testing.T) {
	s := newStory(t)
	s.incident.Spec.Severity = strategyv1.SeverityInfo
	s.quiet()
	report := func(severity strategyv1.Severity) {
		s.same = []strategyv1.StrategyIncident{other("later", time.Minute, func(o *strategyv1.StrategyIncident) { o.Spec.Severity = severity })}
		s.At(2 * time.Minute)
		s.quiet()
	}
	for _, step := range []struct{ reported, counts strategyv1.Severity }{
		{strategyv1.SeverityInfo, strategyv1.SeverityInfo},
		{strategyv1.SeverityCritical, strategyv1.SeverityCritical},
		{strategyv1.SeverityWarning, strategyv1.SeverityCritical},
	} {
		report(step.reported)
		expect(t, "after "+string(step.reported), string(s.incident.Status.Severity), string(step.counts))
	}
	expect(t, "the log", s.events(), "incident raised")
	s.Spec.Triage.Escalate = []strategyv1.EscalateRule{{Name: "critical", When: "incident.severity == 'Critical'"}}
	s.quiet()
	expect(t, "rules see it", s.condition(strategyv1.ConditionEscalated), "True/RuleHeld")
}

// TestAStrategyWithManySchedules has a status that the API takes, and a rollback, too.
func TestAStrategyWithManySchedules(t *testing.T) {
	for _, n := range []int{1, 15, 16, 17, 40} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			s := newStory(t)
			var more strings.Builder
			for i := range n {
				fmt.Fprintf(&more, "        many_%02d: {strategy: many}\n", i)
			}
			s.Content = strings.Replace(s.Content, "        slow:", more.String()+"        slow:", 1)
			s.incident.Spec.Schedule, s.incident.Spec.Strategy = "", "many"
			s.mitigating()
			actions := s.Rollbacks["pnl-12345678"].Spec.Actions
			cause := s.incident.Status.Cause
			switch {
			case n < 16 && (len(actions) != n || cause.ScheduleTotal != 0):
				t.Errorf("%d actions, %+v", len(actions), cause)
			case n >= 16 && (len(actions) != 1 || actions[0].Strategy != "many" || actions[0].Schedule != ""):
				t.Errorf("actions: %+v", actions)
			case n > 16 && (cause.ScheduleTotal != int32(n) || len(cause.Schedules) != 16):
				t.Errorf("%+v", cause)
			}
		})
	}
}

// TestARemedyThatNamesAStrategyKeepsIt: the incident's own schedules are for those that name none.
func TestARemedyThatNamesAStrategyKeepsIt(t *testing.T) {
	s := newStory(t)
	s.Spec.Remediations[0].Actions[0].Strategy = "trend"
	s.mitigating()
	if actions := s.Rollbacks["pnl-12345678"].Spec.Actions; len(actions) != 1 || actions[0].Strategy != "trend" || actions[0].Schedule != "" {
		t.Errorf("actions: %+v", actions)
	}
}

// TestAClockThatIsAheadStopsNoOther: a time in the future would switch every deadline off.
func TestAClockThatIsAheadStopsNoOther(t *testing.T) {
	s := newStory(t)
	s.Spec.Triage.Escalate = nil
	s.incident.Spec.DetectedTime = new(metav1.NewTime(testkit.T0.Add(24 * time.Hour)))
	s.quiet()
	if line := s.Logs[prefix][0].Message; !strings.Contains(line, "detectedTime 2026-11-24T10:00:00Z is after the incident was created") {
		t.Errorf("nobody is told: %s", line)
	}
	s.At(300 * time.Second)
	s.quiet()
	expect(t, "SLAMet", s.condition(strategyv1.ConditionSLAMet), "False/DeadlinePassed")
}
