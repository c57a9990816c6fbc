package rollback

import (
	"fmt"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/facts"
	"tradeops.dev/strategy-operator/internal/pass"
	"tradeops.dev/strategy-operator/internal/rollout"
)

func (p *plan) badInput() pass.Outcome {
	problem := p.problem()
	if problem == nil {
		return pass.GoOn
	}
	p.out.Blocked(*problem)
	return pass.Ends
}

func (p *plan) problem() *facts.Problem {
	config := p.seen.Config.Problem
	if p.isDrill() && p.seen.Config.Gone && p.claimed() == "" {
		config = p.seen.Real.Problem // the copy is made from it
	}
	for _, candidate := range []*facts.Problem{p.seen.NotServed, p.seen.Playbook.Problem, p.seen.Log.Problem, config} {
		if candidate != nil {
			return candidate
		}
	}
	spec := p.seen.Rollback.Spec
	if spec.RemediationName != "" && p.remediation.Name == "" {
		return &facts.Problem{Reason: strategyv1.ReasonRemediationNotFound, Message: fmt.Sprintf(
			"playbook %s has no remediation %q; create another rollback with one that exists", spec.PlaybookName, spec.RemediationName)}
	}
	if p.claimed() != "" || p.isDrill() {
		return nil
	}
	scheduler := p.seen.Playbook.Spec.Scheduler
	if p.seen.Deployment == nil {
		return &facts.Problem{Reason: strategyv1.ReasonDeploymentNotFound, Message: fmt.Sprintf(
			"Deployment %s does not exist in namespace %s, so a change could not come into effect", scheduler.Rollout.DeploymentName, p.seen.Rollback.Namespace)}
	}
	if why := rollout.Unused(p.seen.Deployment, scheduler.Config.ConfigMapName, scheduler.Config.Key); why != "" {
		return &facts.Problem{Reason: strategyv1.ReasonConfigNotMounted, Message: why + "; so a change could not come into effect"}
	}
	return nil
}

// frozen: while the playbook is suspended, a rollback that has claimed, written or begun to restore makes no step. Only the end of its
// time box is still recorded: the scheduler ends the mitigation by itself.
func (p *plan) frozen() pass.Outcome {
	if !p.out.Held() || p.claimed() == "" && p.holder() == nil && p.next.Restore == nil {
		return pass.GoOn
	}
	return pass.Ends
}
