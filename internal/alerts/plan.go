package alerts

import (
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/action"
	"tradeops.dev/strategy-operator/internal/bounded"
	"tradeops.dev/strategy-operator/internal/checks"
	"tradeops.dev/strategy-operator/internal/conditions"
	"tradeops.dev/strategy-operator/internal/facts"
	"tradeops.dev/strategy-operator/internal/lifecycle"
	"tradeops.dev/strategy-operator/internal/pass"
	"tradeops.dev/strategy-operator/internal/routes"
)

// plan is one pass over an alert.
type plan struct {
	seen     Observed
	now      time.Time
	next     strategyv1.StrategyAlertStatus // the status as it will be
	playbook *Playbook                      // whose route matches; nil: none does
	found    routes.Found                   // by that route
	actions  []action.Action
	nextAt   time.Time
	beats    bool
	needs    Need
}

// Plan decides one pass.
func Plan(o Observed, now time.Time) Decision {
	p := &plan{seen: o, now: now, next: *o.Alert.Status.DeepCopy()}
	p.route()
	rule := pass.First(p, rules)
	if p.needs != 0 {
		return Decision{Needs: p.needs}
	}
	return Decision{Status: p.next, Rule: rule, Actions: p.actions, NextAt: p.nextAt, Heartbeat: p.beats}
}

// route is what the playbooks make of the alert.
func (p *plan) route() { p.playbook, p.found = routeOf(p.seen.Playbooks, p.seen.Alert) }

// routeOf asks the playbooks in the order of their names; the first whose route matches has the alert. Those that do not serve come after all
// that do, and may only call people: nobody else has agreed to what they say, so they keep no alert from anybody.
func routeOf(playbooks []Playbook, alert *strategyv1.StrategyAlert) (*Playbook, routes.Found) {
	for _, served := range []bool{true, false} {
		for i := range playbooks {
			one := &playbooks[i]
			if (one.Unserved == "") != served {
				continue
			}
			if found, ok := one.Table.Find(alert.Spec.Labels); ok && (served || found.Action == strategyv1.AlertActionIncident) {
				return one, found
			}
		}
	}
	return nil, routes.Found{}
}

// setAside is the playbook that does not serve and would have the alert be nobody's incident, if it did; nil: none would. Of several one that takes
// it for a heartbeat: that the operator works hangs on no playbook.
func (p *plan) setAside() (aside *Playbook, by routes.Found) {
	for i := range p.seen.Playbooks {
		one := &p.seen.Playbooks[i]
		if one.Unserved == "" {
			continue
		}
		if found, ok := one.Table.Find(p.seen.Alert.Spec.Labels); ok && (aside == nil || found.Action == strategyv1.AlertActionHeartbeat && by.Action != found.Action) {
			aside, by = one, found
		}
	}
	return aside, by
}

func (p *plan) firing() bool { return p.seen.Alert.Spec.State == strategyv1.AlertFiring }

func (p *plan) incidents() []strategyv1.StrategyIncident {
	return facts.Want(&p.needs, NeedIncidents, p.seen.Incidents)
}

// incident is the one that the alert opened or joined; nil: none, or it was deleted.
func (p *plan) incident() *strategyv1.StrategyIncident {
	if !p.linked() {
		return nil
	}
	return p.incidentOf(p.next)
}

func (p *plan) incidentOf(status strategyv1.StrategyAlertStatus) *strategyv1.StrategyIncident {
	incidents := p.incidents()
	for i := range incidents {
		if one := &incidents[i]; one.Name == status.IncidentName && string(one.UID) == status.IncidentUID {
			return one
		}
	}
	return nil
}

// linked: it was given to an incident, whatever became of that.
func (p *plan) linked() bool { return p.next.IncidentUID != "" }

// dealtWith: the alert fires as it did when it was given to its incident, without a pause.
func (p *plan) dealtWith() bool { return p.dealt(p.seen.Alert.Spec, p.next) }

