package rollback_test

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/conditions"
	"tradeops.dev/strategy-operator/internal/facts"
	"tradeops.dev/strategy-operator/internal/lifecycle"
	"tradeops.dev/strategy-operator/internal/testkit"
)

// wrong is all that may be wrong with what is read, or hold the operator back.
var wrong = map[string]struct {
	given           func(*story)
	playbookUnknown bool
}{
	"nothing":                 {func(*story) {}, false},
	"the log":                 {func(s *story) { s.logProblem = &facts.Problem{Reason: "EvidenceUnavailable", Message: "m"} }, false},
	"the configuration":       {func(s *story) { s.configProblem = &facts.Problem{Reason: "ConfigInvalid", Message: "m"} }, false},
	"the playbook":            {func(s *story) { s.playbookProblem = &facts.Problem{Reason: "PlaybookNotFound", Message: "m"} }, true},
	"the playbook is on hold": {func(s *story) { s.suspended = true }, false},
}

// TestTimeAndADenialDoNotWait for input that is wrong: nothing was changed, so nothing needs to be known.
func TestTimeAndADenialDoNotWait(t *testing.T) {
	for name, problem := range wrong {
		for what, c := range map[string]struct {
			given       func(*story)
			how         strategyv1.Ending
			needsToKnow bool // how long the playbook gives
		}{
			"denied":                      {func(s *story) { s.decide(strategyv1.DecisionDeny, "dave") }, strategyv1.EndDenied, false},
			"nobody approves":             {func(s *story) { s.At(15 * time.Minute) }, strategyv1.EndApprovalExpired, true},
			"the box ends before a write": {func(s *story) { s.At(4 * time.Hour) }, strategyv1.EndApprovalExpired, true},
		} {
			t.Run(name+": "+what, func(t *testing.T) {
				s := newStory(t)
				s.quiet()
				problem.given(s)
				s.quiet()
				c.given(s)
				s.pass()
				how := strategyv1.Ending("")
				if s.rollback.Status.End != nil {
					how = s.rollback.Status.End.How
				}
				if want := c.how; problem.playbookUnknown && c.needsToKnow {
					expect(t, "while nobody knows how long it may take", string(how), "")
				} else {
					expect(t, "it ends", string(how), string(want))
				}
				s.logProblem, s.configProblem, s.playbookProblem, s.suspended = nil, nil, nil, false
				s.quiet()
				expect(t, "in the end", string(s.rollback.Status.End.How), string(c.how))
				if s.Content != testkit.Document {
					t.Errorf("the configuration was changed:\n%s", s.Content)
				}
			})
		}
	}
}

// TestADenialTakesBackAClaim that is not written yet. What the writer writes in that very moment is released.
func TestADenialTakesBackAClaim(t *testing.T) {
	for name, crossed := range map[string]bool{"not written yet": false, "written in the same moment": true} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			s.writerStopped = true
			s.approved()
			expect(t, "claim", string(lifecycle.Claim(s.rollback.Status)), string(strategyv1.ClaimHold))
			s.decide(strategyv1.DecisionDeny, "dave")
			if crossed {
				s.Now = s.Now.Add(10 * time.Second)
				s.PrepareWrite()
				s.KeepReceipts()
			}
			denial := s.plan() // of what was seen before the write
			if crossed && !s.CommitWrite() {
				t.Fatal("nothing was written")
			}
			s.rollback.Status = denial.Status
			s.Execute(denial.Steps.InOrder())
			expect(t, "Ready", s.ready(), "Denied")
			s.writerStopped = false
			s.quiet()
			if s.Content != testkit.Document || s.Config().State.Holder(string(s.rollback.UID)) != nil {
				t.Errorf("the configuration has something of it:\n%s", s.Content)
			}
			if !s.gone() && len(s.rollback.Finalizers) > 0 {
				t.Errorf("it keeps its finalizer: %v", s.rollback.Finalizers)
			}
		})
	}
}

// TestADenialAfterTheWriteChangesNothing: restoring is what undoes it.
func TestADenialAfterTheWriteChangesNothing(t *testing.T) {
	for name, given := range map[string]func(*story){
		"seen in the record":                        func(*story) {},
		"the configuration cannot be read any more": func(s *story) { s.configProblem = &facts.Problem{Reason: "ConfigInvalid", Message: "m"} },
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			s.writerStopped = true
			s.approved()
			s.writes()
			given(s)
			s.decide(strategyv1.DecisionDeny, "dave")
			s.quiet()
			if s.ended() {
				t.Errorf("it ended: %s", s.rollback.Status.End.How)
			}
		})
	}
}

// TestTheEndOfTheBoxIsRecordedOnTime, whatever else is wrong: the scheduler trades again by itself.
func TestTheEndOfTheBoxIsRecordedOnTime(t *testing.T) {
	for name, problem := range wrong {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			s.approved()
			s.reports(nil)
			problem.given(s)
			s.At(4 * time.Hour)
			s.pass()
			expect(t, "InEffect", conditions.Reason(s.rollback.Status.Conditions, strategyv1.ConditionInEffect), "Expired")
		})
	}
}

// TestWithoutAFinalizerNothingKeepsIt: nothing of it was ever written, and somebody else's finalizer is theirs.
func TestWithoutAFinalizerNothingKeepsIt(t *testing.T) {
	s := newStory(t)
	s.quiet()
	s.rollback.DeletionTimestamp, s.rollback.Finalizers = new(metav1.NewTime(s.Now)), []string{"example.com/theirs"}
	decision, changed := s.pass()
	if changed || !decision.NextAt.IsZero() {
		t.Errorf("it does something: %v, next at %v", testkit.Describe(decision.Steps.InOrder()), decision.NextAt)
	}
}

// TestWhatIsNotReadIsNotEmpty: while the operator has no rights in the namespace it knows neither the playbook's times, nor its hold, nor
// what people decided. Nothing expires by that, and nothing is released.
func TestWhatIsNotReadIsNotEmpty(t *testing.T) {
	s := newStory(t)
	s.quiet()
	s.suspended = true
	s.quiet()
	s.At(14 * time.Minute)
	s.decide(strategyv1.DecisionApprove, "bob")
	s.notServed = &facts.Problem{Reason: strategyv1.ReasonNamespaceNotServed, Message: "m"}
	s.At(20 * time.Minute)
	s.quiet()
	if end := s.rollback.Status.End; end != nil {
		t.Errorf("it ended as %s", end.How)
	}
	expect(t, "OnHold", conditions.Reason(s.rollback.Status.Conditions, strategyv1.ConditionOnHold), "PlaybookSuspended")
	s.notServed, s.suspended = nil, false
	s.quiet()
	if !conditions.True(s.rollback.Status.Conditions, strategyv1.ConditionApproved) {
		t.Errorf("an approval that came in time does not count: %s", testkit.Conditions(s.rollback.Status.Conditions))
	}
}
