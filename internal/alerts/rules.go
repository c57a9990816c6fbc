package alerts

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/action"
	"tradeops.dev/strategy-operator/internal/bounded"
	"tradeops.dev/strategy-operator/internal/lifecycle"
	"tradeops.dev/strategy-operator/internal/pass"
	"tradeops.dev/strategy-operator/internal/routes"
)

const (
	// keepOver is how long an alert stays after it is over.
	keepOver = 24 * time.Hour
	// keepUnheard is how long an alert stays that is said to fire, and that nobody speaks of any more.
	keepUnheard = 7 * 24 * time.Hour
	// beat is how often a heartbeat is looked at.
	beat = 30 * time.Second
)

type rule = pass.Rule[*plan]

// rules: the first that applies ends the pass.
var rules = []rule{
	{Name: "deleted", Run: (*plan).deleted},           // on its way out
	{Name: "notServed", Run: (*plan).notServed},       // nothing may be written here
	{Name: "forget", Run: (*plan).forget},             // over for long
	{Name: "withIncident", Run: (*plan).withIncident}, // its incident is open
	{Name: "returned", Run: (*plan).returned},         // it is over, and an open incident knows it to fire
	{Name: "over", Run: (*plan).over},                 // it does not fire
	{Name: "byPerson", Run: (*plan).byPerson},         // a machine would ask in somebody's place
	{Name: "unroutable", Run: (*plan).unroutable},     // no playbook says what it is
	{Name: "aside", Run: (*plan).aside},               // it is nobody's incident
	{Name: "stillFires", Run: (*plan).stillFires},     // though its incident is closed
	{Name: "refused", Run: (*plan).refused},           // the API server did not let an incident be opened
	{Name: "join", Run: (*plan).join},                 // an incident about the same is open
	{Name: "collect", Run: (*plan).collect},           // too many were opened within an hour
	{Name: "open", Run: (*plan).open},                 // an incident of its own
}

// deleted: nothing becomes of it any more. Whoever keeps it with a finalizer keeps its sender out, too, and is told so.
func (p *plan) deleted() pass.Outcome {
	alert := p.seen.Alert
	if alert.DeletionTimestamp.IsZero() {
		return pass.GoOn
	}
	if len(alert.Finalizers) > 0 && p.seen.NotServed == nil {
		p.stalled(strategyv1.ReasonNeedsPerson, fmt.Sprintf("it is being deleted, and is kept by finalizers that the operator did not set: %s. Until they are removed its sender is answered 503, and nothing becomes of it",
			bounded.Line(strings.Join(alert.Finalizers, ", "), 512)))
	}
	return pass.Ends
}

func (p *plan) notServed() pass.Outcome {
	if p.seen.NotServed == nil {
		return pass.GoOn
	}
	p.stalled(p.seen.NotServed.Reason, "nothing becomes of it: "+p.seen.NotServed.Message)
	p.wake(p.now.Add(pass.Recheck))
	return pass.Ends
}

// forget deletes what is over, and what nobody has spoken of for long. What belongs to an incident that is open stays.
func (p *plan) forget() pass.Outcome {
	incident := p.incident()
	if incident != nil && lifecycle.Open(incident) {
		return pass.GoOn
	}
	spec := p.seen.Alert.Spec
	since, keep := latest(spec.ChangedTime.Time, spec.HeardTime.Time), keepUnheard
	if !p.firing() {
		keep = keepOver
		if incident != nil && incident.Status.ClosedTime != nil {
			since = latest(since, incident.Status.ClosedTime.Time)
		}
	}
	if due := since.Add(keep); p.now.Before(due) {
		p.wake(due)
		return pass.GoOn
	}
	p.actions = append(p.actions, action.DeleteObject{Object: p.seen.Alert})
	if p.seen.Refused != nil {
		p.stalled(strategyv1.ReasonEffectRefused, "it is over, and cannot be deleted: "+pass.RefusedText(*p.seen.Refused))
		p.wake(p.now.Add(pass.Recheck))
	}
	return pass.Ends
}

func (p *plan) withIncident() pass.Outcome {
	incident := p.incident()
	if incident == nil || !lifecycle.Open(incident) {
		return pass.GoOn
	}
	p.next.Occurrence, p.next.NextTime = p.seen.Alert.Spec.Occurrence, nil
	message := "StrategyIncident " + incident.Name + " has it"
	if !p.firing() {
		message += "; it is resolved, which closes and restores nothing by itself"
	}
	p.settled(string(p.next.Outcome), message+p.notServing())
	return pass.Ends
}

// returned: somebody deleted the object while it fired, so its incident keeps it as firing; now it is heard that it is over.
func (p *plan) returned() pass.Outcome {
	if p.firing() || p.linked() || p.seen.Machines.MayBePerson(p.seen.Alert.Spec.Sender) {
		return pass.GoOn
	}
	incidents := p.incidents()
	for i := range incidents {
		known := p.listedBy(&incidents[i])
		if known == nil {
			continue
		}
		p.link(strategyv1.AlertJoined, &incidents[i], "StrategyIncident "+incidents[i].Name+" had it before its object was deleted; it is resolved")
		p.next.Severity = cmp.Or(p.next.Severity, known.Severity)
		return pass.Ends
	}
	return pass.GoOn
}

