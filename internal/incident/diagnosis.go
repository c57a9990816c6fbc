package incident

import (
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/checks"
	"tradeops.dev/strategy-operator/internal/pass"
	"tradeops.dev/strategy-operator/internal/rules"
)

// causeUnknown is the name of a cause that no rule names.
const causeUnknown = "Unknown"

// maxSchedules is how many schedules the status names.
const maxSchedules = 16

// diagnose is L2: evidence side by side, then the first cause whose rule holds.
func (p *plan) diagnose() pass.Outcome {
	spec := p.seen.Playbook.Spec.Diagnosis
	stage, all := p.run(strategyv1.StageDiagnosis, spec.Checks)
	if stage.Missing != "" {
		return pass.Ends
	}
	if !stage.Done {
		p.out.Working(strategyv1.ReasonDiagnosing, progressOf(stage, all))
		return pass.Ends
	}
	p.machineDone(strategyv1.LevelL2)
	p.findCause(stage, spec.Causes)
	return pass.GoOn
}

func (p *plan) findCause(stage checks.Result, causes []strategyv1.CauseRule) {
	vars := p.vars(stage.Final)
	for _, cause := range causes {
		held, err := rules.Eval(cause.When, vars)
		if err != nil { // a later rule might hold by mistake: ask
			p.unknown(strategyv1.ReasonRuleErrored, fmt.Sprintf("the rule of cause %s cannot be evaluated: %v", cause.Name, err))
			return
		}
		if !held {
			continue
		}
		p.next.Cause = &strategyv1.CauseStatus{Name: cause.Name, Rule: cause.When, Remediation: cause.Remediation}
		if all := p.schedules(); len(all) > maxSchedules {
			p.next.Cause.Schedules, p.next.Cause.ScheduleTotal = all[:maxSchedules], int32(len(all)) //nolint:gosec // of one document
		} else {
			p.next.Cause.Schedules = all
		}
		message := fmt.Sprintf("%s, by rule: %s", cause.Name, p.because(cause.When))
		p.out.Set(strategyv1.ConditionDiagnosed, metav1.ConditionTrue, strategyv1.ReasonCauseFound, message)
		p.out.Note(strategyv1.EventDiagnosed, message, "")
		return
	}
	p.unknown(strategyv1.ReasonCauseUnknown, "cause unknown: no cause rule holds")
}

func (p *plan) unknown(reason, message string) {
	p.next.Cause = &strategyv1.CauseStatus{Name: causeUnknown}
	p.out.Set(strategyv1.ConditionDiagnosed, metav1.ConditionFalse, reason, message)
	p.out.Note(strategyv1.EventDiagnosed, message, "")
}
