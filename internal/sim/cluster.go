package sim

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"tradeops.dev/strategy-operator/controllers"
	"tradeops.dev/strategy-operator/internal/checks"
	"tradeops.dev/strategy-operator/internal/config"
	"tradeops.dev/strategy-operator/internal/config/botcore"
	"tradeops.dev/strategy-operator/internal/record"
)

// Ended is how a check's container ended, as a kubelet tells it.
type Ended struct {
	Log  string
	Exit int32
	// Reason is the kubelet's; empty: Completed, or Error with an exit code. A kubelet never says which signal it was: a
	// container that was killed has an exit code of 128 and the signal.
	Reason string
	// Waits is why it cannot start, like ErrImageNeverPull; empty: it started and ended.
	Waits string
	// NoNode says that no node takes the pod: no kubelet ever tells anything of it.
	NoNode bool
}

// Usual ends.
var (
	OK      = Ended{Log: `{"status":"ok","ms":10}`}
	Fail    = Ended{Log: `{"status":"fail","ms":10}`}
	Mute    = Ended{Exit: 1}                // it could not measure
	Killed  = Ended{Exit: 137, Log: OK.Log} // by a signal, behind a report that says ok
	NoImage = Ended{Waits: "ErrImageNeverPull"}
	Evicted = Ended{Exit: 137, Reason: "ContainerStatusUnknown"} // with its node
	NoNode  = Ended{NoNode: true}
)

// collect is the garbage collector: what is controlled by something that is gone goes, too.
func (w *World) collect() bool {
	all := w.API.Seen().All(w.Namespace)
	alive := map[types.UID]bool{}
	for _, object := range all {
		alive[object.GetUID()] = true
	}
	happened := false
	for _, object := range all {
		owner := metav1.GetControllerOf(object)
		if owner == nil || alive[owner.UID] || object.GetDeletionTimestamp() != nil {
			continue
		}
		gone, _ := object.DeepCopyObject().(client.Object)
		if err := w.delete(gone); client.IgnoreNotFound(err) != nil {
			w.T.Fatalf("collect %T %s: %v", object, object.GetName(), err)
		}
		happened = true
	}
	return happened
}

// runJobs is the Job controller and the kubelet: each new Job's pod runs and ends at once; the Job ends one step later.
func (w *World) runJobs() bool {
	var jobs batchv1.JobList
	w.List(&jobs)
	slices.SortStableFunc(jobs.Items, firstAsked)
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

// firstAsked orders Jobs by what they are for: their names are made of UIDs, which are others on each server.
func firstAsked(a, b batchv1.Job) int {
	what := func(job batchv1.Job) string {
		owner := ""
		if by := metav1.GetControllerOf(&job); by != nil {
			owner = by.Kind + "/" + by.Name
		}
		return owner + fmt.Sprint(checks.JobState{Job: &job}.ID())
	}
	return cmp.Or(a.CreationTimestamp.Compare(b.CreationTimestamp.Time), cmp.Compare(what(a), what(b)))
}

// proxy is the container that a service mesh adds.
const proxy = "mesh-proxy"

func (w *World) runPod(job *batchv1.Job, id checks.ID) {
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: w.Namespace, Name: job.Name + "-" + string(job.UID)[:5], Labels: job.Spec.Template.Labels, Annotations: job.Spec.Template.Annotations,
			OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(job, batchv1.SchemeGroupVersion.WithKind("Job"))},
		},
		Spec: *job.Spec.Template.Spec.DeepCopy(),
	}
	container := pod.Spec.Containers[0].Name
	if w.Mesh {
		pod.Spec.Containers = append([]corev1.Container{{Name: proxy, Image: "proxy:1"}}, pod.Spec.Containers...)
	}
	w.Create(pod)
	ended := w.end(id)
	w.output.Lock()
	w.output.of[pod.Name+"/"+container] = ended.Log
	w.output.of[pod.Name+"/"+proxy] = OK.Log
	w.output.Unlock()
	pod.Status = w.statusOf(ended, container)
	if w.Mesh && ended.Waits == "" && !ended.NoNode {
		pod.Status.Phase = corev1.PodRunning
		pod.Status.ContainerStatuses = append([]corev1.ContainerStatus{{
			Name: proxy, Image: "proxy:1", ImageID: "sha256:2", State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: w.second()}},
		}}, pod.Status.ContainerStatuses...)
	}
	if err := w.admin().Status().Update(context.Background(), pod); err != nil {
		w.T.Fatalf("%v", err)
	}
}

