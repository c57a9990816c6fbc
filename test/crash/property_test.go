package crash

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"pgregory.net/rapid"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/checks"
	"tradeops.dev/strategy-operator/internal/sim"
	"tradeops.dev/strategy-operator/internal/testkit"
	"tradeops.dev/strategy-operator/test/scenarios"
)

// In any world, with any decisions, edits, reports, signals, holds and crashes at any time, and with anything that may go wrong around the
// operator (property_faults_test.go), under the real reconcilers: what must hold does (property_sound_test.go).
func TestAnyStory(t *testing.T) {
	count := map[string]int{}
	rapid.Check(t, func(t *rapid.T) {
		count["cases"]++
		p := &anyStory{T: t, base: testkit.Document, document: evenly(t, "document", []string{"usual", "usual", "feeds", "many"}), count: count, steps: usualSteps}
		p.run = &run{World: sim.New(t, p.playbook)}
		switch p.document {
		case "feeds":
			p.base = testkit.FeedDocument
		case "many":
			p.base = manySchedules()
		}
		p.Configure(p.base)
		p.Report, p.People = p.drawn, p.takeAway
		p.start(&Cut{})
		for range evenly(t, "steps", []int{1, 3, 6, 9, 12, 15}) {
			p.step()
			p.settle()
		}
		p.end()
	})
	t.Log(count) // what the cases led to
	for _, led := range leads {
		if !t.Failed() && count["cases"] >= enough && count[led] == 0 {
			t.Errorf("no case led to %q: what is drawn for it tests nothing", led)
		}
	}
}

// enough cases to lead everywhere, with the seed of the tests.
const enough = 100

// manySchedules is a configuration whose strategy "arb" has more schedules than a rollback may have actions.
func manySchedules() string {
	var more strings.Builder
	for i := range 18 {
		fmt.Fprintf(&more, "        arb_%02d: {strategy: arb}\n", i)
	}
	return strings.Replace(testkit.Document, "        trend_watch:", more.String()+"        trend_watch:", 1)
}

// anyStory is a story as it is drawn.
type anyStory struct {
	*rapid.T
	*run
	faults
	base     string // what people put into the configuration
	document string
	alerts   bool // they come, and open incidents
	byHand   bool // people changed what a rollback had changed
	putBack  bool // Git did, to what people want
	count    map[string]int
	asked    int
	reports  map[checks.ID]sim.Ended
	steps    []string // what may happen
}

func (p *anyStory) playbook(spec *strategyv1.StrategyPlaybookSpec) {
	if p.document == "feeds" {
		*spec = testkit.WithFeeds(*spec)
	}
	if rapid.Bool().Draw(p.T, "lead") {
		scenarios.WithSignals(spec)
	}
	if rapid.Bool().Draw(p.T, "fatigue") {
		scenarios.TuneAlerts(spec)
	}
	if p.alerts {
		spec.Alerts = routedLosses()
	}
	if rapid.Bool().Draw(p.T, "ladder") {
		spec.Remediations[0].OnFailedAfter, spec.Remediations[0].Then = strategyv1.FailedAfterNext, "keep"
	}
	if rapid.Bool().Draw(p.T, "recovery") {
		spec.Recovery = &strategyv1.RecoverySpec{QuietSeconds: 120}
	}
	if rapid.Bool().Draw(p.T, "guard") {
		spec.Guard = &strategyv1.GuardSpec{MaxActiveRollbacks: 1}
	}
	if rapid.Bool().Draw(p.T, "coexists") {
		spec.Scheduler.GitOps = &strategyv1.GitOpsSpec{Mode: strategyv1.GitOpsCoexist}
	}
	if rapid.Bool().Draw(p.T, "no time rule") {
		spec.Triage.Escalate = spec.Triage.Escalate[:1]
	}
}

