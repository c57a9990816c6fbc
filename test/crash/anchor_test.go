package crash

import (
	"strings"
	"testing"
	"time"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/conditions"
	"tradeops.dev/strategy-operator/internal/evidence"
	"tradeops.dev/strategy-operator/internal/sim"
)

// TestALogThatWasPutBackIsNoticedAtTheStart: a shorter or older log is a valid chain; only the head in the status says that it is not the one.
func TestALogThatWasPutBackIsNoticedAtTheStart(t *testing.T) {
	for name, c := range map[string]struct {
		change func(entries map[int64][]byte) // by number; nil: lost
		says   string
	}{
		"the end is cut off":      {func(e map[int64][]byte) { e[3], e[4] = nil, nil }, "has 2 entries, the status says 4"},
		"only the first is left":  {func(e map[int64][]byte) { e[2], e[3], e[4] = nil, nil, nil }, "has 1 entry, the status says 4"},
		"all are lost":            {func(e map[int64][]byte) { e[1], e[2], e[3], e[4] = nil, nil, nil, nil }, "has 0 entries, the status says 4"},
		"one in the middle":       {func(e map[int64][]byte) { e[2] = nil }, "has no entry 2, the status says 4"},
		"the first":               {func(e map[int64][]byte) { e[1] = nil }, "has no entry 1, the status says 4"},
		"the last is another one": {func(e map[int64][]byte) { e[4] = e[3] }, "entry 4 is not the one whose hash is in the status"},
		"an older one is another": {func(e map[int64][]byte) { e[2] = e[1] }, "entry 2 is not the one that entry 3 follows"},
	} {
		t.Run(name, func(t *testing.T) {
			w, operator, prefix := begun(t)
			until(t, w, operator, func() bool { log := w.Incident().Status.Log; return log != nil && *log.Entries >= 4 })
			before, changed := map[int64][]byte{}, map[int64][]byte{}
			last := *w.Incident().Status.Log.Entries
			for n := int64(1); n <= last; n++ {
				entry, err := w.Bucket.Get(t.Context(), evidence.LogKey(prefix, n))
				if err != nil {
					t.Fatal(err)
				}
				before[n], changed[n] = entry, entry
			}
			c.change(changed)
			says := c.says
			if last > 4 {
				t.Fatalf("the status has %d entries at once", last)
			}
			put(t, w, prefix, changed)
			next := w.Start(sim.Seams{})
			until(t, w, next, func() bool {
				return conditions.Reason(w.Incident().Status.Conditions, strategyv1.ConditionStalled) == strategyv1.ReasonLogConflict
			})
			if message := conditions.Message(w.Incident().Status.Conditions, strategyv1.ConditionStalled); !strings.Contains(message, says) || !strings.Contains(message, prefix) || !strings.Contains(message, "put the original back") {
				t.Errorf("it says: %s", message)
			}
			put(t, w, prefix, before)
			until(t, w, next, func() bool { w.Pass(time.Second); return w.Incident().Status.State == strategyv1.IncidentClosed })
		})
	}
}

// put replaces a log, as somebody who has the volume may.
func put(t *testing.T, w *sim.World, prefix string, entries map[int64][]byte) {
	t.Helper()
	for n, entry := range entries {
		w.Bucket.Lose(evidence.LogKey(prefix, n))
		if entry == nil {
			continue
		}
		if err := w.Bucket.Create(t.Context(), evidence.LogKey(prefix, n), entry); err != nil {
			t.Fatal(err)
		}
	}
}
