package testkit

import (
	"encoding/json"
	"fmt"
	"maps"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tradeops.dev/strategy-operator/internal/action"
	"tradeops.dev/strategy-operator/internal/record"
)

// reloadedFor is where Reloader notes what it restarted for.
const reloadedFor = "reloader.stakater.com/last-reloaded-from"

// proof is what the running scheduler says about itself.
func (w *World) proof() string {
	w.describe(w.Running)
	if w.described.err != nil {
		return `{"status":"fail"}`
	}
	suspended := []string{}
	for _, suspension := range w.described.summary.Suspensions {
		suspended = append(suspended, suspension.Target)
	}
	data, err := json.Marshal(map[string]any{"config_sha256": record.Hash(w.Running), "suspended": suspended})
	if err != nil {
		w.T.Fatalf("%v", err)
	}
	return string(data)
}

// restart is bound to the Deployment as it was read.
func (w *World) restart(a action.RestartWorkload) {
	if w.Deployment == nil || a.ResourceVersion != w.Deployment.ResourceVersion {
		return // a conflict: nothing is done
	}
	w.annotate(a.Annotations)
	w.Restarts++
}

func (w *World) annotate(annotations map[string]string) {
	w.Deployment = w.Deployment.DeepCopy()
	if w.Deployment.Spec.Template.Annotations == nil {
		w.Deployment.Spec.Template.Annotations = map[string]string{}
	}
	maps.Copy(w.Deployment.Spec.Template.Annotations, annotations)
	w.Deployment.Generation++
	w.Deployment.ResourceVersion = fmt.Sprint(w.Deployment.Generation)
}

// reload is what Reloader does; the content that was there before it came is nothing new to it.
func (w *World) reload() {
	hash := record.Hash(w.Content)
	if !w.Reloader || w.Deployment == nil || w.Writes == 0 || w.Deployment.Spec.Template.Annotations[reloadedFor] == hash {
		return
	}
	w.annotate(map[string]string{reloadedFor: hash})
}

func (w *World) rollOut() bool {
	w.reload()
	deployment := w.Deployment
	if deployment == nil || deployment.Spec.Paused || deployment.Status.ObservedGeneration == deployment.Generation {
		return false
	}
	deployment.Status = appsv1.DeploymentStatus{ObservedGeneration: deployment.Generation, Replicas: 1, UpdatedReplicas: 1, AvailableReplicas: 1}
	w.Pods = []corev1.Pod{{
		ObjectMeta: metav1.ObjectMeta{
			Name: fmt.Sprintf("scheduler-%d", deployment.Generation), Annotations: deployment.Spec.Template.Annotations,
			CreationTimestamp: metav1.NewTime(w.Now.Truncate(time.Second)),
		},
		Status: corev1.PodStatus{Phase: corev1.PodRunning},
	}}
	w.Running = w.Content
	if w.Stale > 0 {
		w.Stale--
		w.Running = w.before
	}
	return true
}
