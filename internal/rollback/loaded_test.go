package rollback_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/checks"
	"tradeops.dev/strategy-operator/internal/record"
	"tradeops.dev/strategy-operator/internal/testkit"
)

// loads is a story whose proof asks the scheduler's loader. stale is how many of the check's pods have the document as it was; what says is
// true of what they read.
func loads(t *testing.T, stale int, says func(document string) string) *story {
	s := newStory(t)
	s.Spec.Scheduler.Proof.Proves = strategyv1.ProvesLoaded
	usual, seen := s.Report, map[checks.ID]string{}
	s.Report = func(id checks.ID) *testkit.Report {
		if id.Check != "running-plan" {
			return usual(id)
		}
		document, known := seen[id]
		if !known {
			document = s.Content
			if stale > 0 {
				stale, document = stale-1, testkit.Document
			}
			seen[id] = document
		}
		return &testkit.Report{JSON: says(document)}
	}
	return s
}

// loaded is what a loader says of a document.
func loaded(document string) string {
	suspended := "[]"
	if document != testkit.Document {
		suspended = `["fast"]`
	}
	return fmt.Sprintf(`{"config_sha256":%q,"suspended":%s}`, record.Hash(document), suspended)
}

// A check's pod may have a stale copy of the ConfigMap, whatever the scheduler has: that restarts nothing and undoes nothing.
func TestAProofOfWhatIsLoadedDoesNotSpeakOfTheRunningScheduler(t *testing.T) {
	silent := func(document string) string { return strings.Replace(loaded(document), "config_sha256", "x", 1) }
	broken := func(document string) string {
		return fmt.Sprintf(`{"config_sha256":%q,"suspended":[]}`, record.Hash(document))
	}
	for name, c := range map[string]struct {
		stale  int
		says   func(string) string
		ready  string
		effect string
		told   string // of InEffect
	}{
		"it reads the change":                   {0, loaded, "Verified", "True/Loaded", "its loader reads it; the running one was not asked"},
		"a stale copy once":                     {1, loaded, "Verified", "True/Loaded", "the running one was not asked"},
		"a stale copy three times":              {3, loaded, "Verified", "True/Loaded", ""},
		"it never reads what is stored":         {1000, loaded, "Unproved", "Unknown/Unproved", "a stale copy, or mounts something else"},
		"it does not say what it reads":         {0, silent, "Verified", "True/Loaded", ""},
		"it fails, and does not say what of":    {1000, silent, "Unproved", "Unknown/Unproved", "without config_sha256"},
		"it reads it, and does not find it":     {0, broken, "Reverted", "", ""},
		"a stale copy of one that finds no end": {1, broken, "Reverted", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := loads(t, c.stale, c.says)
			s.approved()
			for range 8 { // the time-out is 180 s, and it is asked again every 30
				s.Now = s.Now.Add(30 * time.Second)
				s.quiet()
			}
			if n := strings.Count(s.attempts(), "Proof"); n > 7 {
				t.Errorf("it was asked %d times", n)
			}
			expect(t, "Ready", s.ready(), c.ready)
			if c.effect == "" {
				return
			}
			expect(t, "InEffect", s.condition(strategyv1.ConditionInEffect), c.effect)
			if got := s.message(strategyv1.ConditionInEffect); !strings.Contains(got, c.told) {
				t.Errorf("it says %q", got)
			}
			if s.Restarts != 1 || s.Content == testkit.Document {
				t.Errorf("%d restarts, and the change is there: %v", s.Restarts, s.Content != testkit.Document)
			}
			if proof := s.rollback.Status.Proof; proof.Running != "" {
				t.Errorf("it says what runs: %+v", proof)
			}
		})
	}
}

func TestAnUndoneChangeIsProvedByTheLoader(t *testing.T) {
	s := loads(t, 0, loaded)
	s.approved()
	s.decide(strategyv1.DecisionRestore, "carol")
	s.quiet()
	expect(t, "Ready", s.ready(), "Restored")
	if got := s.message(strategyv1.ConditionRestored); !strings.Contains(got, "the running one was not asked") {
		t.Errorf("it says %q", got)
	}
}

// Who restarted it, and with which copy, only the scheduler itself can tell then.
func TestTheLoaderIsNotBelievedWhereReloaderRestarts(t *testing.T) {
	s := loads(t, 0, loaded)
	s.Reloader = true
	s.Deployment.Annotations = map[string]string{"reloader.stakater.com/auto": "true"}
	s.approved()
	expect(t, "Ready", s.ready(), "Unproved")
	if got := s.message(strategyv1.ConditionInEffect); !strings.Contains(got, "proves: Running") {
		t.Errorf("it says %q", got)
	}
}
