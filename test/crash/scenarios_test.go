package crash

import (
	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/checks"
	"tradeops.dev/strategy-operator/internal/conditions"
	"tradeops.dev/strategy-operator/test/world"
)

// Scenario is one story: how it begins, what the checks measure, what people decide, and how it must end.
type Scenario struct {
	Name     string
	Playbook func(*strategyv1.StrategyPlaybookSpec)
	Begin    func(*World)
	Report   func(*World, checks.ID) (string, bool)
	People   func(*World) bool // true when somebody did something
	Incident string            // reason of Ready at the end; empty without an incident
	Rollback string            // of the newest rollback; empty without one
}

var scenarios = []Scenario{{
	Name: "main story", Begin: pnlIncident, Report: world.Losing,
	People:   world.People(world.Approve, world.Restore),
	Incident: "Resolved", Rollback: "Restored",
}, {
	Name: "false alarm", Begin: pnlIncident, Incident: "FalseAlarm",
}, {
	Name: "audit fails", Begin: pnlIncident, People: world.People(world.Approve, world.Restore),
	Report: func(w *World, id checks.ID) (string, bool) {
		if id.Check == "audit" {
			return world.FailReport, true
		}
		return world.Losing(w, id)
	},
	Incident: "Resolved", Rollback: "Restored",
}, {
	Name: "check after fails", Begin: pnlIncident, People: world.People(world.Approve),
	Report: func(w *World, id checks.ID) (string, bool) {
		if id.Check == "smoke" {
			return world.FailReport, true
		}
		return world.Losing(w, id)
	},
	Incident: "NeedsPerson", Rollback: "Reverted",
}, {
	Name: "denied, then closed", Begin: pnlIncident, Report: world.Losing, People: world.People(world.Deny, resolve("Denied")),
	Incident: "Resolved", Rollback: "Denied",
}, {
	Name: "check cannot measure, cause unknown", Begin: pnlIncident, People: world.People(escalate),
	Report: func(_ *World, id checks.ID) (string, bool) {
		return "", id.Check == "load" && id.Stage == strategyv1.StageDiagnosis // exit code 1 without a report
	},
	Playbook: func(spec *strategyv1.StrategyPlaybookSpec) { spec.Triage.FalseAlarm = nil },
	Incident: "NeedsPerson",
}, {
	Name: "restore gate fails once", Begin: pnlIncident, People: world.People(world.Approve, world.Restore, restoreAgain),
	Report: func(w *World, id checks.ID) (string, bool) {
		if id.Stage == strategyv1.StageRestore && id.Attempt < 10 {
			return world.FailReport, true
		}
		return world.Losing(w, id)
	},
	Incident: "Resolved", Rollback: "Restored",
}, {
	Name: "rollback of a person", Begin: func(w *World) { w.AskRollback("allocation", nil) },
	People: world.People(world.Approve, world.Restore), Rollback: "Restored",
}}

func pnlIncident(w *World) { w.ReportIncident(nil) }

func restoreAgain(w *World) bool {
	return w.DecideOn("RestoreGateFailed", strategyv1.DecisionRestore, 1)
}

func escalate(w *World) bool {
	return w.DecideOnIncident("Triaging", strategyv1.DecisionEscalate)
}

func resolve(rollback string) func(*World) bool {
	return func(w *World) bool {
		current := w.Rollback()
		if current == nil || conditions.Reason(current.Status.Conditions, strategyv1.ConditionReady) != rollback {
			return false
		}
		return w.DecideOnIncident("NeedsPerson", strategyv1.DecisionResolve)
	}
}
