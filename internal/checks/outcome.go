package checks

import (
	"fmt"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
)

// Reasons of an Outcome. Anything but Exited means that the check could not measure.
const (
	ReasonExited       = "Exited"           // the container ended by itself; see ExitCode
	ReasonNotStarted   = "NotStarted"       // it did not start within startTimeoutSeconds, or never can
	ReasonDeadline     = "DeadlineExceeded" // it ran longer than timeoutSeconds
	ReasonOutOfMemory  = "OOMKilled"
	ReasonPodGone      = "PodGone"      // the pod was deleted or its node is gone
	ReasonInterrupted  = "Interrupted"  // evicted, preempted or ended by a signal
	ReasonOutputFailed = "OutputFailed" // the log could not be read although the pod is there
)

// Outcome is everything that is known of a finished attempt. It is the evidence: stored once, and judged from there.
type Outcome struct {
	Stage          strategyv1.Stage `json:"stage"`
	Check          string           `json:"check"`
	Attempt        int32            `json:"attempt"`
	JobName        string           `json:"job"`
	PodName        string           `json:"pod,omitempty"`
	ImageID        string           `json:"imageID,omitempty"`
	Reason         string           `json:"reason"`
	Message        string           `json:"message,omitempty"`
	ExitCode       *int32           `json:"exitCode,omitempty"`
	StartTime      *time.Time       `json:"startTime,omitempty"`
	CompletionTime *time.Time       `json:"completionTime,omitempty"`
	// Report is the JSON object that is judged, null without one; ReportProblem says why there is none.
	Report        Report `json:"report"`
	ReportProblem string `json:"reportProblem,omitempty"`
	// OutputSHA256 and OutputBytes are of the stored log, which is the tail of a longer one.
	OutputSHA256 string `json:"outputSHA256,omitempty"`
	OutputBytes  int    `json:"outputBytes,omitempty"`
}

// Progress is what a Job's pod tells before its log is read.
type Progress struct {
	Finished bool
	Outcome  Outcome   // without the report
	NextAt   time.Time // when an unfinished Job must be looked at again; zero = a watch tells
	Waiting  string    // why it does not run yet, e.g. "ImagePullBackOff: ..."
}

// Observe says how far a Job is. pods are those that the Job controls; of several the newest counts.
func Observe(spec strategyv1.CheckSpec, job *batchv1.Job, pods []corev1.Pod, now time.Time) Progress {
	outcome := Outcome{
		Stage: strategyv1.Stage(job.Labels[strategyv1.LabelStage]), Check: spec.Name,
		Attempt: AttemptOf(job), JobName: job.Name,
	}
	pod := newest(pods)
	if pod == nil {
		return observeNoPod(spec, job, outcome, now)
	}
	outcome.PodName = pod.Name
	container := firstContainer(pod)
	if container != nil {
		outcome.ImageID = container.ImageID
	}
	if container != nil && container.State.Terminated != nil {
		return Progress{Finished: true, Outcome: terminated(outcome, pod, container.State.Terminated)}
	}
	if pod.Status.Phase == corev1.PodFailed {
		outcome.Reason, outcome.Message = failedPod(pod), pod.Status.Message
		outcome.CompletionTime = jobEnd(job, now)
		return Progress{Finished: true, Outcome: outcome}
	}
	if container != nil && container.State.Running != nil {
		return observeRunning(spec, container.State.Running, outcome, now)
	}
	return observeWaiting(spec, job, pod, container, outcome, now)
}

// AttemptOf reads the attempt from the Job's label; 0 for a label that is not ours.
func AttemptOf(job *batchv1.Job) int32 {
	var attempt int32
	if _, err := fmt.Sscanf(job.Labels[strategyv1.LabelAttempt], "%d", &attempt); err != nil {
		return 0
	}
	return attempt
}

func observeNoPod(spec strategyv1.CheckSpec, job *batchv1.Job, outcome Outcome, now time.Time) Progress {
	if ended(job) {
		outcome.Reason, outcome.Message = ReasonPodGone, "the Job ended, but its pod is gone and its report with it"
		outcome.CompletionTime = jobEnd(job, now)
		return Progress{Finished: true, Outcome: outcome}
	}
	deadline := job.CreationTimestamp.Add(seconds(spec.StartTimeoutSeconds))
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

func observeRunning(spec strategyv1.CheckSpec, running *corev1.ContainerStateRunning, outcome Outcome, now time.Time) Progress {
	limit := running.StartedAt.Add(seconds(spec.TimeoutSeconds) + lostAfter)
	if now.Before(limit) {
		return Progress{NextAt: limit}
	}
	outcome.StartTime, outcome.CompletionTime = &running.StartedAt.Time, &now
	outcome.Reason = ReasonDeadline
	outcome.Message = fmt.Sprintf("it runs longer than %d s and was not ended; is its node gone?", spec.TimeoutSeconds)
	return Progress{Finished: true, Outcome: outcome}
}

func observeWaiting(spec strategyv1.CheckSpec, job *batchv1.Job, pod *corev1.Pod, container *corev1.ContainerStatus, outcome Outcome, now time.Time) Progress {
	waiting := waitingFor(pod, container)
	deadline := job.CreationTimestamp.Add(seconds(spec.StartTimeoutSeconds))
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

func terminated(outcome Outcome, pod *corev1.Pod, state *corev1.ContainerStateTerminated) Outcome {
	outcome.ExitCode = new(state.ExitCode)
	outcome.StartTime, outcome.CompletionTime = &state.StartedAt.Time, &state.FinishedAt.Time
	switch {
	case pod.Status.Reason == ReasonDeadline:
		outcome.Reason, outcome.Message = ReasonDeadline, pod.Status.Message
	case state.Reason == ReasonOutOfMemory:
		outcome.Reason, outcome.Message = ReasonOutOfMemory, "the container used more memory than its limit"
	case interrupted(pod) || state.Signal != 0 || state.Reason == "ContainerStatusUnknown":
		outcome.Reason, outcome.Message = ReasonInterrupted, joinReason(pod.Status.Reason, pod.Status.Message)
	case state.Reason == "StartError" || state.Reason == "ContainerCannotRun":
		outcome.Reason, outcome.Message = ReasonNotStarted, joinReason(state.Reason, state.Message)
	default:
		outcome.Reason = ReasonExited
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

func failedPod(pod *corev1.Pod) string {
	if pod.Status.Reason == ReasonDeadline {
		return ReasonDeadline
	}
	return ReasonInterrupted
}

func ended(job *batchv1.Job) bool {
	for _, condition := range job.Status.Conditions {
		if (condition.Type == batchv1.JobComplete || condition.Type == batchv1.JobFailed) && condition.Status == corev1.ConditionTrue {
			return true
		}
	}
	return false
}

func jobEnd(job *batchv1.Job, now time.Time) *time.Time {
	if job.Status.CompletionTime != nil {
		return &job.Status.CompletionTime.Time
	}
	return &now
}

func newest(pods []corev1.Pod) *corev1.Pod {
	var found *corev1.Pod
	for i := range pods {
		if found == nil || found.CreationTimestamp.Before(&pods[i].CreationTimestamp) {
			found = &pods[i]
		}
	}
	return found
}

// firstContainer is the one the check's command went to.
func firstContainer(pod *corev1.Pod) *corev1.ContainerStatus {
	if len(pod.Spec.Containers) == 0 {
		return nil
	}
	for i := range pod.Status.ContainerStatuses {
		if pod.Status.ContainerStatuses[i].Name == pod.Spec.Containers[0].Name {
			return &pod.Status.ContainerStatuses[i]
		}
	}
	return nil
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
