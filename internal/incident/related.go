package incident

import (
	"fmt"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/conditions"
	"tradeops.dev/strategy-operator/internal/lifecycle"
	"tradeops.dev/strategy-operator/internal/pass"
)

// duplicate closes the younger of two open incidents of the same identity, where somebody or something is at work on the older one, and
// takes it as seriously. One that has a rollback is never closed so, nor one that somebody reopened or holds.
func (p *plan) duplicate() pass.Outcome {
	if len(p.seen.Rollbacks)+len(p.next.Rollbacks) > 0 || p.next.Reopened != nil || p.onHold() {
		return pass.GoOn
	}
	same := p.same()
	for i := range same {
		other := &same[i]
		if lifecycle.Open(other) && older(other, p.seen.Incident) && !lifecycle.Dormant(other) && !p.severity().Above(lifecycle.Severity(other)) {
			p.close(p.now, strategyv1.ReasonDuplicate, strategyv1.EventClosed, fmt.Sprintf(
				"StrategyIncident %s, which began before, is about the same playbook, type and target; look there", other.Name), "")
			p.next.ParentName, p.next.ParentUID = other.Name, string(other.UID)
			return pass.Ends
		}
	}
	return pass.GoOn
}

// severity is the one that counts.
func (p *plan) severity() strategyv1.Severity {
	if p.next.Severity != "" {
		return p.next.Severity
	}
	return p.seen.Incident.Spec.Severity
}

// raised: a later report of the same fault is more severe, and counts for this one from then on.
func (p *plan) raised() {
	if !p.started() {
		return
	}
	same := p.same()
	for i := range same {
		other := &same[i]
		severity := lifecycle.Severity(other)
		if !lifecycle.Open(other) || !older(p.seen.Incident, other) || !severity.Above(p.severity()) {
			continue
		}
		p.raise(severity, fmt.Sprintf("StrategyIncident %s is about the same playbook, type and target", other.Name))
	}
}

// followParent: an older incident on the same scheduler has the same cause. If its remedy covers this one, there is nothing
// to be done twice: this one is contained, and recovers, with it.
func (p *plan) followParent() pass.Outcome {
	if p.hadRollbacks() || p.next.Cause.Name == causeUnknown {
		return pass.GoOn
	}
	parent := p.findParent()
	if parent == nil || !p.covered(parent) {
		return pass.GoOn
	}
	if lifecycle.Closed(parent.Status) {
		if p.next.ContainedTime == nil || conditions.Reason(parent.Status.Conditions, strategyv1.ConditionReady) != strategyv1.ReasonResolved {
			return pass.GoOn
		}
		message := "incident " + parent.Name + ", which had the remedy, is resolved"
		if left := p.leftBy(parent); left != "" { // closed is not undone
			p.out.Set(strategyv1.ConditionContained, metav1.ConditionFalse, strategyv1.ReasonRetained, left)
			p.out.Stall(strategyv1.ReasonNeedsPerson, message+"; but "+left+". "+p.putBack())
			return pass.Ends
		}
		if applied := p.appliedBy(parent); applied != "" { // it is quiet because of that, if it is
			p.next.QuietTime = nil
			p.out.Set(strategyv1.ConditionContained, metav1.ConditionFalse, strategyv1.ReasonRetained, applied)
			p.out.Stall(strategyv1.ReasonNeedsPerson, fmt.Sprintf("%s; but %s. When they are undone, this incident recovers; to leave it: %s",
				message, applied, commandTo(p.seen.Incident, "resolve")))
			return pass.Ends
		}
		p.recover(message, timeOf(parent.Status.ClosedTime))
		return pass.Ends
	}
	if p.asleep(parent) {
		return pass.GoOn
	}
	message := fmt.Sprintf("incident %s has the same cause and the remedy: %s", parent.Name,
		orElse(conditions.Message(parent.Status.Conditions, strategyv1.ConditionReady), "not seen yet"))
	if conditions.True(parent.Status.Conditions, strategyv1.ConditionContained) {
		if !p.out.Is(strategyv1.ConditionContained) {
			p.out.Note(strategyv1.EventContained, "with incident "+parent.Name, "")
		}
		p.wasContained()
		p.out.Set(strategyv1.ConditionContained, metav1.ConditionTrue, strategyv1.ReasonFollowsParent, "with incident "+parent.Name)
	} else {
		p.out.Set(strategyv1.ConditionContained, metav1.ConditionFalse, strategyv1.ReasonFollowsParent, "incident "+parent.Name+" is not contained")
	}
	p.out.Working(strategyv1.ReasonFollowsParent, message)
	return pass.Ends
}

// findParent is the incident that this one follows: the one that it was linked to, else the oldest open one on the scheduler with the
// same cause, which it is linked to now. Nil if there is none, or none any more.
func (p *plan) findParent() *strategyv1.StrategyIncident {
	if p.next.ParentName != "" {
		return p.parent()
	}
	var parent *strategyv1.StrategyIncident
	neighbours := p.neighbours()
	for i := range neighbours {
		other := &neighbours[i]
		sameCause := other.Status.Cause != nil && other.Status.Cause.Name == p.next.Cause.Name
		if lifecycle.Open(other) && sameCause && !p.asleep(other) && older(other, p.seen.Incident) && (parent == nil || older(other, parent)) {
			parent = other
		}
	}
	if parent == nil {
		return nil
	}
	p.next.ParentName, p.next.ParentUID = parent.Name, string(parent.UID)
	p.out.Note(strategyv1.EventLinked, fmt.Sprintf("incident %s has the same cause, %s", parent.Name, p.next.Cause.Name), "")
	return parent
}

// asleep: nothing is done about another incident, and nothing contains it, so none waits for it. One whose change was undone is followed only by
// what was contained with it: they recover together.
func (p *plan) asleep(other *strategyv1.StrategyIncident) bool {
	all := other.Status.Conditions
	recovers := other.Status.RestoredTime != nil && p.next.ContainedTime != nil && !conditions.True(all, strategyv1.ConditionOnHold) && !conditions.True(all, strategyv1.ConditionStalled)
	return lifecycle.Dormant(other) && !recovers && !conditions.True(all, strategyv1.ConditionContained)
}

// covered: the parent's remedy is this incident's, and if it disables schedules, it disables this one's: none of an incident that names none.
func (p *plan) covered(parent *strategyv1.StrategyIncident) bool {
	cause := parent.Status.Cause
	if cause == nil || cause.Remediation == "" || cause.Remediation != p.next.Cause.Remediation {
		return false
	}
	remediation, found := p.remediation(cause.Remediation)
	if !found {
		return false
	}
	if p.next.Cause.ScheduleTotal > 0 { // the list is not all of them
		return p.seen.Incident.Spec.Strategy == parent.Spec.Strategy
	}
	ofIncident := slices.ContainsFunc(remediation.Actions, func(a strategyv1.RollbackAction) bool {
		return a.Type == strategyv1.ActionDisableSchedule && a.Schedule == "" && a.Strategy == ""
	})
	if !ofIncident {
		return true
	}
	return len(p.next.Cause.Schedules) > 0 && !slices.ContainsFunc(p.next.Cause.Schedules, func(name string) bool { return !slices.Contains(cause.Schedules, name) })
}

// hadRollbacks: there is one, or there was.
func (p *plan) hadRollbacks() bool {
	return len(p.current())+len(p.knownRollbacks()) > 0
}
