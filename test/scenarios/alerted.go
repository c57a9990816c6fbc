package scenarios

import (
	"time"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/conditions"
	"tradeops.dev/strategy-operator/internal/sim"
)

// routed has losses become incidents of their schedule.
func routed(spec *strategyv1.StrategyPlaybookSpec) {
	spec.Alerts = &strategyv1.AlertsSpec{
		MaxIncidentsPerHour: 20, ReopenAfterSeconds: 600,
		Routes: []strategyv1.AlertRoute{
			{Name: "watchdog", Matchers: []string{`alertname="Watchdog"`}, Action: strategyv1.AlertActionHeartbeat},
			{Name: "noise", Matchers: []string{`severity="none"`}, Action: strategyv1.AlertActionIgnore},
			{Name: "loss", Matchers: []string{`alertname=~"Loss.*"`}, Type: "PnL", Target: &strategyv1.AlertTarget{ScheduleLabel: "schedule"}},
		},
	}
}

// oneAnHour is the least room that alerts may have.
func oneAnHour(spec *strategyv1.StrategyPlaybookSpec) {
	routed(spec)
	spec.Alerts.MaxIncidentsPerHour = 1
}

// fires is an alert that begins to fire.
func fires(name, schedule, severity string) func(*sim.World) {
	return func(w *sim.World) {
		w.Fire(name, map[string]strategyv1.AlertText{"alertname": "Loss", "series": strategyv1.AlertText(name), "schedule": strategyv1.AlertText(schedule), "severity": strategyv1.AlertText(severity)})
	}
}

// ended is an alert that is resolved.
func ended(name string) func(*sim.World) { return func(w *sim.World) { w.End(name) } }

// became: an alert has an outcome.
func became(name string, outcome strategyv1.AlertOutcome) func(*sim.World) bool {
	return func(w *sim.World) bool {
		alert := w.AlertNamed(name)
		return alert != nil && alert.Status.Outcome == outcome
	}
}

// incidentIs: the newest incident of an alert has a reason of Ready.
func incidentOfAlert(name, reason string) func(*sim.World) bool {
	return func(w *sim.World) bool {
		alert := w.AlertNamed(name)
		if alert == nil || alert.Status.IncidentName == "" {
			return false
		}
		incident := w.IncidentNamed(alert.Status.IncidentName)
		return incident != nil && conditions.Reason(incident.Status.Conditions, strategyv1.ConditionReady) == reason
	}
}

// incidentsAre: so many incidents exist, and all are closed.
func incidentsAre(n int) func(*sim.World) bool {
	return func(w *sim.World) bool {
		var list strategyv1.StrategyIncidentList
		w.List(&list)
		for _, one := range list.Items {
			if one.Status.ClosedTime == nil {
				return false
			}
		}
		return len(list.Items) == n
	}
}

func resolves(alert string) func(*sim.World) {
	return func(w *sim.World) {
		w.DecideAbout("bob", strategyv1.DecisionTarget{Kind: strategyv1.KindIncident, Name: w.AlertNamed(alert).Status.IncidentName}, strategyv1.DecisionResolve)
	}
}

// The incidents that alerts open, without what makes their names one.
const (
	ofLosses = "multi-strategy-pnl-"
	ofStorms = "multi-strategy-alertfatigue-"
)

// alerted are stories that begin with an alert.
var alerted = []Scenario{{
	Name: "an alert opens an incident, and its end lets it close", Playbook: routed, Begin: fires("loss", "fast", "critical"), Report: sim.Losing,
	Script: []Step{approve(""), restore(""), {incidentOfAlert("loss", "Recovering"), ended("loss")}},
	Others: ends(ofLosses, "Resolved"), Rollbacks: ends(ofLosses, "Restored"),
}, {
	Name: "two alerts about the same, the second one more severe", Playbook: routed, Begin: begin(fires("loss", "fast", "warning"), fires("more", "fast", "critical")),
	Script: []Step{{both(became("loss", strategyv1.AlertOpened), incidentOfAlert("more", "Triaging")), ended("loss")}, {incidentOfAlert("more", "FalseAlarm"), ended("more")}},
	Others: ends(ofLosses, "FalseAlarm"),
}, {
	Name: "an alert joins what a person reported", Playbook: routed, Begin: begin(pnlIncident, fires("loss", "fast", "critical")),
	Script: []Step{
		{became("loss", strategyv1.AlertJoined), ended("loss")},
		onIncident("LooksLikeFalseAlarm", strategyv1.DecisionFalseAlarm),
	},
	Incident: "FalseAlarm",
}, {
	Name: "it goes on firing though its incident was closed", Playbook: routed, Begin: fires("loss", "fast", "critical"),
	Script: []Step{
		{incidentOfAlert("loss", "FalseAlarm"), func(w *sim.World) { w.Pass(11 * time.Minute) }},
		{incidentOfAlert("loss", "FalseAlarm"), func(w *sim.World) { w.Hear("loss") }},
		{incidentsAre(2), ended("loss")},
	},
	Others: map[string]string{ofLosses: "FalseAlarm", ofLosses + "'": "FalseAlarm"},
}, {
	Name: "it fires anew after its incident was closed", Playbook: routed, Begin: fires("loss", "fast", "critical"),
	Script: []Step{
		{incidentOfAlert("loss", "FalseAlarm"), ended("loss")},
		{incidentOfAlert("loss", "FalseAlarm"), func(w *sim.World) { w.Pass(time.Minute); w.Fire("loss", nil) }},
		{incidentsAre(2), ended("loss")},
	},
	Others: map[string]string{ofLosses: "FalseAlarm", ofLosses + "'": "FalseAlarm"},
}, {
	Name: "a storm of alerts is held by one incident", Playbook: oneAnHour,
	Begin: begin(fires("a", "fast", "warning"), fires("b", "slow", "critical"), fires("c", "trend_watch", "warning")),
	Script: []Step{
		{both(became("b", strategyv1.AlertCollected), became("c", strategyv1.AlertCollected)), begin(ended("a"), ended("b"), ended("c"))},
		{incidentOfAlert("c", "LooksLikeFalseAlarm"), resolves("c")},
	},
	Others: map[string]string{ofLosses: "FalseAlarm", ofStorms: "Resolved"},
}, {
	Name: "nobody says what an alert is, until the playbook does", Begin: fires("loss", "fast", "critical"),
	Script: []Step{
		{became("loss", strategyv1.AlertUnroutable), func(w *sim.World) {
			sim.Change(w, sim.Playbook, &strategyv1.StrategyPlaybook{}, func(playbook *strategyv1.StrategyPlaybook) { routed(&playbook.Spec) })
		}},
		{incidentOfAlert("loss", "FalseAlarm"), ended("loss")},
	},
	Others: ends(ofLosses, "FalseAlarm"),
}, {
	Name: "alerts that are nobody's incident", Playbook: routed, Begin: begin(
		func(w *sim.World) { w.Fire("watchdog", map[string]strategyv1.AlertText{"alertname": "Watchdog"}) }, fires("noise", "fast", "none")),
	Script: []Step{{both(became("watchdog", strategyv1.AlertHeartbeat), became("noise", strategyv1.AlertIgnored)), begin(ended("watchdog"), ended("noise"))}},
}}
