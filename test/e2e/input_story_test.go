//go:build e2e

package e2e

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
)

// fixed is longer than the pause after which bad input is looked at again where no watch tells.
const fixed = 45 * time.Second

// waitsFor: one clear reason, stalled, and nothing else has happened.
func (s *story) waitsFor(object client.Object, reason string, words ...string) {
	s.Helper()
	s.reaches(object, reason, 20*time.Second)
	s.expect(object, "Ready=False/"+reason, "Stalled=True/"+reason)
	s.says(object, strategyv1.ConditionReady, words...)
	for _, kind := range []string{strategyv1.ConditionTriaged, strategyv1.ConditionPlanned, strategyv1.ConditionResolved} {
		if found := meta.FindStatusCondition(conditionsOf(object), kind); found != nil && found.Status != metav1.ConditionUnknown && found.Reason != reason {
			s.Errorf("%s has started: %+v", nameOf(object), found)
		}
	}
	if jobs := s.oneJobPerAttempt(object); len(jobs) != 0 {
		s.Errorf("%s ran %v", nameOf(object), jobs)
	}
}

func TestAnUnknownPlaybookStallsUntilItExists(t *testing.T) {
	s := tell(t)
	incident := s.report("alice", "not-there-yet", func(spec *strategyv1.StrategyIncidentSpec) { spec.Severity = "Warning" })
	s.waitsFor(incident, "PlaybookNotFound", "not-there-yet", "does not exist")
	playbook := s.sample("not-there-yet")
	s.must(admin.Create(s.ctx, playbook))
	s.trace("the playbook is created")
	s.isTriaged(incident)
	s.expect(incident, "Stalled=False/Triaging")
	s.logHolds(incident)
}

func TestAnUnknownScheduleStallsUntilTheConfigurationHasIt(t *testing.T) {
	s := tell(t)
	incident := s.report("alice", samplePlaybook, func(spec *strategyv1.StrategyIncidentSpec) {
		spec.Severity, spec.Schedule = "Warning", "night_watch"
	})
	s.waitsFor(incident, "ScheduleNotFound", `no schedule "night_watch"`, "cross_exchange_watch")
	rollback := &strategyv1.StrategyRollback{Spec: strategyv1.StrategyRollbackSpec{
		PlaybookName: samplePlaybook, Reason: "a schedule that is not there",
		Actions: []strategyv1.RollbackAction{{Type: strategyv1.ActionDisableSchedule, Schedule: "night_watch"}},
	}}
	rollback.Namespace, rollback.Name = s.namespace, "unknown-schedule"
	s.must(as("bob").Create(s.ctx, rollback))
	s.waitsFor(rollback, "EditRefused", "night_watch")
	s.configIsAsBefore()

	s.must(s.putConfig(s.ctx, strings.Replace(s.original, "        cross_exchange_watch:\n", nightWatch+"        cross_exchange_watch:\n", 1)))
	s.trace("the configuration gets the schedule")
	s.reaches(rollback, "AwaitingApproval", fixed)
	s.diffOnlyAdds(rollback.Status.Plan.Diff)
	// The scheduler that runs does not have it yet, so where there is a Prometheus nobody knows its loss, and L2 looks at it.
	s.eventually(nameOf(incident)+" goes on", fixed+20*time.Second, func(ctx context.Context) error {
		if err := s.refresh(ctx, incident); err != nil {
			return err
		}
		if condition(incident, strategyv1.ConditionTriaged).Status != metav1.ConditionTrue {
			return errors.New("it is at:\n" + describe(incident))
		}
		return nil
	})
}

// A typing error must not keep an incident open for good.
func TestAnIncidentWithATypingErrorCanBeClosed(t *testing.T) {
	s := tell(t)
	incident := s.report("alice", samplePlaybook, func(spec *strategyv1.StrategyIncidentSpec) { spec.Schedule = "cros_exchange_watch" })
	s.waitsFor(incident, "ScheduleNotFound", `no schedule "cros_exchange_watch"`)
	s.decides("alice", strategyv1.DecisionResolve, incident)
	s.reaches(incident, "Resolved", 10*time.Second)
	s.logHolds(incident)
}

