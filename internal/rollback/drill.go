package rollback

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/action"
)

// DrillConfigMap is the name of the copy that a drill works on: no scheduler reads it.
func DrillConfigMap(rollback *strategyv1.StrategyRollback) string {
	return fmt.Sprintf("drill-%s", rollback.UID)
}

// copyConfig makes the copy of the configuration that a drill works on, once. It belongs to the rollback and goes with it.
func (p *plan) copyConfig() bool {
	if !p.isDrill() || !p.Config.Gone || p.claimed() != "" {
		return false
	}
	reference := p.Playbook.Spec.Scheduler.Config
	p.Do(action.CreateConfigMap{ConfigMap: &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: p.Rollback.Namespace, Name: reference.ConfigMapName,
			Labels:          map[string]string{strategyv1.LabelManaged: strategyv1.ManagedValue, strategyv1.LabelDrill: strategyv1.ManagedValue},
			OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(p.Rollback, strategyv1.GroupVersion.WithKind(strategyv1.KindRollback))},
		},
		Data: map[string]string{reference.Key: p.Real.Document.String()},
	}})
	p.Working(strategyv1.ReasonDrill, "a drill: copying the configuration to ConfigMap "+reference.ConfigMapName)
	if !p.Held() {
		p.Wake(p.Now)
	}
	return true
}

// drilled is the proof of a drill: there is no scheduler that could have the copy in force.
func (p *plan) drilled() proofOf {
	p.askAnew(p.Config.State.SHA256)
	return proofOf{proved: true}
}

// proved says how it is known that the change is in force, or undone.
func (p *plan) proved() (reason, how string) {
	if p.isDrill() {
		return strategyv1.ReasonDrill, "a drill: written to the copy; nothing was restarted, and nothing is proved"
	}
	return strategyv1.ReasonProved, "in effect, proved by the running scheduler"
}
