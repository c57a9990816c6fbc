package rollback

import (
	"cmp"
	"fmt"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/facts"
	"tradeops.dev/strategy-operator/internal/lifecycle"
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
	if p.claimed() != "" {
		return nil
	}
	if mismatch := p.mismatch(); mismatch != nil || p.isDrill() {
		return mismatch
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

// mismatch: a rollback that is not for the incident that it names. It would run on the incident's procedure and be held by another
// playbook, or count as a change that was only exercised.
func (p *plan) mismatch() *facts.Problem {
	incident, spec := p.seen.Incident, p.seen.Rollback.Spec
	if incident == nil {
		return nil
	}
	if wanted := incident.Spec.PlaybookName; wanted != spec.PlaybookName {
		return &facts.Problem{Reason: strategyv1.ReasonIncidentMismatch, Message: fmt.Sprintf(
			"incident %s runs on playbook %s, and this rollback names playbook %s; create another rollback with the incident's", incident.Name, wanted, spec.PlaybookName)}
	}
	if drill := incident.Spec.Mode == strategyv1.IncidentDrill; spec.Mode != strategyv1.ModeDryRun && drill != p.isDrill() {
		return &facts.Problem{Reason: strategyv1.ReasonIncidentMismatch, Message: fmt.Sprintf(
			"incident %s has mode %s, and this rollback has mode %s: an exercise fixes nothing, and what is exercised changes nothing; create another rollback",
			incident.Name, cmp.Or(incident.Spec.Mode, strategyv1.IncidentLive), cmp.Or(spec.Mode, strategyv1.ModeLive))}
	}
	return nil
}

// frozen: while the playbook is on hold, a rollback that has claimed, written or begun to restore makes no step. What is seen of it is told
// all the same: what somebody overwrote, the end of its time box.
func (p *plan) frozen() pass.Outcome {
	if !p.out.Held() || p.claimed() == "" && p.holder() == nil && p.next.Restore == nil {
		return pass.GoOn
	}
	if lifecycle.RollbackPhase(p.next) == strategyv1.RollbackInForce && !p.effectIsOpen() {
		return p.watch()
	}
	p.out.Working(p.out.Reason(strategyv1.ConditionOnHold), "it goes on when the playbook is released: "+p.summary()+p.boxIsOver())
	return pass.Ends
}
