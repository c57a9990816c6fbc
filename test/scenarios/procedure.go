package scenarios

import (
	"time"

	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/checks"
	"tradeops.dev/strategy-operator/internal/conditions"
	"tradeops.dev/strategy-operator/internal/sim"
)

// procedure are stories of the whole playbook: levels, signals, people, ladders, proposals, recovery, several incidents.
var procedure = []Scenario{{
	Name: "the lead is called by a signal, cause unknown", Begin: pnlIncident, Playbook: WithSignals,
	Script: []Step{{incidentIs("pnl", "Triaging"), func(w *sim.World) { w.Signals["cpu"] = 90; passes(time.Minute)(w) }}},
	Report: nothingWrong, Incident: "NeedsPerson",
}, {
	Name: "the lead is called although a signal of another rule is unknown", Begin: pnlIncident,
	Playbook: func(spec *strategyv1.StrategyPlaybookSpec) {
		WithSignals(spec)
		spec.Escalation.Levels[0].Rules = append(spec.Escalation.Levels[0].Rules, strategyv1.LeadRule{Name: "gone", When: "signals.gone > 1.0"})
	},
	Script: []Step{
		{incidentIs("pnl", "Triaging"), func(w *sim.World) { w.Signals["cpu"] = 90; passes(time.Minute)(w) }},
		onIncident("NeedsPerson", strategyv1.DecisionResolve),
	},
	Report: nothingWrong, Incident: "Resolved",
}, {
	Name: "both deadlines pass, then a person resolves", Begin: pnlIncident, Report: slow,
	Playbook: func(spec *strategyv1.StrategyPlaybookSpec) { spec.Triage.Escalate = nil },
	Script: []Step{
		{incidentIs("pnl", "Triaging"), passes(time.Hour)},
		onIncident("NeedsPerson", strategyv1.DecisionResolve),
	},
	Incident: "Resolved",
}, {
	Name: "acknowledged, then time is up", Begin: pnlIncident, Report: nothingWrong,
	Playbook: func(spec *strategyv1.StrategyPlaybookSpec) { spec.Triage.FalseAlarm = nil },
	Script: []Step{
		{triaged, decidesOnIncident(strategyv1.DecisionAcknowledge)},
		{acknowledged(metav1.ConditionTrue), passes(8 * time.Minute)},
		{acknowledged(metav1.ConditionTrue), passes(8 * time.Minute)},
	},
	Incident: "NeedsPerson",
}, {
	Name: "a ladder: reverted, then the next remedy, restored", Begin: pnlIncident,
	Playbook: func(spec *strategyv1.StrategyPlaybookSpec) {
		spec.Remediations[0].OnFailedAfter, spec.Remediations[0].Then = strategyv1.FailedAfterNext, "keep"
	},
	Report: func(w *sim.World, id checks.ID) (sim.Ended, bool) {
		first := w.RollbackNamed("")
		if id.Check == "smoke" && id.Stage == strategyv1.StageAfter && first != nil && w.Decisions(strategyv1.DecisionApprove) == 1 {
			return sim.Fail, true
		}
		return sim.Losing(w, id)
	},
	Script: []Step{
		{incidentRollbackIs(0, "AwaitingApproval"), decidesOnRollback(0, strategyv1.DecisionApprove)},
		{incidentRollbackIs(1, "AwaitingApproval"), decidesOnRollback(1, strategyv1.DecisionApprove)},
		{incidentRollbackIs(1, "Verified"), decidesOnRollback(1, strategyv1.DecisionRestore)},
	},
	Incident: "Resolved", Rollbacks: map[string]string{"pnl": "Reverted", "pnl-keep": "Restored"},
}, {
	Name: "a proposal for people", Begin: func(w *sim.World) {
		CreateRules(w)
		w.ReportIncident(func(spec *strategyv1.StrategyIncidentSpec) { spec.Type = "AlertFatigue" })
	},
	Playbook: TuneAlerts,
	Report:   sim.Losing,
	Script:   []Step{onIncident("Proposed", strategyv1.DecisionResolve)}, Incident: "Resolved",
}, {
	Name: "a proposal whose document comes later", Begin: func(w *sim.World) {
		w.ReportIncident(func(spec *strategyv1.StrategyIncidentSpec) { spec.Type = "AlertFatigue" })
	},
	Playbook: TuneAlerts, Report: sim.Losing,
	Script: []Step{
		{func(w *sim.World) bool { return w.Idle && incidentIs("pnl", strategyv1.ReasonConfigMapNotFound)(w) }, CreateRules},
		onIncident("Proposed", strategyv1.DecisionResolve),
	},
	Incident: "Resolved",
}, {
	Name: "the image of a check is not there", Begin: pnlIncident,
	Report: func(w *sim.World, id checks.ID) (sim.Ended, bool) {
		if id.Check == "load" && (id.Stage == strategyv1.StageDiagnosis || id.Stage == strategyv1.StageBefore) {
			return sim.NoImage, true
		}
		return sim.Losing(w, id)
	},
	Script: []Step{
		approve(""), restore(""),
	},
	Incident: "Resolved", Rollbacks: ends("pnl", "Restored"),
}, {
	Name: "recovery waits until it is quiet", Begin: pnlIncident, Report: sim.Losing,
	Playbook: func(spec *strategyv1.StrategyPlaybookSpec) {
		WithSignals(spec)
		spec.Recovery = &strategyv1.RecoverySpec{Quiet: "signals.cpu < 50.0", QuietSeconds: 120}
	},
	Script: []Step{
		approve(""), restore(""),
		{incidentIs("pnl", "Recovering"), passes(time.Minute)},
		{incidentIs("pnl", "Recovering"), passes(time.Minute)},
	},
	Incident: "Resolved", Rollbacks: ends("pnl", "Restored"),
}, {
	Name: "a relapse: the remedy is asked for again", Begin: pnlIncident, Report: sim.Losing,
	Playbook: func(spec *strategyv1.StrategyPlaybookSpec) {
		WithSignals(spec)
		spec.Recovery = &strategyv1.RecoverySpec{Quiet: "signals.cpu < 50.0", QuietSeconds: 120}
	},
	Script: []Step{
		approve(""), restore(""),
		{incidentIs("pnl", "Recovering"), func(w *sim.World) { w.Signals["cpu"] = 60; passes(time.Minute)(w) }},
	},
	Incident: "Mitigating", Rollbacks: map[string]string{"pnl": "Restored", "pnl-r2": "AwaitingApproval"},
}, {
	Name: "closed by a rule, and reopened", Begin: pnlIncident, Report: nothingWrong, Playbook: closesReportsOfAnyone,
	Script: []Step{
		onIncident("FalseAlarm", strategyv1.DecisionReopen),
		{incidentIs("pnl", "NeedsPerson"), func(w *sim.World) { // in another second: what is as old as the reopening was about what was over
			passes(time.Second)(w)
			w.DecideOnIncident("NeedsPerson", strategyv1.DecisionResolve)
		}},
	},
	Incident: "Resolved",
}, {
	Name: "a schedule that does not exist: nobody answers, then it is closed",
	Begin: func(w *sim.World) {
		w.ReportIncident(func(spec *strategyv1.StrategyIncidentSpec) { spec.Schedule = "fats" })
	},
	Script: []Step{
		{incidentIs("pnl", "ScheduleNotFound"), passes(time.Hour)},
		onIncident("ScheduleNotFound", strategyv1.DecisionResolve),
	},
	Incident: "Resolved",
}, {
	Name: "three strikes", Report: sim.Losing,
	Playbook: func(spec *strategyv1.StrategyPlaybookSpec) {
		spec.Recovery = &strategyv1.RecoverySpec{MaxStrikes: 1, BackoffSeconds: new(int32(60))}
	},
	Begin: pnlIncident,
	Script: []Step{
		approve(""), restore(""),
		{incidentIs("pnl", "Resolved"), func(w *sim.World) { w.ReportAs("again", nil) }},
	},
	Incident: "Resolved", Others: map[string]string{"again": "StrikesUsedUp"}, Rollbacks: ends("pnl", "Restored"),
}, {
	Name: "back-off, then the remedy again", Report: sim.Losing, Begin: pnlIncident,
	Script: []Step{
		approve(""), restore(""),
		{incidentIs("pnl", "Resolved"), func(w *sim.World) { w.ReportAs("again", nil) }},
		{incidentIs("again", "BackingOff"), passes(10 * time.Minute)},
	},
	Incident: "Resolved", Others: map[string]string{"again": "Mitigating"}, Rollbacks: map[string]string{"pnl": "Restored", "again": "AwaitingApproval"},
}, {
	Name: "a duplicate", Begin: pnlIncident, Report: sim.Losing,
	Script: []Step{
		{incidentIs("pnl", "Mitigating"), func(w *sim.World) { passes(time.Second)(w); w.ReportAs("twice", nil) }},
	},
	Incident: "Mitigating", Others: map[string]string{"twice": "Duplicate"}, Rollbacks: ends("pnl", "AwaitingApproval"),
}, {
	Name: "a common cause: the child recovers with its parent", Begin: pnlIncident, Report: sim.Losing,
	Script: []Step{
		{incidentRollbackIs(0, "AwaitingApproval"), func(w *sim.World) {
			passes(time.Second)(w)
			w.ReportAs("risk", func(spec *strategyv1.StrategyIncidentSpec) { spec.Type = "Risk" })
		}},
		{incidentIs("risk", "FollowsParent"), decidesOnRollback(0, strategyv1.DecisionApprove)},
		restore(""),
	},
	Incident: "Resolved", Others: map[string]string{"risk": "Resolved"}, Rollbacks: ends("pnl", "Restored"),
}, {
	// The cause is found in the pass that escalates: what that pass did not read must not count as empty.
	Name: "a common cause, found without a diagnosis check", Begin: pnlIncident, Report: sim.Losing, Playbook: withoutDiagnosis,
	Script: []Step{
		{incidentRollbackIs(0, "AwaitingApproval"), func(w *sim.World) {
			passes(time.Second)(w)
			w.ReportAs("risk", func(spec *strategyv1.StrategyIncidentSpec) { spec.Type = "Risk" })
		}},
		{incidentIs("risk", "FollowsParent"), decidesOnRollback(0, strategyv1.DecisionApprove)},
		restore(""),
	},
	Incident: "Resolved", Others: map[string]string{"risk": "Resolved"}, Rollbacks: ends("pnl", "Restored"),
}, {
	Name: "a proposal without a diagnosis check", Begin: func(w *sim.World) {
		CreateRules(w)
		w.ReportIncident(func(spec *strategyv1.StrategyIncidentSpec) { spec.Type = "AlertFatigue" })
	},
	Playbook: func(spec *strategyv1.StrategyPlaybookSpec) {
		TuneAlerts(spec)
		spec.Diagnosis.Checks = nil
	},
	Report: sim.Losing,
	Script: []Step{onIncident("Proposed", strategyv1.DecisionResolve)}, Incident: "Resolved",
}, {
	Name: "the incident is suspended and resumed", Begin: pnlIncident, Report: sim.Losing,
	Script: []Step{
		{incidentIs("pnl", "Triaging"), suspends(true)},
		{incidentIs("pnl", "Diagnosing"), suspends(false)},
		approve(""), restore(""),
	},
	Incident: "Resolved", Rollbacks: ends("pnl", "Restored"),
}, {
	Name: "the history forgets an incident with its rollback and decisions", Begin: pnlIncident,
	Playbook: func(spec *strategyv1.StrategyPlaybookSpec) {
		closesReportsOfAnyone(spec)
		spec.History = &strategyv1.HistorySpec{KeepIncidents: 1, RetainSeconds: 86400}
		spec.Recovery = &strategyv1.RecoverySpec{StrikeWindowSeconds: 60, ReopenSeconds: 60}
	},
	Report: func(w *sim.World, id checks.ID) (sim.Ended, bool) {
		if w.IncidentNamed("later") != nil {
			return nothingWrong(w, id)
		}
		return sim.Losing(w, id)
	},
	Script: []Step{
		approve(""), restore(""),
		{incidentIs("pnl", "Resolved"), func(w *sim.World) { passes(25 * time.Hour)(w); w.ReportAs("later", nil) }},
		{func(w *sim.World) bool { return w.IncidentNamed("pnl") == nil }, func(*sim.World) {}},
	},
	Others: map[string]string{"later": "FalseAlarm"}, Rollbacks: ends("pnl", sim.Gone),
}, {
	Name: "an optional check cannot be measured", Begin: pnlIncident,
	Playbook: func(spec *strategyv1.StrategyPlaybookSpec) { spec.Triage.Checks[1].Need = strategyv1.NeedOptional },
	Report: func(w *sim.World, id checks.ID) (sim.Ended, bool) {
		return sim.Mute, id.Check == "load" // exit code 1 without a report is no Error, so the rules see it
	},
	Script: []Step{onIncident("Triaging", strategyv1.DecisionFalseAlarm)}, Incident: "FalseAlarm",
}}

