package scenarios

import (
	"strings"
	"time"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/sim"
)

// lead is how long before the end of the remediation's time box its restore begins.
const lead = 5 * time.Minute

// tenMinutes is a short time box.
func tenMinutes(spec *strategyv1.StrategyRollbackSpec) { spec.MaxDurationSeconds = new(int32(600)) }

// renews: bob does.
func renews(name string) func(*sim.World) { return decides("bob", name, strategyv1.DecisionRenew) }

// renewed: a rollback is in effect until a new end.
func renewed(name string) func(*sim.World) bool {
	return func(w *sim.World) bool {
		rollback := w.RollbackNamed(name)
		return rollback.Status.Plan.Renewals == 1 && ready(name, "Verified")(w) && condition(name, strategyv1.ConditionInEffect, "Proved")(w)
	}
}

// timeBoxes are stories about the end of the time box.
var timeBoxes = []Scenario{{
	Name: "renewed while in effect", Begin: ask("less", allocate("0.5"), disable("slow")),
	Script: []Step{
		approve("less"), {ready("less", "Verified"), begin(func(w *sim.World) { w.Pass(time.Hour) }, renews("less"))},
		{renewed("less"), decides("bob", "less", strategyv1.DecisionRestore)},
	},
	Rollbacks: ends("less", "Restored"),
}, {
	Name: "renewed, and edited elsewhere before the write", Begin: ask("less", disable("slow")),
	Script: []Step{
		approve("less"), {ready("less", "Verified"), begin(func(w *sim.World) { w.Pass(time.Hour) }, renews("less"))},
		{both(condition("less", strategyv1.ConditionInEffect, "Renewing"), unwritten("less")), edits("cross: 0.6", "cross: 0.7")},
		{renewed("less"), decides("bob", "less", strategyv1.DecisionRestore)},
	},
	Rollbacks: ends("less", "Restored"), Leaves: strings.NewReplacer("cross: 0.6", "cross: 0.7"),
}, {
	Name: "renewed, and edited at the same place before the write", Begin: ask("less", disable("slow")),
	Script: []Step{
		approve("less"), {ready("less", "Verified"), begin(func(w *sim.World) { w.Pass(time.Hour) }, renews("less"))},
		{both(condition("less", strategyv1.ConditionInEffect, "Renewing"), unwritten("less")), edits("rollback less: less of it", "mine now")},
		restoreWhen("less", "EditRefused"),
	},
	Rollbacks: ends("less", "Restored"), Leaves: strings.NewReplacer(lastSchedule, lastSchedule+suspended("mine now")),
}, {
	Name: "the time box ends, the gate holds", Begin: askWith("less", remedied, disable("slow")),
	Script:    []Step{approve("less"), {ready("less", "Verified"), boxEnds("less", lead)}},
	Rollbacks: ends("less", "Restored"),
}, {
	Name: "the operator was away until after the end", Begin: askWith("less", remedied, allocate("0.5"), disable("slow")),
	Script:    []Step{approve("less"), {ready("less", "Verified"), boxEnds("less", -time.Hour)}},
	Rollbacks: ends("less", "Restored"),
}, {
	Name: "the gate fails until after the end, then it is lifted", Begin: askWith("less", remedied, disable("slow")), Report: firstGateFails,
	Script: []Step{
		approve("less"), {ready("less", "Verified"), boxEnds("less", lead)},
		{ready("less", "RestoreGateFailed"), boxEnds("less", 0)},
		{condition("less", strategyv1.ConditionInEffect, "Expired"), decides("carol", "less", strategyv1.DecisionOverride)},
	},
	Rollbacks: ends("less", "Restored"),
}, {
	Name: "the gate fails until after the end, then it is renewed", Begin: askWith("less", remedied, disable("slow")), Report: firstGateFails,
	Script: []Step{
		approve("less"), {ready("less", "Verified"), boxEnds("less", lead)},
		{ready("less", "RestoreGateFailed"), boxEnds("less", 0)},
		{condition("less", strategyv1.ConditionInEffect, "Expired"), renews("less")},
		{renewed("less"), decides("bob", "less", strategyv1.DecisionRestore)},
	},
	Rollbacks: ends("less", "Restored"),
}, {
	Name: "of two with the same value one reaches its end", Begin: begin(ask("first", allocate("0.5")), askWith("second", tenMinutes, allocate("0.5"))),
	Script: []Step{
		approve("first"), approveAfter("first", "second"), {ready("second", "Verified"), boxEnds("second", 0)},
		restoreAfter("second", "Restored", "first"),
	},
	Rollbacks: two("Restored", "Restored"),
}, {
	Name: "the incident's rollback reaches its end", Begin: pnlIncident, Report: sim.Losing,
	Script:   []Step{approve(""), {ready("", "Verified"), boxEnds("", lead)}},
	Incident: "Resolved", Rollbacks: ends("pnl", "Restored"),
}}

// unwritten: what a rollback asks for is of a revision that the configuration does not hold yet.
func unwritten(name string) func(*sim.World) bool {
	return func(w *sim.World) bool {
		rollback := w.RollbackNamed(name)
		holder := w.Record().Holder(string(rollback.UID))
		return holder != nil && rollback.Status.Config.Revision != holder.Revision
	}
}
