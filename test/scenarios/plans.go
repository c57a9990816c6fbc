package scenarios

import (
	"strings"
	"time"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/checks"
	"tradeops.dev/strategy-operator/internal/sim"
	"tradeops.dev/strategy-operator/internal/testkit"
)

// begin does several things one after the other.
func begin(all ...func(*sim.World)) func(*sim.World) {
	return func(w *sim.World) {
		for _, do := range all {
			do(w)
		}
	}
}

// ask is alice, who asks for actions without a remediation: another person approves, and nothing but the proof is checked.
func ask(name string, actions ...strategyv1.RollbackAction) func(*sim.World) {
	return askWith(name, nil, actions...)
}

func askWith(name string, change func(*strategyv1.StrategyRollbackSpec), actions ...strategyv1.RollbackAction) func(*sim.World) {
	return func(w *sim.World) {
		w.AskRollback(name, func(spec *strategyv1.StrategyRollbackSpec) {
			spec.Actions = actions
			if change != nil {
				change(spec)
			}
		})
	}
}

// remedied takes approval, checks and time box from the playbook's remediation.
func remedied(spec *strategyv1.StrategyRollbackSpec) { spec.RemediationName = "disable" }

func allocate(allocation string) strategyv1.RollbackAction {
	return strategyv1.RollbackAction{Type: strategyv1.ActionSetAllocation, RiskProfile: "bold", Bucket: "trend", Allocation: allocation}
}

func disable(schedule string) strategyv1.RollbackAction {
	return strategyv1.RollbackAction{Type: strategyv1.ActionDisableSchedule, Schedule: schedule}
}

// What stands in the document where allocate changes it, and what carol makes of it.
const (
	allIn  = "trend: 1.0 # all in"
	byHand = "trend: 0.9 # all in"
)

// plans are stories of one rollback until its edits are written.
var plans = []Scenario{{
	Name: "rollback of a person", Begin: func(w *sim.World) { w.AskRollback("less", nil) },
	Script: []Step{approve("less"), restore("less")}, Rollbacks: ends("less", "Restored"),
}, {
	Name: "approval expires", Begin: ask("less", allocate("0.5"), disable("slow")),
	Script: []Step{{ready("less", "AwaitingApproval"), func(w *sim.World) {
		w.PassUntil(w.RollbackNamed("less").Status.Plan.RevisionTime.Add(15 * time.Minute))
	}}},
	Rollbacks: ends("less", "ApprovalExpired"),
}, {
	Name: "the plan changes, the old digest does not count", Begin: ask("less", allocate("0.5"), disable("slow")),
	Script: []Step{{ready("less", "AwaitingApproval"), func(w *sim.World) {
		old := w.RollbackNamed("less").Status.Plan.Digest
		w.Edit(allIn, byHand)
		w.Decide("bob", "less", strategyv1.DecisionApprove, old)
	}}, {says("less", strategyv1.ConditionApproved, "it names another plan"), decides("bob", "less", strategyv1.DecisionApprove)}, restore("less")},
	Rollbacks: ends("less", "Restored"), Leaves: strings.NewReplacer(allIn, byHand),
}, {
	Name: "edited between claim and write", Begin: ask("less", allocate("0.5"), disable("slow")),
	Script: []Step{
		approve("less"), {claimed("less", strategyv1.ClaimHold), edits(allIn, byHand)},
		approve("less"), restore("less"),
	},
	Rollbacks: ends("less", "Restored"), Leaves: strings.NewReplacer(allIn, byHand),
}, {
	Name: "edited elsewhere in the moment of the write", Begin: ask("less", allocate("0.5"), disable("slow")),
	Script: []Step{approve("less"), restore("less")}, Meanwhile: edits("cross: 0.6", "cross: 0.7"),
	Rollbacks: ends("less", "Restored"), Leaves: strings.NewReplacer("cross: 0.6", "cross: 0.7"),
}, {
	Name: "edited at the same place in the moment of the write", Begin: ask("less", allocate("0.5")),
	Script: []Step{approve("less"), approve("less"), restore("less")}, Meanwhile: edits(allIn, byHand),
	Rollbacks: ends("less", "Restored"), Leaves: strings.NewReplacer(allIn, byHand),
}, {
	Name: "withdrawn between claim and write, with an old cache", Begin: ask("less", allocate("0.5"), disable("slow")), Behind: true,
	Script: []Step{approve("less"), {claimed("less", strategyv1.ClaimHold), func(w *sim.World) {
		w.Decide("bob", "less", strategyv1.DecisionRestore, "")
		w.Pass(10 * time.Second) // the write is due
	}}, looksAgain("less")},
	Rollbacks: ends("less", "Withdrawn"),
	Known: "the withdrawal stands in the status before the claim is taken back: if the operator is told then that it failed, " +
		"the writer writes what was withdrawn, and it is undone afterwards",
}, {
	Name: "deleted by force between claim and write, with an old cache", Begin: ask("less", allocate("0.5"), disable("slow")), Behind: true,
	Script: []Step{approve("less"), {claimed("less", strategyv1.ClaimHold), func(w *sim.World) {
		w.Release("less")
		w.DeleteRollback("less")
		w.Pass(10 * time.Second) // the write is due
	}}},
	Rollbacks: ends("less", sim.Gone),
}, {
	Name: "dry run", Begin: askWith("less", func(spec *strategyv1.StrategyRollbackSpec) {
		remedied(spec)
		spec.Mode = strategyv1.ModeDryRun
	}, disable("slow")),
	Rollbacks: ends("less", "DryRun"),
}, {
	Name: "feed, the probe passes", Playbook: withFeeds, Document: testkit.FeedDocument, Begin: ask("feed", switchFeed),
	Script: []Step{approve("feed"), restore("feed")}, Rollbacks: ends("feed", "Restored"),
}, {
	Name: "feed, the probe fails", Playbook: withFeeds, Document: testkit.FeedDocument, Begin: ask("feed", switchFeed),
	Report: probeFails(1), Rollbacks: ends("feed", "ProbeFailed"),
}, {
	Name: "feed, the probe fails after the approval", Playbook: withFeeds, Document: testkit.FeedDocument, Begin: ask("feed", switchFeed),
	Script: []Step{approve("feed")}, Report: probeFails(11), Rollbacks: ends("feed", "ProbeFailed"),
}, {
	Name: "every action in one rollback", Playbook: withFeeds, Document: testkit.FeedDocument,
	Begin: askWith("all", remedied, switchFeed, disable("slow"), allocate("0.5"), strategyv1.RollbackAction{
		Type: strategyv1.ActionSetResourceLimits, Limits: &strategyv1.ResourceLimits{CPUPercent: "80", MemoryMB: "3072"},
	}, strategyv1.RollbackAction{
		Type: strategyv1.ActionSetSignalLimit, Strategy: "arb", RiskProfile: "bold", Limit: new(int32(1)),
	}),
	Script: []Step{approve("all"), restore("all")}, Rollbacks: ends("all", "Restored"),
}}

var switchFeed = strategyv1.RollbackAction{Type: strategyv1.ActionSwitchFeed, Feed: "binance"}

func withFeeds(spec *strategyv1.StrategyPlaybookSpec) { *spec = testkit.WithFeeds(*spec) }

// probeFails: from one attempt on the feed is not usable. 11 is the first of the second round.
func probeFails(from int32) func(*sim.World, checks.ID) (sim.Ended, bool) {
	return func(_ *sim.World, id checks.ID) (sim.Ended, bool) {
		return sim.Fail, id.Stage == strategyv1.StageProbe && id.Attempt >= from
	}
}
