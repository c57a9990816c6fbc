package rollback

import (
	"fmt"
	"slices"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/action"
)

// reloaderPatience is how long a tool that restarts the Deployment by itself may take before the operator does it.
const reloaderPatience = 30 * time.Second

// rollOut restarts the scheduler if its pods were not made for this configuration, and says what is still waited for.
func (p *plan) rollOut(annotations map[string]string) (waiting string) {
	deployment := p.Deployment
	current := func(pod corev1.Pod) bool { return hasAll(pod.Annotations, annotations) }
	if !hasAll(deployment.Spec.Template.Annotations, annotations) {
		if !p.leftToReloader(annotations) {
			p.restart(annotations)
			return "restarting Deployment " + deployment.Name
		}
		current = func(pod corev1.Pod) bool { return !pod.CreationTimestamp.Time.Before(p.Config.State.Written) }
	}
	if deployment.Spec.Paused {
		return fmt.Sprintf("Deployment %s is paused; kubectl rollout resume deployment/%s", deployment.Name, deployment.Name)
	}
	wanted := int32(1)
	if deployment.Spec.Replicas != nil {
		wanted = *deployment.Spec.Replicas
	}
	status := deployment.Status
	if status.ObservedGeneration < deployment.Generation { // its figures are about the old pods
		status = appsv1.DeploymentStatus{Replicas: status.Replicas}
	}
	if status.UpdatedReplicas < wanted || status.Replicas > wanted || status.AvailableReplicas < wanted {
		return fmt.Sprintf("Deployment %s: %d of %d new pods are available", deployment.Name, min(status.UpdatedReplicas, status.AvailableReplicas), wanted)
	}
	for _, pod := range p.pods() {
		if ended(pod) {
			continue
		}
		if pod.DeletionTimestamp != nil {
			return fmt.Sprintf("pod %s is still ending, and trading until it has", pod.Name)
		}
		if !current(pod) {
			return fmt.Sprintf("pod %s still runs the old configuration", pod.Name)
		}
	}
	return ""
}

// ended: a pod whose containers are gone does not trade any more.
func ended(pod corev1.Pod) bool {
	return pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed
}

func (p *plan) restart(annotations map[string]string) {
	p.Do(action.RestartWorkload{
		Key:             types.NamespacedName{Namespace: p.Deployment.Namespace, Name: p.Deployment.Name},
		ResourceVersion: p.Deployment.ResourceVersion, Annotations: annotations,
	})
}

// leftToReloader: Reloader restarts this Deployment when the ConfigMap changes, and a second restart would stop trading
// twice. What it does not do in time, and the restart for a stale copy, the operator does.
func (p *plan) leftToReloader(annotations map[string]string) bool {
	if !p.reloads() || annotations[strategyv1.AnnotationRestartedFor] != "" {
		return false
	}
	if p.Now.Before(p.Config.State.Written.Add(reloaderPatience)) {
		return true
	}
	made := func(pod corev1.Pod) bool { return !pod.CreationTimestamp.Time.Before(p.Config.State.Written) }
	return slices.ContainsFunc(p.pods(), made)
}

// The annotations by which Stakater Reloader is told what to restart.
const (
	reloaderAuto          = "reloader.stakater.com/auto"
	reloaderAutoConfigMap = "configmap.reloader.stakater.com/auto"
	reloaderConfigMaps    = "configmap.reloader.stakater.com/reload"
)

func (p *plan) reloads() bool {
	for _, annotations := range []map[string]string{p.Deployment.Annotations, p.Deployment.Spec.Template.Annotations} {
		if annotations[reloaderAuto] == "true" || annotations[reloaderAutoConfigMap] == "true" {
			return true
		}
		for name := range strings.SplitSeq(annotations[reloaderConfigMaps], ",") {
			if strings.TrimSpace(name) == p.Playbook.Spec.Scheduler.Config.ConfigMapName {
				return true
			}
		}
	}
	return false
}

func hasAll(have, want map[string]string) bool {
	for key, value := range want {
		if have[key] != value {
			return false
		}
	}
	return true
}
