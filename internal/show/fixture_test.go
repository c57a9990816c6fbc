package show

import (
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
)

var start = time.Date(2026, 11, 23, 10, 15, 0, 0, time.UTC)

func after(d time.Duration) metav1.Time { return metav1.NewTime(start.Add(d)) }

func condition(kind string, status metav1.ConditionStatus, reason, message string, at time.Duration) metav1.Condition {
	return metav1.Condition{Type: kind, Status: status, Reason: reason, Message: message, LastTransitionTime: after(at)}
}

func check(stage strategyv1.Stage, name string, verdict strategyv1.Verdict, message string, at, took time.Duration) strategyv1.CheckStatus {
	return strategyv1.CheckStatus{
		Stage: stage, Name: name, Attempt: 1, Verdict: verdict, Message: message, StartTime: new(after(at)), CompletionTime: new(after(at + took)),
	}
}

func entry(seq int64, at time.Duration, event strategyv1.Event, message, by string) strategyv1.TimelineEntry {
	return strategyv1.TimelineEntry{Seq: seq, Time: after(at), Event: event, Message: message, By: by}
}

// The diff of a plan, with a line longer than a tree is wide.
const diffText = `--- core.yaml
+++ core.yaml
@@ -829,0 +830,2 @@
+      initial_suspensions:
+        - {schedule: cross_exchange_watch, reason: "rollback pnl-1-5f0e8a11: incident pnl-1: SignalDegradation, PnL drawdown -5.2 %", until: "2026-11-23T11:15:41+00:00"}
`

var digest = "sha256:" + strings.Repeat("1a2b3c4d", 8)

// fresh is an incident that nobody has looked at.
func fresh() *strategyv1.StrategyIncident {
	return &strategyv1.StrategyIncident{
		ObjectMeta: metav1.ObjectMeta{Namespace: "trading", Name: "pnl-1", UID: "5f0e8a11-0000", CreationTimestamp: after(time.Second)},
		Spec: strategyv1.StrategyIncidentSpec{
			PlaybookName: "multi-strategy", Type: "PnL", Severity: "Critical", Schedule: "cross_exchange_watch",
			Summary: "PnL drawdown -5.2 %", DetectedTime: new(after(0)), RequestedBy: "alice",
		},
	}
}

// triaging is the incident during triage.
func triaging() *strategyv1.StrategyIncident {
	incident := fresh()
	incident.Status = strategyv1.StrategyIncidentStatus{
		Level:     strategyv1.LevelL1,
		Deadlines: []strategyv1.Deadline{{Level: "L1", Time: after(5 * time.Minute)}, {Level: "L2", Time: after(15 * time.Minute)}},
		Conditions: []metav1.Condition{
			condition("Triaged", metav1.ConditionUnknown, strategyv1.ReasonTriaging, "the triage checks have not been judged yet", 0),
			condition("SLAMet", metav1.ConditionUnknown, strategyv1.ReasonWithinLimits, "no deadline has passed", 0),
			condition("Ready", metav1.ConditionFalse, strategyv1.ReasonTriaging, "1 of 3 checks judged", 0),
			condition("Stalled", metav1.ConditionFalse, strategyv1.ReasonTriaging, "the operator is working on it", 0),
		},
		Checks:   []strategyv1.CheckStatus{check("Triage", "security-baseline", "Pass", "report.status == 'ok'", 2*time.Second, time.Second)},
		Timeline: []strategyv1.TimelineEntry{entry(1, time.Second, "incident", "PnL incident, severity Critical, schedule cross_exchange_watch, reported by alice: PnL drawdown -5.2 %", "alice")},
		Log:      &strategyv1.LogStatus{Prefix: "trading/2026/11/23/pnl-1-5f0e8a11/", Entries: new(int64(1)), Head: strings.Repeat("ab", 32)},
	}
	return incident
}

