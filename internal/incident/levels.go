package incident

import (
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/rules"
)

// call records who is on call for a level at the moment in which it is called, and names them.
func (p *plan) call(level strategyv1.Level) (who string) {
	rotation := p.onCall()
	if !rotation.Known {
		return ""
	}
	shift := rotation.At(level, p.now)
	for i := range p.next.OnCall {
		if p.next.OnCall[i].Level == level {
			p.next.OnCall[i] = shift
			return onCallText(shift)
		}
	}
	p.next.OnCall = append(p.next.OnCall, shift)
	return onCallText(shift)
}

func onCallText(shift strategyv1.OnCallStatus) string {
	if shift.Name == "" {
		return "; nobody is on call for " + string(shift.Level)
	}
	return "; on call: " + shift.Name
}

// escalate calls L2.
func (p *plan) escalate(reason, message, by string) {
	if p.out.Is(strategyv1.ConditionEscalated) {
		return
	}
	if !p.out.Is(strategyv1.ConditionTriaged) {
		p.out.Set(strategyv1.ConditionTriaged, metav1.ConditionTrue, reason, message)
	}
	p.out.Set(strategyv1.ConditionEscalated, metav1.ConditionTrue, reason, message)
	if reason == strategyv1.ReasonRuleHeld || reason == strategyv1.ReasonRuleErrored {
		p.machineDone(strategyv1.LevelL1)
		p.relieve(strategyv1.LevelL1)
	}
	p.out.Note(strategyv1.EventEscalated, "L1 to L2: "+message+p.call(strategyv1.LevelL2), by)
	p.notify(strategyv1.NotifyLevelCalled, strategyv1.LevelL2, message)
}

// callLead evaluates the rules of the technical lead. One that cannot be evaluated calls nobody, but is told.
func (p *plan) callLead() {
	if p.seen.Playbook.Spec.Escalation == nil {
		return
	}
	vars := p.vars(nil)
	for _, level := range p.seen.Playbook.Spec.Escalation.Levels {
		for _, rule := range level.Rules {
			held, err := rules.Eval(rule.When, vars)
			if err != nil {
				p.unjudged = append(p.unjudged, rule.Name)
			}
			if held && !p.out.Is(strategyv1.ConditionLeadCalled) {
				p.callTheLead(strategyv1.ReasonRuleHeld, fmt.Sprintf("rule %s: %s", rule.Name, p.because(rule.When)), "")
				vars = p.vars(nil) // on another level now
			}
		}
	}
}
