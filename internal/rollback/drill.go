package rollback

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/action"
	"tradeops.dev/strategy-operator/internal/pass"
)

// isDrill: the rollback works on a copy.
func (p *plan) isDrill() bool { return p.seen.Rollback.Spec.Mode == strategyv1.ModeDrill }

// DrillConfigMap is the name of the copy that a drill works on: no scheduler reads it.
func DrillConfigMap(rollback *strategyv1.StrategyRollback) string {
	return fmt.Sprintf("drill-%s", rollback.UID)
}

// target is the configuration that the rollback works on: the scheduler's, or a drill's copy of it.
func (p *plan) target() strategyv1.ConfigReference {
	target := p.seen.Playbook.Spec.Scheduler.Config
	if p.isDrill() {
		target.ConfigMapName = DrillConfigMap(p.seen.Rollback)
	}
	return target
}

// copyConfig makes the copy of the configuration that a drill works on, once. It belongs to the rollback and goes with it.
func (p *plan) copyConfig() pass.Outcome {
	if !p.isDrill() || !p.seen.Config.Gone {
		return pass.GoOn
	}
	reference := p.target()
	p.out.Do(action.CreateConfigMap{ConfigMap: &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: p.seen.Rollback.Namespace, Name: reference.ConfigMapName,
			Labels:          map[string]string{strategyv1.LabelManaged: strategyv1.ManagedValue, strategyv1.LabelDrill: strategyv1.ManagedValue},
			OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(p.seen.Rollback, strategyv1.GroupVersion.WithKind(strategyv1.KindRollback))},
		},
		Data: map[string]string{reference.Key: p.seen.Real.Document.String()},
	}})
	p.out.Working(strategyv1.ReasonDrill, "a drill: copying the configuration to ConfigMap "+reference.ConfigMapName)
	if !p.out.Held() {
		p.out.Wake(p.now)
	}
	return pass.Ends
}

// drilled is the proof of a drill: there is no scheduler that could have the copy in force.
func (p *plan) drilled() proofOf {
	p.askAnew(p.wantedHash())
	return proofOf{proved: true}
}
