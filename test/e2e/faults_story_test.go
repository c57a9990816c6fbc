//go:build e2e

package e2e

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
)

// faultStory is one fault of the exchange, and what the demo's playbook, as it stands in its file, does about it.
type faultStory struct {
	fault string
	feed  string // that it bites; empty: every one, or the fault's own
	ms    int    // of latency
	kind  strategyv1.IncidentType

	cause    string
	ladder   []string // the remedies that are asked for; all but the last one cannot begin. None: people are asked
	exchange string   // that the scheduler trades at while the remedy is in force
	lead     string   // the rule that calls the technical lead
}

// TestEachFaultIsAnsweredFromItsBeginningToItsEnd: a fault begins, somebody reports it, its cause is found, what is done about it contains it, is
// not undone as long as the fault lasts, and is undone after it.
func TestEachFaultIsAnsweredFromItsBeginningToItsEnd(t *testing.T) {
	needsPrometheus(t)
	t.Parallel()
	faults := map[string]faultStory{
		"a feed fills worse than it quotes": {fault: "lossy-cross", kind: "PnL", cause: "SignalDegradation", ladder: []string{"disable-schedule"}, exchange: "binance_spot"},
		"the feed in use is dead":           {fault: "feed-down", feed: "binance_spot", kind: "NoSignals", cause: "ExchangeDown", ladder: []string{"fallback-feed"}, exchange: "kraken_spot"},
		"the other feed is dead":            {fault: "feed-down", feed: "kraken_spot", kind: "AdapterFailure", cause: "AdapterFailure", ladder: []string{"fallback-feed", "disable-schedule"}, exchange: "binance_spot"},
		"every feed is dead":                {fault: "feed-down", kind: "NoSignals", cause: "NoFeed"},
		"the feed in use is slow":           {fault: "latency", feed: "binance_spot", ms: 300, kind: "Latency", cause: "ExchangeSlow", ladder: []string{"fallback-feed"}, exchange: "kraken_spot"},
		"every feed is slow":                {fault: "latency", ms: 300, kind: "Latency", cause: "Slow"},
		"prices stand still":                {fault: "flat", kind: "NoSignals", cause: "Silent", lead: "no-signals"},
		"quotes flood the scheduler":        {fault: "flood", kind: "ResourceBudget", cause: "ResourceBudget", ladder: []string{"adjust-limits"}, exchange: "binance_spot"},
	}
	for _, name := range slices.Sorted(maps.Keys(faults)) { // in the same order in each run
		t.Run(name, func(t *testing.T) { tell(t).playsFault(faults[name]) })
	}
}

func (s *story) playsFault(f faultStory) {
	s.Helper()
	s.begins(f)
	incident := s.report("alice", samplePlaybook, func(spec *strategyv1.StrategyIncidentSpec) {
		spec.Type, spec.Severity, spec.Summary = f.kind, "Warning", f.fault
	})
	if f.kind == "AdapterFailure" { // what is dead is not the feed that triage probes, so a person goes on to L2 before time does
		s.reaches(incident, "Triaging", 20*time.Second)
		s.decides("alice", strategyv1.DecisionEscalate, incident)
	}
	s.eventually("the cause is found", 90*time.Second, func(ctx context.Context) error {
		if err := s.refresh(ctx, incident); err != nil {
			return err
		}
		if incident.Status.Cause == nil {
			return errors.New("it is at:\n" + describe(incident))
		}
		return nil
	})
	s.trace("the cause is %s", incident.Status.Cause.Name)
	if cause := incident.Status.Cause.Name; cause != f.cause {
		s.Fatalf("the cause is %s, not %s:\n%s", cause, f.cause, describe(incident))
	}
	if len(f.ladder) == 0 {
		s.asksPeople(incident, f)
		return
	}
	s.answers(incident, f)
}

