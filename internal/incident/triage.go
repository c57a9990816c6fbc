package incident

import (
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/checks"
	"tradeops.dev/strategy-operator/internal/rules"
	"tradeops.dev/strategy-operator/internal/subject"
)

// decidedByPerson: a person can close at any time.
func (p *plan) decidedByPerson() bool {
	for _, decided := range p.Decided {
		switch decided.Verdict {
		case strategyv1.DecisionResolve:
			p.close(strategyv1.ReasonResolved, strategyv1.EventClosed, because("closed", decided)+p.leftInEffect(), decided.By)
			return true
		case strategyv1.DecisionFalseAlarm:
			if len(p.Rollbacks) == 0 {
				p.close(strategyv1.ReasonFalseAlarm, strategyv1.EventAcknowledged, because("false alarm", decided), decided.By)
				return true
			}
		}
	}
	return false
}

// triage is L1: its checks run side by side; a rule, a person or time hands over to L2.
func (p *plan) triage() bool {
	if p.Is(strategyv1.ConditionEscalated) {
		return false
	}
	spec := p.Playbook.Spec.Triage
	stage, all := p.run(strategyv1.StageTriage, spec.Checks)
	if stage.Missing != "" {
		return true
	}
	if p.escalatedByPerson() || p.escalatedByRule(stage, spec.Escalate) {
		return false
	}
	if !stage.Done {
		p.Working(strategyv1.ReasonTriaging, progressOf(stage, all))
		return true
	}
	if p.falseAlarm(stage, spec.FalseAlarm) {
		return true
	}
	p.answered(strategyv1.LevelL1, p.Now)
	p.Set(strategyv1.ConditionTriaged, metav1.ConditionTrue, strategyv1.ReasonChecksJudged, "all triage checks were judged; no rule closed or escalated the incident")
	p.turnOf(strategyv1.WhoL1, p.deadline(strategyv1.LevelL1))
	p.Working(strategyv1.ReasonTriaging, fmt.Sprintf("all triage checks were judged and no rule fired; it goes to L2 by time. To decide now: %s",
		decide(p.Incident, "acknowledge | escalate | false-alarm")))
	return true
}

func (p *plan) escalatedByPerson() bool {
	for _, decided := range p.Decided {
		if decided.Verdict == strategyv1.DecisionEscalate {
			p.escalate(strategyv1.ReasonPersonDecided, because("escalated", decided), decided.By)
			return true
		}
	}
	return false
}

// escalatedByRule: a rule that cannot be evaluated escalates, too, but only when nothing more will be known.
func (p *plan) escalatedByRule(stage checks.Result, escalate []strategyv1.EscalateRule) bool {
	vars := p.vars(stage.Final)
	for _, rule := range escalate {
		if rule.AfterSeconds > 0 {
			if p.escalatedByTime(rule) {
				return true
			}
			continue
		}
		held, err := rules.Eval(rule.When, vars)
		if err != nil && stage.Done {
			p.escalate(strategyv1.ReasonRuleErrored, fmt.Sprintf("rule %s cannot be evaluated, which escalates: %v", rule.Name, err), "")
			return true
		}
		if held {
			p.escalate(strategyv1.ReasonRuleHeld, fmt.Sprintf("rule %s: %s", rule.Name, p.because(rule.When)), "")
			return true
		}
	}
	return false
}

func (p *plan) escalatedByTime(rule strategyv1.EscalateRule) bool {
	due := p.after(rule.AfterSeconds).Time
	if p.Now.Before(due) {
		p.Wake(due)
		return false
	}
	if p.held() {
		return false
	}
	p.escalate(strategyv1.ReasonRuleHeld, fmt.Sprintf("rule %s: the incident lasts longer than %d s", rule.Name, rule.AfterSeconds), "")
	return true
}

func (p *plan) falseAlarm(stage checks.Result, rule *strategyv1.FalseAlarmRule) bool {
	if rule == nil {
		return false
	}
	held, err := rules.Eval(rule.When, p.vars(stage.Final))
	if err != nil || !held { // an error means no: a person looks
		return false
	}
	p.answered(strategyv1.LevelL1, p.Now)
	p.Set(strategyv1.ConditionTriaged, metav1.ConditionTrue, strategyv1.ReasonFalseAlarm, rule.When)
	p.close(strategyv1.ReasonFalseAlarm, strategyv1.EventAcknowledged, "false alarm by rule: "+p.because(rule.When), "")
	return true
}

// run runs the incident's branch of a stage; all is how many checks that is.
func (p *plan) run(stage strategyv1.Stage, stageChecks []strategyv1.StageCheck) (result checks.Result, all int) {
	uses, optional := checks.Branch(stageChecks, p.Incident.Spec)
	return p.Run(checks.Stage{
		Namespace: p.Incident.Namespace,
		Owner:     *metav1.NewControllerRef(p.Incident, strategyv1.GroupVersion.WithKind(strategyv1.KindIncident)),
		Stage:     stage, Uses: uses, Optional: optional, Specs: p.Playbook.Spec.Checks, Templates: p.templates,
		Context: subject.Context(p.Incident.Name, p.Incident, p.Playbook.Spec.Scheduler),
	}, p.Runs.Jobs), len(uses)
}
