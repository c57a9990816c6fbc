package incident

import (
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/conditions"
	"tradeops.dev/strategy-operator/internal/lifecycle"
	"tradeops.dev/strategy-operator/internal/pass"
)

// notQuiet: the change is undone, and it is not quiet. That is a relapse when it was quiet since, or when it goes on for longer than a
// sample may be old; where nobody can tell, L2 is asked after a while.
func (p *plan) notQuiet(what string, since time.Time, reason, noise string) {
	wanted := time.Duration(p.recovery().QuietSeconds) * time.Second
	patience := since.Add(wanted + max(wanted, minPatience))
	if known := reason != strategyv1.ReasonRuleErrored; known {
		patience = latest(since, conditions.Since(p.next.Conditions, strategyv1.ConditionQuiet)).Add(p.sampling())
		before := p.seen.Incident.Status
		if wasQuiet := before.RestoredTime != nil && conditions.True(before.Conditions, strategyv1.ConditionQuiet); wasQuiet || !p.now.Before(patience) {
			if reason == strategyv1.ReasonNotQuiet { // with the numbers, which the condition leaves out: they change all the time
				noise = "the rule of quiet does not hold: " + p.because(p.recovery().Quiet)
			}
			p.relapse(what, noise)
			return
		}
	}
	if p.now.Before(patience) {
		p.out.Working(strategyv1.ReasonRecovering, what+", but it is not quiet: "+noise)
		p.out.Wake(patience)
		p.turnOf(strategyv1.WhoMachine, patience)
		return
	}
	p.out.Stall(strategyv1.ReasonNeedsPerson, fmt.Sprintf("%s, but it is not quiet: %s. Apply a StrategyRollback with spec.incidentName %s, or %s",
		what, noise, p.seen.Incident.Name, commandTo(p.seen.Incident, "resolve")))
}

// sampling is how old a sample may be.
func (p *plan) sampling() time.Duration {
	if spec := p.seen.Playbook.Spec.Signals; spec != nil && spec.IntervalSeconds > 0 {
		return time.Duration(spec.IntervalSeconds) * time.Second
	}
	return pass.Recheck
}

// relapse: undone is not fixed. Whoever has the incident is called again with a new deadline, and its remedy is asked for again.
func (p *plan) relapse(what, noise string) {
	level := lifecycle.Level(p.next)
	p.next.Relapses++
	p.nextRound()
	message := fmt.Sprintf("the fault is there again: %s; %s", noise, what)
	p.out.Note(strategyv1.EventRelapsed, message+p.call(level), "")
	p.out.Tell(corev1.EventTypeWarning, strategyv1.ReasonRelapsed, message)
	p.out.Set(strategyv1.ConditionContained, metav1.ConditionFalse, strategyv1.ReasonRelapsed, message)
	due := p.now.Add(p.respond())
	if deadline := p.deadline(strategyv1.LevelL2); deadline != nil {
		*deadline = strategyv1.Deadline{Level: strategyv1.LevelL2, Time: metav1.NewTime(due.UTC().Truncate(time.Second))}
	}
	p.notify(strategyv1.NotifyRelapsed, level, message)
	p.turnOf(lifecycle.Caller(level), due)
	p.out.Working(strategyv1.ReasonMitigating, message+". Its remedy is asked for again")
	p.out.Wake(p.now)
}