// listedBy is what an open incident knows of the alert that fired before its object was deleted; nil: nothing.
func (p *plan) listedBy(incident *strategyv1.StrategyIncident) *strategyv1.IncidentAlert {
	if !open(incident) {
		return nil
	}
	for i := range incident.Status.Alerts {
		if known := &incident.Status.Alerts[i]; known.ObjectName == p.seen.Alert.Name && known.State == strategyv1.AlertFiring {
			return known
		}
	}
	return nil
}

// over: what does not fire opens nothing.
func (p *plan) over() pass.Outcome {
	switch {
	case p.firing():
		return pass.GoOn
	case p.linked():
		p.settled(string(p.next.Outcome), "it is resolved, and StrategyIncident "+p.next.IncidentName+" is over")
	default:
		p.routed(strategyv1.AlertNotOpened)
		p.settled(string(strategyv1.AlertNotOpened), "it was resolved before it could open an incident")
	}
	return pass.Ends
}

// byPerson: an incident that an alert opened was asked for by nobody, so whoever may approve may approve what follows. A person who asks has a name.
func (p *plan) byPerson() pass.Outcome {
	if !p.seen.Machines.MayBePerson(p.seen.Alert.Spec.Sender) {
		return pass.GoOn
	}
	p.playbook = nil
	p.routed(strategyv1.AlertUnroutable)
	p.stalled(string(strategyv1.AlertUnroutable), fmt.Sprintf("no incident: %s sent it, who is a person as far as its name tells. People report in their own name: kubectl strategy report. A machine whose name does not begin with system: belongs into the manager's --machine-users",
		bounded.Line(p.seen.Alert.Spec.Sender, 253)))
	return pass.Ends
}

// unroutable: a change of a playbook asks again.
func (p *plan) unroutable() pass.Outcome {
	if p.playbook != nil {
		return pass.GoOn
	}
	p.routed(strategyv1.AlertUnroutable)
	if one, found := p.setAside(); one != nil {
		if p.beats = found.Action == strategyv1.AlertActionHeartbeat; p.beats {
			p.wake(p.now.Add(beat))
		}
		p.stalled(string(strategyv1.AlertUnroutable), fmt.Sprintf("no incident: route %s of StrategyPlaybook %s says %s, which does not count while the playbook does not serve: %s",
			found.Route, one.Name, found.Action, one.Unserved))
		return pass.Ends
	}
	p.stalled(string(strategyv1.AlertUnroutable), fmt.Sprintf("no incident: %s. Add a route for alertname=%q to spec.alerts of the StrategyPlaybook that it is for, with type, or with action: Ignore",
		p.noRoute(), routes.Name(p.seen.Alert.Spec.Labels)))
	return pass.Ends
}

func (p *plan) noRoute() string {
	if len(p.seen.Playbooks) == 0 {
		return "there is no StrategyPlaybook in namespace " + p.seen.Alert.Namespace
	}
	for _, one := range p.seen.Playbooks {
		if one.Table != nil {
			return "no route of a StrategyPlaybook in namespace " + p.seen.Alert.Namespace + " matches it"
		}
	}
	return "no StrategyPlaybook in namespace " + p.seen.Alert.Namespace + " has spec.alerts"
}

// aside: the route says that it opens nothing.
func (p *plan) aside() pass.Outcome {
	switch p.found.Action {
	case strategyv1.AlertActionIgnore:
		p.routed(strategyv1.AlertIgnored)
		p.settled(string(strategyv1.AlertIgnored), p.by()+" says that it opens no incident")
	case strategyv1.AlertActionHeartbeat:
		p.routed(strategyv1.AlertHeartbeat)
		p.settled(string(strategyv1.AlertHeartbeat), p.by()+" says that it always fires, to show that alerts arrive")
		p.beats = true
		p.wake(p.now.Add(beat))
	default:
		return pass.GoOn
	}
	return pass.Ends
}

// by names the route.
func (p *plan) by() string {
	return fmt.Sprintf("route %s of StrategyPlaybook %s", p.found.Route, p.playbook.Name)
}

// stillFires: whoever closed the incident knew that it fires; only when it goes on for long is it told again. An alert that nobody repeats has
// maybe ended unheard. Whoever deleted the incident closed nothing: another one is opened at once.
func (p *plan) stillFires() pass.Outcome {
	if !p.dealtWith() {
		return pass.GoOn
	}
	closed := p.now // deleted since, and known to have been closed
	if incident := p.incident(); incident != nil && incident.Status.ClosedTime != nil {
		closed = incident.Status.ClosedTime.Time
	}
	if p.next.NextTime == nil {
		p.next.NextTime = new(metav1.NewTime(closed.Add(p.playbook.Reopen).UTC().Truncate(time.Second)))
	}
	due := p.next.NextTime.Time
	heard := p.seen.Alert.Spec.HeardTime.After(due.Add(-p.playbook.Reopen))
	if heard && !p.now.Before(due) {
		return pass.GoOn
	}
	p.settled(string(p.next.Outcome), fmt.Sprintf("StrategyIncident %s is over, and it still fires: another one is opened when it is heard of after %s, or at once when it begins anew",
		p.next.IncidentName, due.UTC().Format(time.RFC3339)))
	if p.now.Before(due) {
		p.wake(due)
	}
	return pass.Ends
}

// refused: it is tried again, and said until it is done.
func (p *plan) refused() pass.Outcome {
	if p.seen.Refused == nil {
		return pass.GoOn
	}
	p.stalled(strategyv1.ReasonEffectRefused, "no incident is opened for it: "+pass.RefusedText(*p.seen.Refused))
	return pass.GoOn
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
