package incident

import (
	"fmt"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/conditions"
	"tradeops.dev/strategy-operator/internal/rules"
)

// minPatience is how long a restored incident may be not quiet before a person is asked, at least.
const minPatience = 5 * time.Minute

// What holds without spec.recovery, and in it by default.
const (
	defaultBackoff      = 300 * time.Second
	defaultMaxStrikes   = 3
	defaultStrikeWindow = 86400 * time.Second
)

func (p *plan) recovery() strategyv1.RecoverySpec {
	if p.Playbook.Spec.Recovery == nil {
		return strategyv1.RecoverySpec{}
	}
	return *p.Playbook.Spec.Recovery
}

// trackQuiet remembers since when it has been quiet, from the first containment on, if there is anything to be heard.
func (p *plan) trackQuiet() {
	if !p.Is(strategyv1.ConditionContained) && p.Reason(strategyv1.ConditionQuiet) == "" && p.Reason(strategyv1.ConditionReady) != strategyv1.ReasonRecovering {
		return
	}
	if p.recovery().Quiet == "" && len(p.status.Alerts) == 0 {
		return
	}
	reason, message := p.noise()
	if reason != "" {
		p.status.QuietTime = nil
		p.Set(strategyv1.ConditionQuiet, metav1.ConditionFalse, reason, message)
		return
	}
	if p.status.QuietTime == nil {
		p.status.QuietTime = new(p.Stamp())
	}
	p.Set(strategyv1.ConditionQuiet, metav1.ConditionTrue, strategyv1.ReasonQuiet, "no alert fires, and the playbook's rule of quiet holds or there is none")
}

// noise says why it is not quiet, or is empty.
func (p *plan) noise() (reason, message string) {
	var firing []string
	for _, alert := range p.status.Alerts {
		if alert.State == strategyv1.AlertFiring {
			firing = append(firing, alert.Name)
		}
	}
	if len(firing) > 0 {
		return strategyv1.ReasonAlertFiring, "still firing: " + names(firing)
	}
	rule := p.recovery().Quiet
	if rule == "" {
		return "", ""
	}
	held, err := rules.Eval(rule, p.vars(nil))
	switch {
	case err != nil:
		return strategyv1.ReasonRuleErrored, "the rule of quiet cannot be evaluated, which is not quiet: " + err.Error()
	case !held:
		return strategyv1.ReasonNotQuiet, "the rule of quiet does not hold: " + rule
	}
	return "", ""
}

// recover closes the incident when it has been quiet long enough since the change was undone.
func (p *plan) recover(what string, since time.Time) {
	p.Set(strategyv1.ConditionContained, metav1.ConditionFalse, strategyv1.ReasonRestored, what) // what contained it is not in force any more
	p.status.RestoredTime = new(metav1.NewTime(since.UTC().Truncate(time.Second)))
	wanted := time.Duration(p.recovery().QuietSeconds) * time.Second
	if p.status.QuietTime == nil {
		_, noise := p.noise()
		if noise == "" { // the change was undone before it contained anything: quiet counts from now
			p.status.QuietTime = new(p.Stamp())
		} else if patience := since.Add(wanted + max(wanted, minPatience)); p.Now.Before(patience) {
			p.Working(strategyv1.ReasonRecovering, what+", but it is not quiet: "+noise)
			p.Wake(patience)
			p.turnOf(strategyv1.WhoMachine, patience)
			return
		} else {
			p.Stall(strategyv1.ReasonNeedsPerson, fmt.Sprintf("%s, but it is not quiet: %s. Apply a StrategyRollback with spec.incidentName %s, or %s",
				what, noise, p.Incident.Name, decide(p.Incident, "resolve")))
			return
		}
	}
	from := p.status.QuietTime.Time
	if from.Before(since) {
		from = since
	}
	if due := from.Add(wanted); p.Now.Before(due) {
		p.Working(strategyv1.ReasonRecovering, fmt.Sprintf("%s; it closes at %s if it stays quiet", what, due.UTC().Format(time.RFC3339)))
		p.Wake(due)
		p.turnOf(strategyv1.WhoMachine, due)
		return
	}
	p.close(strategyv1.ReasonResolved, strategyv1.EventClosed, "back to normal: "+what, "")
}