// withoutDiagnosis names the cause as soon as L2 is called.
func withoutDiagnosis(spec *strategyv1.StrategyPlaybookSpec) {
	spec.Diagnosis.Checks = nil
	spec.Diagnosis.Causes = []strategyv1.CauseRule{{Name: "SignalDegradation", When: "true", Remediation: "disable"}}
}

// TuneAlerts proposes other alert rules.
func TuneAlerts(spec *strategyv1.StrategyPlaybookSpec) {
	spec.Diagnosis.Causes = []strategyv1.CauseRule{{Name: "AlertFatigue", When: "incident.type == 'AlertFatigue'", Remediation: "tune-alerts"}}
	spec.Remediations = append(spec.Remediations, strategyv1.RemediationSpec{Name: "tune-alerts", Proposal: &strategyv1.ProposalSpec{
		Document: strategyv1.DocumentReference{ConfigMapName: "prometheus-rules", Key: "rules.yml"},
		Edits:    []strategyv1.DocumentEdit{{Path: "/groups/0/rules/0/for", Value: &apiextensionsv1.JSON{Raw: []byte(`"10m"`)}}},
	}})
}

// PushRules proposes them on a branch for people to merge.
func PushRules(spec *strategyv1.StrategyPlaybookSpec) {
	TuneAlerts(spec)
	sim.Pushed(spec.Remediations[len(spec.Remediations)-1].Proposal)
}

