package report_test

import (
	"fmt"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/report"
)

// falseAlarm: L1's checks find nothing, and a rule closes it.
func falseAlarm(t testing.TB) *bucket {
	b := newBucket(t)
	status := strategyv1.StrategyIncidentStatus{
		PlaybookRevision: "multi-strategy-1a2b3c", ClosedTime: stamp(80), AlertCount: 2,
		OnCall:    []strategyv1.OnCallStatus{{Level: strategyv1.LevelL1, Name: "alice"}},
		Deadlines: []strategyv1.Deadline{{Level: strategyv1.LevelL1, Time: *stamp(300), MachineTime: stamp(80)}, {Level: strategyv1.LevelL2, Time: *stamp(900)}},
		Conditions: []metav1.Condition{
			condition(strategyv1.ConditionTriaged, true, "FalseAlarm", "size(checks) > 0 && checks.all(c, c.verdict == 'Pass')"),
			condition(strategyv1.ConditionResolved, true, "FalseAlarm", "false alarm by rule: size(checks) > 0 && checks.all(c, c.verdict == 'Pass')"),
			condition(strategyv1.ConditionSLAMet, true, "WithinLimits", "in time"),
		},
		Checks: []strategyv1.CheckStatus{
			b.check(incident, strategyv1.StageTriage, "stage4-audit", strategyv1.VerdictPass, "exit code 0", `{"status":"ok","checks":14}`),
			b.check(incident, strategyv1.StageTriage, "load-test", strategyv1.VerdictPass, "exit code 0", load(2.1, 0.4, 60)),
		},
	}
	status.Log = b.log(incident, "incident", false,
		said{20, strategyv1.EventIncident, "PnL, Critical, schedule cross_exchange_watch: PnL drawdown -5.2 %", ""},
		said{55, strategyv1.EventCheck, "triage check stage4-audit: Pass, exit code 0", ""},
		said{72, strategyv1.EventCheck, "triage check load-test: Pass, exit code 0", ""},
		said{80, strategyv1.EventAcknowledged, "false alarm by rule: size(checks) > 0 && checks.all(c, c.verdict == 'Pass')", ""})
	b.close(report.Snapshot{Incident: report.Incident{Object: incident, Spec: spec(strategyv1.IncidentLive), Status: status}, Playbook: playbook()})
	return b
}

func spec(mode strategyv1.IncidentMode) strategyv1.StrategyIncidentSpec {
	return strategyv1.StrategyIncidentSpec{
		PlaybookName: "multi-strategy", Type: "PnL", Severity: strategyv1.SeverityCritical, Schedule: "cross_exchange_watch",
		Summary: "PnL drawdown -5.2 %", DetectedTime: stamp(0), Mode: mode, RequestedBy: "system:serviceaccount:monitoring:alertmanager",
	}
}

