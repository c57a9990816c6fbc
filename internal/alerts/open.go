package alerts

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/action"
	"tradeops.dev/strategy-operator/internal/bounded"
	"tradeops.dev/strategy-operator/internal/conditions"
	"tradeops.dev/strategy-operator/internal/facts"
	"tradeops.dev/strategy-operator/internal/lifecycle"
	"tradeops.dev/strategy-operator/internal/pass"
	"tradeops.dev/strategy-operator/internal/routes"
)

// stormWindow is the time in which incidents are counted.
const stormWindow = time.Hour

// wanted is the incident that an alert asks for, by a route of a playbook.
func wanted(playbook string, found routes.Found) strategyv1.StrategyIncidentSpec {
	return strategyv1.StrategyIncidentSpec{
		PlaybookName: playbook, Type: found.Type, Severity: found.Severity, Schedule: found.Schedule, Strategy: found.Strategy, Mode: strategyv1.IncidentLive,
	}
}

// storm is the incident that holds what comes beyond the limit. It is about the alerts, and names no schedule.
func (p *plan) storm() strategyv1.StrategyIncidentSpec {
	return strategyv1.StrategyIncidentSpec{
		PlaybookName: p.playbook.Name, Type: "AlertFatigue", Severity: p.found.Severity, Mode: strategyv1.IncidentLive,
		Summary: fmt.Sprintf("alert storm: alerts opened %d incidents within an hour, as many as StrategyPlaybook %s allows; this one holds the others. Look at its alerts: kubectl get sal -n %s",
			p.playbook.MaxPerHour, p.playbook.Name, p.seen.Alert.Namespace),
	}
}

// join gives the alert to an open incident about the same that somebody or something is at work on.
func (p *plan) join() pass.Outcome {
	incident := p.oldest(wanted(p.playbook.Name, p.found), func(one *strategyv1.StrategyIncident) bool { return !p.asleep(one) || p.listedBy(one) != nil })
	if incident == nil {
		return pass.GoOn
	}
	outcome := strategyv1.AlertJoined
	if incident.Spec.RequestedBy == p.seen.User && !incident.CreationTimestamp.Time.Before(p.seen.Alert.Spec.ChangedTime.Time) {
		outcome = strategyv1.AlertOpened
	}
	p.link(outcome, incident, "StrategyIncident "+incident.Name+" has it")
	return pass.Ends
}

// oldest is the oldest open incident of an identity that serves; nil: there is none.
func (p *plan) oldest(spec strategyv1.StrategyIncidentSpec, serves func(*strategyv1.StrategyIncident) bool) (oldest *strategyv1.StrategyIncident) {
	identity := lifecycle.Identity(spec)
	incidents := p.incidents()
	for i := range incidents {
		one := &incidents[i]
		if open(one) && lifecycle.Identity(one.Spec) == identity && serves(one) && (oldest == nil || older(one, oldest)) {
			oldest = one
		}
	}
	return oldest
}

// asleep: an incident has waited for people, or been on hold, for so long that what comes now is news. Soon after it began to wait it is the same
// fault, in other series: people have been called for it. One whose change was undone is not asleep: an alert tells it that the fault is back.
func (p *plan) asleep(incident *strategyv1.StrategyIncident) bool {
	for _, kind := range []string{strategyv1.ConditionOnHold, strategyv1.ConditionStalled} {
		if conditions.True(incident.Status.Conditions, kind) && p.now.Sub(conditions.Since(incident.Status.Conditions, kind)) >= p.playbook.Reopen {
			return true
		}
	}
	return false
}

func anyOpen(*strategyv1.StrategyIncident) bool { return true }

// collect gives the alert to the incident of the storm, if there is one to hold.
func (p *plan) collect() pass.Outcome {
	if p.opened() < p.playbook.MaxPerHour {
		return pass.GoOn
	}
	if incident := p.oldest(p.storm(), anyOpen); incident != nil { // however long it waits for people: there is one storm
		p.link(strategyv1.AlertCollected, incident, fmt.Sprintf("StrategyIncident %s has it, with all that came after %d incidents within an hour", incident.Name, p.playbook.MaxPerHour))
		return pass.Ends
	}
	p.create(p.storm())
	return pass.Ends
}

// opened is how many incidents alerts opened for the playbook within an hour, without those that hold storms.
func (p *plan) opened() (n int) {
	storm := lifecycle.Identity(p.storm())
	incidents := p.incidents()
	for i := range incidents {
		one := &incidents[i]
		if one.Spec.PlaybookName == p.playbook.Name && one.Spec.RequestedBy == p.seen.User && p.now.Sub(one.CreationTimestamp.Time) < stormWindow && lifecycle.Identity(one.Spec) != storm {
			n++
		}
	}
	return n
}

