package scenarios

import (
	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/checks"
	"tradeops.dev/strategy-operator/internal/conditions"
	"tradeops.dev/strategy-operator/internal/sim"
)

// broken: this check measures nothing in this stage, until other checks are taken over: those of a later round have higher numbers.
func broken(stage strategyv1.Stage, check string) func(*sim.World, checks.ID) (sim.Ended, bool) {
	return func(w *sim.World, id checks.ID) (sim.Ended, bool) {
		if id.Stage == stage && id.Check == check && id.Attempt <= 10 {
			return sim.Mute, true
		}
		return sim.Losing(w, id)
	}
}

// fixesChecks is carol, who repairs the checks of the playbook.
func fixesChecks(w *sim.World) {
	sim.Change(w, sim.Playbook, &strategyv1.StrategyPlaybook{}, func(playbook *strategyv1.StrategyPlaybook) {
		for i := range playbook.Spec.Checks {
			playbook.Spec.Checks[i].Command = append(playbook.Spec.Checks[i].Command, "--repaired")
		}
	})
}

// checksFixed: the repaired playbook is ready.
func checksFixed(w *sim.World) bool {
	var playbook strategyv1.StrategyPlaybook
	w.Get(sim.Playbook, &playbook)
	return playbook.Generation > 1 && playbook.Status.ObservedGeneration == playbook.Generation && conditions.True(playbook.Status.Conditions, strategyv1.ConditionReady)
}

// adopts: bob takes the repaired checks over.
func adopts(kind string) func(*sim.World) {
	return func(w *sim.World) {
		name := w.Incident().Name
		if kind == strategyv1.KindRollback {
			name = w.Rollback().Name
		}
		w.DecideAbout("bob", strategyv1.DecisionTarget{Kind: kind, Name: name}, strategyv1.DecisionAdoptChecks)
	}
}

// adopted are stories of a check that is broken, and of people who take over the repaired one.
var adopted = []Scenario{{
	Name: "a check after the change is broken: the repaired checks are taken over", Begin: pnlIncident, Report: broken(strategyv1.StageAfter, "smoke"),
	Script: []Step{
		approve(""), {ready("", "UnmeasuredAfter"), fixesChecks}, {checksFixed, adopts(strategyv1.KindRollback)}, restore(""),
	},
	Incident: "Resolved", Rollbacks: ends("pnl", "Restored"),
}, {
	Name: "a check of the diagnosis is broken: the repaired checks are taken over", Begin: pnlIncident, Report: broken(strategyv1.StageDiagnosis, "smoke"),
	Script: []Step{
		{incidentIs("pnl", "NeedsPerson"), fixesChecks}, {checksFixed, adopts(strategyv1.KindIncident)}, approve(""), restore(""),
	},
	Incident: "Resolved", Rollbacks: ends("pnl", "Restored"),
}}