// rules are alert rules.
const rules = "groups: [{name: g, rules: [{alert: A, for: 2m}]}]\n"

// CreateRules is whoever keeps the alert rules.
func CreateRules(w *sim.World) {
	w.Create(&corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.Namespace, Name: "prometheus-rules", Labels: map[string]string{strategyv1.LabelManaged: strategyv1.ManagedValue}},
		Data:       map[string]string{"rules.yml": rules},
	})
}

// WithSignals asks for one signal, on which the technical lead is called.
func WithSignals(spec *strategyv1.StrategyPlaybookSpec) {
	spec.Signals = &strategyv1.SignalsSpec{
		Prometheus: strategyv1.PrometheusSpec{URL: "http://prometheus:9090"}, IntervalSeconds: 30,
		Queries: []strategyv1.SignalQuery{{Name: "cpu", Query: "max(cpu)"}, {Name: "gone", Query: "gone"}},
	}
	spec.Escalation = &strategyv1.EscalationSpec{Levels: []strategyv1.LevelSpec{{
		Name: strategyv1.LevelLead, Rules: []strategyv1.LeadRule{{Name: "cpu", When: "signals.cpu > 78.0"}},
	}}}
	spec.Triage.FalseAlarm = nil
}

func nothingWrong(_ *sim.World, id checks.ID) (sim.Ended, bool) {
	return sim.OK, id.Check != "running-plan"
}