// peopleOnly: no rule knows what it is; people find out, change nothing, and answer late.
func peopleOnly(t testing.TB) *bucket {
	b := newBucket(t)
	status := strategyv1.StrategyIncidentStatus{
		PlaybookRevision: "multi-strategy-1a2b3c", ClosedTime: stamp(4200), Severity: strategyv1.SeverityCritical, FiringCount: 1, Cause: &strategyv1.CauseStatus{Name: "Unknown"},
		OnCall: []strategyv1.OnCallStatus{{Level: strategyv1.LevelL1}, {Level: strategyv1.LevelL2, Name: "bob"}},
		Deadlines: []strategyv1.Deadline{
			{Level: strategyv1.LevelL1, Time: *stamp(300), RelievedTime: stamp(120), MachineTime: stamp(120)},
			{Level: strategyv1.LevelL2, Time: *stamp(900), AnsweredTime: stamp(1500), AnsweredBy: "bob", MachineTime: stamp(260), BreachTime: stamp(900)},
		},
		Conditions: []metav1.Condition{
			condition(strategyv1.ConditionTriaged, true, "Escalated", "rule audit-failed holds"),
			condition(strategyv1.ConditionEscalated, true, "ByRule", "rule audit-failed: checks.exists(c, c.name == 'stage4-audit' && c.verdict == 'Fail')"),
			condition(strategyv1.ConditionDiagnosed, false, strategyv1.ReasonCauseUnknown, "cause unknown: no cause rule holds"),
			condition(strategyv1.ConditionResolved, true, "Resolved", "resolved by bob: exchange maintenance, confirmed by phone"),
		},
		Checks: []strategyv1.CheckStatus{
			b.check(incident, strategyv1.StageTriage, "stage4-audit", strategyv1.VerdictFail, "exit code 1", `{"status":"fail"}`),
			b.check(incident, strategyv1.StageDiagnosis, "smoke", strategyv1.VerdictError, "the pod was evicted", `null`),
		},
		Answers: []strategyv1.AnsweredDecision{
			{Name: "eve-1", DecisionAnswer: strategyv1.DecisionAnswer{Outcome: strategyv1.OutcomeRefused, Message: "already with L2", Seq: 5}},
			{Name: "bob-1", DecisionAnswer: strategyv1.DecisionAnswer{Outcome: strategyv1.OutcomeHonoured, Message: "acknowledged", Seq: 7}},
			{Name: "bob-2", DecisionAnswer: strategyv1.DecisionAnswer{Outcome: strategyv1.OutcomeHonoured, Message: "resolved", Seq: 8}},
		},
	}
	status.Log = b.log(incident, "incident", false,
		said{20, strategyv1.EventIncident, "PnL, Critical, schedule cross_exchange_watch: PnL drawdown -5.2 %", ""},
		said{120, strategyv1.EventCheck, "triage check stage4-audit: Fail, exit code 1", ""},
		said{120, strategyv1.EventEscalated, "L2 called: rule audit-failed: checks.exists(c, c.name == 'stage4-audit' && c.verdict == 'Fail')", ""},
		said{260, strategyv1.EventDiagnosed, "cause unknown: no cause rule holds", ""},
		said{300, strategyv1.EventNotHonoured, "Escalate by eve does not count (eve-1): L2 was called already", "eve"},
		said{900, strategyv1.EventSLABreached, "nobody answered for L2 by 2026-11-23T10:15:00Z", ""},
		said{1500, strategyv1.EventAcknowledged, "acknowledged until 2026-11-23T10:35:00Z: calling the exchange", "bob"},
		said{4200, strategyv1.EventClosed, "resolved: exchange maintenance, confirmed by phone", "bob"})
	b.close(report.Snapshot{Incident: report.Incident{Object: incident, Spec: spec(strategyv1.IncidentLive), Status: status}, Playbook: playbook()})
	return b
}

