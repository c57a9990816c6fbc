package incident

import (
	"fmt"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/lifecycle"
)

// What holds without spec.recovery, and in it by default.
const (
	defaultBackoff      = 300 * time.Second
	defaultMaxStrikes   = 3
	defaultStrikeWindow = 86400 * time.Second
)

// countStrikes says when the next remedy for the same identity may be asked for.
func (p *plan) countStrikes(reason string) {
	next := p.now
	if earlier := p.backOff(); earlier.After(next) {
		next = earlier
	}
	if reason != strategyv1.ReasonDuplicate && p.changed() {
		strikes := p.strikes() + 1 + int(p.next.Relapses)
		p.next.Strikes = int32(strikes) //nolint:gosec // bounded by the incidents in the cluster
		if pause := p.now.Add(p.pause(strikes)); pause.After(next) {
			next = pause
		}
	}
	p.next.NextAllowedTime = new(metav1.NewTime(next.UTC().Truncate(time.Second)))
}

// changed: an edit of some rollback of the incident reached the configuration. The record there knows it before the rollback's status does.
func (p *plan) changed() bool {
	recorded := func(r strategyv1.StrategyRollback) bool {
		return lifecycle.Changed(r.Status) || p.seen.Config.State.Holder(string(r.UID)) != nil
	}
	return slices.ContainsFunc(p.seen.Rollbacks, recorded) || slices.ContainsFunc(p.next.Rollbacks, func(r strategyv1.IncidentRollback) bool { return r.WrittenTime != nil })
}

// strikes are the closed incidents of this identity, within the window, that had a remedy, and their relapses.
func (p *plan) strikes() int {
	window := defaultStrikeWindow
	if seconds := p.recovery().StrikeWindowSeconds; seconds > 0 {
		window = time.Duration(seconds) * time.Second
	}
	count := 0
	for _, other := range p.same() {
		if closed := timeOf(other.Status.ClosedTime); other.Status.Strikes > 0 && p.now.Sub(closed) < window {
			count += 1 + int(other.Status.Relapses)
		}
	}
	return count
}

// pause doubles with each strike, up to the window.
func (p *plan) pause(strikes int) time.Duration {
	pause := defaultBackoff
	if seconds := p.recovery().BackoffSeconds; seconds != nil {
		pause = time.Duration(*seconds) * time.Second
	}
	for n := 1; n < strikes && pause < defaultStrikeWindow; n++ {
		pause *= 2
	}
	return min(pause, defaultStrikeWindow)
}

// backOff is the latest next-allowed time of the identity.
func (p *plan) backOff() (latest time.Time) {
	for _, other := range p.same() {
		if next := other.Status.NextAllowedTime; next != nil && next.After(latest) {
			latest = next.Time
		}
	}
	return latest
}

// mayAsk says whether the operator may ask for a remedy now; else it says why not.
func (p *plan) mayAsk() bool {
	most := int(p.recovery().MaxStrikes)
	if most == 0 {
		most = defaultMaxStrikes
	}
	if strikes := p.strikes() + int(p.next.Relapses); strikes >= most {
		p.out.Stall(strategyv1.ReasonStrikesUsedUp, fmt.Sprintf(
			"strikes: %d (%s). The remedy for the same playbook, type and target does not last, so it does not fix the fault. Apply a StrategyRollback with spec.incidentName %s, or %s",
			strikes, p.struck(), p.seen.Incident.Name, commandTo(p.seen.Incident, "resolve")))
		return false
	}
	if next := p.backOff(); p.now.Before(next) {
		p.out.Working(strategyv1.ReasonBackingOff, fmt.Sprintf(
			"cause %s: the last remedy of the same playbook, type and target is too fresh; the next one is asked for at %s. To act now, apply a StrategyRollback with spec.incidentName %s",
			p.next.Cause.Name, next.UTC().Format(time.RFC3339), p.seen.Incident.Name))
		p.out.Wake(next)
		p.turnOf(strategyv1.WhoMachine, next)
		return false
	}
	return true
}

func (p *plan) struck() string {
	var all []string
	for _, other := range p.same() {
		if other.Status.Strikes > 0 {
			all = append(all, other.Name)
		}
	}
	if p.next.Relapses > 0 {
		all = append(all, p.seen.Incident.Name)
	}
	return names(all)
}