// slow: the cause has no remedy.
func slow(_ *sim.World, id checks.ID) (sim.Ended, bool) {
	if id.Check == "load" {
		return sim.Fail, true
	}
	return sim.OK, id.Check != "running-plan"
}

func incidentIs(name, reason string) func(*sim.World) bool {
	return func(w *sim.World) bool {
		incident := w.IncidentNamed(name)
		return incident != nil && conditions.Reason(incident.Status.Conditions, strategyv1.ConditionReady) == reason
	}
}

func triaged(w *sim.World) bool {
	return conditions.Reason(w.Incident().Status.Conditions, strategyv1.ConditionTriaged) == strategyv1.ReasonChecksJudged
}

func acknowledged(status metav1.ConditionStatus) func(*sim.World) bool {
	return func(w *sim.World) bool {
		return conditions.True(w.Incident().Status.Conditions, strategyv1.ConditionAcknowledged) == (status == metav1.ConditionTrue)
	}
}

// passes lets time pass: whatever was in the operator's cache is seen by then.
func passes(d time.Duration) func(*sim.World) {
	return func(w *sim.World) { w.PassUntil(w.Clock.Now().Add(d)) }
}

func decidesOnIncident(verdict strategyv1.DecisionVerdict) func(*sim.World) {
	return func(w *sim.World) {
		w.DecideOnIncident(conditions.Reason(w.Incident().Status.Conditions, strategyv1.ConditionReady), verdict)
	}
}

func suspends(on bool) func(*sim.World) {
	return func(w *sim.World) {
		sim.Change(w, "pnl", &strategyv1.StrategyIncident{}, func(incident *strategyv1.StrategyIncident) { incident.Spec.Suspend = on })
	}
}

// incidentRollback is rung n of the incident's ladder, nil without it.
func incidentRollback(w *sim.World, rung int) *strategyv1.StrategyRollback {
	incident := w.Incident()
	name := "pnl-" + string(incident.UID)[:8]
	if rung > 0 {
		name += "-keep"
	}
	return w.RollbackNamed(name)
}

func incidentRollbackIs(rung int, reason string) func(*sim.World) bool {
	return func(w *sim.World) bool {
		rollback := incidentRollback(w, rung)
		return rollback != nil && conditions.Reason(rollback.Status.Conditions, strategyv1.ConditionReady) == reason
	}
}

func decidesOnRollback(rung int, verdict strategyv1.DecisionVerdict) func(*sim.World) {
	return func(w *sim.World) { w.Decide("bob", incidentRollback(w, rung).Name, verdict, "") }
}
