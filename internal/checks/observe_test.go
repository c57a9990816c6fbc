package checks

import (
	"strings"
	"testing"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
)

var t0 = time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)

func pod(change func(*corev1.Pod)) []corev1.Pod {
	p := corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "pod", CreationTimestamp: metav1.NewTime(t0)},
		Status:     corev1.PodStatus{Phase: corev1.PodPending},
	}
	if change != nil {
		change(&p)
	}
	return []corev1.Pod{p}
}

// state puts the check's container into a state; the one that a webhook put before it runs.
func state(s corev1.ContainerState) func(*corev1.Pod) {
	return func(p *corev1.Pod) {
		p.Status.ContainerStatuses = []corev1.ContainerStatus{
			{Name: "proxy", ImageID: "wrong", State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}},
			{Name: "main", ImageID: "sha256:1", State: s},
		}
	}
}

func waiting(reason string) func(*corev1.Pod) {
	return state(corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason, Message: "m"}})
}

func terminatedWith(reason string, exit int32, more ...func(*corev1.Pod)) func(*corev1.Pod) {
	return func(p *corev1.Pod) {
		state(corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{
			Reason: reason, ExitCode: exit, StartedAt: metav1.NewTime(t0.Add(time.Second)), FinishedAt: metav1.NewTime(t0.Add(9 * time.Second)),
		}})(p)
		p.Status.Phase = corev1.PodFailed
		for _, change := range more {
			change(p)
		}
	}
}

func podReason(reason string) func(*corev1.Pod) {
	return func(p *corev1.Pod) { p.Status.Reason, p.Status.Message = reason, "why" }
}

// seen is a Job as a cache has it.
func seen(run Run) *batchv1.Job {
	job := Job(run)
	Abridge(job)
	return job
}

// look observes pods that are what the Job asks for.
func look(spec strategyv1.CheckSpec, job *batchv1.Job, pods []corev1.Pod, now time.Time) Progress {
	for i := range pods {
		pods[i].Annotations = map[string]string{strategyv1.AnnotationAsked: job.Annotations[strategyv1.AnnotationAsked]}
	}
	return Observe(spec, job, pods, job.CreationTimestamp.Time, now)
}

// tools is a PodTemplate of checks.
var tools = corev1.PodTemplateSpec{Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "main"}}}}

// deleted is a pod that somebody deleted while it ran.
func deleted(p *corev1.Pod) { p.DeletionTimestamp = new(metav1.NewTime(t0.Add(30 * time.Second))) }