// drawn is how a check ends, the same each time it is asked for.
func (p *anyStory) drawn(_ *sim.World, id checks.ID) (sim.Ended, bool) {
	if id.Check == "running-plan" {
		return sim.Ended{}, false
	}
	if p.reports == nil {
		p.reports = map[checks.ID]sim.Ended{}
	}
	if _, known := p.reports[id]; !known {
		p.reports[id] = map[string]sim.Ended{
			"ok": sim.OK, "warn": {Log: `{"status":"warn","ms":10}`}, "fail": sim.Fail, "mute": sim.Mute, "no image": sim.NoImage, "evicted": sim.Evicted,
			"killed": sim.Killed, "no node": sim.NoNode,
		}[rapid.SampledFrom([]string{"ok", "ok", "ok", "fail", "fail", "warn", "mute", "no image", "evicted", "killed", "no node"}).Draw(p.T, fmt.Sprint(id))]
	}
	return p.reports[id], true
}

// usualSteps is what may happen without alerts.
var usualSteps = []string{
	"incident", "incident", "in force", "in force", "in force", "in force", "rollback", "rollback", "approve", "approve", "approve", "approve", "restore", "deny", "renew", "override", "incident decision", "incident decision",
	"time", "time", "hold", "signal", "rules", "elsewhere", "over it", "put back", "put back", "delete", "stale", "restart",
	"fault", "fault", "fault", "fault", "fault", "fault", "fault", "mend", "mend",
}

func (p *anyStory) step() {
	switch p.next("step", p.steps) {
	case "alert":
		p.alert()
	case "incident":
		p.Pass(time.Second)
		p.asked++
		p.ReportAs(fmt.Sprintf("i%d", p.asked), func(spec *strategyv1.StrategyIncidentSpec) {
			spec.Type = evenly(p.T, "type", []strategyv1.IncidentType{"PnL", "Risk", "AlertFatigue"})
			switch target := evenly(p.T, "target", []string{"fast", "slow", "", "arb"}); target {
			case "arb":
				spec.Schedule, spec.Strategy = "", target
			default:
				spec.Schedule = target
			}
			spec.Mode = evenly(p.T, "mode", []strategyv1.IncidentMode{strategyv1.IncidentLive, strategyv1.IncidentLive, strategyv1.IncidentDrill})
		})
	case "rollback":
		p.Pass(time.Second)
		p.asked++
		p.AskRollback(fmt.Sprintf("r%d", p.asked), func(spec *strategyv1.StrategyRollbackSpec) {
			spec.Actions = evenly(p.T, "actions", p.actions())
			spec.RemediationName = evenly(p.T, "remedy", []string{"", "disable", "keep"})
			spec.Mode = evenly(p.T, "mode", []strategyv1.RollbackMode{strategyv1.ModeLive, strategyv1.ModeLive, strategyv1.ModeDrill, strategyv1.ModeDrill, strategyv1.ModeDryRun})
			spec.IncidentName = evenly(p.T, "incident", append(p.Names(&strategyv1.StrategyIncidentList{}), ""))
			spec.DeletionPolicy = evenly(p.T, "policy", []strategyv1.DeletionPolicy{strategyv1.DeletionRetain, strategyv1.DeletionRestore})
		})
	case "in force": // as far as the world lets it come
		p.Pass(time.Second)
		p.asked++
		name := fmt.Sprintf("r%d", p.asked)
		p.AskRollback(name, func(spec *strategyv1.StrategyRollbackSpec) { spec.Actions = evenly(p.T, "actions", p.actions()) })
		p.settle()
		if p.RollbackNamed(name).Status.Plan != nil {
			p.Decide("bob", name, strategyv1.DecisionApprove, "")
		}
	case "approve":
		p.decide(strategyv1.DecisionApprove)
	case "restore":
		p.decide(strategyv1.DecisionRestore)
	case "deny":
		p.decide(strategyv1.DecisionDeny)
	case "renew":
		p.decide(strategyv1.DecisionRenew)
	case "override":
		p.decide(strategyv1.DecisionOverride)
	case "incident decision":
		if names := p.Names(&strategyv1.StrategyIncidentList{}); len(names) > 0 {
			p.DecideAbout("bob", strategyv1.DecisionTarget{Kind: strategyv1.KindIncident, Name: evenly(p.T, "which", names)}, evenly(p.T, "verdict", []strategyv1.DecisionVerdict{
				strategyv1.DecisionEscalate, strategyv1.DecisionAcknowledge, strategyv1.DecisionFalseAlarm, strategyv1.DecisionResolve,
			}))
		}
	case "time":
		p.Pass(evenly(p.T, "later", []time.Duration{time.Second, time.Minute, 6 * time.Minute, time.Hour, 5 * time.Hour}))
	case "hold":
		p.hold(evenly(p.T, "on", []bool{true, false}))
	case "signal":
		p.Signals["cpu"] = evenly(p.T, "cpu", []float64{0, 20, 90})
	case "rules":
		if !slices.Contains(p.Names(&corev1.ConfigMapList{}), "prometheus-rules") {
			scenarios.CreateRules(p.World)
		}
	case "elsewhere":
		p.bringBack()
		p.edit("# the schedules", "# all the schedules")
	case "over it":
		if strings.Contains(p.Content(), "trend: 0.5 # all in") {
			p.Edit("trend: 0.5 # all in", "trend: 0.7 # all in")
			p.byHand = true
		}
	case "put back":
		if content := p.Content(); !p.byHand && content != p.base {
			p.EditAs("kustomize-controller", content, p.base)
			p.putBack = true
		}
	case "delete":
		if name := p.someRollback(); name != "" && p.RollbackNamed(name).Spec.DeletionPolicy == strategyv1.DeletionRestore {
			p.DeleteRollback(name)
		}
	case "fault":
		p.fault()
	case "mend":
		p.mend()
	case "stale":
		p.Stale = 1
	case "restart":
		p.cut.At, p.cut.Mode = len(p.cut.Effects)+rapid.IntRange(1, 12).Draw(p.T, "after"), evenly(p.T, "mode", []Mode{Before, After, Unknown})
	}
}

