package crash

import (
	"errors"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/conditions"
	"tradeops.dev/strategy-operator/internal/evidence"
	"tradeops.dev/strategy-operator/internal/sim"
	"tradeops.dev/strategy-operator/test/scenarios"
)

var errFull = errors.New("no space left on device")

// TestABucketThatTakesNoWritesIsTold on whatever waits for it; nothing is done unlogged, deadlines go on, and when there is room again, so does
// everything.
func TestABucketThatTakesNoWritesIsTold(t *testing.T) {
	for name, c := range map[string]struct {
		story string
		from  func(*sim.World) bool
		told  func(*sim.World) []metav1.Condition
		done  func(*sim.World) bool // at the end
	}{
		"the first entry of a log": {"main story", func(*sim.World) bool { return true }, incidentTells,
			func(w *sim.World) bool { return w.Incident().Status.ClosedTime != nil }},
		"the report of a check": {"main story", func(w *sim.World) bool { return len(w.Jobs) > 0 }, incidentTells,
			func(w *sim.World) bool { return w.Incident().Status.ClosedTime != nil }},
		"an approval": {"rollback of a person", readyIs("less", "AwaitingApproval"), rollbackTells("less"), readyIs("less", "Restored")},
		"the last entry": {"denied, then closed", readyIs("", "AwaitingApproval"),
			rollbackTells(""), func(w *sim.World) bool { return w.Incident().Status.ClosedTime != nil }},
	} {
		t.Run(name, func(t *testing.T) {
			w, operator, _ := server(t, c.story)
			until(t, w, operator, func() bool { return c.from(w) })
			w.Bucket.Full = errFull
			before := len(w.Trace)
			tells := func() bool {
				for _, kind := range []string{strategyv1.ConditionReady, strategyv1.ConditionStalled} {
					message := conditions.Message(c.told(w), kind)
					if conditions.Reason(c.told(w), kind) == strategyv1.ReasonEvidenceUnavailable && strings.Contains(message, errFull.Error()) {
						return true
					}
				}
				return false
			}
			until(t, w, operator, tells)
			if !meta.IsStatusConditionTrue(c.told(w), strategyv1.ConditionStalled) {
				t.Errorf("nobody is asked: %v", c.told(w))
			}
			began, puts := w.Clock.Now(), tried(w)
			for range 40 {
				w.Pass(30 * time.Second)
				for operator.Step(t.Context()) {
				}
			}
			if again := tried(w) - puts; again > 200 {
				t.Errorf("it tried %d times in %s", again, w.Clock.Since(began))
			}
			if w.Incident() != nil && w.Incident().Status.ClosedTime == nil && !conditions.True(w.Incident().Status.Conditions, strategyv1.ConditionEscalated) {
				t.Errorf("its deadlines do not go on: %v", w.Incident().Status.Deadlines)
			}
			for _, line := range w.Trace[before:] {
				if strings.HasPrefix(line, "create jobs/") || strings.HasPrefix(line, "create strategyrollbacks/") || strings.HasPrefix(line, "patch ") || strings.HasPrefix(line, "update configmaps/") {
					t.Errorf("something was done that no log tells: %s", line)
				}
			}
			w.Bucket.Full = nil
			until(t, w, operator, func() bool { return !tells() })
			w.Settle(t.Context(), operator)
			if c.done != nil && !c.done(w) {
				t.Errorf("when there is room again it does not go on:\n%s", strings.Join(w.Trace[max(0, len(w.Trace)-20):], "\n"))
			}
		})
	}
}

// tried is how often something was to be written into the bucket.
func tried(w *sim.World) (times int) {
	for _, line := range w.Trace {
		if strings.HasPrefix(line, "put ") {
			times++
		}
	}
	return times
}

// TestAFullBucketKeepsNoDeletedRollback: what was left is told by an event, and the object goes, though nobody can log it.
func TestAFullBucketKeepsNoDeletedRollback(t *testing.T) {
	for name, c := range map[string]struct {
		story string
		when  func(*sim.World) bool
	}{
		"its edits are to stay":   {"deleted while applied", deleted("less")},
		"its edits are undone":    {"deleted, to be restored", deleted("less")},
		"it had ended before":     {"deleted after it was restored", readyIs("less", "Restored")},
		"it is deleted meanwhile": {"deleted while applied", readyIs("less", "Verified")},
	} {
		t.Run(name, func(t *testing.T) {
			w, operator, _ := serverOf(t, scenarios.Named(c.story))
			until(t, w, operator, func() bool { return c.when(w) })
			w.Bucket.Full = errFull
			until(t, w, operator, func() bool { return w.RollbackNamed("less") == nil })
		})
	}
}

func deleted(name string) func(*sim.World) bool {
	return func(w *sim.World) bool {
		return w.RollbackNamed(name) == nil || !w.RollbackNamed(name).DeletionTimestamp.IsZero()
	}
}

// TestSamplesOfSignalsAreKept while an incident is open, each once. A bucket that takes none for a while loses none; an operator that is killed loses
// those in memory.
func TestSamplesOfSignalsAreKept(t *testing.T) {
	const killed, full = 1, 2
	kept := map[int]int{}
	for _, what := range []int{0, killed, full} {
		w, operator, _ := server(t, "recovery waits until it is quiet")
		restored := readyIs("", "Restored")
		until(t, w, operator, func() bool { return restored(w) })
		switch what {
		case killed:
			operator = w.Start(sim.Seams{})
		case full:
			w.Bucket.Full = errFull
			for range 20 {
				w.Pass(30 * time.Second)
				for operator.Step(t.Context()) {
				}
			}
			w.Bucket.Full = nil
		}
		w.Settle(t.Context(), operator)
		if w.Incident().Status.ClosedTime == nil {
			t.Fatal("it is not closed")
		}
		kept[what] = len(samples(t, w))
	}
	if kept[0] == 0 || kept[killed] >= kept[0] || kept[full] < kept[0] {
		t.Errorf("%d samples; %d if it is killed; %d if the bucket is full for ten minutes", kept[0], kept[killed], kept[full])
	}
}

// samples are the lines in the files of the incident.
func samples(t *testing.T, w *sim.World) map[string]bool {
	t.Helper()
	incident := w.Incident()
	folder := evidence.Prefix(w.Namespace, incident.Name, string(incident.UID), incident.CreationTimestamp.Time) + "samples/"
	names, err := w.Bucket.Names(t.Context(), folder)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, name := range names {
		text, err := w.Bucket.Get(t.Context(), folder+name)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			if seen[line] {
				t.Errorf("twice: %s", line)
			}
			seen[line] = true
		}
	}
	return seen
}