// dealt: an alert has had an incident for as long as it fires, and somebody or something closed that. What was deleted was dealt with by nobody,
// unless it is known that it was closed before; what was closed as a duplicate neither: the other incident is to have its alerts.
func (p *plan) dealt(spec strategyv1.StrategyAlertSpec, status strategyv1.StrategyAlertStatus) bool {
	if status.IncidentUID == "" || spec.Occurrence > status.Occurrence {
		return false
	}
	incident := p.incidentOf(status)
	if incident != nil && duplicate(incident) {
		return false
	}
	return status.NextTime != nil || incident != nil && (incident.Status.ClosedTime != nil || incident.DeletionTimestamp.IsZero())
}

// link gives the alert to an incident.
func (p *plan) link(outcome strategyv1.AlertOutcome, incident *strategyv1.StrategyIncident, why string) {
	p.routed(outcome)
	p.next.IncidentName, p.next.IncidentUID = incident.Name, string(incident.UID)
	p.settled(string(outcome), why+p.notServing())
}

// notServing says that the alert has its incident by a route that nobody agreed to; empty: not so.
func (p *plan) notServing() string {
	if p.playbook == nil || p.playbook.Unserved == "" || p.playbook.Name != p.next.PlaybookName {
		return ""
	}
	return fmt.Sprintf(". No playbook that serves has a route for it; this one is of StrategyPlaybook %s, which does not serve: %s", p.playbook.Name, p.playbook.Unserved)
}

// routed writes down what the route makes of the alert, and for which occurrence of it.
func (p *plan) routed(outcome strategyv1.AlertOutcome) {
	p.next.Outcome, p.next.Occurrence, p.next.NextTime = outcome, p.seen.Alert.Spec.Occurrence, nil
	p.next.IncidentName, p.next.IncidentUID = "", ""
	p.next.PlaybookName, p.next.Route, p.next.Severity = "", "", ""
	if p.playbook != nil {
		p.next.PlaybookName, p.next.Route, p.next.Severity = p.playbook.Name, p.found.Route, p.found.Severity
	}
}

// settled: nobody has to do anything about the alert itself.
func (p *plan) settled(reason, message string) {
	p.set(strategyv1.ConditionReady, metav1.ConditionTrue, reason, message)
	p.set(strategyv1.ConditionStalled, metav1.ConditionFalse, reason, "nothing is waited for")
}

// stalled: somebody has to do what the message says; it is told once.
func (p *plan) stalled(reason, message string) {
	if conditions.Reason(p.next.Conditions, strategyv1.ConditionReady) != reason {
		p.actions = append(p.actions, action.Event{Type: corev1.EventTypeWarning, Reason: reason, Message: bounded.Text(bounded.Clean(message), 1000)})
	}
	p.set(strategyv1.ConditionReady, metav1.ConditionFalse, reason, message)
	p.set(strategyv1.ConditionStalled, metav1.ConditionTrue, reason, message)
}

// set leaves a condition alone that says it already: that an alert is heard again is no news, and no write.
func (p *plan) set(kind string, status metav1.ConditionStatus, reason, message string) {
	known := meta.FindStatusCondition(p.next.Conditions, kind)
	if known != nil && known.Status == status && known.Reason == reason && known.Message == bounded.Text(bounded.Clean(message), 2048) {
		return
	}
	conditions.Set(&p.next.Conditions, p.now, p.seen.Alert.Generation, kind, status, reason, message)
}

// wake asks for another pass at a time, at the latest.
func (p *plan) wake(at time.Time) { p.nextAt = checks.Earlier(p.nextAt, at) }

// duplicate: an incident was closed because another one is about the same.
func duplicate(incident *strategyv1.StrategyIncident) bool {
	return lifecycle.Closed(incident.Status) && conditions.Reason(incident.Status.Conditions, strategyv1.ConditionResolved) == strategyv1.ReasonDuplicate
}

func open(incident *strategyv1.StrategyIncident) bool {
	return lifecycle.Open(incident) && incident.Spec.Mode != strategyv1.IncidentDrill
}
