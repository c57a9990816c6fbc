package incident_test

import (
	"strings"
	"testing"
	"time"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/testkit"
)

// TestOnAPlaybookThatNobodyApprovedOnlyClocksAndCallsRun, and whatever is approved then is what the incident goes on on.
func TestOnAPlaybookThatNobodyApprovedOnlyClocksAndCallsRun(t *testing.T) {
	for name, approved := range map[string]string{"as it was": "multi-strategy-1", "another version": "multi-strategy-2"} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			s.awaitsReview = true
			s.reports(reports{"Triage/audit": testkit.OK(), "Triage/load": testkit.OK(), "Diagnosis/load": testkit.OK(), "Diagnosis/smoke": testkit.Fail()})
			s.quiet()
			s.At(20 * time.Minute)
			s.quiet()
			status := s.incident.Status
			if len(s.Created)+len(s.Rollbacks) > 0 || status.Review == "" || status.PlaybookRevision != "multi-strategy-1" {
				t.Errorf("%d Jobs, %d rollbacks; %+v", len(s.Created), len(s.Rollbacks), status)
			}
			expect(t, "OnHold", s.condition(strategyv1.ConditionOnHold), "True/AwaitingReview")
			expect(t, "SLAMet", s.condition(strategyv1.ConditionSLAMet), "False/DeadlinePassed")
			if events := s.events(); !strings.Contains(events, "escalated") || !strings.Contains(events, "sla_breached") {
				t.Errorf("nobody is called: %s", events)
			}
			s.awaitsReview, s.revision = false, approved
			s.quiet()
			if status = s.incident.Status; status.Review != "" || status.PlaybookRevision != approved || len(s.Rollbacks) != 1 {
				t.Errorf("it does not go on: %d rollbacks, %+v", len(s.Rollbacks), status)
			}
			if strings.Count(s.events(), "playbook_approved") != 1 {
				t.Errorf("the log: %s", s.events())
			}
		})
	}
}

// TestACauseOfAnotherVersionIsNoCause: it was found by rules that nobody approved.
func TestACauseOfAnotherVersionIsNoCause(t *testing.T) {
	for name, c := range map[string]struct{ approved, cause string }{
		"the same version": {"multi-strategy-1", "Always"}, "another one": {"multi-strategy-2", "SignalDegradation"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			proper := *s.Spec.DeepCopy()
			s.Spec.Diagnosis.Checks = nil
			s.Spec.Diagnosis.Causes = []strategyv1.CauseRule{{Name: "Always", When: "true", Remediation: "automatic"}}
			s.awaitsReview = true
			s.decide(strategyv1.DecisionEscalate, "bob")
			s.quiet()
			if cause := s.incident.Status.Cause; cause == nil || cause.Name != "Always" || len(s.Rollbacks) > 0 {
				t.Fatalf("%+v, %d rollbacks", cause, len(s.Rollbacks))
			}
			s.awaitsReview, s.revision = false, c.approved
			if c.approved == "multi-strategy-2" {
				s.Spec = proper
			}
			s.reports(reports{"Diagnosis/load": testkit.OK(), "Diagnosis/smoke": testkit.Fail()})
			s.quiet()
			if cause := s.incident.Status.Cause; cause == nil || cause.Name != c.cause {
				t.Errorf("%+v", cause)
			}
		})
	}
}
