//go:build e2e

package e2e

import (
	"context"

	"fmt"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
)

// direct is the demo's playbook with short triage, so that a story is about its cause and remedy.
func (w *world) direct(name string) *strategyv1.StrategyPlaybook {
	playbook := w.sample(name)
	spec := &playbook.Spec
	spec.Triage.Checks = []strategyv1.StageCheck{{Name: "stage4-audit"}}
	spec.Triage.Escalate = []strategyv1.EscalateRule{{Name: "judged", When: "size(checks) == 1"}}
	spec.Triage.FalseAlarm = nil
	return playbook
}

func typed(kind strategyv1.IncidentType) func(*strategyv1.StrategyIncidentSpec) {
	return func(spec *strategyv1.StrategyIncidentSpec) { spec.Type = kind }
}

// Both feeds are dead: the probe of the fallback fails, and the ladder goes on to the remedy that stops the schedule.
func TestADeadAdapterWithADeadFallbackClimbsTheLadder(t *testing.T) {
	s := tell(t)
	s.must(s.setFaultOn(s.ctx, "feed-down", "kraken_spot"))
	playbook := s.direct("ladder")
	playbook.Spec.Diagnosis.Checks = []strategyv1.StageCheck{{Name: "journal"}}
	stop := remediation(&playbook.Spec, "disable-schedule")
	stop.Before, stop.After = nil, []strategyv1.CheckUse{{Name: "security-baseline"}}
	incident := s.report("alice", s.playbook(playbook), typed("AdapterFailure"))
	next := s.eventualRollback("disable-schedule", time.Minute)
	s.must(s.refresh(s.ctx, incident))
	s.expect(incident, "Diagnosed=True/CauseFound")
	if cause := incident.Status.Cause; cause == nil || cause.Name != "AdapterFailure" || cause.Remediation != "fallback-feed" {
		s.Errorf("the cause is %+v", cause)
	}
	first := s.eventualRollback("fallback-feed", time.Second)
	s.expect(first, "Approved=False/ProbeFailed")
	s.reaches(next, "AwaitingApproval", 30*time.Second)
	s.configIsAsBefore()
	s.decides("bob", strategyv1.DecisionApprove, next)
	s.reaches(next, "Verified", time.Minute)
	s.isSuspended("cross_exchange_watch")
	s.reaches(incident, "Contained", 10*time.Second)
}

// eventualRollback is the incident's rollback for a remedy.
func (s *story) eventualRollback(remedy string, within time.Duration) *strategyv1.StrategyRollback {
	s.Helper()
	var found strategyv1.StrategyRollback
	s.eventually("a rollback for "+remedy, within, func(ctx context.Context) error {
		var list strategyv1.StrategyRollbackList
		if err := admin.List(ctx, &list, client.InNamespace(s.namespace)); err != nil {
			return err
		}
		for _, rollback := range list.Items {
			if rollback.Spec.RemediationName == remedy {
				found = rollback
				return nil
			}
		}
		return fmt.Errorf("there are %d others", len(list.Items))
	})
	return &found
}

// The scheduler really uses more CPU than its budget allows; the remedy adjusts the budget, and only that.
func TestAResourceBudgetIsExceededAndAdjusted(t *testing.T) {
	needsPrometheus(t)
	tight := strings.Replace(demoConfig(), "cpu_percent: 60.0", "cpu_percent: 3.0", 1)
	if tight == demoConfig() {
		t.Fatal("the demo's configuration has another CPU budget now")
	}
	s := tell(t, with(tight))
	playbook := s.direct("budget")
	soon(&playbook.Spec)
	playbook.Spec.Escalation = nil
	playbook.Spec.Diagnosis.Checks = []strategyv1.StageCheck{{Name: "journal"}}
	adjust := remediation(&playbook.Spec, "adjust-limits")
	// A load test spins, and would need more than the new budget as long as the flood lasts.
	adjust.Before, adjust.After = nil, []strategyv1.CheckUse{{Name: "smoke"}}
	name := s.playbook(playbook)
	s.must(s.setFault(s.ctx, "flood"))
	s.measures(`max(min_over_time(bot_core_process_cpu_percent{namespace="trading"}[10s]))`, func(percent float64) bool { return percent > 4 })

	incident := s.report("alice", name, typed("ResourceBudget"))
	rollback := s.eventualRollback("adjust-limits", time.Minute)
	s.reaches(rollback, "AwaitingApproval", 30*time.Second)
	if diff := rollback.Status.Plan.Diff; !containsAll(diff, "-    cpu_percent: 3.0", "+    cpu_percent: 80") {
		s.Errorf("the diff is:\n%s", diff)
	}
	s.must(s.refresh(s.ctx, incident))
	s.says(incident, strategyv1.ConditionDiagnosed, "ResourceBudget, by rule", "cpu_percent_min_10m = ")
	s.decides("bob", strategyv1.DecisionApprove, rollback)
	s.reaches(rollback, "Verified", time.Minute)
	if plan, err := s.runningPlan(s.ctx); err != nil || plan.Limits["cpu_percent"] != 80 {
		s.Errorf("the running scheduler has the limits %v: %v", plan.Limits, err)
	}
	s.must(s.clearFaults(s.ctx))
	// The cause must be gone, with the old budget: else the change stays.
	s.measures(`max(min_over_time(bot_core_process_cpu_percent{namespace="trading"}[10s]))`, func(percent float64) bool { return percent < 3 })
	s.decides("bob", strategyv1.DecisionRestore, rollback)
	s.reaches(rollback, "Restored", time.Minute)
	s.configIsAsBefore()
}

