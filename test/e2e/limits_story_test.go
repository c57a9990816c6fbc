//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
)

// The scheduler's own clock ends the mitigation while the operator is away; when it is back it says so, and cleans up.
func TestTheTimeBoxEndsWithoutTheOperator(t *testing.T) {
	s := tell(t, alone)
	rollback := s.asks("boxed", samplePlaybook, lasts(30), disable("cross_exchange_watch"))
	s.carolApproves(rollback)
	s.reaches(rollback, "Verified", time.Minute)
	s.isSuspended("cross_exchange_watch")
	s.scaleOperator(0)
	s.eventually("the scheduler trades again by itself", time.Minute, func(ctx context.Context) error {
		plan, err := s.runningPlan(ctx)
		if err == nil && plan.suspended()["cross_exchange_watch"] {
			err = fmt.Errorf("it is suspended")
		}
		return err
	})
	s.trace("the scheduler trades again, its configuration unchanged")
	if now := time.Now(); now.Before(rollback.Status.Plan.Until.Time) {
		s.Errorf("at %v, before %v", now, rollback.Status.Plan.Until)
	}
	s.onlyAddedLines(s.config())
	s.scaleOperator(1)
	s.reaches(rollback, "Restored", 90*time.Second)
	s.configIsAsBefore()
	s.runs(s.original)
	events := s.logHolds(rollback)
	if local && !containsAllOf(events, "disabled", "expired", "restore_requested", "restored") {
		s.Errorf("the log says %v", events)
	}
}

// scaleOperator takes the operator away, or brings it back.
func (s *story) scaleOperator(replicas int32) {
	s.Helper()
	at := client.ObjectKey{Namespace: operatorNamespace, Name: "strategy-operator"}
	scale := func(ctx context.Context, replicas int32) error {
		deployment := &appsv1.Deployment{}
		deployment.Namespace, deployment.Name = at.Namespace, at.Name
		patch := fmt.Sprintf(`{"spec":{"replicas":%d}}`, replicas)
		return admin.Patch(ctx, deployment, client.RawPatch("application/merge-patch+json", []byte(patch)))
	}
	s.must(scale(s.ctx, replicas))
	s.Cleanup(func() { _ = scale(context.WithoutCancel(s.ctx), 1) })
	s.eventually(fmt.Sprintf("%d operators", replicas), time.Minute, func(ctx context.Context) error {
		pods, err := podsOf(ctx, at)
		if err == nil && len(pods) != int(replicas) {
			err = fmt.Errorf("there are %d", len(pods))
		}
		return err
	})
	s.trace("%d operators", replicas)
}

// At the end of its time the gate does not hold: a person keeps the change longer, and in the end undoes it all the same.
func TestAGateThatFailsAtTheEndOfTheTimeBoxAsksAPerson(t *testing.T) {
	s := tell(t, long("it waits for the ends of two time boxes; the tables of internal/rollback step the clock to them"))
	playbook := s.quick("gated")
	playbook.Spec.Checks = append(playbook.Spec.Checks, misbehaving("always-fails", "escapes"))
	gated := remediation(&playbook.Spec, "disable-schedule")
	gated.MaxDurationSeconds, gated.After = new(int32(40)), nil
	gated.Restore = &strategyv1.RestoreGate{Checks: []strategyv1.CheckUse{{Name: "always-fails"}}}
	s.playbook(playbook)
	rollback := s.asks("gated", playbook.Name, func(spec *strategyv1.StrategyRollbackSpec) { spec.RemediationName = "disable-schedule" }, disable("cross_exchange_watch"))
	s.carolApproves(rollback)
	s.reaches(rollback, "Verified", time.Minute)
	first := rollback.Status.Plan.Until.Time
	s.isAt(rollback, "RestoreGateFailed", "always-fails Fail", "kubectl strategy renew gated", "kubectl strategy override gated")

	if _, err := s.decide("bob", strategyv1.DecisionRenew, rollback); err != nil {
		s.Errorf("bob is an approver; that he asked is the controller's business: %v", err)
	}
	s.eventually("bob's own renewal is not honoured", 20*time.Second, func(ctx context.Context) error {
		if err := s.refresh(ctx, rollback); err != nil {
			return err
		}
		if !slices.ContainsFunc(rollback.Status.Timeline, func(e strategyv1.TimelineEntry) bool {
			return e.Event == "not_honoured" && strings.Contains(e.Message, "four eyes")
		}) {
			return fmt.Errorf("the timeline does not say it")
		}
		return nil
	})
	s.decides("carol", strategyv1.DecisionRenew, rollback)
	s.reaches(rollback, "Verified", time.Minute)
	if plan := rollback.Status.Plan; plan.Renewals != 1 || !plan.Until.After(first) {
		s.Errorf("renewed %d times, until %v", plan.Renewals, plan.Until)
	}
	s.isSuspended("cross_exchange_watch")
	s.isAt(rollback, "RestoreGateFailed", "always-fails Fail")
	s.isAt(rollback, "RestoreGateFailed", "always-fails Fail")
	s.decides("carol", strategyv1.DecisionOverride, rollback)
	s.reaches(rollback, "Restored", time.Minute)
	s.configIsAsBefore()
	s.runs(s.original)
	events := s.logHolds(rollback)
	if local && !containsAllOf(events, "disabled", "restore_refused", "renewed", "overridden", "restored") {
		s.Errorf("the log says %v", events)
	}
}

func TestTheGuardHoldsBackWhatAPersonDoesNotLift(t *testing.T) {
	s := tell(t)
	playbook := s.quick("guarded")
	playbook.Spec.Guard = &strategyv1.GuardSpec{MaxDisabledSchedules: 1}
	s.playbook(playbook)
	first := s.asks("first", playbook.Name, nil, disable("cross_exchange_watch"))
	second := s.asks("second", playbook.Name, nil, disable("mean_reversion_intraday"))
	third := s.asks("third", playbook.Name, nil, disable("volatility_target_daily"))
	s.carolApproves(first)
	s.reaches(first, "Verified", time.Minute)
	s.carolApproves(second)
	s.carolApproves(third)
	s.isAt(second, "GuardExceeded", "maxDisabledSchedules is 1", "first", "kubectl strategy override second")
	s.isAt(third, "GuardExceeded")
	s.isSuspended("cross_exchange_watch")

	_, err := s.decide("alice", strategyv1.DecisionOverride, second)
	s.refused(err, "alice may not Override", "the verb override")
	s.decides("carol", strategyv1.DecisionOverride, second)
	s.reaches(second, "Verified", time.Minute)
	s.isSuspended("cross_exchange_watch", "mean_reversion_intraday")
	if lifted := second.Status.Override; lifted == nil || lifted.By != "carol" {
		s.Errorf("overridden by %+v", lifted)
	}
	s.restores(first)
	s.reaches(first, "Restored", time.Minute)
	s.isAt(third, "GuardExceeded", "second") // the lifted one takes the only place
	s.restores(second)
	s.reaches(second, "Restored", time.Minute)
	s.reaches(third, "Verified", time.Minute)
	s.isSuspended("volatility_target_daily")
	if events := s.logHolds(second); local && !containsAllOf(events, "held_back", "overridden", "disabled") {
		s.Errorf("the log says %v", events)
	}
}