// begins lets the fault begin, and waits where it takes time until it shows.
func (s *story) begins(f faultStory) {
	s.Helper()
	switch f.fault {
	case "lossy-cross":
		s.losingMoney()
	default:
		s.must(s.call(s.ctx, "PUT", exchangeName, "/v1/faults/"+f.fault, map[string]any{"exchange": f.feed, "ms": f.ms}, nil))
	}
	if f.fault == "flat" {
		s.restartsScheduler()
		s.eventually("no strategy has emitted a signal for a minute", 4*time.Minute, func(ctx context.Context) error {
			emitted, err := askPrometheus(ctx, s.here(signalsOfAMinute))
			if err == nil && emitted != 0 {
				err = fmt.Errorf("%g signals", emitted)
			}
			return err
		})
	}
	s.trace("the fault is on: %s %s", f.fault, f.feed)
}

// restartsScheduler lets its strategies know no other prices than those of now. Else they remember for minutes that prices moved, and speak now and
// then while it fades: a minute of silence would not mean that they are done.
func (s *story) restartsScheduler() {
	s.Helper()
	s.changeScheduler(func(d *appsv1.Deployment) {
		metav1.SetMetaDataAnnotation(&d.Spec.Template.ObjectMeta, "strategy.tradeops.dev/e2e-restart", time.Now().Format(time.RFC3339Nano))
	})
	s.eventually("the scheduler runs anew", time.Minute, func(ctx context.Context) error { return available(ctx, s.schedulerAt()) })
}

// asksPeople: nothing is changed, somebody is asked, and closes it when the fault is over.
func (s *story) asksPeople(incident *strategyv1.StrategyIncident, f faultStory) {
	s.Helper()
	s.reaches(incident, "NeedsPerson", 20*time.Second)
	s.expect(incident, "Diagnosed=True/CauseFound", "Stalled=True/NeedsPerson")
	s.says(incident, strategyv1.ConditionReady, "cause "+f.cause+" has no remedy")
	if f.lead != "" {
		s.eventually("the technical lead is called", 30*time.Second, func(ctx context.Context) error {
			if err := s.refresh(ctx, incident); err != nil {
				return err
			}
			if incident.Status.Level != strategyv1.LevelLead {
				return errors.New("it is at:\n" + describe(incident))
			}
			return nil
		})
		s.says(incident, strategyv1.ConditionLeadCalled, "rule "+f.lead)
	}
	s.noRollback()
	s.configIsAsBefore()
	s.must(s.clearFaults(s.ctx))
	s.decides("alice", strategyv1.DecisionResolve, incident)
	s.reaches(incident, "Resolved", 20*time.Second)
	s.logVerifies(incident)
}

// answers: the remedy is approved and contains the incident; it stays as long as the fault lasts, and is undone after it.
func (s *story) answers(incident *strategyv1.StrategyIncident, f faultStory) {
	s.Helper()
	last := len(f.ladder) - 1
	for _, remedy := range f.ladder[:last] {
		s.reaches(s.eventualRollback(remedy, time.Minute), "ProbeFailed", time.Minute)
	}
	rollback := s.eventualRollback(f.ladder[last], time.Minute)
	s.reaches(rollback, "AwaitingApproval", time.Minute)
	s.configIsAsBefore()
	s.decides("bob", strategyv1.DecisionApprove, rollback)
	s.reaches(rollback, "Verified", 2*time.Minute)
	s.reaches(incident, "Contained", 20*time.Second)
	if plan, err := s.runningPlan(s.ctx); err != nil || plan.Exchange != f.exchange {
		s.Errorf("the scheduler trades at %q: %v", plan.Exchange, err)
	}

	s.decides("bob", strategyv1.DecisionRestore, rollback)
	s.reaches(rollback, "RestoreGateFailed", time.Minute)
	s.trace("not undone: %s", condition(rollback, strategyv1.ConditionReady).Message)

	s.must(s.clearFaults(s.ctx))
	s.trace("the fault is over")
	s.decides("bob", strategyv1.DecisionRestore, rollback)
	s.reaches(rollback, "Restored", 2*time.Minute)
	s.reaches(incident, "Resolved", time.Minute)
	s.expect(incident, "Ready=True/Resolved", "Contained=False/Restored")
	s.configIsAsBefore()
	s.runs(s.original)
	s.logVerifies(incident)
	s.logVerifies(rollback)
}
