package incident_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/checks"
	"tradeops.dev/strategy-operator/internal/facts"
	"tradeops.dev/strategy-operator/internal/testkit"
)

// In any world, with any decisions and crashes at any time: the story becomes quiet at every time (story.quiet fails on a
// hot loop, on an effect after the end, on a plan that depends on more than its input), no attempt has two Jobs, the log
// is the timeline, and nobody waits for ever without a person being told.
func TestAnyStory(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := newStory(t)
		s.incident.Spec.Schedule = rapid.SampledFrom([]string{"fast", ""}).Draw(t, "schedule")
		if rapid.Bool().Draw(t, "no time rule") {
			s.Spec.Triage.Escalate = s.Spec.Triage.Escalate[:1]
		}
		if rapid.Bool().Draw(t, "lead") {
			s.withLead()
		}
		if rapid.Bool().Draw(t, "ladder") {
			s.Spec.Remediations[0].OnFailedAfter, s.Spec.Remediations[0].Then = strategyv1.FailedAfterNext, "keep"
		}
		if rapid.Bool().Draw(t, "fatigue") {
			s.withFatigue()
		}
		if rapid.Bool().Draw(t, "recovery") {
			s.Spec.Recovery = &strategyv1.RecoverySpec{QuietSeconds: 120}
		}
		if rapid.Bool().Draw(t, "drill") {
			s.incident.Spec.Mode = strategyv1.IncidentDrill
		}
		drawn := map[checks.ID]*testkit.Report{}
		s.Report = func(id checks.ID) *testkit.Report {
			if _, known := drawn[id]; !known {
				drawn[id] = map[string]func() *testkit.Report{
					"ok": testkit.OK, "warn": testkit.Warn, "fail": testkit.Fail, "mute": testkit.Mute, "broken": testkit.Broken,
					"runs": func() *testkit.Report { return nil },
				}[rapid.SampledFrom([]string{"ok", "ok", "ok", "warn", "fail", "fail", "mute", "broken", "runs"}).Draw(t, fmt.Sprint(id))]()
			}
			return drawn[id]
		}
		for range rapid.IntRange(1, 10).Draw(t, "steps") {
			switch rapid.SampledFrom([]string{"escalate", "false alarm", "resolve", "acknowledge", "rollback", "rollback", "time", "time", "hold", "signal", "alert", "others", "crash", "crash", "pass", "quiet", "no key"}).Draw(t, "step") {
			case "escalate":
				s.decide(strategyv1.DecisionEscalate, "bob")
			case "false alarm":
				s.decide(strategyv1.DecisionFalseAlarm, "bob")
			case "resolve":
				if rapid.IntRange(0, 2).Draw(t, "really") == 0 {
					s.decide(strategyv1.DecisionResolve, "bob")
				}
			case "acknowledge":
				s.decide(strategyv1.DecisionAcknowledge, rapid.SampledFrom([]string{"alice", "bob"}).Draw(t, "who"))
			case "hold":
				s.suspended = !s.suspended
			case "signal":
				for name := range s.signals {
					s.signals[name] = rapid.SampledFrom([]float64{0, 10, 100}).Draw(t, name)
				}
			case "alert":
				s.fired(rapid.SampledFrom([]strategyv1.AlertState{strategyv1.AlertFiring, strategyv1.AlertResolved}).Draw(t, "state"))
			case "others":
				s.same = []strategyv1.StrategyIncident{earlier("a", -time.Hour, int32(rapid.IntRange(0, 3).Draw(t, "strikes")), time.Hour)}
				s.neighbours = []strategyv1.StrategyIncident{other("first", -time.Minute, func(object *strategyv1.StrategyIncident) {
					object.Status.Cause = &strategyv1.CauseStatus{Name: "SignalDegradation", Remediation: "disable", Schedules: []string{"fast"}}
				})}
				s.parent = &s.neighbours[0]
			case "rollback":
				if len(s.Rollbacks) > 0 {
					s.rollbackIs(rapid.SampledFrom([]string{"Verified", "Restored", "Denied", "Reverted", "ProbeFailed", "RollingOut"}).Draw(t, "is"), metav1.ConditionTrue,
						rapid.SampledFrom([]metav1.ConditionStatus{metav1.ConditionTrue, metav1.ConditionFalse}).Draw(t, "stalled"))
				}
			case "time":
				s.Now = s.Now.Add(rapid.SampledFrom([]time.Duration{time.Second, time.Minute, 5 * time.Minute, time.Hour}).Draw(t, "later"))
			case "crash":
				s.crashAfter = rapid.IntRange(0, 5).Draw(t, "after")
				s.pass()
			case "no key":
				s.logProblem = &facts.Problem{Reason: "SecretNotFound", Message: "gone"}
				s.quiet()
				s.logProblem = nil
			case "pass":
				s.pass()
				s.Step()
			default:
				s.quiet()
			}
		}
		s.quiet()
		s.invariants()
		s.suspended = false
		s.Now = s.Now.Add(100 * time.Hour) // every wait for time is over
		s.quiet()
		s.invariants()
	})
}