func (p *anyStory) actions() [][]strategyv1.RollbackAction {
	allocate := func(allocation string) []strategyv1.RollbackAction {
		return []strategyv1.RollbackAction{{Type: strategyv1.ActionSetAllocation, RiskProfile: "bold", Bucket: "trend", Allocation: allocation}}
	}
	all := [][]strategyv1.RollbackAction{
		{{Type: strategyv1.ActionDisableSchedule, Schedule: "slow"}}, {{Type: strategyv1.ActionDisableSchedule, Schedule: "fast"}},
		{{Type: strategyv1.ActionDisableSchedule, Strategy: "arb"}}, allocate("0.5"), allocate("0.5"), allocate("0.3"),
		{{Type: strategyv1.ActionSetSignalLimit, Strategy: "arb", RiskProfile: "bold", Limit: new(int32(1))}},
	}
	if p.document == "feeds" {
		all = append(all, []strategyv1.RollbackAction{{Type: strategyv1.ActionSwitchFeed, Feed: "binance"}})
	}
	return all
}

func (p *anyStory) edit(before, after string) {
	if !strings.Contains(p.Content(), before) {
		before, after = after, before
	}
	p.Edit(before, after)
	p.base = strings.Replace(p.base, before, after, 1)
}

func (p *anyStory) hold(on bool) {
	sim.Change(p.World, sim.Playbook, &strategyv1.StrategyPlaybook{}, func(playbook *strategyv1.StrategyPlaybook) { playbook.Spec.Suspend = on })
}

func (p *anyStory) someRollback() string {
	names := p.Names(&strategyv1.StrategyRollbackList{})
	if len(names) == 0 {
		return ""
	}
	return evenly(p.T, "which", names)
}

func (p *anyStory) decide(verdict strategyv1.DecisionVerdict) {
	name := p.someRollback()
	if name == "" || p.RollbackNamed(name).Status.Plan == nil {
		return
	}
	p.Decide(evenly(p.T, "by", []string{"alice", "bob", "bob", "carol"}), name, verdict, "")
}

// next draws what happens next, and has the trace tell it.
func (p *anyStory) next(what string, choices []string) string {
	drawn := evenly(p.T, what, choices)
	p.Trace = append(p.Trace, fmt.Sprintf("* %s: %s", what, drawn))
	return drawn
}

// evenly draws without the preference for the first choices that rapid has.
func evenly[V any](t *rapid.T, what string, choices []V) V {
	at := 0
	for range 8 {
		at *= 2
		if rapid.Bool().Draw(t, what) {
			at++
		}
	}
	return choices[at%len(choices)]
}
