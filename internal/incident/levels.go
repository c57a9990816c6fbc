package incident

import (
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/conditions"
	"tradeops.dev/strategy-operator/internal/facts"
	"tradeops.dev/strategy-operator/internal/rules"
)

// defaultValid is how long an acknowledgement holds that does not say so.
const defaultValid = 600 * time.Second

// call records who is on call for a level at the moment in which it is called, and names them.
func (p *plan) call(level strategyv1.Level) (who string) {
	rotation := p.onCall()
	if !rotation.Known {
		return ""
	}
	shift := rotation.At(level, p.Now)
	for i := range p.status.OnCall {
		if p.status.OnCall[i].Level == level {
			p.status.OnCall[i] = shift
			return onCallText(shift)
		}
	}
	p.status.OnCall = append(p.status.OnCall, shift)
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
	if p.Is(strategyv1.ConditionEscalated) {
		return
	}
	if !p.Is(strategyv1.ConditionTriaged) {
		p.Set(strategyv1.ConditionTriaged, metav1.ConditionTrue, reason, message)
	}
	p.Set(strategyv1.ConditionEscalated, metav1.ConditionTrue, reason, message)
	if reason != strategyv1.ReasonDeadlinePast {
		p.answered(strategyv1.LevelL1, p.Now)
	}
	p.Note(strategyv1.EventEscalated, "L1 to L2: "+message+p.call(strategyv1.LevelL2), by)
}

// handOver gives to L2 what is still with L1 when its time is up, answered or not, unless a person is on it.
func (p *plan) handOver() {
	if p.Is(strategyv1.ConditionEscalated) || p.held() {
		return
	}
	due := p.deadline(strategyv1.LevelL1) // fixed at the start: the playbook may not be readable now
	if p.Now.Before(due) {
		p.Wake(due)
		return
	}
	p.escalate(strategyv1.ReasonDeadlinePast, fmt.Sprintf("not closed within L1's %d s", int(due.Sub(p.detected()).Seconds())), "")
	p.Wake(p.Now) // L2's checks start in the next pass
}

// acknowledged takes up the newest acknowledgement. It answers the level that was called when it was made, whenever the
// operator sees it.
func (p *plan) acknowledged() {
	for _, decided := range slices.Backward(p.Decided) {
		if decided.Verdict != strategyv1.DecisionAcknowledge {
			continue
		}
		if known := p.status.Acknowledgement; known == nil || known.Name != decided.Name {
			p.acknowledge(decided)
		}
		break
	}
	known := p.status.Acknowledgement
	if known == nil {
		return
	}
	until := known.UntilTime.UTC().Format(time.RFC3339)
	if p.held() {
		p.Set(strategyv1.ConditionAcknowledged, metav1.ConditionTrue, strategyv1.ReasonAcknowledged, fmt.Sprintf("%s is on it until %s", known.By, until))
		p.Wake(known.UntilTime.Time)
		return
	}
	p.Set(strategyv1.ConditionAcknowledged, metav1.ConditionFalse, strategyv1.ReasonAckEnded, fmt.Sprintf("%s was on it until %s", known.By, until))
}

func (p *plan) acknowledge(decided facts.Decided) {
	valid := decided.Valid
	if valid == 0 {
		valid = defaultValid
	}
	until := metav1.NewTime(decided.Time.Add(valid).UTC())
	p.status.Acknowledgement = &strategyv1.AcknowledgementStatus{Name: decided.Name, By: decided.By, Time: decided.Time, UntilTime: until}
	p.Note(strategyv1.EventAcknowledged, because("acknowledged until "+until.Format(time.RFC3339), decided), decided.By)
	level := strategyv1.LevelL1
	if called := conditions.Since(p.status.Conditions, strategyv1.ConditionEscalated); !called.IsZero() && !decided.Time.Time.Before(called) {
		level = strategyv1.LevelL2
	}
	p.answered(level, decided.Time.Time)
}

// held: a person is on it, so time alone calls nobody.
func (p *plan) held() bool {
	known := p.status.Acknowledgement
	return known != nil && p.Now.Before(known.UntilTime.Time)
}

// callLead evaluates the rules of the technical lead. One that cannot be evaluated calls nobody, but is told.
func (p *plan) callLead() {
	if p.Playbook.Spec.Escalation == nil {
		return
	}
	vars := p.vars(nil)
	for _, level := range p.Playbook.Spec.Escalation.Levels {
		for _, rule := range level.Rules {
			held, err := rules.Eval(rule.When, vars)
			if err != nil {
				p.unjudged = append(p.unjudged, rule.Name)
			}
			if held && !p.Is(strategyv1.ConditionLeadCalled) {
				p.leadCalled(rule)
				vars = p.vars(nil) // on another level now
			}
		}
	}
}

// leadCalled: the lead works with L2, which is called too if it was not.
func (p *plan) leadCalled(rule strategyv1.LeadRule) {
	message := fmt.Sprintf("rule %s: %s", rule.Name, p.because(rule.When))
	if !p.Is(strategyv1.ConditionEscalated) {
		p.escalate(strategyv1.ReasonRuleHeld, "with the technical lead, "+message, "")
		p.Wake(p.Now)
	}
	p.Set(strategyv1.ConditionLeadCalled, metav1.ConditionTrue, strategyv1.ReasonRuleHeld, message)
	p.Note(strategyv1.EventEscalated, "L2 to TechLead: "+message+p.call(strategyv1.LevelLead), "")
	p.Tell(corev1.EventTypeWarning, strategyv1.ConditionLeadCalled, message)
}
