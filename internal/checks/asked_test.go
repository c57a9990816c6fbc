package checks

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/rules"
)

// asked is a run whose pod sets something of everything.
func asked() Run {
	return run(corev1.PodTemplateSpec{Spec: corev1.PodSpec{
		ServiceAccountName: "tools", NodeSelector: map[string]string{"disk": "fast"},
		Tolerations:    []corev1.Toleration{{Key: "trading", Operator: corev1.TolerationOpExists}},
		InitContainers: []corev1.Container{{Name: "unpack", Image: "tools:1", Command: []string{"tar"}}},
		Volumes:        []corev1.Volume{{Name: "config", VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: corev1.LocalObjectReference{Name: "core"}}}}},
		Containers: []corev1.Container{{
			Name: "tool", Image: "tools:1", Env: []corev1.EnvVar{{Name: "EMPTY"}, {Name: "URL", Value: "http://bot"}},
			Resources:    corev1.ResourceRequirements{Limits: corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("128Mi")}},
			VolumeMounts: []corev1.VolumeMount{{Name: "config", MountPath: "/etc/bot", ReadOnly: true}},
		}},
	}})
}

// lived is a Job as the cluster has it after some time, and its pod: with what the API server, controllers and webhooks add to both.
func lived(job *batchv1.Job) *corev1.Pod {
	spec := &job.Spec.Template.Spec
	spec.DNSPolicy, spec.SchedulerName, spec.TerminationGracePeriodSeconds = corev1.DNSClusterFirst, "default-scheduler", new(int64(30))
	spec.DeprecatedServiceAccount = spec.ServiceAccountName
	spec.Containers[0].ImagePullPolicy, spec.Containers[0].TerminationMessagePath = corev1.PullIfNotPresent, "/dev/termination-log"
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "pod", Annotations: map[string]string{strategyv1.AnnotationAsked: job.Spec.Template.Annotations[strategyv1.AnnotationAsked], "mesh": "in"}},
		Spec:       *spec.DeepCopy(),
	}
	spec = &pod.Spec
	spec.NodeName, spec.Priority = "n1", new(int32(0))
	spec.Tolerations = append([]corev1.Toleration{{Key: "node.kubernetes.io/not-ready"}}, spec.Tolerations...)
	spec.Volumes = append(spec.Volumes, corev1.Volume{Name: "kube-api-access"})
	spec.Containers = append([]corev1.Container{{Name: "proxy", Image: "mesh:1", Args: []string{"x"}}}, spec.Containers...)
	tool := &spec.Containers[1]
	tool.Env = append([]corev1.EnvVar{{Name: "AGENT", Value: "10.0.0.1"}}, tool.Env...)
	tool.VolumeMounts = append(tool.VolumeMounts, corev1.VolumeMount{Name: "kube-api-access", MountPath: "/var/run"})
	tool.Resources.Requests = corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("10m")}
	tool.Image += "@sha256:" + strings.Repeat("0", 64)
	return pod
}