// Too many alerts: a patch for people, and nothing is changed.
func TestAlertFatigueIsAProposalAndChangesNothing(t *testing.T) {
	s := tell(t)
	var rules corev1.ConfigMap
	at := client.ObjectKey{Namespace: s.namespace, Name: "prometheus-rules"}
	s.must(admin.Get(s.ctx, at, &rules))
	playbook := s.direct("fatigue")
	playbook.Spec.Diagnosis.Checks = []strategyv1.StageCheck{{Name: "journal"}}
	incident := s.report("alice", s.playbook(playbook), typed("AlertFatigue"))
	s.reaches(incident, "Proposed", time.Minute)
	proposal := incident.Status.Proposal
	if proposal == nil || !containsAll(proposal.Patch, "-    for: 1m", "+    for:", "10m") {
		s.Fatalf("the proposal is %+v", proposal)
	}
	s.expect(incident, "Stalled=True/Proposed")
	s.noRollback()
	s.configIsAsBefore()
	var after corev1.ConfigMap
	s.must(admin.Get(s.ctx, at, &after))
	if after.ResourceVersion != rules.ResourceVersion {
		s.Error("the rules were changed")
	}
	s.decides("alice", strategyv1.DecisionResolve, incident)
	s.reaches(incident, "Resolved", 10*time.Second)
	s.logVerifies(incident)
}

// A risk incident: the allocation is the remedy, and nothing happens without an approval.
func TestARiskIncidentAsksForASmallerAllocation(t *testing.T) {
	s := tell(t)
	playbook := s.direct("risk")
	playbook.Spec.Diagnosis.Checks = []strategyv1.StageCheck{{Name: "journal"}}
	incident := s.report("alice", s.playbook(playbook), typed("Risk"))
	rollback := s.eventualRollback("reduce-allocation", time.Minute)
	s.reaches(rollback, "AwaitingApproval", 30*time.Second)
	if diff := rollback.Status.Plan.Diff; !containsAll(diff, "-      cross_exchange: 0.5", "+      cross_exchange: 0.1") {
		s.Errorf("the diff is:\n%s", diff)
	}
	s.decides("bob", strategyv1.DecisionDeny, rollback)
	s.reaches(incident, "NeedsPerson", 15*time.Second)
	s.configIsAsBefore()
}

// No rule knows the cause: a person gets everything that was gathered.
func TestAnUnknownCauseEndsAtAPersonWithTheEvidence(t *testing.T) {
	s := tell(t)
	incident := s.report("alice", s.playbook(s.direct("unknown")), typed("Compliance"))
	s.reaches(incident, "NeedsPerson", time.Minute)
	s.expect(incident, "Diagnosed=False/CauseUnknown", "Stalled=True/NeedsPerson")
	if cause := incident.Status.Cause; cause == nil || cause.Name != "Unknown" {
		s.Errorf("the cause is %+v", cause)
	}
	for _, check := range incident.Status.Checks {
		if check.Report == nil {
			s.Errorf("check %s %s has no report", check.Stage, check.Name)
		}
	}
	if len(incident.Status.Checks) != 3 { // the audit; the load test and the journal, for the smoke test is not for this type
		s.Errorf("checks: %+v", incident.Status.Checks)
	}
	if len(incident.Status.Dashboards) != 1 {
		s.Errorf("dashboards: %+v", incident.Status.Dashboards)
	}
	s.noRollback()
	s.evidenceHolds(incident)
}