// statusOf is what a kubelet says of a pod whose only container ended so, or the scheduler of one that has no kubelet.
func (w *World) statusOf(ended Ended, container string) corev1.PodStatus {
	if ended.NoNode {
		return corev1.PodStatus{Phase: corev1.PodPending, Conditions: []corev1.PodCondition{{
			Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: corev1.PodReasonUnschedulable, Message: "no node has room",
		}}}
	}
	status := corev1.ContainerStatus{Name: container, Image: "tools:1"}
	if ended.Waits != "" {
		status.State.Waiting = &corev1.ContainerStateWaiting{Reason: ended.Waits}
		return corev1.PodStatus{Phase: corev1.PodPending, ContainerStatuses: []corev1.ContainerStatus{status}}
	}
	phase, reason, now := corev1.PodSucceeded, "Completed", w.second()
	if ended.Exit != 0 {
		phase, reason = corev1.PodFailed, "Error"
	}
	status.ImageID = "sha256:1"
	status.State.Terminated = &corev1.ContainerStateTerminated{
		ExitCode: ended.Exit, StartedAt: now, FinishedAt: now, Reason: cmp.Or(ended.Reason, reason),
	}
	return corev1.PodStatus{Phase: phase, ContainerStatuses: []corev1.ContainerStatus{status}}
}

// endJob completes or fails a Job whose pod has ended, or was deleted: no check's Job makes another one. The operator may have deleted it by now.
func (w *World) endJob(job *batchv1.Job) bool {
	ended := slices.ContainsFunc(job.Status.Conditions, func(c batchv1.JobCondition) bool {
		return c.Type == batchv1.JobComplete || c.Type == batchv1.JobFailed
	})
	pod := w.podOf(job)
	gone := pod == nil
	if ended || job.DeletionTimestamp != nil || !gone && pod.Status.Phase != corev1.PodSucceeded && pod.Status.Phase != corev1.PodFailed {
		return false
	}
	now, started := w.second(), job.CreationTimestamp
	job.Status.StartTime = &started
	kinds, reason := []batchv1.JobConditionType{batchv1.JobSuccessCriteriaMet, batchv1.JobComplete}, batchv1.JobReasonCompletionsReached
	if gone || pod.Status.Phase == corev1.PodFailed {
		job.Status.Failed = 1
		kinds, reason = []batchv1.JobConditionType{batchv1.JobFailureTarget, batchv1.JobFailed}, batchv1.JobReasonBackoffLimitExceeded
	} else {
		job.Status.Succeeded, job.Status.CompletionTime = 1, &now
		if now.Before(&started) {
			job.Status.CompletionTime = &started
		}
	}
	for _, kind := range kinds {
		job.Status.Conditions = append(job.Status.Conditions, batchv1.JobCondition{
			Type: kind, Status: corev1.ConditionTrue, LastProbeTime: now, LastTransitionTime: now, Reason: reason,
		})
	}
	err := w.admin().Status().Update(context.Background(), job)
	if err != nil && !apierrors.IsNotFound(err) && !apierrors.IsConflict(err) {
		w.T.Fatalf("%v", err)
	}
	return err == nil
}

func (w *World) podOf(job *batchv1.Job) *corev1.Pod {
	var pods corev1.PodList
	w.List(&pods)
	for i := range pods.Items {
		if metav1.IsControlledBy(&pods.Items[i], job) {
			return &pods.Items[i]
		}
	}
	return nil
}

