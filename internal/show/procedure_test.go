package show

import (
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
)

// led is a drill that the technical lead was called to: everything that an incident can show besides its rollbacks.
func led() *strategyv1.StrategyIncident {
	incident := triaging()
	incident.Spec.Mode = strategyv1.IncidentDrill
	status := &incident.Status
	status.Level = strategyv1.LevelLead
	status.OnCall = []strategyv1.OnCallStatus{
		{Level: "L1", Name: "alice", Contact: "+48 600 000 001", UntilTime: new(after(time.Hour))}, {Level: "L2"}, {Level: "TechLead", Name: "carol\x1b[31m"},
	}
	status.Conditions = append(status.Conditions,
		condition("OnHold", metav1.ConditionTrue, strategyv1.ReasonPlaybookSuspended, "StrategyPlaybook multi-strategy is suspended", time.Minute),
		condition("Acknowledged", metav1.ConditionFalse, strategyv1.ReasonAckEnded, "alice was on it until 2026-11-23T10:25:00Z", time.Minute),
		condition("LeadCalled", metav1.ConditionTrue, strategyv1.ReasonRuleHeld, "rule cpu: signals.cpu > 78.0 (cpu = 81.2 percent)", time.Minute),
		condition("Quiet", metav1.ConditionFalse, strategyv1.ReasonAlertFiring, "still firing: MultiStrategyPnlDrawdown", time.Minute),
		condition("SignalsKnown", metav1.ConditionFalse, strategyv1.ReasonSignalUnknown, "unknown: drawdown", time.Minute))
	status.Signals = []strategyv1.SignalStatus{
		{Name: "cpu", Value: "81.2", Unit: "percent", Time: new(after(time.Minute))}, {Name: "drawdown", Problem: "the query yields no series"},
	}
	status.Dashboards = []strategyv1.Dashboard{{Name: "Multi-Strategy Scheduler", URL: "https://grafana.example.com/d/stage4-multi"}}
	status.Proposal = &strategyv1.ProposalStatus{
		Remediation: "tune-alerts", Document: strategyv1.DocumentReference{ConfigMapName: "prometheus-rules", Key: "rules.yml"},
		Patch:  "--- rules.yml\n+++ rules.yml\n@@ -6 +6 @@\n-    for: 2m\n+    for: 10m\n",
		Alerts: []strategyv1.AlertRuleStatus{{Name: "DemoLatencyHigh", Series: 2, Occurrences: 14, Incidents: 1, SinceTime: after(-time.Hour)}},
		WriteBack: &strategyv1.WriteBackStatus{
			Change: strategyv1.WriteBackApplied, Revision: 1, State: strategyv1.WriteBackOpen, Branch: "alerts/pnl-1-12345678\x1b[31m", Commit: strings.Repeat("3f6c", 10),
		},
	}
	status.Alerts, status.AlertCount, status.FiringCount = []strategyv1.IncidentAlert{
		{ObjectName: "pnl-1a2b", Name: "MultiStrategyPnlDrawdown", State: strategyv1.AlertFiring, Occurrences: 2, StartTime: new(after(0))},
		{ObjectName: "pnl-3c4d", Name: "MultiStrategyPnlDrawdown", State: strategyv1.AlertResolved, Occurrences: 1, StartTime: new(after(-time.Minute))},
	}, 3, 1
	status.ParentName, status.QuietTime = "pnl-0", new(after(2*time.Minute))
	status.Strikes, status.NextAllowedTime = 2, new(after(time.Hour))
	return incident
}
