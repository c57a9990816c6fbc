package world

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/controllers"
	"tradeops.dev/strategy-operator/internal/checks"
	"tradeops.dev/strategy-operator/internal/config/botcore"
	"tradeops.dev/strategy-operator/internal/schedulerconfig"
)

// Play lets everything around the operator take one step, and says whether anything happened.
func (w *World) Play() bool {
	w.T.Helper()
	ran := w.runJobs()
	collected := w.collect()
	rolled := w.rollOut()
	decided := w.People != nil && w.People(w)
	return ran || collected || rolled || decided
}

// collect is the garbage collector: what a rollback leaves behind goes.
func (w *World) collect() bool {
	var jobs batchv1.JobList
	w.List(&jobs)
	happened := false
	for _, job := range jobs.Items {
		owner := metav1.GetControllerOf(&job)
		if owner == nil || owner.Kind != strategyv1.KindRollback {
			continue
		}
		if rollback := w.RollbackNamed(owner.Name); rollback == nil || rollback.UID != owner.UID {
			w.Delete(job.Name, &batchv1.Job{})
			happened = true
		}
	}
	return happened
}

// runJobs is the Job controller and the kubelet: each new Job's pod runs and ends at once; the Job ends one step later.
func (w *World) runJobs() bool {
	var jobs batchv1.JobList
	w.List(&jobs)
	happened := false
	for _, job := range jobs.Items {
		if _, seen := w.Jobs[string(job.UID)]; seen {
			happened = w.endJob(&job) || happened
			continue
		}
		if job.Spec.Suspend != nil && *job.Spec.Suspend {
			continue
		}
		id := checks.JobState{Job: &job}.ID()
		w.Jobs[string(job.UID)] = id
		w.runPod(&job, id)
		happened = true
	}
	return happened
}

func (w *World) runPod(job *batchv1.Job, id checks.ID) {
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: w.Namespace, Name: job.Name, Labels: job.Spec.Template.Labels,
			OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(job, batchv1.SchemeGroupVersion.WithKind("Job"))},
		},
		Spec: *job.Spec.Template.Spec.DeepCopy(),
	}
	// A Job that was deleted and made again finds the old pod, which no garbage collector took: that one is gone.
	_ = w.Cluster.Admin.Delete(context.Background(), pod.DeepCopy(), client.GracePeriodSeconds(0))
	w.Create(pod)
	exit, report := int32(0), w.report(id)
	if report == "" {
		exit = 1
	}
	w.output.Store(pod.Name, report)
	now := metav1.NewTime(w.Clock.Now().Truncate(time.Second))
	pod.Status.Phase = corev1.PodSucceeded
	pod.Status.ContainerStatuses = []corev1.ContainerStatus{{
		Name: pod.Spec.Containers[0].Name, Image: "tools:1", ImageID: "sha256:1",
		State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: exit, StartedAt: now, FinishedAt: now, Reason: "Completed"}},
	}}
	if err := w.Cluster.Admin.Status().Update(context.Background(), pod); err != nil {
		w.T.Fatal(err)
	}
}

// endJob completes a Job whose pod has ended. The operator may have deleted it by now.
func (w *World) endJob(job *batchv1.Job) bool {
	ended := slices.ContainsFunc(job.Status.Conditions, func(c batchv1.JobCondition) bool { return c.Type == batchv1.JobComplete })
	if ended || job.DeletionTimestamp != nil {
		return false
	}
	now := metav1.NewTime(w.Clock.Now().Truncate(time.Second))
	started := job.CreationTimestamp
	job.Status.StartTime, job.Status.CompletionTime, job.Status.Succeeded = &started, &now, 1
	if now.Before(&started) {
		job.Status.CompletionTime = &started
	}
	for _, kind := range []batchv1.JobConditionType{batchv1.JobSuccessCriteriaMet, batchv1.JobComplete} {
		job.Status.Conditions = append(job.Status.Conditions, batchv1.JobCondition{Type: kind, Status: corev1.ConditionTrue, LastTransitionTime: now})
	}
	err := w.Cluster.Admin.Status().Update(context.Background(), job)
	if err != nil && !apierrors.IsNotFound(err) && !apierrors.IsConflict(err) {
		w.T.Fatal(err)
	}
	return err == nil
}

// report is what a check's container prints: the test's word, or what the running scheduler has in force.
func (w *World) report(id checks.ID) string {
	if w.Report != nil {
		if report, ok := w.Report(w, id); ok {
			return report
		}
	}
	if id.Check != "running-plan" {
		return `{"status":"ok","ms":10}`
	}
	summary, err := botcore.Describe([]byte(w.running), botcore.Target{Scheduler: "main", Environment: "paper"})
	if err != nil {
		w.T.Fatal(err)
	}
	suspended := []string{}
	for _, suspension := range summary.Suspensions {
		suspended = append(suspended, suspension.Target)
	}
	data, err := json.Marshal(map[string]any{"config_sha256": schedulerconfig.Hash(w.running), "suspended": suspended})
	if err != nil {
		w.T.Fatal(err)
	}
	return string(data)
}

// Tail implements controllers.Logs: the end of what the played container printed.
func (w *World) Tail(_ context.Context, _, pod, _ string) ([]byte, error) {
	printed, _ := w.output.Load(pod)
	output, _ := printed.(string)
	return []byte(output[max(0, len(output)-checks.MaxOutputBytes):]), nil
}

var _ controllers.Logs = &World{}

// rollOut is the Deployment controller: all old pods end, then the new one starts and reads the configuration.
func (w *World) rollOut() bool {
	var deployment appsv1.Deployment
	err := w.find(Deployment, &deployment)
	if apierrors.IsNotFound(err) {
		return false
	}
	if err != nil {
		w.T.Fatal(err)
	}
	if deployment.Status.ObservedGeneration == deployment.Generation {
		return false
	}
	ctx := context.Background()
	if err := w.Cluster.Admin.DeleteAllOf(ctx, &corev1.Pod{}, client.InNamespace(w.Namespace), client.MatchingLabels(deployment.Spec.Selector.MatchLabels), client.GracePeriodSeconds(0)); err != nil {
		w.T.Fatal(err)
	}
	w.Restarts++
	w.Create(&corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: w.Namespace, Name: fmt.Sprintf("scheduler-%d", w.Restarts), Labels: deployment.Spec.Template.Labels,
			Annotations: maps.Clone(deployment.Spec.Template.Annotations),
		},
		Spec: deployment.Spec.Template.Spec,
	})
	w.running = w.Content()
	deployment.Status = appsv1.DeploymentStatus{
		ObservedGeneration: deployment.Generation, Replicas: 1, UpdatedReplicas: 1, ReadyReplicas: 1, AvailableReplicas: 1,
	}
	if err := w.Cluster.Admin.Status().Update(ctx, &deployment); err != nil {
		w.T.Fatal(err)
	}
	return true
}
