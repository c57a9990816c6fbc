package rollback

import (
	"fmt"
	"slices"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/facts"
	"tradeops.dev/strategy-operator/internal/lifecycle"
	"tradeops.dev/strategy-operator/internal/pass"
)

func (p *plan) hasEnded() bool { return lifecycle.Ended(p.status) }

// end is the last thing that happens to a rollback; nothing takes it back.
func (p *plan) end(how strategyv1.Ending) {
	p.status.End = &strategyv1.RollbackEnd{How: how, Time: p.Stamp()}
}

// seeWritten keeps that edits of this rollback were in the configuration. The record there is the only proof, and it is gone when they
// are undone.
func (p *plan) seeWritten() {
	if p.holder() != nil && p.status.Config != nil && p.status.Config.WrittenTime == nil {
		p.status.Config.WrittenTime = new(p.Stamp())
	}
}

// turn is whose turn it is, and until when.
func (p *plan) turn() lifecycle.Turn {
	var approveBy time.Time
	if p.status.Plan != nil {
		approveBy = p.approveBy()
	}
	turn := lifecycle.RollbackTurn(p.status, approveBy)
	if p.asks != "" && !p.hasEnded() {
		turn.Who = p.asks
	}
	return turn
}

// ended: only Jobs that are still there are removed, and the finalizer. What a write that was on its way left in the
// configuration is undone first.
func (p *plan) ended() bool {
	if !p.hasEnded() {
		return false
	}
	p.DeleteJobs(p.Runs.Jobs)
	if p.holder() != nil {
		if p.claimed() != strategyv1.ClaimRelease {
			p.ask(strategyv1.ClaimRelease)
		}
		return true
	}
	readable := p.NotServed == nil && p.LogHead.Problem == nil
	switch {
	case readable && p.Logged(), !readable && !p.Rollback.DeletionTimestamp.IsZero():
		p.letGo()
	case !readable:
		p.Wake(p.Now.Add(pass.Recheck)) // the last entry is not lost when the key is gone for a while
	}
	return true
}

func (p *plan) badInput() bool {
	problem := p.problem()
	if problem == nil {
		return false
	}
	p.Blocked(*problem)
	return true
}

func (p *plan) problem() *facts.Problem {
	config := p.Config.Problem
	if p.isDrill() && p.Config.Gone && p.claimed() == "" {
		config = p.Real.Problem // the copy is made from it
	}
	for _, candidate := range []*facts.Problem{p.NotServed, p.Playbook.Problem, p.Log.Problem, config} {
		if candidate != nil {
			return candidate
		}
	}
	spec := p.Rollback.Spec
	if spec.RemediationName != "" && p.remediation.Name == "" {
		return &facts.Problem{Reason: strategyv1.ReasonRemediationNotFound, Message: fmt.Sprintf(
			"playbook %s has no remediation %q; create another rollback with one that exists", spec.PlaybookName, spec.RemediationName)}
	}
	if p.claimed() != "" || p.isDrill() {
		return nil
	}
	scheduler := p.Playbook.Spec.Scheduler
	if p.Deployment == nil {
		return &facts.Problem{Reason: strategyv1.ReasonDeploymentNotFound, Message: fmt.Sprintf(
			"Deployment %s does not exist in namespace %s, so a change could not come into effect", scheduler.Rollout.DeploymentName, p.Rollback.Namespace)}
	}
	if used := configMapsOf(p.Deployment); !slices.Contains(used, scheduler.Config.ConfigMapName) {
		return &facts.Problem{Reason: strategyv1.ReasonConfigNotMounted, Message: fmt.Sprintf(
			"Deployment %s does not use ConfigMap %s, so a change could not come into effect; it uses: %s. If its name carries a hash, name the current one in playbook %s",
			p.Deployment.Name, scheduler.Config.ConfigMapName, orNone(used), spec.PlaybookName)}
	}
	return nil
}

// configMapsOf are the ConfigMaps that a Deployment's pods read.
func configMapsOf(deployment *appsv1.Deployment) []string {
	var names []string
	pod := deployment.Spec.Template.Spec
	for _, volume := range pod.Volumes {
		if volume.ConfigMap != nil {
			names = append(names, volume.ConfigMap.Name)
		}
		if volume.Projected == nil {
			continue
		}
		for _, source := range volume.Projected.Sources {
			if source.ConfigMap != nil {
				names = append(names, source.ConfigMap.Name)
			}
		}
	}
	for _, container := range slices.Concat(pod.InitContainers, pod.Containers) {
		names = append(names, configMapsOfEnv(container)...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func configMapsOfEnv(container corev1.Container) []string {
	var names []string
	for _, source := range container.EnvFrom {
		if source.ConfigMapRef != nil {
			names = append(names, source.ConfigMapRef.Name)
		}
	}
	for _, variable := range container.Env {
		if variable.ValueFrom != nil && variable.ValueFrom.ConfigMapKeyRef != nil {
			names = append(names, variable.ValueFrom.ConfigMapKeyRef.Name)
		}
	}
	return names
}

func orNone(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

// start freezes the playbook.
func (p *plan) start() bool {
	if p.status.PlaybookRevision == "" {
		p.status.PlaybookRevision = p.Playbook.Revision
		p.StartLog()
		p.holdBack()
	}
	return false
}
