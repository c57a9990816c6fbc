package scenarios

import (
	"time"

	corev1 "k8s.io/api/core/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/conditions"
	"tradeops.dev/strategy-operator/internal/sim"
	"tradeops.dev/strategy-operator/internal/testkit"
)

// heldBack are stories in which something waits that is not its own business: a hold, another incident's change; and
// the drill, which changes a copy.
var heldBack = []Scenario{{
	Name: "on hold before the approval, released", Begin: pnlIncident, Report: sim.Losing,
	Script: []Step{
		{ready("", "AwaitingApproval"), holds},
		{isHeld(""), decides("bob", "", strategyv1.DecisionApprove)},
		{ready("", "Approved"), releases},
		restore(""),
	},
	Incident: "Resolved", Rollbacks: ends("pnl", "Restored"),
}, {
	Name: "on hold between claim and write, released", Begin: pnlIncident, Report: sim.Losing,
	Script: []Step{
		approve(""),
		{claimed("", strategyv1.ClaimHold), holds},
		{both(isHeld(""), claimed("", strategyv1.ClaimHold)), releases},
		restore(""),
	},
	Incident: "Resolved", Rollbacks: ends("pnl", "Restored"),
}, {
	Name: "on hold for long between claim and write, released", Begin: pnlIncident, Report: sim.Losing,
	Script: []Step{
		approve(""),
		{claimed("", strategyv1.ClaimHold), holds},
		{func(w *sim.World) bool { return w.Idle && isHeld("")(w) }, releases},
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
	Name: "suspended by Git between write and restart, resumed", Begin: pnlIncident, Report: sim.Losing,
	Script: []Step{
		approve(""),
		{written, suspendsPlaybook(true)},
		{isHeld(""), suspendsPlaybook(false)},
		restore(""),
	},
	Incident: "Resolved", Rollbacks: ends("pnl", "Restored"),
}, {
	Name: "suspended by Git during the restore, resumed", Begin: pnlIncident, Report: sim.Losing,
	Script: []Step{
		approve(""), restore(""),
		{claimed("", strategyv1.ClaimRelease), suspendsPlaybook(true)},
		{isHeld(""), suspendsPlaybook(false)},
	},
	Incident: "Resolved", Rollbacks: ends("pnl", "Restored"),
}, {
	Name: "on hold for good: nothing of what was approved is written", Begin: pnlIncident, Report: sim.Losing,
	Script: []Step{
		{ready("", "AwaitingApproval"), holds},
		{isHeld(""), decides("bob", "", strategyv1.DecisionApprove)},
	},
	Incident: "Mitigating", Rollbacks: ends("pnl", "Approved"),
}, {
	Name: "on hold in triage, released", Begin: pnlIncident, Report: sim.Losing,
	Script: []Step{
		{incidentIs("pnl", "Triaging"), holds},
		{incidentHeld, releases},
		approve(""), restore(""),
	},
	Incident: "Resolved", Rollbacks: ends("pnl", "Restored"),
}, {
	Name: "an incident on hold, released", Begin: pnlIncident, Report: sim.Losing,
	Script: []Step{
		{incidentIs("pnl", "Triaging"), onIncidentOf("dave", strategyv1.DecisionHold)},
		{both(incidentIs("pnl", "Diagnosing"), incidentHeld), onIncidentOf("bob", strategyv1.DecisionRelease)},
		approve(""), restore(""),
	},
	Incident: "Resolved", Rollbacks: ends("pnl", "Restored"),
}, {
	Name: "a playbook on hold is made again: it is on hold still", Begin: pnlIncident, Report: sim.Losing,
	Script: []Step{
		{ready("", "AwaitingApproval"), holds},
		{isHeld(""), func(w *sim.World) { w.Delete(sim.Playbook, &strategyv1.StrategyPlaybook{}) }},
		{condition("", strategyv1.ConditionOnHold, strategyv1.ReasonPlaybookGone), decides("bob", "", strategyv1.DecisionApprove)},
		{ready("", "Approved"), func(w *sim.World) { w.Pass(time.Second); w.Create(w.MakePlaybook(testkit.Playbook())) }},
		{both(ready("", "Approved"), condition("", strategyv1.ConditionOnHold, strategyv1.ReasonPlaybookHeld)), releases},
		restore(""),
	},
	Incident: "Resolved", Rollbacks: ends("pnl", "Restored"),
}, {
	Name: "the playbook is deleted between claim and write: nothing is written", Begin: pnlIncident, Report: sim.Losing,
	Script: []Step{
		approve(""),
		{claimed("", strategyv1.ClaimHold), func(w *sim.World) { w.Delete(sim.Playbook, &strategyv1.StrategyPlaybook{}) }},
		{func(w *sim.World) bool { return w.Idle && claimed("", strategyv1.ClaimHold)(w) }, decides("bob", "", strategyv1.DecisionDeny)},
		onIncident("NeedsPerson", strategyv1.DecisionResolve),
	},
	Incident: "Resolved", Rollbacks: ends("pnl", "Denied"),
}, {
	Name: "the playbook is deleted: what is in force is restored", Begin: pnlIncident, Report: sim.Losing,
	Script: []Step{
		approve(""),
		{ready("", "Verified"), func(w *sim.World) { w.Delete(sim.Playbook, &strategyv1.StrategyPlaybook{}) }},
		{func(w *sim.World) bool { return w.Idle }, decides("bob", "", strategyv1.DecisionRestore)},
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

// holds: dave puts the playbook on hold.
func holds(w *sim.World) { onPlaybook(w, "dave", strategyv1.DecisionHold) }

// releases: bob lets it go on.
func releases(w *sim.World) { onPlaybook(w, "bob", strategyv1.DecisionRelease) }

func onPlaybook(w *sim.World, user string, verdict strategyv1.DecisionVerdict) {
	w.DecideAbout(user, strategyv1.DecisionTarget{Kind: strategyv1.KindPlaybook, Name: sim.Playbook}, verdict)
}

// onIncidentOf is somebody who decides about the incident.
func onIncidentOf(user string, verdict strategyv1.DecisionVerdict) func(*sim.World) {
	return func(w *sim.World) {
		w.DecideAbout(user, strategyv1.DecisionTarget{Kind: strategyv1.KindIncident, Name: "pnl"}, verdict)
	}
}

func incidentHeld(w *sim.World) bool {
	return conditions.True(w.Incident().Status.Conditions, strategyv1.ConditionOnHold)
}

// suspendsPlaybook is Git's way to put a playbook on hold.
func suspendsPlaybook(on bool) func(*sim.World) {
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
