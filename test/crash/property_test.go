package crash

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/checks"
	"tradeops.dev/strategy-operator/internal/conditions"
	"tradeops.dev/strategy-operator/internal/sim"
	"tradeops.dev/strategy-operator/internal/testkit"
	"tradeops.dev/strategy-operator/test/scenarios"
)

// In any world, with any decisions, edits, reports, signals, holds and crashes at any time, under the real reconcilers: the
// story becomes quiet; nothing that the operator writes is refused by the schema; no attempt has two Jobs; every log is
// whole and is what the timeline tells; the record names exactly what holds edits; no edit is written without an approval
// or above the guard; and when everything is undone, the configuration is what people left there, byte for byte.
func TestAnyStory(t *testing.T) {
	count := map[string]int{}
	rapid.Check(t, func(t *rapid.T) {
		p := &anyStory{T: t, base: testkit.Document, feeds: rapid.Bool().Draw(t, "feeds"), count: count}
		p.run = &run{World: sim.New(t, p.playbook)}
		if p.feeds {
			p.base = testkit.FeedDocument
			p.Configure(p.base)
		}
		p.Report = p.drawn
		p.start(&Cut{})
		for range rapid.IntRange(1, 12).Draw(t, "steps") {
			p.step()
			p.settle()
		}
		p.end()
	})
	t.Log(count) // what the cases led to
}

// anyStory is a story as it is drawn.
type anyStory struct {
	*rapid.T
	*run
	base    string // what people put into the configuration
	byHand  bool   // people changed what a rollback had changed
	feeds   bool
	count   map[string]int
	asked   int
	reports map[checks.ID]sim.Ended
}

func (p *anyStory) playbook(spec *strategyv1.StrategyPlaybookSpec) {
	if p.feeds {
		*spec = testkit.WithFeeds(*spec)
	}
	if rapid.Bool().Draw(p.T, "lead") {
		scenarios.WithSignals(spec)
	}
	if rapid.Bool().Draw(p.T, "fatigue") {
		scenarios.TuneAlerts(spec)
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
		}[rapid.SampledFrom([]string{"ok", "ok", "ok", "fail", "fail", "warn", "mute", "no image", "evicted"}).Draw(p.T, fmt.Sprint(id))]
	}
	return p.reports[id], true
}

