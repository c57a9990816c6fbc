package incident_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/facts"
	"tradeops.dev/strategy-operator/internal/testkit"
)

// fixed is the playbook as it is now, in a second revision; bob takes its checks over.
func (s *story) fixed() {
	s.newest = &facts.Playbook{Spec: *s.Spec.DeepCopy(), Revision: "multi-strategy-2"}
	s.Now = s.Now.Add(time.Second)
	s.decides(strategyv1.DecisionAdoptChecks, "bob", s.Now.Sub(testkit.T0))
}

// An open stage runs the checks that were taken over, in a new round.
func TestAnOpenStageRunsAdoptedChecks(t *testing.T) {
	for name, c := range map[string]struct {
		reports map[string]*testkit.Report
		job     string
	}{
		"triage":    {map[string]*testkit.Report{"load": testkit.OK()}, "Triage/audit/11"},
		"diagnosis": {map[string]*testkit.Report{"load": testkit.OK(), "audit": testkit.Fail()}, "Diagnosis/smoke/11"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			s.reports(c.reports)
			s.quiet()
			s.fixed()
			s.quiet()
			if jobs := s.Jobs(); !slices.Contains(jobs, c.job) {
				t.Errorf("Jobs %v, want %s", jobs, c.job)
			}
			adopted := s.incident.Status.AdoptedChecks
			if adopted == nil || adopted.Revision != "multi-strategy-2" || adopted.Decision.By != "bob" || !strings.Contains(s.events(), "checks_adopted") {
				t.Errorf("%+v; %s", adopted, s.events())
			}
		})
	}
}

// A diagnosis that found no cause, since a check was broken, is made again.
func TestADiagnosisWithoutACauseIsMadeAgainWithAdoptedChecks(t *testing.T) {
	s := newStory(t)
	s.reports(map[string]*testkit.Report{"load": testkit.OK(), "audit": testkit.Fail(), "smoke": testkit.Broken()})
	s.quiet()
	if cause := s.incident.Status.Cause; cause == nil || cause.Name != "Unknown" {
		t.Fatalf("the cause is %+v", cause)
	}
	s.reports(map[string]*testkit.Report{"load": testkit.OK(), "audit": testkit.Fail(), "smoke": testkit.Fail()})
	s.fixed()
	s.quiet()
	if cause := s.incident.Status.Cause; cause == nil || cause.Name != "SignalDegradation" || len(s.Rollbacks) != 1 {
		t.Errorf("the cause is %+v, with %d rollbacks", cause, len(s.Rollbacks))
	}
}

// What cannot be taken over is refused in words.
func TestChecksThatCannotBeAdopted(t *testing.T) {
	for name, c := range map[string]struct {
		given func(*story)
		says  string
	}{
		"there is no newer revision": {func(s *story) { s.newest = nil }, "it has the checks of the playbook's newest revision already"},
		"a check of it is gone":      {func(s *story) { s.newest.Spec.Checks = s.newest.Spec.Checks[1:] }, `uses check "audit"`},
		"nobody can vouch for it":    {func(s *story) { s.identity = facts.Identity{Message: "no policies"} }, "no policies"},
		"it is closed": {func(s *story) {
			adopt := s.decided
			s.decided = nil
			s.decides(strategyv1.DecisionResolve, "ann", s.Now.Sub(testkit.T0)-time.Second)
			s.quiet()
			adopt[0].Name, adopt[0].UID = "d-9", "u-9"
			s.decided = append(s.decided, adopt...)
		}, "the incident was closed"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			s.quiet()
			s.Now = s.Now.Add(time.Second)
			s.fixed()
			c.given(s)
			s.quiet()
			if s.incident.Status.AdoptedChecks != nil {
				t.Errorf("%+v", s.incident.Status.AdoptedChecks)
			}
			if !slices.ContainsFunc(s.incident.Status.Answers, func(a strategyv1.AnsweredDecision) bool { return strings.Contains(a.Message, c.says) }) {
				t.Errorf("it does not say %q: %+v", c.says, s.incident.Status.Answers)
			}
		})
	}
}