func TestWhatRanIsWhatWasAskedFor(t *testing.T) {
	tool := func(pod *corev1.Pod) *corev1.Container { return &pod.Spec.Containers[1] }
	for name, c := range map[string]struct {
		job  func(*batchv1.Job) // before the pod is made of it
		pod  func(*corev1.Pod)
		says string // empty: nothing is changed
	}{
		"nothing but what a cluster adds": {},
		"another image":                   {pod: func(p *corev1.Pod) { tool(p).Image = "evil:1" }, says: `pod pod: containers[tool].image is "evil:1" and not "tools:1", which was asked for`},
		"another image, pinned":           {pod: func(p *corev1.Pod) { tool(p).Image = "evil:1@sha256:" + strings.Repeat("0", 64) }, says: "containers[tool].image"},
		"pinned to no digest":             {pod: func(p *corev1.Pod) { tool(p).Image = "tools:1@sha256:evil" }, says: "containers[tool].image"},
		"another command":                 {pod: func(p *corev1.Pod) { tool(p).Command = []string{"python", "b.py"} }, says: "containers[tool].command[1]"},
		"a longer command":                {pod: func(p *corev1.Pod) { tool(p).Command = append(tool(p).Command, "--pass") }, says: "containers[tool].command is"},
		"arguments":                       {pod: func(p *corev1.Pod) { tool(p).Args = []string{"--pass"} }, says: `containers[tool].args is ["--pass"] and not absent`},
		"another folder":                  {pod: func(p *corev1.Pod) { tool(p).WorkingDir = "/evil" }, says: "containers[tool].workingDir"},
		"another value":                   {pod: func(p *corev1.Pod) { tool(p).Env[2].Value = "http://evil" }, says: "containers[tool].env[URL].value"},
		"a value where there was none":    {pod: func(p *corev1.Pod) { tool(p).Env[1].Value = "evil" }, says: "containers[tool].env[EMPTY].value"},
		"a value less":                    {pod: func(p *corev1.Pod) { tool(p).Env = tool(p).Env[:2] }, says: "containers[tool].env["},
		"a mount less":                    {pod: func(p *corev1.Pod) { tool(p).VolumeMounts = nil }, says: "containers[tool].volumeMounts"},
		"a mount of another volume":       {pod: func(p *corev1.Pod) { tool(p).VolumeMounts[0].Name = "evil" }, says: "containers[tool].volumeMounts["},
		"another volume":                  {pod: func(p *corev1.Pod) { p.Spec.Volumes[0].ConfigMap.Name = "evil" }, says: "volumes[config].configMap.name"},
		"a right more":                    {pod: func(p *corev1.Pod) { tool(p).SecurityContext.AllowPrivilegeEscalation = new(true) }, says: "allowPrivilegeEscalation is true and not false"},
		"as somebody else":                {pod: func(p *corev1.Pod) { p.Spec.ServiceAccountName = "admin" }, says: "serviceAccountName"},
		"in the node's network":           {pod: func(p *corev1.Pod) { p.Spec.HostNetwork = true }, says: "hostNetwork was not asked for"},
		"the container is gone":           {pod: func(p *corev1.Pod) { p.Spec.Containers = p.Spec.Containers[:1] }, says: "containers[tool] is gone"},
		"another step before":             {pod: func(p *corev1.Pod) { p.Spec.InitContainers[0].Command = []string{"evil"} }, says: "initContainers[unpack].command"},
		"a shorter limit":                 {pod: func(p *corev1.Pod) { p.Spec.ActiveDeadlineSeconds = new(int64(1)) }, says: "activeDeadlineSeconds"},
		"no limit of memory":              {pod: func(p *corev1.Pod) { tool(p).Resources.Limits = nil }, says: "containers[tool].resources.limits"},
		"a toleration less":               {pod: func(p *corev1.Pod) { p.Spec.Tolerations = p.Spec.Tolerations[:1] }, says: "tolerations[trading] is gone"},
		"a container more, while it runs": {pod: func(p *corev1.Pod) {
			p.Spec.EphemeralContainers = []corev1.EphemeralContainer{{EphemeralContainerCommon: corev1.EphemeralContainerCommon{Name: "debug\x1b"}}}
		}, says: "was put into it while it ran"},
		"started again": {pod: func(p *corev1.Pod) {
			p.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "tool", RestartCount: 1}}
		}, says: "started again, which nobody asked for"},
		"a pod that does not say":      {pod: func(p *corev1.Pod) { delete(p.Annotations, strategyv1.AnnotationAsked) }, says: "it is not what its Job asks for"},
		"a pod that says another":      {pod: func(p *corev1.Pod) { p.Annotations[strategyv1.AnnotationAsked] = "{}" }, says: "it is not what its Job asks for"},
		"a Job that does another":      {job: func(j *batchv1.Job) { j.Spec.Template.Spec.Containers[0].Image = "evil:1" }, says: "Job triage-audit"},
		"a Job whose words are no pod": {job: func(j *batchv1.Job) { j.Spec.Template.Annotations[strategyv1.AnnotationAsked] = "{" }, says: "it does not say what was asked for"},
		"what is in memory only, sent": {job: func(j *batchv1.Job) {
			j.Annotations = map[string]string{strategyv1.AnnotationChanged: "forged", strategyv1.AnnotationContainer: "proxy"}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			job := Job(asked())
			job.CreationTimestamp = metav1.NewTime(t0)
			if c.job != nil {
				c.job(job)
			}
			pod := lived(job)
			if c.pod != nil {
				c.pod(pod)
			}
			for range 2 { // as a cache may, that takes its first objects from a stream
				Abridge(job)
				AbridgePod(pod)
			}
			got := Observe(strategyv1.CheckSpec{Name: "audit", TimeoutSeconds: 120, StartTimeoutSeconds: 300}, job, []corev1.Pod{*pod}, t0, t0)
			if got.Finished != (c.says != "") || !strings.Contains(got.Outcome.Message, c.says) || strings.Contains(got.Outcome.Message, "\x1b") {
				t.Errorf("finished %v, %s: %q; want %q", got.Finished, got.Outcome.Reason, got.Outcome.Message, c.says)
			}
			verdict, _ := Judge(strategyv1.CheckSpec{Verdicts: []strategyv1.VerdictRule{{When: "true", Verdict: "Pass"}}}, got.Outcome, rules.Vars{})
			if got.Finished && verdict != strategyv1.VerdictError {
				t.Errorf("it is judged %s", verdict)
			}
		})
	}
}