func (p *anyStory) step() {
	switch evenly(p.T, "step", []string{
		"incident", "rollback", "approve", "approve", "approve", "restore", "deny", "renew", "override", "incident decision", "incident decision",
		"time", "time", "hold", "signal", "rules", "elsewhere", "over it", "delete", "stale", "restart",
	}) {
	case "incident":
		p.Pass(time.Second)
		p.asked++
		p.ReportAs(fmt.Sprintf("i%d", p.asked), func(spec *strategyv1.StrategyIncidentSpec) {
			spec.Type = evenly(p.T, "type", []strategyv1.IncidentType{"PnL", "Risk", "AlertFatigue"})
			spec.Schedule = evenly(p.T, "schedule", []string{"fast", "slow", ""})
			spec.Mode = evenly(p.T, "mode", []strategyv1.IncidentMode{strategyv1.IncidentLive, strategyv1.IncidentLive, strategyv1.IncidentDrill})
		})
	case "rollback":
		p.Pass(time.Second)
		p.asked++
		p.AskRollback(fmt.Sprintf("r%d", p.asked), func(spec *strategyv1.StrategyRollbackSpec) {
			spec.Actions = evenly(p.T, "actions", p.actions())
			spec.RemediationName = evenly(p.T, "remedy", []string{"", "disable", "keep"})
			spec.DeletionPolicy = evenly(p.T, "policy", []strategyv1.DeletionPolicy{strategyv1.DeletionRetain, strategyv1.DeletionRestore})
		})
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
		if len(p.Names(&corev1.ConfigMapList{})) < 2 {
			scenarios.CreateRules(p.World)
		}
	case "elsewhere":
		p.edit("# the schedules", "# all the schedules")
	case "over it":
		if strings.Contains(p.Content(), "trend: 0.5 # all in") {
			p.Edit("trend: 0.5 # all in", "trend: 0.7 # all in")
			p.byHand = true
		}
	case "delete":
		if name := p.someRollback(); name != "" && p.RollbackNamed(name).Spec.DeletionPolicy == strategyv1.DeletionRestore {
			p.DeleteRollback(name)
		}
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
	if p.feeds {
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

// settle plays until it is quiet. Nothing that the operator wrote may have been refused by the schema.
func (p *anyStory) settle() {
	if !p.goOn(context.Background()) {
		p.Fatalf("it never ends: %v\n%s", p.operator.LastError(), strings.Join(p.Trace, "\n"))
	}
	for _, err := range p.operator.Errors {
		if apierrors.IsInvalid(err) {
			p.Fatalf("the schema refuses what the operator writes: %v", err)
		}
	}
	p.sound()
}

// sound is what must hold whenever it is quiet.
func (p *anyStory) sound() {
	end := scenarios.EndOf(p.World, p.operator.LastError())
	for _, problem := range append(end.Problems, p.watch.Problems...) {
		if strings.HasSuffix(problem, "is deleted and still there") {
			continue // while it is on hold, or its restore is not over
		}
		p.Fatalf("%s\n%s", problem, strings.Join(p.Trace, "\n"))
	}
	p.incidents()
	p.configuration()
	for name, times := range p.Made {
		if times > 1 {
			p.Fatalf("Job %s was made %d times\n%s", name, times, strings.Join(p.Trace, "\n"))
		}
	}
}

// incidents: what has ended leaves nothing running, and a missed deadline is told.
func (p *anyStory) incidents() {
	var incidents strategyv1.StrategyIncidentList
	p.List(&incidents)
	var jobs batchv1.JobList
	p.List(&jobs)
	for _, incident := range incidents.Items {
		all := incident.Status.Conditions
		closed := conditions.True(all, strategyv1.ConditionReady)
		if closed != conditions.True(all, strategyv1.ConditionResolved) {
			p.Fatalf("%s: Ready and Resolved disagree: %+v", incident.Name, all)
		}
		for _, job := range jobs.Items {
			if closed && metav1.IsControlledBy(&job, &incident) {
				p.Fatalf("%s is closed, and Job %s is left", incident.Name, job.Name)
			}
		}
		for _, deadline := range incident.Status.Deadlines {
			missed := deadline.AnsweredTime == nil && deadline.RelievedTime == nil && !p.Clock.Now().Before(deadline.Time.Time) || deadline.AnsweredTime != nil && deadline.AnsweredTime.After(deadline.Time.Time)
			if missed && !closed && incident.Spec.Mode != strategyv1.IncidentDrill && conditions.Reason(all, strategyv1.ConditionSLAMet) != "" && conditions.True(all, strategyv1.ConditionSLAMet) {
				p.Fatalf("%s missed the deadline of %s, and SLAMet is True", incident.Name, deadline.Level)
			}
		}
	}
}

// configuration: it is what people put there, and what the record says is held; what is said to be in effect runs.
func (p *anyStory) configuration() {
	if p.byHand {
		return
	}
	model := testkit.ParseTree(p.T, p.base)
	for _, holder := range p.Record().Holders {
		for _, record := range holder.Records {
			model.Set(record.Path, record.To)
		}
	}
	if got := testkit.ParseTree(p.T, p.Content()).String(); got != model.String() {
		p.Fatalf("the configuration is not what people put there plus what is held:\n%s\nheld: %+v", p.Content(), p.Record().Holders)
	}
	var rollbacks strategyv1.StrategyRollbackList
	p.List(&rollbacks)
	for _, rollback := range rollbacks.Items {
		if rollback.Spec.Mode == strategyv1.ModeDrill || !conditions.True(rollback.Status.Conditions, strategyv1.ConditionInEffect) {
			continue
		}
		p.count["in effect"]++
		for _, edit := range rollback.Status.Plan.Edits {
			if held, err := testkit.Parsed(p.T, p.Running()).Holds(edit.Path, edit.To); err != nil || !held {
				p.Fatalf("%s is said to be in effect, but the scheduler does not run %s: %v", rollback.Name, edit.Path, err)
			}
		}
	}
}

// end: what is on hold is released, everything is restored, and nobody waits for ever.
func (p *anyStory) end() {
	p.cut.At = 0
	p.hold(false)
	p.settle()
	for _, was := range p.EveryRollback() {
		p.count["rollback "+p.Ready(was.Name)]++
	}
	for _, name := range p.Names(&strategyv1.StrategyIncidentList{}) {
		p.count["incident "+conditions.Reason(p.IncidentNamed(name).Status.Conditions, strategyv1.ConditionReady)]++
	}
	p.Report = func(_ *sim.World, id checks.ID) (sim.Ended, bool) { return sim.OK, id.Check != "running-plan" }
	for _, name := range p.Names(&strategyv1.StrategyRollbackList{}) {
		if p.RollbackNamed(name).DeletionTimestamp.IsZero() {
			sim.Change(p.World, name, &strategyv1.StrategyRollback{}, func(r *strategyv1.StrategyRollback) { r.Spec.DesiredState = strategyv1.StateRestored })
		}
	}
	p.settle()
	for range 3 { // retries, and patience with what is gone
		p.Pass(time.Hour)
		p.settle()
	}
	if holders := p.Record().Holders; len(holders) > 0 {
		p.Fatalf("%s still holds edits\n%s", holders[0].Name, strings.Join(p.Trace, "\n"))
	}
	for _, name := range p.Names(&strategyv1.StrategyRollbackList{}) {
		if !p.RollbackNamed(name).DeletionTimestamp.IsZero() {
			p.Fatalf("%s is deleted and never goes\n%s", name, strings.Join(p.Trace, "\n"))
		}
	}
	if content := p.Content(); !p.byHand && content != p.base {
		p.Fatalf("not the same bytes:\n%s\nwant\n%s", content, p.base)
	}
}

// evenly draws without the preference for the first choices that rapid has.
func evenly[V any](t *rapid.T, what string, choices []V) V {
	at := 0
	for range 6 {
		at *= 2
		if rapid.Bool().Draw(t, what) {
			at++
		}
	}
	return choices[at%len(choices)]
}