// relapsed: a strategy is disabled, restored, the fault comes back, it is disabled again, and stays so when the incident is closed; then it
// was reopened once, and closed again.
func relapsed(t testing.TB, mode strategyv1.IncidentMode) *bucket {
	b := newBucket(t)
	b.course()
	drill := mode == strategyv1.IncidentDrill
	status := strategyv1.StrategyIncidentStatus{
		PlaybookRevision: "multi-strategy-1a2b3c", ClosedTime: stamp(9000), Severity: strategyv1.SeverityCritical, Relapses: 1, Round: 2, RoundTime: stamp(4600), ContainedTime: stamp(5200),
		Cause:   &strategyv1.CauseStatus{Name: "SignalDegradation", Rule: playbook().Diagnosis.Causes[1].When, Remediation: "disable", Schedules: []string{"cross_exchange_watch"}},
		OnCall:  []strategyv1.OnCallStatus{{Level: strategyv1.LevelL1, Name: "alice"}, {Level: strategyv1.LevelL2, Name: "bob"}},
		Strikes: 2, NextAllowedTime: stamp(9600),
		Deadlines: []strategyv1.Deadline{
			{Level: strategyv1.LevelL1, Time: *stamp(300), AnsweredTime: stamp(41), AnsweredBy: "alice", MachineTime: stamp(60)},
			{Level: strategyv1.LevelL2, Time: *stamp(900), AnsweredTime: stamp(150), AnsweredBy: "bob", MachineTime: stamp(90)},
		},
		Conditions: []metav1.Condition{
			condition(strategyv1.ConditionTriaged, true, "Escalated", "rule budget holds"),
			condition(strategyv1.ConditionEscalated, true, "ByRule", "rule budget: signals.cpu > limits.cpu_percent (cpu = 93.7 percent)"),
			condition(strategyv1.ConditionDiagnosed, true, strategyv1.ReasonCauseFound, "SignalDegradation, by rule"),
			condition(strategyv1.ConditionResolved, true, "Resolved", "resolved by bob: stays disabled until the module owner has fixed it"),
		},
		Checks: []strategyv1.CheckStatus{
			b.check(incident, strategyv1.StageTriage, "stage4-audit", strategyv1.VerdictPass, "exit code 0", `{"status":"ok"}`),
			b.check(incident, strategyv1.StageTriage, "load-test", strategyv1.VerdictWarn, "resource_status is warning", load(4.4, 1.9, 60)),
			b.check(incident, strategyv1.StageDiagnosis, "smoke", strategyv1.VerdictFail, "2 of 14 scenarios failed", `{"failed":2,"passed":12}`),
			b.check(incident, strategyv1.StageDiagnosis, "decision-log", strategyv1.VerdictPass, "exit code 0", `{"entries":118}`),
		},
		Rollbacks: []strategyv1.IncidentRollback{
			{Name: first.Name, UID: first.UID, Remediation: "disable", Status: "Restored", WrittenTime: stamp(155)},
			{Name: second.Name, UID: second.UID, Remediation: "disable", Round: 2, Status: "InEffect", WrittenTime: stamp(5150), Edits: []strategyv1.StandingEdit{
				{Path: "/runtime/multi_strategy_schedulers/main/initial_suspensions/[schedule=cross_exchange_watch]", To: "{schedule: cross_exchange_watch, until: 2026-11-23T15:23:00Z}"}}},
		},
	}
	status.Log = b.log(incident, "incident", drill,
		said{20, strategyv1.EventIncident, "PnL, Critical, schedule cross_exchange_watch: PnL drawdown -5.2 %", ""},
		said{41, strategyv1.EventAcknowledged, "acknowledged until 2026-11-23T10:10:41Z: looking at the desk's numbers", "alice"},
		said{55, strategyv1.EventCheck, "triage check stage4-audit: Pass, exit code 0", ""},
		said{58, strategyv1.EventCheck, "triage check load-test: Warn, resource_status is warning", ""},
		said{60, strategyv1.EventEscalated, "L2 called: rule budget: signals.cpu > limits.cpu_percent (cpu = 93.7 percent)", ""},
		said{88, strategyv1.EventCheck, "diagnosis check smoke: Fail, 2 of 14 scenarios failed", ""},
		said{90, strategyv1.EventDiagnosed, "SignalDegradation, by rule: signals.pnl_divergence > 3.0 * risk.max_daily_loss_pct * 100.0 (pnl_divergence = 6.9)", ""},
		said{210, strategyv1.EventContained, "rollback pnl-cross-r1 is in effect and verified", ""},
		said{3000, strategyv1.EventClosed, "resolved: quiet for 10 minutes", ""},
		said{3400, strategyv1.EventReopened, "reopened: the desk sees it again", "bob"},
		said{4600, strategyv1.EventRelapsed, "the change was undone and the fault is there again: signals.pnl_divergence > 3.0 (pnl_divergence = 6.4)", ""},
		said{5200, strategyv1.EventContained, "rollback pnl-cross-r2 is in effect and verified", ""},
		said{9000, strategyv1.EventClosed, "resolved: stays disabled until the module owner has fixed it. Rollback pnl-cross-r2 stays in effect", "bob"})
	ended := &strategyv1.RollbackEnd{How: strategyv1.EndRestored, Time: *stamp(2400)}
	b.close(report.Snapshot{
		Incident: report.Incident{Object: incident, Spec: spec(mode), Status: status}, Playbook: playbook(),
		Rollbacks: []report.Rollback{b.rollback(first, drill, 95, ended), b.rollback(second, drill, 5000, nil)},
	})
	return b
}

