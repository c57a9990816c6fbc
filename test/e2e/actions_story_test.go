//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/gitops"
	"tradeops.dev/strategy-operator/internal/record"
)

func TestEveryActionTakesEffectInTheRunningScheduler(t *testing.T) {
	s := tell(t)
	rollback := s.asks("everything", samplePlaybook, nil,
		strategyv1.RollbackAction{Type: strategyv1.ActionDisableSchedule, Strategy: "core_cross_exchange"},
		strategyv1.RollbackAction{Type: strategyv1.ActionSetSignalLimit, Strategy: "core_mean_reversion", RiskProfile: "balanced", Limit: new(int32(0))},
		strategyv1.RollbackAction{Type: strategyv1.ActionSetResourceLimits, Limits: &strategyv1.ResourceLimits{CPUPercent: "80", MemoryMB: "384"}},
		strategyv1.RollbackAction{Type: strategyv1.ActionSwitchFeed, Feed: "kraken"},
		allocate("balanced", "mean_reversion", "0.0"),
	)
	s.carolApproves(rollback)
	s.reaches(rollback, "Verified", time.Minute)
	s.isSuspended("cross_exchange_watch")
	plan, err := s.runningPlan(s.ctx)
	s.must(err)
	if plan.Exchange != "kraken_spot" || plan.Limits["cpu_percent"] != 80 || plan.Limits["memory_mb"] != 384 || plan.Allocations["balanced"]["mean_reversion"] != 0 {
		s.Errorf("the running scheduler has %+v", plan)
	}
	s.must(s.smoke(s.ctx, 2)) // the strategy runs on, without a single signal
	for _, schedule := range plan.Schedules {
		if schedule.Name == "mean_reversion_intraday" && schedule.ActiveMaxSignals != 0 {
			s.Errorf("it may emit %d signals", schedule.ActiveMaxSignals)
		}
	}
	s.restores(rollback)
	s.reaches(rollback, "Restored", time.Minute)
	s.configIsAsBefore()
	s.runs(s.original)
	s.isSuspended()
	s.logHolds(rollback)
}

func TestADeadFeedIsNotSwitchedToAndADryRunChangesNothing(t *testing.T) {
	s := tell(t)
	toKraken := strategyv1.RollbackAction{Type: strategyv1.ActionSwitchFeed, Feed: "kraken"}
	dry := s.asks("only-looking", samplePlaybook, func(spec *strategyv1.StrategyRollbackSpec) {
		spec.Mode, spec.RemediationName = strategyv1.ModeDryRun, "fallback-feed"
	}, toKraken)
	restarted := s.restarts(func() { s.reaches(dry, "DryRun", time.Minute) })
	s.expect(dry, "Planned=True/Planned", "Approved=False/DryRun", "Ready=True/DryRun")
	if diff := dry.Status.Plan.Diff; !containsAll(diff, "-    exchange: binance_spot", "+    exchange: kraken_spot") {
		s.Errorf("the diff is:\n%s", diff)
	}
	if jobs := s.oneJobPerAttempt(dry); len(jobs) != 2 { // the probe and the baseline
		s.Errorf("it ran %v", jobs)
	}

	s.must(s.setFaultOn(s.ctx, "feed-down", "kraken_spot"))
	dead := s.asks("dead-feed", samplePlaybook, nil, toKraken)
	s.reaches(dead, "ProbeFailed", time.Minute)
	s.expect(dead, "Approved=False/ProbeFailed", "Stalled=True/ProbeFailed")
	s.configIsAsBefore()
	if restarted > 0 || len(dry.Finalizers)+len(dead.Finalizers) > 0 {
		s.Errorf("%d restarts, finalizers %v %v", restarted, dry.Finalizers, dead.Finalizers)
	}
	s.logHolds(dry)
	s.logHolds(dead)
}