func TestObserve(t *testing.T) {
	failed := func(j *batchv1.Job) {
		j.Status.Conditions = []batchv1.JobCondition{{Type: batchv1.JobFailed, Status: corev1.ConditionTrue}}
	}
	running := state(corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: metav1.NewTime(t0.Add(10 * time.Second))}})
	for name, c := range map[string]struct {
		job    func(*batchv1.Job)
		pods   []corev1.Pod
		at     time.Duration
		reason string // of the outcome; empty: not finished
		says   string // the outcome's message, or why it waits
		next   time.Duration
		exit   int32
	}{
		"no pod yet": {next: 300 * time.Second, says: "no pod yet"},
		"no pod by a second before the start time": {at: 299 * time.Second, next: 300 * time.Second, says: "no pod yet"},
		"no pod by the start time-out":             {at: 300 * time.Second, reason: ReasonNotStarted, says: "no pod was created within 300 s"},
		"the Job ended and its pod is gone":        {job: failed, reason: ReasonPodGone, says: "its pod is gone"},
		"pending":                                  {pods: pod(nil), next: 300 * time.Second, says: "the pod is Pending"},
		"cannot be scheduled": {pods: pod(func(p *corev1.Pod) {
			p.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: "Unschedulable", Message: "no node"}}
		}), next: 300 * time.Second, says: "Unschedulable: no node"},
		"pending at the start time-out":          {pods: pod(nil), at: 300 * time.Second, reason: ReasonNotStarted, says: "the pod is Pending"},
		"image cannot be pulled: tried again":    {pods: pod(waiting("ImagePullBackOff")), at: 299 * time.Second, next: 300 * time.Second, says: "ImagePullBackOff: m"},
		"image cannot be pulled: start time-out": {pods: pod(waiting("ImagePullBackOff")), at: 300 * time.Second, reason: ReasonNotStarted, says: "ImagePullBackOff: m"},
		"image is never pulled: at once":         {pods: pod(waiting("ErrImageNeverPull")), reason: ReasonNotStarted, says: "ErrImageNeverPull"},
		"image name is invalid: at once":         {pods: pod(waiting("InvalidImageName")), reason: ReasonNotStarted, says: "InvalidImageName"},
		"a Secret that may still come":           {pods: pod(waiting("CreateContainerConfigError")), next: 300 * time.Second, says: "CreateContainerConfigError"},
		"runs":                                   {pods: pod(running), at: time.Minute, next: 190 * time.Second},
		"runs a second before it counts as lost": {pods: pod(running), at: 189 * time.Second, next: 190 * time.Second},
		"runs on a node that is gone":            {pods: pod(running), at: 190 * time.Second, reason: ReasonDeadline, says: "is its node gone?"},
		"exit 0":                                 {pods: pod(terminatedWith("Completed", 0)), reason: ReasonExited},
		"exit 1":                                 {pods: pod(terminatedWith("Error", 1)), reason: ReasonExited, exit: 1},
		"exit 2":                                 {pods: pod(terminatedWith("Error", 2)), reason: ReasonExited, exit: 2},
		"out of memory":                          {pods: pod(terminatedWith("OOMKilled", 137)), reason: ReasonOutOfMemory, says: "more memory than its limit", exit: 137},
		"runs too long":                          {pods: pod(terminatedWith("Error", 137, podReason("DeadlineExceeded"))), reason: ReasonDeadline, says: "why", exit: 137},
		"runs too long, container unknown":       {pods: pod(func(p *corev1.Pod) { p.Status.Phase = corev1.PodFailed; podReason("DeadlineExceeded")(p) }), reason: ReasonDeadline, says: "why"},
		"evicted before it started":              {pods: pod(func(p *corev1.Pod) { p.Status.Phase = corev1.PodFailed; podReason("Evicted")(p) }), reason: ReasonInterrupted, says: "why"},
		"evicted":                                {pods: pod(terminatedWith("Error", 137, podReason("Evicted"))), reason: ReasonInterrupted, says: "Evicted: why", exit: 137},
		"the node shuts down":                    {pods: pod(terminatedWith("Error", 143, podReason("Terminated"))), reason: ReasonInterrupted, says: "Terminated", exit: 143},
		"preempted, drained or tainted": {pods: pod(terminatedWith("Error", 143, func(p *corev1.Pod) {
			p.Status.Conditions = []corev1.PodCondition{{Type: corev1.DisruptionTarget, Status: corev1.ConditionTrue}}
		})), reason: ReasonInterrupted, exit: 143},
		"the kubelet lost the container":       {pods: pod(terminatedWith("ContainerStatusUnknown", 137)), reason: ReasonInterrupted, exit: 137},
		"ended by a signal":                    {pods: pod(terminatedWith("Error", 0, func(p *corev1.Pod) { p.Status.ContainerStatuses[1].State.Terminated.Signal = 9 })), reason: ReasonInterrupted},
		"killed":                               {pods: pod(terminatedWith("Error", 137)), reason: ReasonInterrupted, says: "exit code 137 says that signal 9 ended it", exit: 137},
		"told to end":                          {pods: pod(terminatedWith("Error", 143)), reason: ReasonInterrupted, says: "signal 15", exit: 143},
		"aborted":                              {pods: pod(terminatedWith("Error", 134)), reason: ReasonInterrupted, says: "signal 6", exit: 134},
		"a segmentation fault":                 {pods: pod(terminatedWith("Error", 139)), reason: ReasonInterrupted, says: "signal 11", exit: 139},
		"interrupted from a keyboard":          {pods: pod(terminatedWith("Error", 130)), reason: ReasonInterrupted, exit: 130},
		"the highest exit code of its own":     {pods: pod(terminatedWith("Error", 128)), reason: ReasonExited, exit: 128},
		"deleted, and it ended well":           {pods: pod(terminatedWith("Completed", 0, deleted)), reason: ReasonInterrupted, says: "its pod was deleted"},
		"deleted, and it says fail":            {pods: pod(terminatedWith("Error", 1, deleted)), reason: ReasonInterrupted, says: "its pod was deleted", exit: 1},
		"deleted and killed":                   {pods: pod(terminatedWith("Error", 137, deleted)), reason: ReasonInterrupted, says: "its pod was deleted", exit: 137},
		"the command does not exist":           {pods: pod(terminatedWith("StartError", 128)), reason: ReasonNotStarted, says: "StartError", exit: 128},
		"the runtime cannot run it":            {pods: pod(terminatedWith("ContainerCannotRun", 127)), reason: ReasonNotStarted, says: "ContainerCannotRun", exit: 127},
		"a failed pod without container state": {pods: pod(func(p *corev1.Pod) { p.Status.Phase = corev1.PodFailed }), reason: ReasonInterrupted},
		"two pods":                             {pods: append(pod(terminatedWith("Error", 1)), pod(terminatedWith("Completed", 0))...), reason: ReasonForeignPod, says: "has 2 pods, and asks for one"},
		"an init container failed": {pods: pod(func(p *corev1.Pod) {
			p.Status.Phase = corev1.PodFailed
			p.Status.InitContainerStatuses = []corev1.ContainerStatus{
				{Name: "fine", State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{}}},
				{Name: "mesh-init", State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: 3}}},
			}
		}), reason: ReasonInterrupted, says: "init container mesh-init ended with exit code 3"},
		"a pod that ended and does not have its container": {pods: pod(func(p *corev1.Pod) { p.Status.Phase = corev1.PodSucceeded }), reason: ReasonInterrupted, says: "says nothing of container main"},
		"a text with an escape sequence":                   {pods: pod(waiting("\x1b]0;owned\a")), next: 300 * time.Second, says: "\uFFFD]0;owned\uFFFD: m"},
		"a sidecar that runs on does not hold it up":       {pods: pod(terminatedWith("Completed", 0, func(p *corev1.Pod) { p.Status.Phase = corev1.PodRunning })), reason: ReasonExited},
	} {
		t.Run(name, func(t *testing.T) {
			job := seen(Run{Namespace: "ns", Stage: strategyv1.StageTriage, Check: strategyv1.CheckSpec{Name: "audit"}, Attempt: 2, Template: tools})
			job.CreationTimestamp = metav1.NewTime(t0)
			if c.job != nil {
				c.job(job)
			}
			spec := strategyv1.CheckSpec{Name: "audit", TimeoutSeconds: 120, StartTimeoutSeconds: 300}
			got := look(spec, job, c.pods, t0.Add(c.at))
			if got.Finished != (c.reason != "") || got.Outcome.Reason != c.reason {
				t.Fatalf("finished %v, reason %q, want %q", got.Finished, got.Outcome.Reason, c.reason)
			}
			if text := got.Outcome.Message + got.Waiting; !strings.Contains(text, c.says) {
				t.Errorf("it says %q, not %q", text, c.says)
			}
			next := time.Duration(0)
			if !got.NextAt.IsZero() {
				next = got.NextAt.Sub(t0)
			}
			if next != c.next {
				t.Errorf("next at %v, want %v", next, c.next)
			}
			if !got.Finished {
				return
			}
			o := got.Outcome
			if o.Stage != "Triage" || o.Check != "audit" || o.Attempt != 2 || o.JobName != job.Name || o.CompletionTime == nil {
				t.Errorf("the outcome does not say what it is about: %+v", o)
			}
			if o.ExitCode != nil && *o.ExitCode != c.exit || o.ExitCode == nil && c.exit != 0 {
				t.Errorf("exit code %v, want %d", o.ExitCode, c.exit)
			}
			if len(c.pods) > 0 && len(c.pods[0].Status.ContainerStatuses) > 0 && o.ImageID != "sha256:1" && o.Reason != ReasonForeignPod {
				t.Errorf("image %q is not the check's container's", o.ImageID)
			}
		})
	}
}