// A quota has no room for the checks: that shows where people look, and the incident goes on when there is room.
func TestAQuotaIsToldOnTheIncident(t *testing.T) {
	s := tell(t)
	quota := &corev1.ResourceQuota{
		ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: "no-jobs"},
		Spec:       corev1.ResourceQuotaSpec{Hard: corev1.ResourceList{"count/jobs.batch": resource.MustParse("0")}},
	}
	s.must(admin.Create(s.ctx, quota))
	t.Cleanup(func() { _ = client.IgnoreNotFound(admin.Delete(context.WithoutCancel(s.ctx), quota)) })
	s.eventually("the quota counts", 20*time.Second, func(ctx context.Context) error {
		if err := admin.Get(ctx, client.ObjectKeyFromObject(quota), quota); err != nil || len(quota.Status.Hard) == 1 {
			return err
		}
		return errors.New("not yet")
	})
	incident := s.report("alice", samplePlaybook, func(spec *strategyv1.StrategyIncidentSpec) { spec.Severity = "Warning" })
	s.reaches(incident, "EffectRefused", 20*time.Second)
	s.expect(incident, "Ready=False/EffectRefused", "Stalled=True/EffectRefused")
	s.says(incident, strategyv1.ConditionReady, "exceeded quota: no-jobs", "CreateJob")
	s.events(incident, "EffectRefused")
	s.must(admin.Delete(s.ctx, quota))
	s.trace("the quota is gone")
	s.isTriaged(incident)
	s.logHolds(incident)
}

const nightWatch = `        night_watch:
          strategy: core_mean_reversion
          cadence_seconds: 600
          max_drift_seconds: 60
          warmup_bars: 96
          risk_profile: balanced
          max_signals: 1
          interval: 5m
`

func TestAConfigurationThatIsNotOptedInIsNotTouched(t *testing.T) {
	s := tell(t)
	s.label(nil)
	playbook := &strategyv1.StrategyPlaybook{}
	playbook.Namespace, playbook.Name = s.namespace, samplePlaybook
	s.waitsFor(playbook, "ConfigMapNotLabelled", "kubectl label configmap bot-core-config", "strategy.tradeops.dev/managed=true")
	incident := s.report("alice", samplePlaybook, func(spec *strategyv1.StrategyIncidentSpec) { spec.Severity = "Warning" })
	s.waitsFor(incident, "PlaybookNotReady", "is not opted in")
	s.configIsAsBefore()
	s.label(new(strategyv1.ManagedValue))
	s.trace("the ConfigMap is labelled")
	s.reaches(playbook, "Valid", fixed)
	s.isTriaged(incident)
}

func (s *story) label(value *string) {
	s.Helper()
	patch := fmt.Sprintf(`{"metadata":{"labels":{%q:%s}}}`, strategyv1.LabelManaged, encoded(value))
	configMap := &corev1.ConfigMap{}
	configMap.Namespace, configMap.Name = s.configAt().Namespace, s.configAt().Name
	s.must(admin.Patch(s.ctx, configMap, client.RawPatch("application/merge-patch+json", []byte(patch))))
}

func TestARuleThatDoesNotCompileIsNamedWithItsPosition(t *testing.T) {
	s := tell(t)
	playbook := s.sample("with-a-typo")
	playbook.Spec.Triage.Escalate[0].When = "checks.exist(c, c.verdict == 'Fail')"
	s.must(admin.Create(s.ctx, playbook))
	s.waitsFor(playbook, "RuleInvalid", "escalate rule audit-failed", "1:13", "exist")
	incident := s.report("alice", playbook.Name, func(spec *strategyv1.StrategyIncidentSpec) { spec.Severity = "Warning" })
	s.waitsFor(incident, "PlaybookNotReady", "audit-failed")
	s.eventually("the rule is fixed", 10*time.Second, func(ctx context.Context) error {
		if err := s.refresh(ctx, playbook); err != nil {
			return err
		}
		playbook.Spec.Triage.Escalate[0].When = "checks.exists(c, c.verdict == 'Fail')"
		return admin.Update(ctx, playbook)
	})
	s.reaches(playbook, "Valid", fixed)
	s.isTriaged(incident)
}