// TestEachFieldThatWasAskedForIsCompared: whatever value of the pod is another one, it shows.
func TestEachFieldThatWasAskedForIsCompared(t *testing.T) {
	job := Job(asked())
	words, err := json.Marshal(job.Spec.Template.Spec)
	if err != nil {
		t.Fatal(err)
	}
	var wanted, live any
	for _, into := range []*any{&wanted, &live} {
		if err := json.Unmarshal(words, into); err != nil {
			t.Fatal(err)
		}
	}
	seen := 0
	leaves(live, func(set func(any), was any) {
		set("another")
		if missing("", wanted, live) == "" {
			t.Errorf("nobody sees that %v is another", was)
		}
		set(was)
		seen++
	})
	if missing("", wanted, live) != "" || seen < 40 {
		t.Errorf("%d fields were changed, and then: %q", seen, missing("", wanted, live))
	}
}

// leaves calls for each value of a document that is neither an object nor a list.
func leaves(document any, call func(set func(any), was any)) {
	switch v := document.(type) {
	case map[string]any:
		for field, inner := range v {
			if isLeaf(inner) {
				call(func(other any) { v[field] = other }, inner)
			} else {
				leaves(inner, call)
			}
		}
	case []any:
		for i, inner := range v {
			if isLeaf(inner) {
				call(func(other any) { v[i] = other }, inner)
			} else {
				leaves(inner, call)
			}
		}
	}
}

func isLeaf(value any) bool {
	switch value.(type) {
	case map[string]any, []any:
		return false
	}
	return true
}

func TestAForeignJobIsNoneOfOurs(t *testing.T) {
	ours := Job(asked())
	running := RunningOf(nil, []*batchv1.Job{ours}, nil, metav1.NewTime(t0))
	another := asked()
	another.Template.Spec.Containers[0].Image = "evil:1"
	later := asked()
	later.Attempt++
	for name, c := range map[string]struct {
		run  Run
		says string
	}{
		"ours":               {run: asked()},
		"asks for another":   {another, "is not the one that the operator asked for as check audit"},
		"an attempt too far": {later, "the operator did not ask for it"},
	} {
		job := Job(c.run)
		Abridge(job)
		if why := (Known{Running: running}).Foreign(job); (why != "") != (c.says != "") || !strings.Contains(why, c.says) {
			t.Errorf("%s: %q, want %q", name, why, c.says)
		}
		judged := []strategyv1.CheckStatus{{Stage: c.run.Stage, Name: "audit", Attempt: c.run.Attempt}}
		if why := (Known{Judged: judged}).Foreign(job); why != "" {
			t.Errorf("%s, judged: %q", name, why)
		}
	}
}

// TestAForeignJobIsDeletedBeforeOursIsMade: it has the name that ours is to have.
func TestAForeignJobIsDeletedBeforeOursIsMade(t *testing.T) {
	job := Job(asked())
	job.UID = types.UID("u")
	foreign := JobState{Job: job, Foreign: "why", Stored: &Outcome{Reason: ReasonExited}}
	spec := asked().Check
	spec.PodTemplateName = "t"
	stage := Stage{Stage: strategyv1.StageTriage, Uses: []strategyv1.CheckUse{{Name: "audit"}}, Specs: []strategyv1.CheckSpec{spec}}
	job.Labels[strategyv1.LabelAttempt] = "1"
	if got := stage.Run(nil, []JobState{foreign}); len(got.Jobs) > 0 || got.Done {
		t.Errorf("beside the foreign one: %+v", got)
	}
	got := Collect([]strategyv1.CheckSpec{spec}, nil, []JobState{foreign}, nil)
	if len(got.Records) > 0 || len(got.Delete) != 1 || !slices.Equal(got.Foreign, []string{"why"}) {
		t.Errorf("collected: %+v", got)
	}
}

// TestNoJobIsMadeOfAPodTemplateThatMayNotRun: the stage waits for whoever can change it; without an optional check it goes on.
func TestNoJobIsMadeOfAPodTemplateThatMayNotRun(t *testing.T) {
	spec := asked().Check
	spec.PodTemplateName = "t"
	stage := Stage{
		Namespace: "trading", Stage: strategyv1.StageTriage, Uses: []strategyv1.CheckUse{{Name: "audit"}}, Specs: []strategyv1.CheckSpec{spec},
		Templates: func() map[string]Template { return map[string]Template{"t": {NotAllowed: "why"}} },
	}
	got := stage.Run(nil, nil)
	if len(got.Jobs) > 0 || got.Done || got.MissingReason != strategyv1.ReasonPodTemplateNotAllowed || !strings.Contains(got.Missing, "no pod of it may run: why") {
		t.Errorf("%+v", got)
	}
	stage.Optional = []string{"audit"}
	if got := stage.Run(nil, nil); len(got.Jobs) > 0 || !got.Done || !slices.Equal(got.Without, stage.Optional) {
		t.Errorf("optional: %+v", got)
	}
}

