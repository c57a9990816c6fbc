package rollback_test

import (
	"strings"
	"testing"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/testkit"
)

// What is said of a change says what was looked at, and not more.
func TestVerifiedSaysWhatWasChecked(t *testing.T) {
	for remedy, says := range map[string]string{"disable": "not worse than before: load Warn, smoke Pass", "": "no check after the change is configured"} {
		s := newStory(t)
		s.rollback.Spec.RemediationName = remedy
		s.reports(reports{"load": testkit.Warn(), "smoke": testkit.OK()})
		s.approved()
		for _, text := range []string{s.message(strategyv1.ConditionVerified), s.message(strategyv1.ConditionReady), s.logText()} {
			if !strings.Contains(text, says) {
				t.Errorf("remedy %q: it does not say %q: %s", remedy, says, text)
			}
		}
	}
}

// Of what was undone nobody reads until when it is disabled.
func TestRestoredDoesNotNameTheEndOfTheTimeBox(t *testing.T) {
	s := newStory(t)
	s.approved()
	s.decide(strategyv1.DecisionRestore, "carol")
	s.quiet()
	if message := s.message(strategyv1.ConditionReady); !strings.HasSuffix(message, "undone: disable schedule fast") || strings.Contains(message, "until") {
		t.Error(message)
	}
}

// What people read of an exercise says that it is one, whatever happens.
func TestADrillIsMarked(t *testing.T) {
	s := newStory(t)
	s.rollback.Spec.Mode = strategyv1.ModeDrill
	s.approved()
	s.Edit(testkit.Document)
	s.quiet()
	s.decide(strategyv1.DecisionRestore, "carol")
	s.quiet()
	expect(t, "Ready", s.ready(), "Restored")
	if message := s.message(strategyv1.ConditionReady); !strings.HasPrefix(message, "DRILL: ") || strings.Count(message, "DRILL: ") > 1 {
		t.Error(message)
	}
	if len(s.Events) < 5 {
		t.Errorf("%d events", len(s.Events))
	}
	for _, event := range s.Events {
		if !strings.Contains(event, "DRILL: ") {
			t.Errorf("an event is not marked: %s", event)
		}
	}
}

// Whoever is waited for reads in the status what the log's head is.
func TestTheHeadOfTheLogIsInTheStatusWheneverSomebodyIsWaitedFor(t *testing.T) {
	s := newStory(t)
	s.reports(reports{"load": testkit.OK(), "smoke": testkit.OK()})
	head := func(at string) {
		t.Helper()
		lines := s.Logs[s.prefix]
		if log := s.rollback.Status.Log; log == nil || *log.Entries != int64(len(lines)) || log.Head != lines[len(lines)-1].Hash {
			t.Errorf("%s: the status says %+v of %d entries", at, s.rollback.Status.Log, len(lines))
		}
	}
	s.quiet()
	head("awaiting approval")
	s.decide(strategyv1.DecisionApprove, "alice")
	s.quiet()
	head("not honoured")
	s.decide(strategyv1.DecisionApprove, "bob")
	s.quiet()
	head("in force")
	s.reports(reports{"load": testkit.Fail()})
	s.decide(strategyv1.DecisionRestore, "carol")
	s.quiet()
	head("the gate failed")
}
