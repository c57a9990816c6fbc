package crash

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/lifecycle"
	"tradeops.dev/strategy-operator/internal/sim"
	"tradeops.dev/strategy-operator/test/scenarios"
)

// TestWhatEndedBeforeItsPlaybookWasReadyIsLoggedLater: people can close what never started, and only the playbook says which key signs that. When
// it is ready the entry follows, though the object has ended, and an operator that was started since remembers nothing of it.
func TestWhatEndedBeforeItsPlaybookWasReadyIsLoggedLater(t *testing.T) {
	for _, verdict := range []strategyv1.DecisionVerdict{strategyv1.DecisionResolve, strategyv1.DecisionFalseAlarm} {
		t.Run(string(verdict), func(t *testing.T) {
			w := sim.New(t, nil)
			operator := w.Start(sim.Seams{})
			w.Settle(t.Context(), operator)
			w.Delete(sim.ConfigMap, &corev1.ConfigMap{})
			w.Settle(t.Context(), operator)
			w.ReportIncident(nil)
			w.Settle(t.Context(), operator)
			w.DecideAbout("bob", strategyv1.DecisionTarget{Kind: strategyv1.KindIncident, Name: "pnl"}, verdict)
			w.Settle(t.Context(), operator)
			if !lifecycle.Closed(w.Incident().Status) || tried(w) > 0 {
				t.Fatalf("closed: %v, logged: %d", w.Incident().Status.ClosedTime, tried(w))
			}
			operator = w.Start(sim.Seams{}) // what it was about to look at again is forgotten
			w.Settle(t.Context(), operator)
			w.Create(w.ConfigMap())
			w.Settle(t.Context(), operator)
			w.Pass(time.Minute)
			w.Settle(t.Context(), operator)
			if end := scenarios.EndOf(w, operator.LastError()); len(end.Problems) > 0 || tried(w) == 0 {
				t.Errorf("written %d times: %v", tried(w), end.Problems)
			}
		})
	}
}