func TestRunningOf(t *testing.T) {
	first, second := Job(asked()), Job(asked())
	second.Spec.Template.Annotations[strategyv1.AnnotationAsked] = "{}"
	running := RunningOf(nil, []*batchv1.Job{first}, nil, metav1.NewTime(t0))
	if again := RunningOf(running, []*batchv1.Job{second}, nil, metav1.NewTime(t0)); len(again) != 1 || again[0].Digest != Digest(second) {
		t.Errorf("asked for once more, otherwise: %v", again)
	}
	if judged := RunningOf(running, nil, []strategyv1.CheckStatus{{Stage: "Triage", Name: "audit", Attempt: 3}}, metav1.NewTime(t0)); judged != nil {
		t.Errorf("judged: %v", judged)
	}
	if again := RunningOf(running, []*batchv1.Job{first}, nil, metav1.NewTime(t0.Add(time.Minute))); !again[0].AskedTime.Time.Equal(t0) {
		t.Errorf("asked for again, after a refusal: %v", again)
	}
	var many []*batchv1.Job
	for i := range maxRecords + 1 {
		one := asked()
		one.Attempt = int32(i + 1)
		many = append(many, Job(one))
	}
	if bounded := RunningOf(nil, many, nil, metav1.NewTime(t0)); len(bounded) != maxRecords || bounded[0].Attempt != 2 {
		t.Errorf("%d of too many", len(bounded))
	}
}

// The API server's clock may be hours off: what it says of a Job counts only where it can be.
func TestTimeOutsCountByTheOperatorsClock(t *testing.T) {
	job, now := Job(asked()), t0.Add(time.Minute)
	known := Known{Running: RunningOf(nil, []*batchv1.Job{job}, nil, metav1.NewTime(t0))}
	for name, c := range map[string]struct {
		known Known
		made  time.Duration
		since time.Duration
	}{
		"made at once":                         {known, 0, 0},
		"made later, after a refusal":          {known, 30 * time.Second, 30 * time.Second},
		"by a clock that is behind":            {known, -5 * time.Hour, 0},
		"by a clock that is ahead":             {known, 5 * time.Hour, 0},
		"nobody asked for it":                  {Known{}, 30 * time.Second, 30 * time.Second},
		"nobody asked for it, by a fast clock": {Known{}, 5 * time.Hour, time.Minute},
	} {
		job.CreationTimestamp = metav1.NewTime(t0.Add(c.made))
		if got := c.known.Asked(job, now).Sub(t0); got != c.since {
			t.Errorf("%s: its time-outs count from %s, not %s", name, got, c.since)
		}
	}
}

// No clock of a node, or of the Job controller, makes a check end before it was asked for, or its container count as lost too soon.
func TestNoClockOfOthersMovesACheck(t *testing.T) {
	spec, now := strategyv1.CheckSpec{Name: "audit", TimeoutSeconds: 120, StartTimeoutSeconds: 300}, t0.Add(time.Minute)
	for _, off := range []time.Duration{-5 * time.Hour, 5 * time.Hour} {
		job := seen(asked())
		job.CreationTimestamp = metav1.NewTime(t0.Add(off))
		at := metav1.NewTime(t0.Add(-off))
		pod := corev1.Pod{Status: corev1.PodStatus{Phase: corev1.PodRunning, ContainerStatuses: []corev1.ContainerStatus{{
			Name: Container(job), State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: at}},
		}}}}
		pod.Annotations = map[string]string{strategyv1.AnnotationAsked: job.Annotations[strategyv1.AnnotationAsked]}
		if got := Observe(spec, job, []corev1.Pod{pod}, t0, now); got.Finished {
			t.Errorf("%s off: it is lost: %+v", off, got.Outcome)
		}
		if got := Observe(spec, job, nil, t0, now); got.Finished {
			t.Errorf("%s off: it did not start: %+v", off, got.Outcome)
		}
		pod.Status.Phase = corev1.PodSucceeded
		pod.Status.ContainerStatuses[0].State = corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{StartedAt: at, FinishedAt: at}}
		if ended := Observe(spec, job, []corev1.Pod{pod}, t0, now).Outcome.CompletionTime; ended.Before(t0) || ended.After(now) {
			t.Errorf("%s off: it ended at %s", off, ended)
		}
	}
}
