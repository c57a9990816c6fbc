package incident_test

import (
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/facts"
	"tradeops.dev/strategy-operator/internal/testkit"
)

// A held incident starts nothing, at whatever point it is held; afterwards it ends as it would have.
func TestHeldBack(t *testing.T) {
	hold := map[string]func(*story, bool){
		"with its playbook":  func(s *story, on bool) { s.suspended = on },
		"by its own suspend": func(s *story, on bool) { s.incident.Spec.Suspend = on },
		"by somebody": func(s *story, on bool) {
			if on {
				s.decide(strategyv1.DecisionHold, "dave")
			} else {
				s.decide(strategyv1.DecisionRelease, "carol")
			}
		},
	}
	points := map[string]func(*story){
		"from the start":       func(*story) {},
		"while triage runs":    (*story).quiet2,
		"while diagnosis runs": (*story).diagnosing,
		"before the remedy asked": func(s *story) {
			s.diagnosing()
			s.reports(reports{"Diagnosis/load": testkit.OK(), "Diagnosis/smoke": testkit.Fail()})
		},
	}
	for how, set := range hold {
		for when, reach := range points {
			t.Run(how+" "+when, func(t *testing.T) {
				s := newStory(t)
				reach(s)
				jobs, created := len(s.Created), len(s.Rollbacks)
				set(s, true)
				if when == "from the start" || when == "while triage runs" {
					s.decide(strategyv1.DecisionEscalate, "bob")
				}
				s.reports(reports{"Triage/audit": testkit.OK(), "Triage/load": testkit.OK(), "Diagnosis/load": testkit.OK(), "Diagnosis/smoke": testkit.Fail()})
				s.quiet()
				s.At(20 * time.Minute)
				s.quiet()
				if len(s.Created) != jobs || len(s.Rollbacks) != created {
					t.Errorf("%d Jobs and %d rollbacks were started", len(s.Created)-jobs, len(s.Rollbacks)-created)
				}
				if !strings.HasPrefix(s.condition(strategyv1.ConditionOnHold), "True/") {
					t.Errorf("it does not show: %s", testkit.Conditions(s.incident.Status.Conditions))
				}
				set(s, false)
				s.quiet()
				if len(s.Rollbacks) != 1 {
					t.Errorf("it does not go on: %s", testkit.Conditions(s.incident.Status.Conditions))
				}
				expect(t, "OnHold", s.condition(strategyv1.ConditionOnHold), "False/Released")
				if strings.Count(s.events(), "on_hold") != 1 || strings.Count(s.events(), "released") != 1 {
					t.Errorf("the log: %s", s.events())
				}
			})
		}
	}
}

func (s *story) quiet2() { s.quiet() }

func TestDeadlinesGoOnWhileHeldBack(t *testing.T) {
	s := newStory(t)
	s.Spec.Triage.Escalate = nil
	s.suspended = true
	s.quiet()
	s.At(time.Hour)
	s.quiet()
	expect(t, "SLAMet", s.condition(strategyv1.ConditionSLAMet), "False/DeadlinePassed")
	expect(t, "level", string(s.incident.Status.Level), "TechLead")
}

// A drill runs the whole procedure, and no deadline counts.
func TestADrill(t *testing.T) {
	s := newStory(t)
	s.incident.Spec.Mode = strategyv1.IncidentDrill
	s.Spec.Triage.Escalate = nil
	s.quiet()
	s.At(time.Hour)
	s.reports(reports{"load": testkit.OK(), "smoke": testkit.Fail()})
	s.quiet()
	created := s.Rollbacks["pnl-12345678"]
	if created == nil || created.Spec.Mode != strategyv1.ModeDrill {
		t.Fatalf("no rollback as a drill: %+v", created)
	}
	s.verified()
	s.restored()
	expect(t, "Ready", s.condition(strategyv1.ConditionReady), "True/Resolved")
	expect(t, "SLAMet", s.condition(strategyv1.ConditionSLAMet), "Unknown/Drill")
	if strings.Contains(s.events(), "sla_breached") || s.incident.Status.Deadlines[0].BreachTime != nil {
		t.Errorf("a drill has breached: %s", s.events())
	}
	if !strings.Contains(s.Logs[prefix][0].Message, "PnL drill") {
		t.Errorf("the log does not say that it is a drill: %s", s.Logs[prefix][0].Message)
	}
}

func TestALiveIncidentAsksForALiveRollback(t *testing.T) {
	s := newStory(t)
	s.mitigating()
	expect(t, "mode", string(s.Rollbacks["pnl-12345678"].Spec.Mode), string(strategyv1.ModeLive))
	s.rollbackIs(strategyv1.ReasonVerified, metav1.ConditionTrue, metav1.ConditionFalse)
}

// TestAReleaseDoesNotEndALaterHold: one that could not be taken up at once was about the hold that was there then.
func TestAReleaseDoesNotEndALaterHold(t *testing.T) {
	s := newStory(t)
	s.decide(strategyv1.DecisionHold, "dave")
	s.quiet()
	s.identity = facts.Identity{Problem: &facts.Problem{Reason: "Away", Message: "it is away", Retry: time.Second}}
	s.At(time.Second)
	s.decide(strategyv1.DecisionRelease, "carol")
	s.pass()
	s.At(2 * time.Second)
	s.decide(strategyv1.DecisionHold, "rita")
	s.pass()
	s.identity = facts.Identity{Enforced: true}
	s.At(10 * time.Second)
	s.quiet()
	expect(t, "OnHold", s.condition(strategyv1.ConditionOnHold), "True/IncidentHeld")
}

// TestAHoldIsNotReleasedByALostRight: where the playbook may not be read, nobody knows that it is not on hold any more, nor that it is quiet.
func TestAHoldIsNotReleasedByALostRight(t *testing.T) {
	s := newStory(t)
	s.quiet()
	s.suspended = true
	s.quiet()
	s.notServed = &facts.Problem{Reason: strategyv1.ReasonNamespaceNotServed, Message: "m"}
	s.quiet()
	expect(t, "OnHold", s.condition(strategyv1.ConditionOnHold), "True/PlaybookSuspended")
	s.notServed = nil
	s.quiet()
	if strings.Contains(s.events(), "released") {
		t.Errorf("the log: %s", s.events())
	}
}

// TestManyDecisionsThatHearNothing are taken up once each, whatever else there is, and a hold acts at once.
func TestManyDecisionsThatHearNothing(t *testing.T) {
	s := newStory(t)
	s.quiet()
	s.Deaf = true
	for range 100 {
		s.decide(strategyv1.DecisionHold, "dave")
	}
	for range 20 {
		s.pass()
	}
	if answers, held := len(s.incident.Status.Answers), strings.Count(s.events(), "on_hold"); answers != 64 || held != 64 {
		t.Errorf("%d answers, %d were taken up", answers, held)
	}
	s.decide(strategyv1.DecisionRelease, "rita")
	s.Deaf = false
	s.quiet()
	if held := strings.Count(s.events(), "on_hold"); held != 100 {
		t.Errorf("%d were taken up", held)
	}
	for _, one := range s.decided {
		if s.Answers[one.UID].Outcome == "" {
			t.Errorf("%s by %s hears nothing", one.Verdict, one.By)
		}
	}
}