// end is how a check's container ends: as the story says, or with what the running scheduler has in force.
func (w *World) end(id checks.ID) Ended {
	for _, name := range []string{fmt.Sprintf("%s/%s/%d", id.Stage, id.Check, id.Attempt), fmt.Sprintf("%s/%s", id.Stage, id.Check), id.Check} {
		if ended, ok := w.Reports[name]; ok {
			return ended
		}
	}
	if w.Report != nil {
		if ended, ok := w.Report(w, id); ok {
			return ended
		}
	}
	if id.Check != "running-plan" {
		return OK
	}
	document, err := config.Parse(w.running)
	if err != nil {
		w.T.Fatalf("%v", err)
	}
	summary, err := botcore.Describe(document, botcore.Target{Scheduler: "main", Environment: "paper"})
	if err != nil {
		w.T.Fatalf("%v", err)
	}
	suspended := []string{}
	for _, suspension := range summary.Suspensions {
		suspended = append(suspended, suspension.Target)
	}
	data, err := json.Marshal(map[string]any{"config_sha256": record.Hash(w.running), "suspended": suspended})
	if err != nil {
		w.T.Fatalf("%v", err)
	}
	return Ended{Log: string(data)}
}

// Tail implements controllers.Logs: the end of what the played container printed, within both limits.
func (w *World) Tail(_ context.Context, _, pod, container string) ([]byte, error) {
	w.output.Lock()
	defer w.output.Unlock()
	output := w.output.of[pod+"/"+container]
	output = output[max(0, len(output)-checks.MaxOutputBytes):]
	lines := slices.Collect(strings.Lines(output))
	return []byte(strings.Join(lines[max(0, len(lines)-checks.MaxOutputLines):], "")), nil
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
		w.T.Fatalf("%v", err)
	}
	if deployment.Status.ObservedGeneration == deployment.Generation || apierrors.IsNotFound(w.find(ConfigMap, &corev1.ConfigMap{})) {
		return false // there is nothing new, or no pod starts without what it mounts
	}
	var pods corev1.PodList
	w.List(&pods)
	for _, pod := range pods.Items {
		if pod.Labels["app"] == deployment.Spec.Selector.MatchLabels["app"] {
			w.Delete(pod.Name, &corev1.Pod{})
		}
	}
	w.Restarts++
	w.Create(&corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: w.Namespace, Name: fmt.Sprintf("scheduler-%d", w.Restarts), Labels: deployment.Spec.Template.Labels,
			Annotations: maps.Clone(deployment.Spec.Template.Annotations),
		},
		Spec: deployment.Spec.Template.Spec,
	})
	if w.Stale > 0 {
		w.Stale--
	} else {
		w.running = w.Content()
	}
	deployment.Status = appsv1.DeploymentStatus{
		ObservedGeneration: deployment.Generation, Replicas: 1, UpdatedReplicas: 1, ReadyReplicas: 1, AvailableReplicas: 1,
	}
	if err := w.admin().Status().Update(context.Background(), &deployment); err != nil {
		w.T.Fatalf("%v", err)
	}
	return true
}

// reload is Reloader: it changes the Deployment's pods when the configuration is another one.
func (w *World) reload() bool {
	if content := w.Content(); w.Reloader && content != w.reloaded {
		w.reloaded = content
		Change(w, Deployment, &appsv1.Deployment{}, func(deployment *appsv1.Deployment) {
			pod := &deployment.Spec.Template
			pod.Annotations = maps.Clone(pod.Annotations)
			if pod.Annotations == nil {
				pod.Annotations = map[string]string{}
			}
			pod.Annotations["reloader.stakater.com/last-reloaded-from"] = record.Hash(content)
		})
		return true
	}
	return false
}

// second is the clock as statuses tell it.
func (w *World) second() metav1.Time {
	return metav1.NewTime(w.Clock.Now().Add(w.NodesAhead).Truncate(time.Second))
}
