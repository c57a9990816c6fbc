package scenarios

import (
	"time"

	corev1 "k8s.io/api/core/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/conditions"
	"tradeops.dev/strategy-operator/internal/sim"
)

// heldBack are stories in which something waits that is not its own business: the kill switch, another incident's change; and
// the drill, which changes a copy.
var heldBack = []Scenario{{
	Name: "killed before the approval, resumed", Begin: pnlIncident, Report: sim.Losing,
	Script: []Step{
		{ready("", "AwaitingApproval"), kills(true)},
		{isHeld(""), decides("bob", "", strategyv1.DecisionApprove)},
		{ready("", "Approved"), kills(false)},
		restore(""),
	},
	Incident: "Resolved", Rollbacks: ends("pnl", "Restored"),
}, {
	Name: "killed between claim and write, resumed", Begin: pnlIncident, Report: sim.Losing,
	Script: []Step{
		approve(""),
		{claimed("", strategyv1.ClaimHold), kills(true)},
		{both(isHeld(""), claimed("", strategyv1.ClaimHold)), kills(false)},
		restore(""),
	},
	Incident: "Resolved", Rollbacks: ends("pnl", "Restored"),
}, {
	Name: "on hold for long between claim and write, released", Begin: pnlIncident, Report: sim.Losing,
	Script: []Step{
		approve(""),
		{claimed("", strategyv1.ClaimHold), kills(true)},
		{func(w *sim.World) bool { return w.Idle && isHeld("")(w) }, kills(false)},
		restore(""),
	},
	Incident: "Resolved", Rollbacks: ends("pnl", "Restored"),
}, {
	Name: "the PodTemplate of the checks comes later", Report: sim.Losing,
	Begin: func(w *sim.World) {
		w.Delete(sim.Template, &corev1.PodTemplate{})
		w.ReportIncident(nil)
	},
	Script: []Step{
		{func(w *sim.World) bool { return w.Idle }, func(w *sim.World) { w.Create(w.PodTemplate()) }},
		approve(""), restore(""),
	},
	Incident: "Resolved", Rollbacks: ends("pnl", "Restored"),
}, {
	Name: "killed between write and restart, resumed", Begin: pnlIncident, Report: sim.Losing,
	Script: []Step{
		approve(""),
		{written, kills(true)},
		{isHeld(""), kills(false)},
		restore(""),
	},
	Incident: "Resolved", Rollbacks: ends("pnl", "Restored"),
}, {
	Name: "killed during the restore, resumed", Begin: pnlIncident, Report: sim.Losing,
	Script: []Step{
		approve(""), restore(""),
		{claimed("", strategyv1.ClaimRelease), kills(true)},
		{isHeld(""), kills(false)},
	},
	Incident: "Resolved", Rollbacks: ends("pnl", "Restored"),
}, {
	Name: "killed for good: nothing of what was approved is written", Begin: pnlIncident, Report: sim.Losing,
	Script: []Step{
		{ready("", "AwaitingApproval"), kills(true)},
		{isHeld(""), decides("bob", "", strategyv1.DecisionApprove)},
	},
	Incident: "Mitigating", Rollbacks: ends("pnl", "Approved"),
}, {
	Name: "killed in triage, resumed", Begin: pnlIncident, Report: sim.Losing,
	Script: []Step{
		{incidentIs("pnl", "Triaging"), kills(true)},
		{func(w *sim.World) bool {
			return conditions.True(w.Incident().Status.Conditions, strategyv1.ConditionOnHold)
		}, kills(false)},
		approve(""), restore(""),
	},
	Incident: "Resolved", Rollbacks: ends("pnl", "Restored"),
}, {
	Name: "a drill", Report: sim.Losing,
	Begin: func(w *sim.World) {
		w.ReportIncident(func(spec *strategyv1.StrategyIncidentSpec) { spec.Mode = strategyv1.IncidentDrill })
	},
	Script:   []Step{approve(""), restore("")},
	Incident: "Resolved", Rollbacks: ends("pnl", "Restored"),
}, {
	Name: "two incidents take turns", Begin: pnlIncident, Report: sim.Losing,
	Script: []Step{
		{of("pnl", "AwaitingApproval"), func(w *sim.World) { // who diagnoses first is linked by the other
			passes(time.Second)(w)
			w.ReportAs("slow", func(spec *strategyv1.StrategyIncidentSpec) { spec.Schedule = "slow" })
		}},
		{both(of("pnl", "AwaitingApproval"), of("slow", "AwaitingApproval")), func(w *sim.World) { approves(w, "pnl") }},
		{func(w *sim.World) bool {
			asked := ofIncident(w, "pnl").Status.Config
			return asked != nil && asked.Claim == strategyv1.ClaimHold
		}, func(w *sim.World) { approves(w, "slow") }},
		{both(of("pnl", "Verified"), of("slow", "Verified")), func(w *sim.World) { restores(w, "pnl") }},
		{both(of("pnl", "Restored"), of("slow", "Verified")), func(w *sim.World) { restores(w, "slow") }},
	},
	Incident: "Resolved", Others: map[string]string{"slow": "Resolved"}, Rollbacks: map[string]string{"pnl": "Restored", "slow": "Restored"},
}}

// kills flips the kill switch of the playbook.
func kills(on bool) func(*sim.World) {
	return func(w *sim.World) {
		sim.Change(w, sim.Playbook, &strategyv1.StrategyPlaybook{}, func(playbook *strategyv1.StrategyPlaybook) { playbook.Spec.Suspend = on })
	}
}

func isHeld(name string) func(*sim.World) bool {
	return func(w *sim.World) bool {
		rollback := w.RollbackNamed(name)
		return rollback != nil && conditions.True(rollback.Status.Conditions, strategyv1.ConditionOnHold)
	}
}

// written: the edits stand in the configuration, and the rollback is not in effect yet.
func written(w *sim.World) bool {
	rollback := w.RollbackNamed("")
	return rollback != nil && w.Record().Holder(string(rollback.UID)) != nil && !conditions.True(rollback.Status.Conditions, strategyv1.ConditionInEffect)
}

// ofIncident is the rollback that an incident asked for.
func ofIncident(w *sim.World, incident string) *strategyv1.StrategyRollback {
	object := w.IncidentNamed(incident)
	return w.RollbackNamed(incident + "-" + string(object.UID)[:8])
}

func of(incident, reason string) func(*sim.World) bool {
	return func(w *sim.World) bool {
		if w.IncidentNamed(incident) == nil {
			return false
		}
		rollback := ofIncident(w, incident)
		return rollback != nil && conditions.Reason(rollback.Status.Conditions, strategyv1.ConditionReady) == reason
	}
}

func approves(w *sim.World, incident string) {
	w.Decide("bob", ofIncident(w, incident).Name, strategyv1.DecisionApprove, "")
}

func restores(w *sim.World, incident string) {
	w.Decide("bob", ofIncident(w, incident).Name, strategyv1.DecisionRestore, "")
}