// close ends the incident. Contained is not closed: a mitigation is temporary.
func (p *plan) close(reason string, event strategyv1.Event, message, by string) {
	p.recordBreaches()
	p.Note(event, message, by)
	p.status.ClosedTime = new(p.Stamp())
	p.countStrikes(reason)
	p.Set(strategyv1.ConditionResolved, metav1.ConditionTrue, reason, message)
	p.Set(strategyv1.ConditionStalled, metav1.ConditionFalse, reason, "closed")
	if p.Reason(strategyv1.ConditionSLAMet) == strategyv1.ReasonWithinLimits {
		p.Set(strategyv1.ConditionSLAMet, metav1.ConditionTrue, strategyv1.ReasonWithinLimits, "every deadline was met")
	}
	p.Set(strategyv1.ConditionReady, metav1.ConditionTrue, reason, message)
}

// countStrikes says when the next remedy for the same identity may be asked for.
func (p *plan) countStrikes(reason string) {
	next := p.Now
	if earlier := p.backOff(); earlier.After(next) {
		next = earlier
	}
	if reason != strategyv1.ReasonDuplicate && p.changed() {
		strikes := p.strikes() + 1
		p.status.Strikes = int32(strikes) //nolint:gosec // bounded by the incidents in the cluster
		if pause := p.Now.Add(p.pause(strikes)); pause.After(next) {
			next = pause
		}
	}
	p.status.NextAllowedTime = new(metav1.NewTime(next.UTC().Truncate(time.Second)))
}

// changed: an edit of some rollback of the incident reached the configuration.
func (p *plan) changed() bool {
	return slices.ContainsFunc(p.status.Rollbacks, func(r strategyv1.IncidentRollback) bool { return r.WrittenTime != nil })
}

// strikes are the closed incidents of this identity, within the window, that had a remedy.
func (p *plan) strikes() int {
	window := defaultStrikeWindow
	if seconds := p.recovery().StrikeWindowSeconds; seconds > 0 {
		window = time.Duration(seconds) * time.Second
	}
	count := 0
	for _, other := range p.same() {
		if closed := timeOf(other.Status.ClosedTime); other.Status.Strikes > 0 && p.Now.Sub(closed) < window {
			count++
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
	if strikes := p.strikes(); strikes >= most {
		p.Stall(strategyv1.ReasonStrikesUsedUp, fmt.Sprintf(
			"%d incidents of the same playbook, type and target had a remedy lately (%s): it does not mend the fault. Apply a StrategyRollback with spec.incidentName %s, or %s",
			strikes, p.struck(), p.Incident.Name, decide(p.Incident, "resolve")))
		return false
	}
	if next := p.backOff(); p.Now.Before(next) {
		p.Working(strategyv1.ReasonBackingOff, fmt.Sprintf(
			"cause %s: the last remedy of the same playbook, type and target is too fresh; the next one is asked for at %s. To act now, apply a StrategyRollback with spec.incidentName %s",
			p.status.Cause.Name, next.UTC().Format(time.RFC3339), p.Incident.Name))
		p.Wake(next)
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
	return names(all)
}

// timeOf is a time of the API; zero if there is none.
func timeOf(at *metav1.Time) time.Time {
	if at == nil {
		return time.Time{}
	}
	return at.Time
}

// leftInEffect says what closing an incident does not undo.
func (p *plan) leftInEffect() string {
	var applied []string
	for _, rollback := range p.Rollbacks {
		if conditions.True(rollback.Status.Conditions, strategyv1.ConditionApplied) {
			applied = append(applied, rollback.Name)
		}
	}
	if len(applied) == 0 {
		return ""
	}
	return fmt.Sprintf("; rollback %s stays applied until it is restored", strings.Join(applied, ", "))
}