// mitigating is the incident with a cause, while its rollback waits for an approval.
func mitigating() *strategyv1.StrategyIncident {
	incident := triaging()
	status := &incident.Status
	status.Level = strategyv1.LevelL2
	status.Deadlines[0].RelievedTime, status.Deadlines[0].MachineTime = new(after(20*time.Second)), new(after(20*time.Second))
	status.Deadlines[1].MachineTime = new(after(41 * time.Second))
	message := "rollback pnl-1-5f0e8a11: disable schedule cross_exchange_watch until 2026-11-23T11:15:41Z. Until 2026-11-23T10:30:41Z someone other than alice may decide: " +
		"kubectl strategy approve pnl-1-5f0e8a11 -n trading (or deny)"
	status.Conditions = []metav1.Condition{
		condition("Triaged", metav1.ConditionTrue, strategyv1.ReasonRuleHeld, "rule audit-failed: checks.exists(c, c.name == 'stage4-audit' && c.verdict == 'Fail')", 20*time.Second),
		condition("Escalated", metav1.ConditionTrue, strategyv1.ReasonRuleHeld, "rule audit-failed: checks.exists(c, c.name == 'stage4-audit' && c.verdict == 'Fail')", 20*time.Second),
		condition("Diagnosed", metav1.ConditionTrue, strategyv1.ReasonCauseFound, "SignalDegradation, by rule: checks.exists(c, c.name == 'smoke' && c.verdict == 'Fail')", 41*time.Second),
		condition("Contained", metav1.ConditionFalse, strategyv1.ReasonMitigating, "a rollback was asked for", 41*time.Second),
		condition("SLAMet", metav1.ConditionUnknown, strategyv1.ReasonWithinLimits, "no deadline has passed", 0),
		condition("Ready", metav1.ConditionFalse, strategyv1.ReasonMitigating, message, 0),
		condition("Stalled", metav1.ConditionFalse, strategyv1.ReasonMitigating, "the operator is working on it", 0),
	}
	retried := check("Diagnosis", "load-test", "Error", "the pod was evicted", 22*time.Second, 4*time.Second)
	again := check("Diagnosis", "load-test", "Warn", "20 % slower than before", 28*time.Second, 12*time.Second)
	again.Attempt = 2
	status.Checks = append(status.Checks,
		check("Triage", "stage4-audit", "Fail", "stage-4 audit failed", 2*time.Second, 3*time.Second),
		retried, again, check("Diagnosis", "smoke", "Fail", "report.failed > 0.0", 22*time.Second, 8*time.Second))
	status.Cause = &strategyv1.CauseStatus{
		Name: "SignalDegradation", Rule: "checks.exists(c, c.name == 'smoke' && c.verdict == 'Fail')", Remediation: "disable-schedule", Schedules: []string{"cross_exchange_watch"},
	}
	status.Rollbacks = []strategyv1.IncidentRollback{{Name: "pnl-1-5f0e8a11", UID: "77", Status: strategyv1.ReasonAwaitingApproval}}
	status.Timeline = append(status.Timeline,
		entry(2, 5*time.Second, "check", "stage4-audit: Fail, stage-4 audit failed", ""),
		entry(3, 20*time.Second, "escalated", "L1 to L2: rule audit-failed: checks.exists(c, c.name == 'stage4-audit' && c.verdict == 'Fail')", ""),
		entry(4, 41*time.Second, "diagnosed", "SignalDegradation, by rule: checks.exists(c, c.name == 'smoke' && c.verdict == 'Fail')", ""))
	return incident
}

// awaiting is the rollback of mitigating.
func awaiting() strategyv1.StrategyRollback {
	message := "disable schedule cross_exchange_watch until 2026-11-23T11:15:41Z. Until 2026-11-23T10:30:41Z someone other than alice may decide: " +
		"kubectl strategy approve pnl-1-5f0e8a11 -n trading (or deny)"
	return strategyv1.StrategyRollback{
		ObjectMeta: metav1.ObjectMeta{Namespace: "trading", Name: "pnl-1-5f0e8a11", UID: "77", CreationTimestamp: after(41 * time.Second)},
		Spec: strategyv1.StrategyRollbackSpec{
			PlaybookName: "multi-strategy", IncidentName: "pnl-1", RemediationName: "disable-schedule", RequestedBy: "alice", DesiredState: strategyv1.StateApplied,
			Reason:  "incident pnl-1: SignalDegradation, PnL drawdown -5.2 %",
			Actions: []strategyv1.RollbackAction{{Type: strategyv1.ActionDisableSchedule, Schedule: "cross_exchange_watch"}},
		},
		Status: strategyv1.StrategyRollbackStatus{
			Plan: &strategyv1.RollbackPlan{
				Revision: 1, Digest: digest, PlannedTime: after(41 * time.Second), RevisionTime: after(41 * time.Second), Until: new(after(time.Hour + 41*time.Second)),
				Edits: []strategyv1.PlannedEdit{{
					Path: "/runtime/multi_strategy_schedulers/core_multi_pipeline/initial_suspensions/[schedule=cross_exchange_watch]",
					To:   `{schedule: cross_exchange_watch, reason: "rollback pnl-1-5f0e8a11", until: "2026-11-23T11:15:41+00:00"}`,
				}},
				Diff: diffText,
			},
			Conditions: []metav1.Condition{
				condition("Planned", metav1.ConditionTrue, strategyv1.ReasonPlanned, "disable schedule cross_exchange_watch until 2026-11-23T11:15:41Z", 41*time.Second),
				condition("Approved", metav1.ConditionUnknown, strategyv1.ReasonAwaitingApproval, message, 41*time.Second),
				condition("Ready", metav1.ConditionFalse, strategyv1.ReasonAwaitingApproval, message, 41*time.Second),
				condition("Stalled", metav1.ConditionFalse, strategyv1.ReasonAwaitingApproval, "the operator is working on it", 41*time.Second),
			},
			Timeline: []strategyv1.TimelineEntry{entry(1, 41*time.Second, "rollback_requested", "asked for by alice: disable schedule cross_exchange_watch", "alice")},
		},
	}
}