// Ten people's changes at once are few writes and one restart, and come back in any order.
func TestManyRollbacksShareWritesAndRestarts(t *testing.T) {
	s := tell(t)
	playbook := s.quick("crowd")
	playbook.Spec.Guard = nil
	s.playbook(playbook)
	changes := []strategyv1.RollbackAction{disable("cross_exchange_watch")}
	for _, profile := range []string{"conservative", "balanced", "aggressive"} {
		for _, bucket := range []string{"mean_reversion", "volatility_target", "cross_exchange"} {
			changes = append(changes, allocate(profile, bucket, "0.01"))
		}
	}
	var crowd []*strategyv1.StrategyRollback
	for i, change := range changes {
		crowd = append(crowd, s.asks(fmt.Sprintf("crowd-%d", i), playbook.Name, nil, change))
	}
	// Two hold the same value: it stays until both are restored.
	twin := s.asks("twin", playbook.Name, nil, changes[1])
	crowd = append(crowd, twin)
	for _, rollback := range crowd {
		s.reaches(rollback, "AwaitingApproval", 30*time.Second)
	}
	s.decides("alice", strategyv1.DecisionHold, playbook) // so that they go on at the same time, however long carol takes
	for _, rollback := range crowd {
		s.carolApproves(rollback)
		s.reaches(rollback, "Approved", 15*time.Second)
	}
	writes := s.configWrites()
	restarts := s.restarts(func() {
		s.decides("bob", strategyv1.DecisionRelease, playbook)
		for _, rollback := range crowd {
			s.reaches(rollback, "Verified", time.Minute)
		}
	})
	s.trace("%d rollbacks in effect after %d writes and %d restarts", len(crowd), writes(), restarts)
	if most := len(crowd) / 2; writes() > most || restarts > int64(most) { // one of each, unless the machine is so busy that they come seconds apart
		s.Errorf("%d writes, %d restarts", writes(), restarts)
	}
	s.isSuspended("cross_exchange_watch")

	s.restores(crowd[1])
	s.reaches(crowd[1], "Restored", time.Minute)
	s.says(crowd[1], strategyv1.ConditionRestored, "conservative", "twin")
	if plan, err := s.runningPlan(s.ctx); err != nil || plan.Allocations["conservative"]["mean_reversion"] != 0.01 {
		s.Errorf("the twin's allocation is lost: %v %v", plan.Allocations, err)
	}
	for i := len(crowd) - 1; i >= 0; i-- {
		if i != 1 {
			s.restores(crowd[i])
		}
	}
	for _, rollback := range crowd {
		s.reaches(rollback, "Restored", 90*time.Second)
	}
	s.configIsAsBefore()
	s.runs(s.original)
	if holders := s.edits().Holders; len(holders) > 0 {
		s.Errorf("%d rollbacks are still in the record", len(holders))
	}
}

// edits is the operator's record on the configuration.
func (s *story) edits() record.State {
	s.Helper()
	var configMap corev1.ConfigMap
	s.must(admin.Get(s.ctx, s.configAt(), &configMap))
	state, err := record.ParseState(configMap.Annotations[strategyv1.AnnotationEdits])
	s.must(err)
	return state
}

// configWrites counts how often the document of the configuration is written from now on.
func (s *story) configWrites() func() int {
	s.Helper()
	writers := s.configWriters()
	return func() int { return len(writers()) }
}

// configWriters are who writes the document of the configuration from now on, in order. What else stands on the ConfigMap is not looked at: tools
// tidy up there.
func (s *story) configWriters() func() []string {
	s.Helper()
	var configMap corev1.ConfigMap
	s.must(admin.Get(s.ctx, s.configAt(), &configMap))
	last := configMap.Data[configKey]
	since := onlyConfig
	since.ResourceVersion = configMap.ResourceVersion
	watcher, err := clientset.CoreV1().ConfigMaps(s.namespace).Watch(context.WithoutCancel(s.ctx), since)
	s.must(err)
	s.Cleanup(watcher.Stop)
	var writers []string
	return func() []string {
		for {
			select {
			case event := <-watcher.ResultChan():
				seen, ok := event.Object.(*corev1.ConfigMap)
				if !ok || seen.Data[configKey] == last {
					continue
				}
				last = seen.Data[configKey]
				name := "nobody"
				if writer := gitops.WriterOf(seen, configKey); writer != nil {
					name = writer.Manager
				}
				writers = append(writers, name)
			case <-time.After(200 * time.Millisecond):
				return writers
			}
		}
	}
}
