package crash

import (
	"testing"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/sim"
	"tradeops.dev/strategy-operator/test/scenarios"
)

// TestARuleSeesTheSameIncidentInBothKinds: one verdict rule may judge a check of the incident and the same check of its
// rollback, so it must see the same.
func TestARuleSeesTheSameIncidentInBothKinds(t *testing.T) {
	for name, c := range map[string]struct {
		story string
		mode  string
	}{
		"a live incident": {"main story", "Live"},
		"a drill":         {"a drill", "Drill"},
	} {
		t.Run(name, func(t *testing.T) {
			story := scenarios.Named(c.story)
			w := sim.New(t, func(spec *strategyv1.StrategyPlaybookSpec) {
				if story.Playbook != nil {
					story.Playbook(spec)
				}
				for i := range spec.Checks {
					if spec.Checks[i].Name == "load" {
						spec.Checks[i].Verdicts = []strategyv1.VerdictRule{{Verdict: strategyv1.VerdictPass, When: "incident == {'name': 'pnl', 'type': 'PnL', " +
							"'severity': 'Critical', 'schedule': 'fast', 'strategy': '', 'mode': '" + c.mode + "'}"}}
					}
				}
			})
			_, wrong := story.Play(w)
			for _, what := range wrong {
				t.Error(what)
			}
			var incident strategyv1.StrategyIncident
			var rollbacks strategyv1.StrategyRollbackList
			w.Get("pnl", &incident)
			w.List(&rollbacks)
			judged := incident.Status.Checks
			for _, rollback := range rollbacks.Items {
				judged = append(judged, rollback.Status.Checks...)
			}
			stages := map[strategyv1.Stage]bool{}
			for _, record := range judged {
				if record.Name == "load" {
					stages[record.Stage] = true
					if record.Verdict != strategyv1.VerdictPass {
						t.Errorf("%s: %s, %s", record.Stage, record.Verdict, record.Message)
					}
				}
			}
			if !stages[strategyv1.StageTriage] || !stages[strategyv1.StageBefore] {
				t.Errorf("it was judged in %v only", stages)
			}
		})
	}
}
