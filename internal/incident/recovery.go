package incident

import (
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/rules"
)

// minPatience is how long a restored incident may be not quiet before L2 is asked, at least.
const minPatience = 5 * time.Minute

func (p *plan) recovery() strategyv1.RecoverySpec {
	if p.seen.Playbook.Spec.Recovery == nil {
		return strategyv1.RecoverySpec{}
	}
	return *p.seen.Playbook.Spec.Recovery
}

// trackQuiet remembers since when it has been quiet, from the first containment on, if the playbook has a rule of quiet or the incident
// has alerts; else there is nothing to listen to, and quietTime stays empty.
func (p *plan) trackQuiet() {
	if !p.running() {
		p.deaf()
		return
	}
	if !p.out.Is(strategyv1.ConditionContained) && p.out.Reason(strategyv1.ConditionQuiet) == "" && p.next.RestoredTime == nil {
		return
	}
	if p.recovery().Quiet == "" && len(p.next.Alerts) == 0 {
		return
	}
	reason, message := p.noise()
	if reason != "" {
		p.next.QuietTime = nil
		p.out.Set(strategyv1.ConditionQuiet, metav1.ConditionFalse, reason, message)
		return
	}
	if p.next.QuietTime == nil {
		p.next.QuietTime = new(p.out.Stamp())
	}
	p.out.Set(strategyv1.ConditionQuiet, metav1.ConditionTrue, strategyv1.ReasonQuiet, "no alert fires, and the playbook's rule of quiet holds or there is none")
}

// deaf: without its playbook nobody knows what quiet is. The time in which nobody listened does not count.
func (p *plan) deaf() {
	if problem := p.seen.Playbook.Problem; problem != nil && p.started() && p.out.Is(strategyv1.ConditionQuiet) {
		p.next.QuietTime = nil
		p.out.Set(strategyv1.ConditionQuiet, metav1.ConditionUnknown, problem.Reason, "nobody can tell whether it is quiet: "+problem.Message)
	}
}

// noise says why it is not quiet, or is empty.
func (p *plan) noise() (reason, message string) {
	if firing := firingNames(p.next.Alerts); len(firing) > 0 {
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
	p.out.Set(strategyv1.ConditionContained, metav1.ConditionFalse, strategyv1.ReasonRestored, what) // what contained it is not in force any more
	p.next.RestoredTime = new(metav1.NewTime(since.UTC().Truncate(time.Second)))
	wanted := time.Duration(p.recovery().QuietSeconds) * time.Second
	if reason, noise := p.noise(); noise != "" { // asked here, too: nothing closes on what an earlier pass heard
		p.notQuiet(what, since, reason, noise)
		return
	}
	if p.next.QuietTime == nil {
		p.next.QuietTime = new(p.out.Stamp()) // there was nothing to listen to before: quiet counts from now
	}
	from := latest(p.next.QuietTime.Time, since)
	if due := from.Add(wanted); p.now.Before(due) {
		p.out.Working(strategyv1.ReasonRecovering, fmt.Sprintf("%s; it closes at %s if it stays quiet", what, due.UTC().Format(time.RFC3339)))
		p.out.Wake(due)
		p.turnOf(strategyv1.WhoMachine, due)
		return
	}
	if p.onHold() {
		p.out.Working(strategyv1.ReasonRecovering, what+"; it has been quiet for long enough, and closes when it is not on hold any more")
		return
	}
	p.close(p.now, strategyv1.ReasonResolved, strategyv1.EventClosed, "back to normal: "+what, "")
}
