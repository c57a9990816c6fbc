package rollout

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
)

// Scheduler is what is seen of the Deployment that runs a configuration.
type Scheduler struct {
	Deployment *appsv1.Deployment
	Pods       func() []corev1.Pod // of the Deployment, ending ones included; read when they are asked for
	ConfigMap  string              // the name of the one with the configuration
	Match      bool                // Reloader's annotation `match` stands on that ConfigMap
	Written    time.Time           // when the configuration was written last, by the operator's clock
	Patience   time.Duration       // for a tool that restarts the Deployment by itself, before the operator does it
}

// Look is how far the pods are.
type Look struct {
	Waiting string // what is waited for, for people; empty: every pod that trades was made for the configuration
	Restart bool   // the Deployment is to be restarted, with the annotations that were asked for
}

// Look says whether the pods were made for a configuration. Pods that were carry the annotations, which a restart gives them.
func (s Scheduler) Look(annotations map[string]string, now time.Time) Look {
	deployment := s.Deployment
	current := func(pod corev1.Pod) bool { return HasAll(pod.Annotations, annotations) }
	if !s.Annotated(annotations) {
		if !s.LeftToReloader(annotations, now) {
			return Look{Waiting: "restarting Deployment " + deployment.Name, Restart: true}
		}
		current = func(pod corev1.Pod) bool { return !pod.CreationTimestamp.Time.Before(s.Written) }
	}
	if deployment.Spec.Paused {
		return Look{Waiting: fmt.Sprintf("Deployment %s is paused; kubectl rollout resume deployment/%s", deployment.Name, deployment.Name)}
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
		return Look{Waiting: fmt.Sprintf("Deployment %s: %d of %d new pods are available", deployment.Name, min(status.UpdatedReplicas, status.AvailableReplicas), wanted)}
	}
	return Look{Waiting: s.old(current)}
}

// old is the pod that may still trade on another configuration; empty if there is none.
func (s Scheduler) old(current func(corev1.Pod) bool) string {
	for _, pod := range s.Pods() {
		switch {
		case hasEnded(pod):
		case pod.DeletionTimestamp != nil:
			return fmt.Sprintf("pod %s is still ending, and trading until it has", pod.Name)
		case !current(pod):
			return fmt.Sprintf("pod %s still runs the old configuration", pod.Name)
		}
	}
	return ""
}

// hasEnded: a pod whose containers are gone does not trade any more.
func hasEnded(pod corev1.Pod) bool {
	return pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed
}

// Annotated says whether the Deployment was restarted with these annotations.
func (s Scheduler) Annotated(annotations map[string]string) bool {
	return HasAll(s.Deployment.Spec.Template.Annotations, annotations)
}

// LeftToReloader: Reloader restarts this Deployment when the ConfigMap changes, and a second restart would stop trading
// twice. What it does not do in time, and the restart for a stale copy, the operator does.
func (s Scheduler) LeftToReloader(annotations map[string]string, now time.Time) bool {
	if !s.reloads() || annotations[strategyv1.AnnotationRestartedFor] != "" {
		return false
	}
	if now.Before(s.Written.Add(s.Patience)) {
		return true
	}
	made := func(pod corev1.Pod) bool { return !pod.CreationTimestamp.Time.Before(s.Written) }
	return slices.ContainsFunc(s.Pods(), made)
}

// The annotations by which Stakater Reloader is told what to restart.
const (
	reloaderAuto          = "reloader.stakater.com/auto"
	reloaderAutoConfigMap = "configmap.reloader.stakater.com/auto"
	reloaderConfigMaps    = "configmap.reloader.stakater.com/reload"
	reloaderSearch        = "reloader.stakater.com/search"

	// ReloaderMatch stands on a ConfigMap, for Deployments that search.
	ReloaderMatch = "reloader.stakater.com/match"
)

// reloads says whether Reloader restarts the Deployment, as far as annotations tell. What its own flags make of Deployments without any
// cannot be seen from here.
func (s Scheduler) reloads() bool {
	for _, annotations := range []map[string]string{s.Deployment.Annotations, s.Deployment.Spec.Template.Annotations} {
		if annotations[reloaderAuto] == "true" || annotations[reloaderAutoConfigMap] == "true" || s.Match && annotations[reloaderSearch] == "true" {
			return true
		}
		for name := range strings.SplitSeq(annotations[reloaderConfigMaps], ",") {
			if names(strings.TrimSpace(name), s.ConfigMap) {
				return true
			}
		}
	}
	return false
}

// names says whether a name of Reloader, which may be a regular expression, is that of a ConfigMap.
func names(pattern, configMap string) bool {
	expression, err := regexp.Compile("^(?:" + pattern + ")$")
	return pattern == configMap || err == nil && expression.MatchString(configMap)
}

// HasAll says whether one set of annotations has all of another, with the same values.
func HasAll(have, want map[string]string) bool {
	for key, value := range want {
		if have[key] != value {
			return false
		}
	}
	return true
}