func (b *bucket) rollback(of report.Object, drill bool, from int, ended *strategyv1.RollbackEnd) report.Rollback {
	const path = "/runtime/multi_strategy_schedulers/main/initial_suspensions/[schedule=cross_exchange_watch]"
	entries := []said{
		{from, strategyv1.EventRollbackRequested, "disable schedule cross_exchange_watch until 2026-11-23T14:01:35Z; asked for by incident pnl-cross", ""},
		{from + 55, strategyv1.EventApproved, "plan sha256:9f0c approved: checked with the desk", "bob"},
		{from + 58, strategyv1.EventCheck, "before check load-test: Pass, exit code 0", ""},
		{from + 60, strategyv1.EventConfigChange, "writing 1 edit into ConfigMap bot-core-config, key core.yaml", ""},
		{from + 67, strategyv1.EventDisabled, "schedule cross_exchange_watch is disabled, as check running-plan says", ""},
		{from + 110, strategyv1.EventVerified, "the checks after the change are not worse than before", ""},
	}
	if ended != nil {
		entries = append(entries, said{from + 2200, strategyv1.EventRestoreRequested, "restore asked for: module owner says the feed is back", "carol"},
			said{from + 2305, strategyv1.EventRestored, "restored, as check running-plan says", ""})
	}
	status := strategyv1.StrategyRollbackStatus{
		End: ended, Decision: &strategyv1.DecisionReference{Name: "bob-3", Verdict: strategyv1.DecisionApprove, By: "bob", Time: *stamp(from + 55)},
		Plan: &strategyv1.RollbackPlan{
			Revision: 1, Digest: "sha256:" + strings.Repeat("9f0c", 16), Until: stamp(from + 14400),
			Edits: []strategyv1.PlannedEdit{{Path: path, To: "{schedule: cross_exchange_watch, reason: incident pnl-cross}"}},
			Diff:  "--- core.yaml\n+++ core.yaml\n@@ -118,0 +119,3 @@\n+        - schedule: cross_exchange_watch\n+          reason: incident pnl-cross\n+          until: 2026-11-23T14:01:35Z\n",
		},
		Config: &strategyv1.ConfigClaim{ConfigMapName: "bot-core-config", Key: "core.yaml", WrittenTime: stamp(from + 60)},
		Conditions: []metav1.Condition{
			condition(strategyv1.ConditionApproved, true, "Approved", "by bob"), condition(strategyv1.ConditionReady, true, "InEffect", "schedule cross_exchange_watch is disabled until 2026-11-23T15:23:00Z"),
		},
		Checks: []strategyv1.CheckStatus{
			b.check(of, strategyv1.StageBefore, "load-test", strategyv1.VerdictPass, "exit code 0", load(4.1, 1.7, 180)),
			b.check(of, strategyv1.StageProof, "running-plan", strategyv1.VerdictPass, "the running scheduler has it", `{"disabled":["cross_exchange_watch"]}`),
			b.check(of, strategyv1.StageAfter, "load-test", strategyv1.VerdictPass, "exit code 0", load(2.3, 0.5, 120)),
			b.check(of, strategyv1.StageAfter, "smoke", strategyv1.VerdictPass, "14 of 14 scenarios passed", `{"failed":0,"passed":14}`),
		},
	}
	status.Log = b.log(of, "rollback", drill, entries...)
	return report.Rollback{Object: of, Spec: strategyv1.StrategyRollbackSpec{
		PlaybookName: "multi-strategy", IncidentName: "pnl-cross", RemediationName: "disable", Reason: "PnL divergence above 3x the daily risk budget",
	}, Status: status}
}

// broken: somebody changed an entry, took another away, changed a report and put a snapshot there.
func broken(t testing.TB) *bucket {
	b := relapsed(t, strategyv1.IncidentLive)
	prefix := prefixOf(incident)
	changed := b.files[prefix+"log/000005.json"]
	changed.Data = []byte(strings.Replace(string(changed.Data), "93.7", "13.7", 1))
	delete(b.files, prefix+"log/000008.json")
	of := prefixOf(first) + "checks/after-load-test-1.json"
	b.files[of].Data = []byte(strings.Replace(string(b.files[of].Data), `"avg_latency_ms":2.3`, `"avg_latency_ms":0.3`, 1))
	b.put(prefix+"incident-000000000000.json", []byte(`{"incident":{"name":"other","status":{"closedTime":"2036-01-01T00:00:00Z"}}}`))
	return b
}

// open: no snapshot yet.
func open(t testing.TB) *bucket {
	b := relapsed(t, strategyv1.IncidentLive)
	for name := range b.files {
		if strings.HasPrefix(name, prefixOf(incident)+"incident-") {
			delete(b.files, name)
		}
	}
	return b
}

// long: as much as there is at most, and more.
func long(t testing.TB) *bucket {
	b := newBucket(t)
	entries := make([]said, 0, 10_050)
	for i := range cap(entries) {
		entries = append(entries, said{20 + i, strategyv1.EventAlert, fmt.Sprintf("alert %d fires: %s", i, strings.Repeat("word ", 180)), ""})
	}
	status := strategyv1.StrategyIncidentStatus{PlaybookRevision: "r", ClosedTime: stamp(90_000), Log: b.log(incident, "incident", false, entries...)}
	for i := range 1100 {
		status.Checks = append(status.Checks, b.check(incident, strategyv1.StageTriage, fmt.Sprintf("check-%04d", i), strategyv1.VerdictPass, strings.Repeat("m", 1000), `{}`))
	}
	b.close(report.Snapshot{Incident: report.Incident{Object: incident, Spec: spec(strategyv1.IncidentLive), Status: status}, Playbook: playbook()})
	return b
}