// verified is the same rollback in effect and verified.
func verified() strategyv1.StrategyRollback {
	rollback := awaiting()
	status := &rollback.Status
	hash := strings.Repeat("c0ffee00", 8)
	status.Decision = &strategyv1.DecisionReference{Name: "approve-pnl-1-5f0e8a11-x7k2p", Verdict: strategyv1.DecisionApprove, By: "bob", Time: after(90 * time.Second)}
	status.Proof = &strategyv1.ProofStatus{Edited: hash, Stored: hash, Running: hash}
	status.Conditions = []metav1.Condition{
		status.Conditions[0],
		condition("Approved", metav1.ConditionTrue, strategyv1.ReasonApproved, "approved by bob (StrategyDecision approve-pnl-1-5f0e8a11-x7k2p): checked with desk", 91*time.Second),
		condition("Applied", metav1.ConditionTrue, strategyv1.ReasonEdited, "the configuration holds the edits", 95*time.Second),
		condition("InEffect", metav1.ConditionTrue, strategyv1.ReasonProved, "the running scheduler has the edits in force", 110*time.Second),
		condition("Verified", metav1.ConditionTrue, strategyv1.ReasonVerified, "the checks after the change are not worse than before", 130*time.Second),
		condition("Ready", metav1.ConditionTrue, strategyv1.ReasonVerified, "in effect and verified: disable schedule cross_exchange_watch until 2026-11-23T11:15:41Z. To undo it: kubectl strategy restore pnl-1-5f0e8a11 -n trading", 130*time.Second),
	}
	status.Checks = []strategyv1.CheckStatus{
		check("Before", "load-test", "Warn", "slow", 92*time.Second, 3*time.Second),
		check("Proof", "running-plan", "Pass", "true", 105*time.Second, 2*time.Second),
		check("After", "load-test", "Pass", "true", 112*time.Second, 9*time.Second),
	}
	return rollback
}

// dryRun shows what every other action would do.
func dryRun() strategyv1.StrategyRollback {
	rollback := awaiting()
	rollback.Spec.Mode = strategyv1.ModeDryRun
	rollback.Spec.Actions = []strategyv1.RollbackAction{
		{Type: strategyv1.ActionDisableSchedule, Strategy: "core_cross_exchange"}, {Type: strategyv1.ActionSwitchFeed, Feed: "kraken"},
		{Type: strategyv1.ActionSetResourceLimits, Limits: &strategyv1.ResourceLimits{CPUPercent: "80", IOWriteMBs: "5"}},
		{Type: strategyv1.ActionSetSignalLimit, Strategy: "core_mean_reversion", RiskProfile: "balanced", Limit: new(int32(2))},
	}
	message := "dry run, nothing was changed. It would switch to feed kraken"
	status := &rollback.Status
	status.Plan.Disables = []string{"cross_exchange_watch", "cross_exchange_slow"}
	status.End = &strategyv1.RollbackEnd{How: strategyv1.EndDryRun, Time: after(50 * time.Second)}
	status.Conditions = []metav1.Condition{
		status.Conditions[0],
		condition("Approved", metav1.ConditionFalse, strategyv1.ReasonDryRun, "a dry run needs no approval", 50*time.Second),
		condition("Ready", metav1.ConditionTrue, strategyv1.ReasonDryRun, message, 50*time.Second),
	}
	status.Checks = []strategyv1.CheckStatus{check("Probe", "kraken-probe", "Pass", "true", 42*time.Second, 2*time.Second)}
	return rollback
}

