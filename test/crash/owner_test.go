package crash

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/gitops"
	"tradeops.dev/strategy-operator/internal/sim"
	"tradeops.dev/strategy-operator/internal/testkit"
)

// TestWhoHasTheConfiguration: as long as any edit is in, the document is that field manager's which a tool can be told to leave alone, and not when
// the last is undone. Otherwise no commit would ever arrive again.
func TestWhoHasTheConfiguration(t *testing.T) {
	w := sim.New(t, nil)
	operator := w.Start(sim.Seams{})
	goOn := func(rollback, until string) {
		t.Helper()
		for range 20 {
			w.Settle(t.Context(), operator)
			if w.Ready(rollback) == until {
				return
			}
			w.Pass(5 * time.Second)
		}
		t.Fatalf("rollback %s is at %s, not at %s", rollback, w.Ready(rollback), until)
	}
	has := func(when, want string) {
		t.Helper()
		var configMap corev1.ConfigMap
		w.Get(sim.ConfigMap, &configMap)
		if writer := gitops.WriterOf(&configMap, testkit.DataKey); writer == nil || writer.Manager != want {
			t.Errorf("%s the document is that of %+v, not of %s", when, writer, want)
		}
	}
	w.Settle(t.Context(), operator)
	for i, name := range []string{"first", "second"} {
		w.AskRollback(name, func(spec *strategyv1.StrategyRollbackSpec) { spec.Actions = spec.Actions[i : i+1] })
		goOn(name, strategyv1.ReasonAwaitingApproval)
		w.Decide("bob", name, strategyv1.DecisionApprove, "")
		goOn(name, strategyv1.ReasonVerified)
		has("with the edit of "+name, gitops.EditManager)
	}
	w.Decide("bob", "first", strategyv1.DecisionRestore, "")
	goOn("first", strategyv1.ReasonRestored)
	has("with one of two undone", gitops.EditManager)
	w.Decide("bob", "second", strategyv1.DecisionRestore, "")
	goOn("second", strategyv1.ReasonRestored)
	has("with the last undone", "strategy-operator")
}
