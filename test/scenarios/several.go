package scenarios

import (
	"strings"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/sim"
)

// two are the ends of first and second.
func two(first, second string) map[string]string {
	return map[string]string{"first": first, "second": second}
}

// approveAtOnce: the second is approved as soon as the first one has claimed its edits, before they are written.
var approveAtOnce = []Step{
	approve("first"),
	{both(claimed("first", strategyv1.ClaimHold), ready("second", "AwaitingApproval")), decides("bob", "second", strategyv1.DecisionApprove)},
}

func then(steps []Step, more ...Step) []Step { return append(steps[:len(steps):len(steps)], more...) }

// oneAtATime is a guard with room for one.
func oneAtATime(spec *strategyv1.StrategyPlaybookSpec) {
	spec.Guard = &strategyv1.GuardSpec{MaxActiveRollbacks: 1}
}

// oneSchedule is a guard against more than one schedule that does not trade.
func oneSchedule(spec *strategyv1.StrategyPlaybookSpec) {
	spec.Guard = &strategyv1.GuardSpec{MaxDisabledSchedules: 1}
}

// several are stories of more than one hand on a configuration.
var several = []Scenario{{
	Name: "two changes in one write", Begin: begin(ask("first", allocate("0.5")), ask("second", disable("slow"))),
	Script:    then(approveAtOnce, restore("first"), restoreAfter("first", "Restored", "second")),
	Rollbacks: two("Restored", "Restored"),
}, {
	Name: "the same value, restored in order", Begin: begin(ask("first", allocate("0.5")), ask("second", allocate("0.5"))),
	Script:    []Step{approve("first"), approveAfter("first", "second"), {both(ready("first", "Verified"), ready("second", "Verified")), decides("bob", "first", strategyv1.DecisionRestore)}, restoreAfter("first", "Restored", "second")},
	Rollbacks: two("Restored", "Restored"),
}, {
	Name: "the same value, restored in reverse", Begin: begin(ask("first", allocate("0.5")), ask("second", allocate("0.5"))),
	Script:    then(approveAtOnce, restore("second"), restoreAfter("second", "Restored", "first")),
	Rollbacks: two("Restored", "Restored"),
}, {
	Name: "the same value, both restored in one write", Begin: begin(ask("first", allocate("0.5")), ask("second", allocate("0.5"), disable("slow"))),
	Script: then(approveAtOnce, Step{both(ready("first", "Verified"), ready("second", "Verified")), func(w *sim.World) {
		w.Decide("bob", "first", strategyv1.DecisionRestore, "")
		w.Decide("bob", "second", strategyv1.DecisionRestore, "")
	}}),
	Rollbacks: two("Restored", "Restored"),
}, {
	Name: "another value at the same place waits", Begin: begin(ask("first", allocate("0.5")), ask("second", allocate("0.3"))),
	Script: []Step{
		approve("first"), {both(ready("first", "Verified"), ready("second", "PathHeldByOther")), decides("bob", "first", strategyv1.DecisionRestore)},
		approve("second"), restore("second"),
	},
	Rollbacks: two("Restored", "Restored"),
}, {
	Name: "another value at the same place, approved at once", Begin: begin(ask("first", allocate("0.5")), ask("second", allocate("0.3"))),
	Script: then(approveAtOnce,
		Step{both(ready("first", "Verified"), ready("second", "PathHeldByOther")), decides("bob", "first", strategyv1.DecisionRestore)},
		approve("second"), restore("second")),
	Rollbacks: two("Restored", "Restored"),
}, {
	Name: "edited by hand at the same place while applied", Begin: ask("less", allocate("0.5"), disable("slow")),
	Script: []Step{
		approve("less"), {ready("less", "Verified"), edits("trend: 0.5 # all in", "trend: 0.7 # all in")}, restoreWhen("less", "Overwritten"),
	},
	Rollbacks: ends("less", "Restored"), Leaves: strings.NewReplacer(allIn, "trend: 0.7 # all in"),
}, {
	Name: "edited by hand elsewhere while applied", Begin: ask("less", allocate("0.5"), disable("slow")),
	Script: []Step{
		approve("less"), {ready("less", "Verified"), edits("max_daily_loss_pct: 0.015", "max_daily_loss_pct: 0.02")}, restore("less"),
	},
	Rollbacks: ends("less", "Restored"), Leaves: strings.NewReplacer("max_daily_loss_pct: 0.015", "max_daily_loss_pct: 0.02"),
}, {
	Name: "guard: waits for room", Playbook: oneAtATime, Begin: begin(ask("first", allocate("0.5")), ask("second", disable("slow"))),
	Script: []Step{
		approve("first"), approveAfter("first", "second"),
		{both(ready("first", "Verified"), ready("second", "GuardExceeded")), decides("bob", "first", strategyv1.DecisionRestore)},
		restore("second"),
	},
	Rollbacks: two("Restored", "Restored"),
}, {
	Name: "guard: two claims at once", Playbook: oneSchedule, Begin: begin(ask("first", disable("fast")), ask("second", disable("slow"))),
	Script: then(approveAtOnce,
		Step{both(ready("first", "Verified"), ready("second", "GuardExceeded")), decides("bob", "first", strategyv1.DecisionRestore)},
		restore("second")),
	Rollbacks: two("Restored", "Restored"),
}, {
	Name: "guard: lifted by another person", Playbook: oneSchedule, Begin: begin(ask("first", disable("fast")), ask("second", disable("slow"))),
	Script: []Step{
		approve("first"), approveAfter("first", "second"),
		{ready("second", "GuardExceeded"), decides("alice", "second", strategyv1.DecisionOverride)}, // she asked for it: not honoured
		{says("second", strategyv1.ConditionApplied, "four eyes"), decides("carol", "second", strategyv1.DecisionOverride)},
		restore("second"), restoreAfter("second", "Restored", "first"),
	},
	Rollbacks: two("Restored", "Restored"),
}, {
	Name: "guard: denied while it waits for room", Playbook: oneAtATime, Begin: begin(ask("first", allocate("0.5")), ask("second", disable("slow"))),
	Script: then(approveAtOnce,
		Step{both(ready("first", "Verified"), ready("second", "GuardExceeded")), decides("bob", "second", strategyv1.DecisionDeny)},
		restoreAfter("second", "Denied", "first")),
	Rollbacks: two("Restored", "Denied"),
}, {
	Name: "guard: no room until the time box ends", Playbook: oneAtATime, Begin: begin(ask("first", allocate("0.5")), askWith("second", tenMinutes, disable("slow"))),
	Script: then(approveAtOnce,
		Step{both(ready("first", "Verified"), ready("second", "GuardExceeded")), boxEnds("second", 0)},
		restoreAfter("second", "ApprovalExpired", "first")),
	Rollbacks: two("Restored", "ApprovalExpired"),
}, {
	Name: "one is restored and another applied in one write", Begin: begin(ask("first", allocate("0.5")), ask("second", disable("slow"))),
	Script: []Step{
		approve("first"), {both(ready("first", "Verified"), ready("second", "AwaitingApproval")), begin(
			decides("bob", "second", strategyv1.DecisionApprove), decides("bob", "first", strategyv1.DecisionRestore))},
		restoreAfter("first", "Restored", "second"),
	},
	Rollbacks: two("Restored", "Restored"),
}, {
	Name: "the record is taken off by hand while applied", Begin: ask("less", allocate("0.5")),
	Script: []Step{
		approve("less"), {ready("less", "Verified"), func(w *sim.World) { w.Unrecord() }}, restoreWhen("less", "RecordLost"),
		{condition("less", strategyv1.ConditionRestored, "RecordLost"), decides("bob", "less", strategyv1.DecisionOverride)},
	},
	Rollbacks: ends("less", "Restored"),
}}
