package scenarios

import (
	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/checks"
	"tradeops.dev/strategy-operator/internal/sim"
)

// ends is how one rollback ends.
func ends(name, reason string) map[string]string { return map[string]string{name: reason} }

// incidents are stories of an incident and the rollback that it asks for.
var incidents = []Scenario{{
	Name: "main story", Begin: pnlIncident, Report: sim.Losing,
	Script:   []Step{approve(""), restore("")},
	Incident: "Resolved", Rollbacks: ends("pnl", "Restored"),
}, {
	Name: "false alarm", Begin: pnlIncident, Incident: "FalseAlarm", Playbook: closesReportsOfAnyone,
}, {
	Name: "it looks like a false alarm, and a person agrees", Begin: pnlIncident,
	Script: []Step{onIncident("LooksLikeFalseAlarm", strategyv1.DecisionFalseAlarm)}, Incident: "FalseAlarm",
}, {
	Name: "audit fails", Begin: pnlIncident, Script: []Step{approve(""), restore("")},
	Report: func(w *sim.World, id checks.ID) (sim.Ended, bool) {
		if id.Check == "audit" {
			return sim.Fail, true
		}
		return sim.Losing(w, id)
	},
	Incident: "Resolved", Rollbacks: ends("pnl", "Restored"),
}, {
	Name: "check after fails", Begin: pnlIncident, Script: []Step{approve("")},
	Report: func(w *sim.World, id checks.ID) (sim.Ended, bool) {
		if id.Check == "smoke" {
			return sim.Fail, true
		}
		return sim.Losing(w, id)
	},
	Incident: "NeedsPerson", Rollbacks: ends("pnl", "Reverted"),
}, {
	Name: "closed while its rollback waits for an approval", Begin: pnlIncident, Report: sim.Losing,
	Script:   []Step{{ready("", "AwaitingApproval"), onIncidentOf("bob", strategyv1.DecisionResolve)}},
	Incident: "Resolved", Rollbacks: ends("pnl", "Withdrawn"),
}, {
	Name: "denied, then closed", Begin: pnlIncident, Report: sim.Losing,
	Script: []Step{
		{ready("", "AwaitingApproval"), decides("bob", "", strategyv1.DecisionDeny)},
		onIncident("NeedsPerson", strategyv1.DecisionResolve),
	},
	Incident: "Resolved", Rollbacks: ends("pnl", "Denied"),
}, {
	Name: "check cannot measure, cause unknown", Begin: pnlIncident,
	Script: []Step{onIncident("Triaging", strategyv1.DecisionEscalate)},
	Report: func(_ *sim.World, id checks.ID) (sim.Ended, bool) {
		return sim.Mute, id.Check == "load" && id.Stage == strategyv1.StageDiagnosis // exit code 1 without a report
	},
	Playbook: func(spec *strategyv1.StrategyPlaybookSpec) { spec.Triage.FalseAlarm = nil },
	Incident: "NeedsPerson",
}, {
	Name: "restore gate fails once", Begin: pnlIncident,
	Script:   []Step{approve(""), restore(""), restoreWhen("", "RestoreGateFailed")},
	Report:   firstGateFails,
	Incident: "Resolved", Rollbacks: ends("pnl", "Restored"),
}}

// closesReportsOfAnyone lets the rule close what people reported, too.
func closesReportsOfAnyone(spec *strategyv1.StrategyPlaybookSpec) {
	spec.Triage.FalseAlarm.ReportedBy = strategyv1.ReportedByAnyone
}

func pnlIncident(w *sim.World) { w.ReportIncident(nil) }

// firstGateFails: the first attempt to restore fails at its gate.
func firstGateFails(w *sim.World, id checks.ID) (sim.Ended, bool) {
	if id.Stage == strategyv1.StageRestore && id.Attempt < 10 {
		return sim.Fail, true
	}
	return sim.Losing(w, id)
}