// guarded is the rollback of mitigating, approved and held back.
func guarded() strategyv1.StrategyRollback {
	rollback := verified()
	message := "the guard allows 1 disabled schedules at the same time (maxDisabledSchedules), with this rollback it would be 2: a, b; in force: other. " +
		"It waits for room; to go ahead all the same: kubectl strategy override pnl-1-5f0e8a11 -n trading"
	status := &rollback.Status
	status.Proof, status.Checks, status.Plan.Disables = nil, nil, []string{"cross_exchange_watch"}
	status.Conditions = append(status.Conditions[:2:2],
		condition("Applied", metav1.ConditionFalse, strategyv1.ReasonGuardExceeded, message, 95*time.Second),
		condition("Ready", metav1.ConditionFalse, strategyv1.ReasonGuardExceeded, message, 95*time.Second),
		condition("Stalled", metav1.ConditionTrue, strategyv1.ReasonGuardExceeded, message, 95*time.Second))
	return rollback
}

// renewed is the verified rollback, which the guard did not stop, with a later end.
func renewed() strategyv1.StrategyRollback {
	rollback := verified()
	status := &rollback.Status
	status.Config = &strategyv1.ConfigClaim{ConfigMapName: "bot-core-config", Key: "core.yaml", Claim: strategyv1.ClaimHold, Revision: 3}
	status.Plan.Revision, status.Plan.Renewals, status.Plan.Until = 3, 2, new(after(2*time.Hour))
	status.Decision = &strategyv1.DecisionReference{Name: "renew-pnl-1-5f0e8a11-b2c3d", Verdict: strategyv1.DecisionRenew, By: "bob", Time: after(time.Hour)}
	status.Override = &strategyv1.DecisionReference{Name: "override-pnl-1-5f0e8a11-q9w8e", Verdict: strategyv1.DecisionOverride, By: "carol", Time: after(93 * time.Second)}
	return rollback
}

// writtenBack is the verified rollback of a playbook that has its edits committed, and what became of that.
func writtenBack(change strategyv1.WriteBackChange, status metav1.ConditionStatus, reason, message string) strategyv1.StrategyRollback {
	rollback := verified()
	rollback.Status.WriteBack = &strategyv1.WriteBackStatus{Change: change, Revision: 1, AskedTime: after(95 * time.Second)}
	if reason == strategyv1.ReasonPullRequestOpen {
		rollback.Status.WriteBack.Branch = "ops/pnl-1-5f0e8a11"
	}
	rollback.Status.Conditions = append(rollback.Status.Conditions, condition("Committed", status, reason, message, 95*time.Second))
	return rollback
}

// expired is the renewed rollback when nobody renewed it again.
func expired() strategyv1.StrategyRollback {
	rollback := renewed()
	message := "the time box ended at 2026-11-23T12:15:00Z: the scheduler trades again by itself. To hold it back again: kubectl strategy renew pnl-1-5f0e8a11 -n trading"
	status := &rollback.Status
	status.Plan.Renewals = 1
	status.Conditions[3] = condition("InEffect", metav1.ConditionFalse, strategyv1.ReasonExpired, message, 2*time.Hour)
	status.Conditions[5] = condition("Ready", metav1.ConditionFalse, strategyv1.ReasonExpired, message, 2*time.Hour)
	status.Conditions = append(status.Conditions, condition("Stalled", metav1.ConditionTrue, strategyv1.ReasonExpired, message, 2*time.Hour))
	return rollback
}

// deleting is the renewed rollback while its deletion undoes it.
func deleting() strategyv1.StrategyRollback {
	rollback := renewed()
	rollback.DeletionTimestamp, rollback.Spec.DeletionPolicy = new(after(70*time.Minute)), strategyv1.DeletionRestore
	status := &rollback.Status
	status.Config.Claim = strategyv1.ClaimRelease
	status.Restore = &strategyv1.RestoreStatus{Request: "deletion", RequestedTime: after(70 * time.Minute), Attempt: 1}
	status.Conditions[5] = condition("Ready", metav1.ConditionFalse, strategyv1.ReasonRestoring, "waiting for the configuration to be written", 70*time.Minute)
	status.Conditions = append(status.Conditions, condition("Restored", metav1.ConditionFalse, strategyv1.ReasonRestoring, "the edits are about to be undone", 70*time.Minute))
	return rollback
}