// A node's clock may be wrong by hours, and a kubelet that lost a container says the year 1.
func TestObserveWithAWrongClock(t *testing.T) {
	job := seen(Run{Check: strategyv1.CheckSpec{Name: "audit"}, Template: tools})
	job.CreationTimestamp = metav1.NewTime(t0)
	spec := strategyv1.CheckSpec{Name: "audit", TimeoutSeconds: 120, StartTimeoutSeconds: 300}
	for name, c := range map[string]struct {
		clock time.Time
		limit time.Duration // when a container that runs counts as lost
	}{
		"as ours":                   {t0.Add(10 * time.Second), 190 * time.Second},
		"a day ahead":               {t0.Add(24 * time.Hour), 480 * time.Second},
		"a day behind":              {t0.Add(-24 * time.Hour), 180 * time.Second},
		"it does not know the time": {time.Time{}, 180 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			runs := pod(state(corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: metav1.NewTime(c.clock)}}))
			if got := look(spec, job, runs, t0.Add(time.Second)); got.Finished || !got.NextAt.Equal(t0.Add(c.limit)) {
				t.Errorf("while it runs: %+v", got)
			}
			if got := look(spec, job, runs, t0.Add(c.limit)); got.Outcome.Reason != ReasonDeadline {
				t.Errorf("at its limit: %+v", got)
			}
			now := t0.Add(time.Minute)
			got := look(spec, job, pod(state(corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{
				StartedAt: metav1.NewTime(c.clock), FinishedAt: metav1.NewTime(c.clock),
			}})), now).Outcome
			if got.CompletionTime.After(now) || got.CompletionTime.IsZero() || got.StartTime != nil && (got.StartTime.IsZero() || got.StartTime.After(*got.CompletionTime)) {
				t.Errorf("ended: from %v to %v", got.StartTime, got.CompletionTime)
			}
		})
	}
}

// What a Job was told of the severity is known from its metadata: its spec is not kept in memory.
func TestTheSeverityThatAJobWasToldIsInItsOutcome(t *testing.T) {
	for _, severity := range []string{"", "Critical"} {
		job := seen(Run{Check: strategyv1.CheckSpec{Name: "audit"}, Template: tools, Context: Context{Severity: severity}})
		job.Spec = batchv1.JobSpec{}
		if got := look(strategyv1.CheckSpec{Name: "audit"}, job, nil, t0).Outcome.Severity; got != severity {
			t.Errorf("%q instead of %q", got, severity)
		}
	}
}

// A webhook may put a container first into the Job, too: what was asked for is named on it.
func TestTheContainerOfACheckIsTheOneThatItsCommandWentTo(t *testing.T) {
	job := seen(Run{Check: strategyv1.CheckSpec{Name: "audit"}, Template: tools})
	job.Spec.Template.Spec.Containers = append([]corev1.Container{{Name: "proxy"}}, job.Spec.Template.Spec.Containers...)
	if got := Container(job); got != "main" {
		t.Errorf("it is %q", got)
	}
}