func (p *plan) open() pass.Outcome {
	spec := wanted(p.playbook.Name, p.found)
	spec.Summary = routes.Summary(p.seen.Alert.Spec)
	if p.found.NoTarget != "" {
		spec.Summary = bounded.Line(spec.Summary+" (the alert names no target: "+p.found.NoTarget+")", 512)
	}
	if p.dealtWith() { // its clock was stopped by whoever closed the incident before
		spec.Summary = bounded.Line(fmt.Sprintf("it still fires, though StrategyIncident %s is over: %s", p.next.IncidentName, spec.Summary), 512)
	} else {
		if p.linked() && p.seen.Alert.Spec.Occurrence <= p.next.Occurrence && p.incident() == nil {
			spec.Summary = bounded.Line(fmt.Sprintf("StrategyIncident %s was deleted while it fired: %s", p.next.IncidentName, spec.Summary), 512)
		}
		spec.DetectedTime = new(metav1.NewTime(p.began(spec).UTC().Truncate(time.Second)))
	}
	p.create(spec)
	return pass.Ends
}

// began is since when the fault is known: the first of the alerts about the same that nobody has dealt with.
func (p *plan) began(spec strategyv1.StrategyIncidentSpec) time.Time {
	began, identity := p.startOf(p.seen.Alert.Spec), lifecycle.Identity(spec)
	if p.needs != 0 { // whether it opens one at all is not known yet
		return began
	}
	others := facts.Want(&p.needs, NeedOthers, p.seen.Others)
	for i := range others {
		other := &others[i]
		starts := p.startOf(other.Spec)
		if other.Spec.State != strategyv1.AlertFiring || !starts.Before(began) || p.seen.Machines.MayBePerson(other.Spec.Sender) || p.dealt(other.Spec, other.Status) {
			continue
		}
		playbook, found := routeOf(p.seen.Playbooks, other)
		if playbook != nil && found.Action == strategyv1.AlertActionIncident && lifecycle.Identity(wanted(playbook.Name, found)) == identity {
			began = starts
		}
	}
	return began
}

// maxBefore is how long before it was heard an alert may have begun, for the clocks of its incident to start then: as long as Alertmanager, or the
// way from there, may be away. What somebody says beyond that would have each deadline over before anybody can answer.
const maxBefore = time.Hour

// startOf is since when an alert fires, as far as that is believed.
func (p *plan) startOf(spec strategyv1.StrategyAlertSpec) time.Time {
	starts := latest(spec.StartTime.Time, spec.ChangedTime.Add(-maxBefore))
	if starts.After(p.now) { // a clock that is ahead
		return p.now
	}
	return starts
}

// create opens an incident. The next pass finds it, and joins: so does whoever else wanted the same.
func (p *plan) create(spec strategyv1.StrategyIncidentSpec) {
	spec.RequestedBy = p.seen.User
	p.actions = append(p.actions, action.CreateIncident{Incident: &strategyv1.StrategyIncident{
		ObjectMeta: metav1.ObjectMeta{Namespace: p.seen.Alert.Namespace, Name: p.nameOf(spec)}, Spec: spec,
	}})
	if p.seen.Refused == nil { // else it is tried again in a while
		p.wake(p.now)
	}
}

// nameOf is the same for all alerts about the same, until their incident is over: so two that open one at once open one.
func (p *plan) nameOf(spec strategyv1.StrategyIncidentSpec) string {
	identity, before := lifecycle.Identity(spec), ""
	var newest *strategyv1.StrategyIncident
	named := map[string]*strategyv1.StrategyIncident{}
	incidents := p.incidents()
	for i := range incidents {
		one := &incidents[i]
		named[one.Name] = one
		if lifecycle.Identity(one.Spec) == identity && (newest == nil || older(newest, one)) {
			newest = one
		}
	}
	if newest != nil {
		before = string(newest.UID)
	}
	for {
		name := name(spec, identity, before)
		taken := named[name]
		if taken == nil {
			return name
		}
		before = string(taken.UID) // whoever took it, took it once
	}
}

func name(spec strategyv1.StrategyIncidentSpec, identity, before string) string {
	sum := sha256.Sum256([]byte(identity + "\n" + before))
	slug := strings.Trim(bounded.Text(spec.PlaybookName, 40), ".-")
	return slug + "-" + strings.ToLower(string(spec.Type)) + "-" + hex.EncodeToString(sum[:6])
}

// older says whether a began before b; of two that were created in the same second, one is always the older.
func older(a, b *strategyv1.StrategyIncident) bool {
	if !a.CreationTimestamp.Equal(&b.CreationTimestamp) {
		return a.CreationTimestamp.Before(&b.CreationTimestamp)
	}
	return a.UID < b.UID
}
