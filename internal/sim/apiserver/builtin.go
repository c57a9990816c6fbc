package apiserver

import (
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// What the API server adds to built-in kinds when they are created, as far as the operator reads it.

// completeJob: the selector, the labels that make pods the Job's, and the defaults that say how it runs.
func completeJob(object client.Object) {
	job, ok := object.(*batchv1.Job)
	if !ok {
		return
	}
	if job.Spec.Selector == nil {
		ours := map[string]string{
			"controller-uid": string(job.UID), "job-name": job.Name,
			batchv1.ControllerUidLabel: string(job.UID), batchv1.JobNameLabel: job.Name,
		}
		if job.Spec.Template.Labels == nil {
			job.Spec.Template.Labels = map[string]string{}
		}
		for name, value := range ours {
			job.Spec.Template.Labels[name] = value
		}
		job.Spec.Selector = &metav1.LabelSelector{MatchLabels: map[string]string{batchv1.ControllerUidLabel: string(job.UID)}}
	}
	if job.Labels == nil { // the API server's own default
		job.Labels = job.Spec.Template.Labels
	}
	set(&job.Spec.Parallelism, 1)
	set(&job.Spec.Completions, 1)
	set(&job.Spec.BackoffLimit, 6)
	set(&job.Spec.Suspend, false)
	set(&job.Spec.CompletionMode, batchv1.NonIndexedCompletion)
}

func completePod(object client.Object) {
	pod, ok := object.(*corev1.Pod)
	if !ok {
		return
	}
	pod.Status = corev1.PodStatus{Phase: corev1.PodPending}
	if pod.Spec.RestartPolicy == "" {
		pod.Spec.RestartPolicy = corev1.RestartPolicyAlways
	}
}

func completeDeployment(object client.Object) {
	deployment, ok := object.(*appsv1.Deployment)
	if !ok {
		return
	}
	set(&deployment.Spec.Replicas, 1)
	set(&deployment.Spec.ProgressDeadlineSeconds, 600)
	if deployment.Spec.Strategy.Type == "" {
		quarter := intstr.FromString("25%")
		deployment.Spec.Strategy = appsv1.DeploymentStrategy{
			Type:          appsv1.RollingUpdateDeploymentStrategyType,
			RollingUpdate: &appsv1.RollingUpdateDeployment{MaxUnavailable: &quarter, MaxSurge: &quarter},
		}
	}
}

func set[T any](field **T, value T) {
	if *field == nil {
		*field = &value
	}
}
