package checks

import (
	"cmp"
	"fmt"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/bounded"
)

// Progress is what a Job's pod tells before its log is read.
type Progress struct {
	Finished bool
	Outcome  Outcome   // without the report
	NextAt   time.Time // when an unfinished Job must be looked at again; zero = a watch tells
	Waiting  string    // why it does not run yet, e.g. "ImagePullBackOff: ..."
}

// maxWords bounds what a pod says of itself, in bytes: its own programs and webhooks write some of it.
const maxWords = 512

// Observe says how far a Job is, as it is abridged. pods are those that the Job controls, abridged too; more than one is none of ours. asked is
// since when its time-outs count, by the clock of now: others write their own times into Jobs and pods.
func Observe(spec strategyv1.CheckSpec, job *batchv1.Job, pods []corev1.Pod, asked, now time.Time) Progress {
	progress := observe(spec, job, pods, asked, now)
	if ended := progress.Outcome.CompletionTime; ended != nil {
		progress.Outcome.CompletionTime = new(latest(*ended, earliest(asked, now))) // by a clock that is behind it ended before it began
	}
	progress.Waiting = bounded.Line(progress.Waiting, maxWords)
	progress.Outcome.Message = bounded.Line(progress.Outcome.Message, maxWords)
	return progress
}

func observe(spec strategyv1.CheckSpec, job *batchv1.Job, pods []corev1.Pod, asked, now time.Time) Progress {
	outcome := Outcome{
		Stage: strategyv1.Stage(job.Labels[strategyv1.LabelStage]), Check: spec.Name,
		Attempt: AttemptOf(job), JobName: job.Name, Severity: SeverityOf(job),
	}
	if outcome.Reason, outcome.Message = changed(job, pods); outcome.Reason != "" {
		outcome.CompletionTime = jobEnd(job, now)
		return Progress{Finished: true, Outcome: outcome}
	}
	if len(pods) == 0 {
		return observeNoPod(spec, job, outcome, asked, now)
	}
	pod := &pods[0]
	outcome.PodName = pod.Name
	container := statusOf(pod, Container(job))
	if container != nil {
		outcome.ImageID = bounded.Text(container.ImageID, 512)
	}
	if container != nil && container.State.Terminated != nil {
		return Progress{Finished: true, Outcome: terminated(outcome, job, pod, container.State.Terminated, now)}
	}
	if pod.Status.Phase == corev1.PodFailed || pod.Status.Phase == corev1.PodSucceeded {
		outcome.Reason, outcome.Message = endedPod(job, pod)
		outcome.CompletionTime = jobEnd(job, now)
		return Progress{Finished: true, Outcome: outcome}
	}
	if container != nil && container.State.Running != nil {
		return observeRunning(spec, job, container.State.Running, outcome, asked, now)
	}
	return observeWaiting(spec, pod, container, outcome, asked, now)
}

// AttemptOf reads the attempt from the Job's label; 0 for a label that is not ours.
func AttemptOf(job *batchv1.Job) int32 {
	var attempt int32
	if _, err := fmt.Sscanf(job.Labels[strategyv1.LabelAttempt], "%d", &attempt); err != nil {
		return 0
	}
	return attempt
}

// SeverityOf the incident, as the Job was told; empty: it was told none.
func SeverityOf(job *batchv1.Job) string { return job.Annotations[strategyv1.AnnotationSeverity] }

func observeNoPod(spec strategyv1.CheckSpec, job *batchv1.Job, outcome Outcome, asked, now time.Time) Progress {
	if ended(job) {
		outcome.Reason, outcome.Message = ReasonPodGone, "the Job ended, but its pod is gone and its report with it"
		outcome.CompletionTime = jobEnd(job, now)
		return Progress{Finished: true, Outcome: outcome}
	}
	deadline := asked.Add(seconds(spec.StartTimeoutSeconds))
	if now.Before(deadline) {
		return Progress{NextAt: deadline, Waiting: "no pod yet"}
	}
	outcome.Reason = ReasonNotStarted
	outcome.Message = fmt.Sprintf("no pod was created within %d s; the events of Job %s say why", spec.StartTimeoutSeconds, job.Name)
	outcome.CompletionTime = &now
	return Progress{Finished: true, Outcome: outcome}
}

// lostAfter is how long after its running-time limit a container counts as lost: nobody ends the pods of a dead node.
const lostAfter = time.Minute

func observeRunning(spec strategyv1.CheckSpec, job *batchv1.Job, running *corev1.ContainerStateRunning, outcome Outcome, asked, now time.Time) Progress {
	// A node's clock may be wrong. It began after its Job was made, and before the start time-out.
	waited := max(0, min(running.StartedAt.Sub(job.CreationTimestamp.Time), seconds(spec.StartTimeoutSeconds)))
	started := asked.Add(waited)
	limit := started.Add(seconds(spec.TimeoutSeconds) + lostAfter)
	if now.Before(limit) {
		return Progress{NextAt: limit}
	}
	outcome.StartTime, outcome.CompletionTime = &started, &now
	outcome.Reason = ReasonDeadline
	outcome.Message = fmt.Sprintf("it runs longer than %d s and was not ended; is its node gone?", spec.TimeoutSeconds)
	return Progress{Finished: true, Outcome: outcome}
}

