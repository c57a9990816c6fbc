package rollback_test

import (
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/facts"
	"tradeops.dev/strategy-operator/internal/testkit"
)

// Whoever closes an incident is told what stays in force. Nothing may come after that: what the incident asked for and what waits still is
// withdrawn, for whatever it waits.
func TestWhatAClosedIncidentAskedForIsWithdrawn(t *testing.T) {
	closed := func(s *story) { s.incident.Status.ClosedTime = new(metav1.NewTime(s.Now)) }
	for name, c := range map[string]struct {
		given  func(*story)
		before string
		after  string
	}{
		"it waits for room": {func(s *story) {
			s.Spec.Guard = &strategyv1.GuardSpec{MaxActiveRollbacks: 1}
			other := s.beside("first", testkit.Disable("slow"))
			other.approved()
			s.remedy("automatic")
			s.quiet()
		}, "GuardExceeded", "Withdrawn"},
		"another one holds the same place": {func(s *story) {
			other := s.beside("first", testkit.Disable("fast"))
			other.rollback.Spec.MaxDurationSeconds = new(int32(7200))
			other.approved()
			s.remedy("automatic")
			s.quiet()
		}, "PathHeldByOther", "Withdrawn"},
		"the playbook is on hold":   {func(s *story) { s.suspended = true; s.remedy("automatic"); s.quiet() }, "Approved", "Withdrawn"},
		"it waits for an approval":  {func(s *story) { s.remedy("disable"); s.quiet() }, "AwaitingApproval", "Withdrawn"},
		"somebody asked for it":     {func(s *story) { s.remedy("disable"); s.rollback.Spec.IncidentUID = ""; s.quiet() }, "AwaitingApproval", "AwaitingApproval"},
		"what is in force stays so": {func(s *story) { s.remedy("automatic"); s.quiet() }, "Verified", "Verified"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			c.given(s)
			expect(t, "before", s.ready(), c.before)
			content := s.Content
			closed(s)
			s.quiet()
			expect(t, "after", s.ready(), c.after)
			s.Spec.Guard, s.suspended = nil, false
			s.At(time.Minute)
			s.quiet()
			expect(t, "and later", s.ready(), c.after)
			expect(t, "the configuration", s.Content, content)
			if c.after == "Withdrawn" && !strings.Contains(s.message(strategyv1.ConditionReady), "incident pnl, which asked for it, was closed") {
				t.Errorf("it says %q", s.message(strategyv1.ConditionReady))
			}
		})
	}
}

// An incident that is reopened looks for its cause anew. What was changed for the cause that it had is undone only when that one is gone.
func TestTheCauseOfAChangeOutlivesAReopening(t *testing.T) {
	for name, cause := range map[string]*strategyv1.CauseStatus{
		"it is looked for":      nil,
		"it was not found":      {Name: "Unknown"},
		"another one was found": {Name: "Other", Rule: "signals.cpu > 90.0"},
	} {
		t.Run(name, func(t *testing.T) {
			s := causedBy(t, "signals.loss < -4.0")
			expect(t, "before", s.ready(), "Verified")
			s.incident.Status.Cause = cause
			s.reads(map[string]float64{"loss": -5, "cpu": 10})
			s.decide(strategyv1.DecisionRestore, "carol")
			s.quiet()
			expect(t, "it still holds", s.ready(), "RestoreGateFailed")
			s.reads(map[string]float64{"loss": -1, "cpu": 99})
			s.decide(strategyv1.DecisionRestore, "carol")
			s.quiet()
			expect(t, "it is gone", s.ready(), "Restored")
		})
	}
}

// A decision that is made again under its name, as from a file, is another one.
func TestARestoreThatIsMadeAgainUnderItsNameCounts(t *testing.T) {
	s := newStory(t)
	s.approved()
	s.reports(reports{"load": testkit.Fail()})
	s.decide(strategyv1.DecisionRestore, "carol")
	s.quiet()
	expect(t, "the gate", s.ready(), "RestoreGateFailed")
	s.reports(reports{"load": testkit.OK()})
	s.At(time.Minute)
	again := &s.decided[len(s.decided)-1]
	again.UID, again.Time = "made-again", metav1.NewTime(s.Now)
	s.quiet()
	expect(t, "made again", s.ready(), "Restored")
}

// Deleted with deletionPolicy Restore, the gate takes as long as it takes; one bad pass in that time is no reason to leave the edits.
func TestAMomentOfBadInputEndsNoDeletion(t *testing.T) {
	for name, bad := range map[string]func(*story) (well func()){
		"the log": func(s *story) func() {
			s.logProblem = &facts.Problem{Reason: "EvidenceUnavailable", Message: "the bucket is away"}
			return func() { s.logProblem = nil }
		},
		"the document": func(s *story) func() { content := s.Content; s.Edit("a: [\n"); return func() { s.Edit(content) } },
		"a template": func(s *story) func() {
			templates := s.Templates
			s.Templates = nil
			return func() { s.Templates = templates }
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			s.rollback.Spec.DeletionPolicy = strategyv1.DeletionRestore
			s.approved()
			s.reports(nil) // the gate's check runs, and runs
			s.Delete("off")
			s.quiet()
			expect(t, "asked", s.ready(), "CheckingRestore")
			s.Now = s.Now.Add(20 * time.Minute)
			well := bad(s)
			s.pass()
			s.pass()
			well()
			s.reports(reports{"load": testkit.OK()})
			s.quiet()
			if s.Content != testkit.Document || !s.gone() {
				t.Errorf("gone: %v; %s: %s", s.gone(), s.ready(), s.message(strategyv1.ConditionReady))
			}
		})
	}
}
