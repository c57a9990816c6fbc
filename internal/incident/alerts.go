package incident

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/facts"
	"tradeops.dev/strategy-operator/internal/lifecycle"
	"tradeops.dev/strategy-operator/internal/routes"
)

const (
	// maxAlerts is how many alerts a status lists, as the API has it.
	maxAlerts = 32
	// maxNoted is how many alerts are noted one by one. A storm would push everything else out.
	maxNoted = 16
)

// seeAlerts takes up what the incident's alerts say. One that was deleted keeps the state that it had: whoever may delete alerts ends no fault.
func (p *plan) seeAlerts() {
	if !p.started() {
		return
	}
	known := map[string]strategyv1.IncidentAlert{}
	for _, alert := range p.next.Alerts {
		known[alert.ObjectName] = alert
	}
	before, noted := p.next.FiringCount, len(p.next.Alerts)
	var all []strategyv1.IncidentAlert
	for i := range p.seen.Alerts {
		alert := alertOf(&p.seen.Alerts[i])
		if _, seen := known[alert.ObjectName]; !seen && noted < maxNoted {
			noted++
			p.out.Note(strategyv1.EventAlert, fmt.Sprintf("alert %s, severity %s, %s since %s", alert.Name, alert.Severity, stateWord(alert), alert.StartTime.UTC().Format(time.RFC3339)), "")
		}
		delete(known, alert.ObjectName)
		all = append(all, alert)
	}
	for _, gone := range known {
		all = append(all, gone)
	}
	if len(all) == 0 {
		return
	}
	p.next.AlertCount, p.next.FiringCount = max(p.next.AlertCount, occurrencesOf(all)), firingOf(all)
	p.next.Alerts = listed(all)
	p.noteSilence(before)
	p.raisedByAlerts(all)
}

// holdsStorm: it has alerts that would have had incidents of their own.
func (p *plan) holdsStorm() bool {
	return slices.ContainsFunc(p.seen.Alerts, func(alert strategyv1.StrategyAlert) bool { return alert.Status.Outcome == strategyv1.AlertCollected })
}

// noteSilence notes when the last alert ends, and when one fires again.
func (p *plan) noteSilence(before int64) {
	switch now := p.next.FiringCount; {
	case before > 0 && now == 0:
		p.out.NoteRepeated(strategyv1.EventAlert, fmt.Sprintf("no alert fires any more (they began to fire %d times)", p.next.AlertCount))
	case before == 0 && now > 0 && len(p.seen.Incident.Status.Alerts) > 0:
		p.out.NoteRepeated(strategyv1.EventAlert, "fires again: "+names(firingNames(p.next.Alerts)))
	}
}

// raisedByAlerts: severity only rises, and whoever has the incident hears of it, whether its playbook and its log can be read now or not.
func (p *plan) raisedByAlerts(all []strategyv1.IncidentAlert) {
	for _, alert := range all {
		if alert.State == strategyv1.AlertFiring && alert.Severity.Above(p.severity()) {
			p.raise(alert.Severity, "alert "+alert.Name+" has it")
		}
	}
}

// fatigue is how often the rules of alerts fired, for people who are to tune one.
func (p *plan) fatigue() []strategyv1.AlertRuleStatus {
	return facts.Want(&p.needs, NeedRules, p.seen.Rules)
}

// raise has a higher severity count from now on.
func (p *plan) raise(severity strategyv1.Severity, why string) {
	message := fmt.Sprintf("severity %s instead of %s: %s", severity, p.severity(), why)
	p.next.Severity = severity
	if p.next.Branch != nil {
		p.next.Branch.Severities = append(p.next.Branch.Severities, severity)
	}
	level := lifecycle.Level(p.next)
	p.out.Note(strategyv1.EventRaised, message+p.call(level), "")
	p.notify(strategyv1.NotifyLevelCalled, level, message, "raised", string(severity))
	p.out.Tell(corev1.EventTypeWarning, strategyv1.ReasonRaised, message)
}

// alertOf is an alert as the incident keeps it.
func alertOf(alert *strategyv1.StrategyAlert) strategyv1.IncidentAlert {
	kept := strategyv1.IncidentAlert{
		ObjectName: alert.Name, Name: routes.Name(alert.Spec.Labels), Severity: alert.Status.Severity, State: alert.Spec.State,
		Occurrences: alert.Spec.Occurrence, StartTime: new(alert.Spec.StartTime),
	}
	if alert.Spec.State == strategyv1.AlertResolved {
		kept.EndTime = alert.Spec.EndTime
	}
	return kept
}

// listed are those that fire, then the newest others.
func listed(all []strategyv1.IncidentAlert) []strategyv1.IncidentAlert {
	slices.SortFunc(all, func(a, b strategyv1.IncidentAlert) int {
		return cmp.Or(
			cmp.Compare(resolved(a), resolved(b)),
			timeOf(b.StartTime).Compare(timeOf(a.StartTime)), cmp.Compare(a.ObjectName, b.ObjectName))
	})
	return all[:min(len(all), maxAlerts)]
}

// resolved is a number, to sort by.
func resolved(alert strategyv1.IncidentAlert) int {
	if alert.State == strategyv1.AlertResolved {
		return 1
	}
	return 0
}

func firingOf(all []strategyv1.IncidentAlert) (n int64) {
	for _, alert := range all {
		if alert.State == strategyv1.AlertFiring {
			n++
		}
	}
	return n
}

func occurrencesOf(all []strategyv1.IncidentAlert) (n int64) {
	for _, alert := range all {
		n += alert.Occurrences
	}
	return n
}

func firingNames(all []strategyv1.IncidentAlert) (firing []string) {
	for _, alert := range all {
		if alert.State == strategyv1.AlertFiring && !slices.Contains(firing, alert.Name) {
			firing = append(firing, alert.Name)
		}
	}
	return firing
}

func stateWord(alert strategyv1.IncidentAlert) string {
	if alert.State == strategyv1.AlertFiring {
		return "fires"
	}
	return "resolved, fired"
}
