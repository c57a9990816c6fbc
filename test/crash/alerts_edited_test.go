package crash

import (
	"strings"
	"testing"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/sim"
)

// TestAnEditMakesNoAlertNobodys: while a new version of a playbook is checked, alerts go by the one before.
func TestAnEditMakesNoAlertNobodys(t *testing.T) {
	w := sim.New(t, func(spec *strategyv1.StrategyPlaybookSpec) {
		spec.Alerts = routedLosses()
		spec.Alerts.Routes = append(spec.Alerts.Routes, strategyv1.AlertRoute{Name: "noise", Matchers: []string{`alertname="Noise"`}, Action: strategyv1.AlertActionIgnore})
	})
	operator := w.Start(sim.Seams{})
	noise := func(name string) {
		w.Fire(name, map[string]strategyv1.AlertText{"alertname": "Noise", "series": strategyv1.AlertText(name)})
	}
	ignored := func(name string) func() bool {
		return func() bool { return w.AlertNamed(name).Status.Outcome == strategyv1.AlertIgnored }
	}
	noise("before")
	until(t, w, operator, ignored("before"))
	for _, name := range []string{"first", "second", "third"} {
		noise(name)
		sim.Change(w, sim.Playbook, &strategyv1.StrategyPlaybook{}, func(playbook *strategyv1.StrategyPlaybook) { playbook.Spec.Triage.RespondWithinSeconds++ })
		until(t, w, operator, ignored(name))
		w.Settle(t.Context(), operator)
	}
	if all := strings.Join(w.Trace, "\n"); strings.Contains(all, strategyv1.ReasonPlaybookNotReady) || strings.Contains(all, string(strategyv1.AlertUnroutable)) {
		t.Errorf("an alert was nobody's for a moment:\n%s", all)
	}
}