func (s *story) invariants() {
	s.T.Helper()
	s.CheckTimeline(prefix, s.incident.Status.Timeline, true)
	for name, count := range s.Created {
		if count > 1 {
			s.T.Fatalf("%d Jobs %s for one attempt", count, name)
		}
	}
	closed := strings.HasPrefix(s.condition(strategyv1.ConditionReady), "True/")
	if closed && len(s.Jobs()) > 0 {
		s.T.Fatalf("closed, but Jobs are left: %v", s.Jobs())
	}
	if closed != strings.HasPrefix(s.condition(strategyv1.ConditionResolved), "True/") {
		s.T.Fatalf("Ready and Resolved disagree: %s", testkit.Conditions(s.incident.Status.Conditions))
	}
	for _, deadline := range s.incident.Status.Deadlines {
		if s.incident.Spec.Mode == strategyv1.IncidentDrill {
			break
		}
		missed := deadline.AnsweredTime == nil && !s.Now.Before(deadline.Time.Time) || deadline.AnsweredTime != nil && deadline.AnsweredTime.After(deadline.Time.Time)
		if missed && !closed && !strings.HasPrefix(s.condition(strategyv1.ConditionSLAMet), "False/") {
			s.T.Fatalf("%s missed its deadline, SLAMet is %s", deadline.Level, s.condition(strategyv1.ConditionSLAMet))
		}
	}
}

var scenarios = map[string]func(*story){
	"false alarm": func(s *story) { s.reports(reports{"audit": testkit.OK(), "load": testkit.OK()}); s.quiet() },
	"by time to L2, unknown": func(s *story) {
		s.reports(reports{"audit": testkit.Warn(), "load": testkit.OK(), "smoke": testkit.OK()})
		s.quiet()
		s.At(4 * time.Minute)
		s.quiet()
	},
	"audit fails, rollback, contained, restored": func(s *story) {
		s.reports(reports{"audit": testkit.Fail(), "load": testkit.OK(), "smoke": testkit.Fail()})
		s.quiet()
		s.rollbackIs(strategyv1.ReasonVerified, metav1.ConditionTrue, metav1.ConditionFalse)
		s.quiet()
		s.rollbackIs(strategyv1.ReasonRestored, metav1.ConditionTrue, metav1.ConditionFalse)
		s.quiet()
	},
	"the lead is called": func(s *story) {
		s.withLead()
		s.quiet()
		s.signals["cpu_percent_min_10m"] = 90
		s.At(time.Minute)
		s.quiet()
		s.At(20 * time.Minute)
		s.quiet()
	},
	"a proposal": func(s *story) {
		s.withFatigue()
		s.diagnosed(reports{"load": testkit.OK(), "smoke": testkit.OK()})
	},
	"a ladder, restored, quiet": func(s *story) {
		s.Spec.Remediations[0].OnFailedAfter, s.Spec.Remediations[0].Then = strategyv1.FailedAfterNext, "keep"
		s.Spec.Recovery = &strategyv1.RecoverySpec{QuietSeconds: 60}
		s.mitigating()
		s.rollbackIs(strategyv1.ReasonReverted, metav1.ConditionFalse, metav1.ConditionTrue)
		s.quiet()
		s.verified()
		s.rollbackIs(strategyv1.ReasonRestored, metav1.ConditionTrue, metav1.ConditionFalse)
		s.quiet()
		s.At(10 * time.Minute)
		s.quiet()
	},
	"acknowledged, held back, resumed": func(s *story) {
		s.decide(strategyv1.DecisionAcknowledge, "alice")
		s.suspended = true
		s.quiet()
		s.At(20 * time.Minute)
		s.quiet()
		s.suspended = false
		s.quiet()
	},
	"a duplicate": func(s *story) {
		s.same = []strategyv1.StrategyIncident{other("first", -time.Minute, nil)}
		s.quiet()
	},
	"retries and deadlines": func(s *story) { s.reports(reports{"load": testkit.Broken()}); s.quiet(); s.At(time.Hour); s.quiet() },
	"a person resolves":     func(s *story) { s.quiet(); s.decide(strategyv1.DecisionResolve, "bob"); s.quiet() },
}

// Each story is cut in every action of every pass in turn: it must end as the uncut one does.
func TestACrashAtAnyActionEndsTheSame(t *testing.T) {
	for name, scenario := range scenarios {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run := func(at int) (*story, int) {
				s, actions := newStory(t), 0
				s.beforeExecute = func(more int) {
					if at >= actions && at < actions+more {
						s.crashAfter = at - actions
					}
					actions += more
				}
				scenario(s)
				return s, actions
			}
			want, actions := run(-1)
			for at := range actions {
				got, _ := run(at)
				expect(t, fmt.Sprintf("cut %d: conditions", at), testkit.Conditions(got.incident.Status.Conditions), testkit.Conditions(want.incident.Status.Conditions))
				expect(t, fmt.Sprintf("cut %d: log", at), sortedWords(got.events()), sortedWords(want.events()))
				expect(t, fmt.Sprintf("cut %d: Jobs", at), fmt.Sprint(got.Jobs(), got.Created), fmt.Sprint(want.Jobs(), want.Created))
				expect(t, fmt.Sprintf("cut %d: rollbacks", at), fmt.Sprint(sortedNames(got.Rollbacks)), fmt.Sprint(sortedNames(want.Rollbacks)))
				got.invariants()
			}
			t.Logf("%d cuts", actions)
		})
	}
}

// sortedWords: checks that run side by side may be judged in another order after a crash.
func sortedWords(text string) string {
	words := strings.Fields(text)
	slices.Sort(words)
	return strings.Join(words, " ")
}
