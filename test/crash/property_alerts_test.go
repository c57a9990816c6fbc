package crash

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/sim"
	"tradeops.dev/strategy-operator/internal/testkit"
)

// Alerts come, end and are deleted at any time, among decisions, holds and crashes: what must hold does, and something has become of each.
func TestAnyStoryOfAlerts(t *testing.T) {
	count := map[string]int{}
	rapid.Check(t, func(t *rapid.T) {
		count["cases"]++
		p := &anyStory{T: t, base: testkit.Document, document: "usual", count: count, alerts: true, steps: []string{
			"alert", "alert", "alert", "alert", "alert", "alert", "incident", "incident decision", "approve", "approve", "restore", "time", "time", "hold", "stale", "restart",
		}}
		p.run = &run{World: sim.New(t, p.playbook)}
		p.Configure(p.base)
		p.Report, p.People = p.drawn, p.takeAway
		p.start(&Cut{})
		for range evenly(t, "steps", []int{3, 6, 9, 12, 15}) {
			p.step()
			p.settle()
		}
		p.end()
	})
	t.Log(count) // what the cases led to
	for _, led := range []string{"alert Opened", "alert Joined", "alert Collected"} {
		if !t.Failed() && count["cases"] >= enough && count[led] == 0 {
			t.Errorf("no case led to %q: what is drawn for it tests nothing", led)
		}
	}
}

// routedLosses has losses become incidents of their schedule, two an hour.
func routedLosses() *strategyv1.AlertsSpec {
	return &strategyv1.AlertsSpec{MaxIncidentsPerHour: 2, ReopenAfterSeconds: 600, Routes: []strategyv1.AlertRoute{
		{Name: "loss", Matchers: []string{`alertname="Loss"`}, Type: "PnL", Target: &strategyv1.AlertTarget{ScheduleLabel: "schedule"}},
	}}
}

// alert is something that a sender says: an alert begins to fire, is heard again, or is over.
func (p *anyStory) alert() {
	p.Pass(time.Second)
	name := evenly(p.T, "alert", []string{"fast", "slow", "trend-watch", "fast-too"})
	schedule := map[string]string{"trend-watch": "trend_watch", "fast-too": "fast"}[name]
	if schedule == "" {
		schedule = name
	}
	known := p.AlertNamed(name)
	fires := known != nil && known.Spec.State == strategyv1.AlertFiring
	switch said := p.next("said", []string{"fires", "fires", "again", "over", "gone"}); {
	case said == "fires" && !fires:
		p.Fire(name, map[string]strategyv1.AlertText{"alertname": "Loss", "series": strategyv1.AlertText(name), "schedule": strategyv1.AlertText(schedule), "severity": "critical"})
	case said == "again" && fires:
		p.Hear(name)
	case said == "over" && fires:
		p.End(name)
	case said == "gone" && known != nil: // somebody deletes it, whatever it says
		p.Delete(name, &strategyv1.StrategyAlert{})
	}
}

// endAlerts: whatever fires is over.
func (p *anyStory) endAlerts() {
	for _, name := range p.Names(&strategyv1.StrategyAlertList{}) {
		if p.AlertNamed(name).Spec.State == strategyv1.AlertFiring {
			p.End(name)
		}
	}
}

// routedAlerts: something has become of each alert, and of what is about the same there is one open incident that has not waited for long.
func (p *anyStory) routedAlerts() {
	var alerts strategyv1.StrategyAlertList
	p.List(&alerts)
	for _, alert := range alerts.Items {
		if alert.Status.Outcome == "" {
			p.wrong("nothing has become of alert %s", alert.Name)
		}
		if uid := alert.Status.IncidentUID; uid != "" && alert.Spec.State == strategyv1.AlertFiring {
			if incident := p.IncidentNamed(alert.Status.IncidentName); incident != nil && string(incident.UID) != uid {
				p.wrong("alert %s is with another %s than there is", alert.Name, incident.Name)
			}
		}
		p.count["alert "+string(alert.Status.Outcome)]++
	}
}
