package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/conditions"
)

const namespace = "trading"

const checksPerIncident = 3

// perPlaybook is how many incidents a playbook has: its history keeps a thousand closed ones at most, and none that is counted may
// be forgotten.
const perPlaybook = 800

var types = []strategyv1.IncidentType{"PnL", "Risk", "Latency", "NoSignals", "AdapterFailure", "AlertFatigue", "ResourceBudget", "Compliance"}

func playbookName(i int) string { return fmt.Sprintf("playbook-%d", i/perPlaybook) }

func scheduleName(i int) string { return fmt.Sprintf("schedule-%04d", i/len(types)) }

// newIncident is the i-th incident. No two are about the same type and schedule, or the younger would be a duplicate.
func newIncident(i int) *strategyv1.StrategyIncident {
	return &strategyv1.StrategyIncident{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: fmt.Sprintf("incident-%05d", i)},
		Spec: strategyv1.StrategyIncidentSpec{
			PlaybookName: playbookName(i), Type: types[i%len(types)], Severity: "Critical", Schedule: scheduleName(i),
			Summary: "more than 4 % below its best",
		},
	}
}

// newConfig has the schedules of so many incidents.
func newConfig(incidents int) *corev1.ConfigMap {
	var document strings.Builder
	document.WriteString("risk_profiles:\n  balanced:\n    max_daily_loss_pct: 0.015\n    strategy_allocations: {trend: 1.0}\n" +
		"environments:\n  paper: {exchange: kraken_spot, risk_profile: balanced}\n" +
		"runtime:\n  multi_strategy_schedulers:\n    main:\n      schedules:\n")
	for i := 0; i < incidents; i += len(types) {
		fmt.Fprintf(&document, "        %s: {strategy: trend, risk_profile: balanced}\n", scheduleName(i))
	}
	return &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: namespace, Name: "core-config", Labels: map[string]string{strategyv1.LabelManaged: strategyv1.ManagedValue},
		},
		Data: map[string]string{"core.yaml": document.String()},
	}
}

// newPlaybook has three checks side by side; if all pass, it was a false alarm. No time limit may fire in a storm of thousands on
// a small machine.
func newPlaybook(name string) *strategyv1.StrategyPlaybook {
	const hour, day = 3600, 86400
	spec := strategyv1.StrategyPlaybookSpec{
		Scheduler: strategyv1.SchedulerSpec{
			Name: "main", Environment: "paper",
			Config:  strategyv1.ConfigReference{ConfigMapName: "core-config", Key: "core.yaml", Format: strategyv1.FormatBotCore},
			Rollout: strategyv1.RolloutSpec{DeploymentName: "scheduler", TimeoutSeconds: 180},
			Proof:   strategyv1.ProofSpec{Check: "audit"},
		},
		Triage: strategyv1.TriageSpec{
			RespondWithinSeconds: day, FalseAlarm: &strategyv1.FalseAlarmRule{When: "checks.all(c, c.verdict == 'Pass')", ReportedBy: strategyv1.ReportedByAnyone},
		},
		Diagnosis: strategyv1.DiagnosisSpec{
			RespondWithinSeconds: day, Checks: []strategyv1.StageCheck{{Name: "load", Need: strategyv1.NeedRequired}},
			Causes: []strategyv1.CauseRule{{Name: "Slow", When: "checks.exists(c, c.name == 'load' && c.verdict == 'Fail')"}},
		},
		History:              &strategyv1.HistorySpec{KeepIncidents: 1000},
		SigningKeySecretName: "decision-log-key",
	}
	for _, check := range []string{"audit", "baseline", "load"} {
		spec.Checks = append(spec.Checks, strategyv1.CheckSpec{
			Name: check, PodTemplateName: "tools", Command: []string{"/tools", check}, ReportFrom: strategyv1.ReportFromLog,
			TimeoutSeconds: hour, StartTimeoutSeconds: hour, Retries: new(int32(0)),
			Verdicts: []strategyv1.VerdictRule{
				{When: "report.status == 'ok'", Verdict: strategyv1.VerdictPass, Message: "in order"},
				{When: "true", Verdict: strategyv1.VerdictFail, Message: "not in order"},
			},
		})
		spec.Triage.Checks = append(spec.Triage.Checks, strategyv1.StageCheck{Name: check, Need: strategyv1.NeedRequired})
	}
	return &strategyv1.StrategyPlaybook{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}, Spec: spec}
}

// furnish makes what so many incidents need.
func (r *rig) furnish(ctx context.Context, incidents int) error {
	if err := r.harness.Create(ctx, newConfig(incidents)); err != nil {
		return err
	}
	for i := 0; i < incidents; i += perPlaybook {
		if err := r.harness.Create(ctx, newPlaybook(playbookName(i))); err != nil {
			return err
		}
	}
	return nil
}

// playbooksReady waits until the operator has read every playbook of a namespace.
func (r *rig) playbooksReady(ctx context.Context, namespace string) error {
	return poll(ctx, "the playbooks of "+namespace+" are ready", 200*time.Millisecond, func() (bool, error) {
		var list strategyv1.StrategyPlaybookList
		if err := r.harness.List(ctx, &list, client.InNamespace(namespace)); err != nil {
			return false, err
		}
		for _, playbook := range list.Items {
			if conditions.True(playbook.Status.Conditions, strategyv1.ConditionStalled) {
				return false, fmt.Errorf("%s: %s", playbook.Name, conditions.Message(playbook.Status.Conditions, strategyv1.ConditionStalled))
			}
			if !conditions.True(playbook.Status.Conditions, strategyv1.ConditionReady) {
				return false, r.alive()
			}
		}
		return true, nil
	})
}

// closed waits until so many incidents are closed, all as false alarms, and no Job is left.
func (r *rig) closed(ctx context.Context, incidents int) error {
	return poll(ctx, fmt.Sprintf("%d incidents are closed", incidents), 250*time.Millisecond, func() (bool, error) {
		var list strategyv1.StrategyIncidentList
		if err := r.seen.List(ctx, &list, client.UnsafeDisableDeepCopy); err != nil {
			return false, err
		}
		ended := 0
		for _, incident := range list.Items {
			if !conditions.True(incident.Status.Conditions, strategyv1.ConditionReady) {
				continue
			}
			if reason := conditions.Reason(incident.Status.Conditions, strategyv1.ConditionReady); reason != strategyv1.ReasonFalseAlarm {
				return false, fmt.Errorf("%s ended as %s: %s", incident.Name, reason, conditions.Message(incident.Status.Conditions, strategyv1.ConditionReady))
			}
			ended++
		}
		if ended < incidents {
			return false, r.alive()
		}
		jobs, err := r.jobs(ctx, "")
		return jobs == 0, err
	})
}

// jobs is how many an incident has, or all if it has no name.
func (r *rig) jobs(ctx context.Context, incident string) (int, error) {
	list := &metav1.PartialObjectMetadataList{TypeMeta: metav1.TypeMeta{APIVersion: "batch/v1", Kind: "JobList"}}
	if err := r.seen.List(ctx, list, client.UnsafeDisableDeepCopy); err != nil {
		return 0, err
	}
	found := 0
	for _, job := range list.Items {
		if owner := metav1.GetControllerOf(&job); incident == "" || owner != nil && owner.Name == incident {
			found++
		}
	}
	return found, nil
}