func observeWaiting(spec strategyv1.CheckSpec, pod *corev1.Pod, container *corev1.ContainerStatus, outcome Outcome, asked, now time.Time) Progress {
	waiting := waitingFor(pod, container)
	deadline := asked.Add(seconds(spec.StartTimeoutSeconds))
	if now.Before(deadline) && !hopeless(container) {
		return Progress{NextAt: deadline, Waiting: waiting}
	}
	outcome.Reason, outcome.CompletionTime = ReasonNotStarted, &now
	outcome.Message = "the container did not start: " + waiting
	return Progress{Finished: true, Outcome: outcome}
}

// hopeless waits end at once: no later try can start the container.
func hopeless(container *corev1.ContainerStatus) bool {
	if container == nil || container.State.Waiting == nil {
		return false
	}
	switch container.State.Waiting.Reason {
	case "ErrImageNeverPull", "InvalidImageName":
		return true
	}
	return false
}

func waitingFor(pod *corev1.Pod, container *corev1.ContainerStatus) string {
	if container != nil && container.State.Waiting != nil && container.State.Waiting.Reason != "" {
		return joinReason(container.State.Waiting.Reason, container.State.Waiting.Message)
	}
	for _, condition := range pod.Status.Conditions {
		if condition.Type == corev1.PodScheduled && condition.Status == corev1.ConditionFalse {
			return joinReason(condition.Reason, condition.Message)
		}
	}
	return "the pod is " + string(pod.Status.Phase)
}

func terminated(outcome Outcome, job *batchv1.Job, pod *corev1.Pod, state *corev1.ContainerStateTerminated, now time.Time) Outcome {
	outcome = Ended(outcome, state.ExitCode)
	outcome.CompletionTime = jobEnd(job, now)
	if at := state.FinishedAt.Time; !at.IsZero() && at.Before(*outcome.CompletionTime) {
		outcome.CompletionTime = &at
	}
	if at := state.StartedAt.Time; !at.IsZero() {
		outcome.StartTime = new(earliest(at, *outcome.CompletionTime))
	}
	switch {
	case pod.Status.Reason == ReasonDeadline:
		outcome.Reason, outcome.Message = ReasonDeadline, pod.Status.Message
	case state.Reason == ReasonOutOfMemory:
		outcome.Reason, outcome.Message = ReasonOutOfMemory, "the container used more memory than its limit"
	case interrupted(pod) || state.Signal != 0 || state.Reason == "ContainerStatusUnknown":
		outcome.Reason, outcome.Message = ReasonInterrupted, cmp.Or(joinReason(pod.Status.Reason, pod.Status.Message), "the cluster ended its pod")
	case pod.DeletionTimestamp != nil: // its programs were told to end, whatever exit code they made of that
		outcome.Reason, outcome.Message = ReasonInterrupted, "its pod was deleted"
	case state.Reason == "StartError" || state.Reason == "ContainerCannotRun":
		outcome.Reason, outcome.Message = ReasonNotStarted, joinReason(state.Reason, state.Message)
	}
	return outcome
}

// interrupted: the cluster ended the pod, by eviction, preemption, a taint or the node's shutdown.
func interrupted(pod *corev1.Pod) bool {
	switch pod.Status.Reason {
	case "Evicted", "Preempting", "Terminated", "NodeLost":
		return true
	}
	for _, condition := range pod.Status.Conditions {
		if condition.Type == corev1.DisruptionTarget && condition.Status == corev1.ConditionTrue {
			return true
		}
	}
	return false
}

// endedPod is why nothing is known of the check's container, although its pod has ended.
func endedPod(job *batchv1.Job, pod *corev1.Pod) (reason, message string) {
	why := joinReason(pod.Status.Reason, pod.Status.Message)
	if pod.Status.Reason == ReasonDeadline {
		return ReasonDeadline, pod.Status.Message
	}
	for _, status := range pod.Status.InitContainerStatuses {
		if ended := status.State.Terminated; ended != nil && ended.ExitCode != 0 {
			why = joinReason(why, fmt.Sprintf("init container %s ended with exit code %d", status.Name, ended.ExitCode))
		}
	}
	if why == "" {
		why = fmt.Sprintf("the pod ended, and says nothing of container %s", Container(job))
	}
	return ReasonInterrupted, why
}

func ended(job *batchv1.Job) bool { return endOf(job) != nil }

// endOf is the condition that says how a Job ended, nil while it has not.
func endOf(job *batchv1.Job) *batchv1.JobCondition {
	for i, condition := range job.Status.Conditions {
		if (condition.Type == batchv1.JobComplete || condition.Type == batchv1.JobFailed) && condition.Status == corev1.ConditionTrue {
			return &job.Status.Conditions[i]
		}
	}
	return nil
}

// jobEnd is when a Job ended, by the clock of the control plane; now if it has not, or does not say.
func jobEnd(job *batchv1.Job, now time.Time) *time.Time {
	if end := endOf(job); end != nil && !end.LastTransitionTime.IsZero() {
		now = earliest(now, end.LastTransitionTime.Time)
	}
	return &now
}

// Container names the container of a Job that runs the check. Others may stand before it in the pod, or in the Job itself: service meshes
// and policies put theirs there.
func Container(job *batchv1.Job) string { return job.Annotations[strategyv1.AnnotationContainer] }

func statusOf(pod *corev1.Pod, container string) *corev1.ContainerStatus {
	for i := range pod.Status.ContainerStatuses {
		if pod.Status.ContainerStatuses[i].Name == container {
			return &pod.Status.ContainerStatuses[i]
		}
	}
	return nil
}

func earliest(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func latest(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

func joinReason(reason, message string) string {
	if message == "" {
		return reason
	}
	if reason == "" {
		return message
	}
	return reason + ": " + message
}

func seconds(n int32) time.Duration {
	return time.Duration(n) * time.Second
}
