package crash

import (
	"slices"
	"strings"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/checks"
	"tradeops.dev/strategy-operator/internal/testkit"
	"tradeops.dev/strategy-operator/test/world"
)

// Scenario is one story: how it begins, what the checks measure, what people do, and how it must end.
type Scenario struct {
	Name     string
	Playbook func(*strategyv1.StrategyPlaybookSpec)
	Document string // the configuration at first; testkit.Document if empty
	Begin    func(*World)
	Report   func(*World, checks.ID) (string, bool)
	Script   []Step
	// Meanwhile happens once, right before the operator's first write of the configuration: after it was read for it.
	Meanwhile func(*World)
	// Behind: the operator's cache of rollbacks is always one look behind.
	Behind bool

	Incident  string            // reason of Ready of the first incident at the end; empty without one
	Others    map[string]string // the same of the other incidents, by name
	Rollbacks map[string]string // by name: reason of Ready at the end, or world.Gone
	Leaves    *strings.Replacer // what is different in the configuration at the end; nil: nothing
}

func (s Scenario) document() string {
	if s.Document != "" {
		return s.Document
	}
	return testkit.Document
}

// content is the configuration at the end.
func (s Scenario) content() string {
	if s.Leaves == nil {
		return s.document()
	}
	return s.Leaves.Replace(s.document())
}

// scenarios are all of them, the main story first.
var scenarios = slices.Concat(incidents, procedure, heldBack, plans, several, timeBoxes, deletions)

// scenario by name.
func scenarioNamed(name string) Scenario {
	at := slices.IndexFunc(scenarios, func(s Scenario) bool { return s.Name == name })
	return scenarios[at]
}

// ends is how one rollback ends.
func ends(name, reason string) map[string]string { return map[string]string{name: reason} }

// incidents are stories of an incident and the rollback that it asks for.
var incidents = []Scenario{{
	Name: "main story", Begin: pnlIncident, Report: world.Losing,
	Script:   []Step{approve(""), restore("")},
	Incident: "Resolved", Rollbacks: ends("pnl", "Restored"),
}, {
	Name: "false alarm", Begin: pnlIncident, Incident: "FalseAlarm",
}, {
	Name: "audit fails", Begin: pnlIncident, Script: []Step{approve(""), restore("")},
	Report: func(w *World, id checks.ID) (string, bool) {
		if id.Check == "audit" {
			return world.FailReport, true
		}
		return world.Losing(w, id)
	},
	Incident: "Resolved", Rollbacks: ends("pnl", "Restored"),
}, {
	Name: "check after fails", Begin: pnlIncident, Script: []Step{approve("")},
	Report: func(w *World, id checks.ID) (string, bool) {
		if id.Check == "smoke" {
			return world.FailReport, true
		}
		return world.Losing(w, id)
	},
	Incident: "NeedsPerson", Rollbacks: ends("pnl", "Reverted"),
}, {
	Name: "denied, then closed", Begin: pnlIncident, Report: world.Losing,
	Script: []Step{
		{ready("", "AwaitingApproval"), decides("bob", "", strategyv1.DecisionDeny)},
		onIncident("NeedsPerson", strategyv1.DecisionResolve),
	},
	Incident: "Resolved", Rollbacks: ends("pnl", "Denied"),
}, {
	Name: "check cannot measure, cause unknown", Begin: pnlIncident,
	Script: []Step{onIncident("Triaging", strategyv1.DecisionEscalate)},
	Report: func(_ *World, id checks.ID) (string, bool) {
		return "", id.Check == "load" && id.Stage == strategyv1.StageDiagnosis // exit code 1 without a report
	},
	Playbook: func(spec *strategyv1.StrategyPlaybookSpec) { spec.Triage.FalseAlarm = nil },
	Incident: "NeedsPerson",
}, {
	Name: "restore gate fails once", Begin: pnlIncident,
	Script:   []Step{approve(""), restore(""), restoreWhen("", "RestoreGateFailed")},
	Report:   firstGateFails,
	Incident: "Resolved", Rollbacks: ends("pnl", "Restored"),
}}

func pnlIncident(w *World) { w.ReportIncident(nil) }

// firstGateFails: the first attempt to restore fails at its gate.
func firstGateFails(w *World, id checks.ID) (string, bool) {
	if id.Stage == strategyv1.StageRestore && id.Attempt < 10 {
		return world.FailReport, true
	}
	return world.Losing(w, id)
}
