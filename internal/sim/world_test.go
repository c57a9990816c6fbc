package sim_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/checks"
	"tradeops.dev/strategy-operator/internal/evidence"
	"tradeops.dev/strategy-operator/internal/sim"
	"tradeops.dev/strategy-operator/internal/testkit"
)

// aJob is one that the Job controller of the world runs, as the operator would ask for it.
func aJob(w *sim.World, check string) *batchv1.Job {
	job := checks.Job(checks.Run{Namespace: w.Namespace, Stage: strategyv1.StageTriage, Check: testkit.Check(check, 0), Attempt: 1, Template: testkit.Templates()[sim.Template].PodTemplateSpec})
	job.OwnerReferences = nil
	w.Create(job)
	return job
}

func ended(w *sim.World, job *batchv1.Job) string {
	w.Get(job.Name, job)
	for _, condition := range job.Status.Conditions {
		if condition.Type == batchv1.JobComplete || condition.Type == batchv1.JobFailed {
			return string(condition.Type)
		}
	}
	return ""
}

// of says whether a pod is a Job's, by its name.
func of(job *batchv1.Job) func(string) bool {
	return func(pod string) bool { return strings.HasPrefix(pod, job.Name+"-") }
}

func podOf(t *testing.T, w *sim.World, job *batchv1.Job) corev1.Pod {
	t.Helper()
	var pods corev1.PodList
	w.List(&pods)
	at := slices.IndexFunc(pods.Items, func(pod corev1.Pod) bool { return of(job)(pod.Name) })
	if at < 0 {
		t.Fatalf("%s has no pod", job.Name)
	}
	return pods.Items[at]
}

func TestJobsEndAsTheirPodsDo(t *testing.T) {
	for name, c := range map[string]struct {
		end   sim.Ended
		phase corev1.PodPhase
		job   string
		code  int32
	}{
		"ok":       {sim.OK, corev1.PodSucceeded, "Complete", 0},
		"mute":     {sim.Mute, corev1.PodFailed, "Failed", 1},
		"killed":   {sim.Killed, corev1.PodFailed, "Failed", 137},
		"evicted":  {sim.Evicted, corev1.PodFailed, "Failed", 137},
		"no image": {sim.NoImage, corev1.PodPending, "", 0},
		"no node":  {sim.NoNode, corev1.PodPending, "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			w := sim.New(t, nil)
			w.Reports["audit"] = c.end
			job := aJob(w, "audit")
			for w.Play() {
			}
			pod := podOf(t, w, job)
			if pod.Status.Phase != c.phase || ended(w, job) != c.job {
				t.Errorf("the pod is %s, the Job %q", pod.Status.Phase, ended(w, job))
			}
			if statuses := pod.Status.ContainerStatuses; c.job != "" && (len(statuses) != 1 || statuses[0].State.Terminated.ExitCode != c.code || statuses[0].State.Terminated.Signal != 0) {
				t.Errorf("the kubelet says %+v", statuses)
			}
		})
	}
}

func TestAJobWhosePodIsDeletedFails(t *testing.T) {
	w := sim.New(t, nil)
	job := aJob(w, "audit")
	w.Play() // the pod has ended, the Job has not heard of it
	w.Delete(podOf(t, w, job).Name, &corev1.Pod{})
	for w.Play() {
	}
	if left := w.Names(&corev1.PodList{}); ended(w, job) != "Failed" || slices.ContainsFunc(left, of(job)) {
		t.Errorf("the Job is %q, with pods %v", ended(w, job), left)
	}
}

func TestWhatIsOfSomethingGoneGoesToo(t *testing.T) {
	w := sim.New(t, nil)
	job := aJob(w, "audit")
	w.Play()
	w.Delete(job.Name, &batchv1.Job{})
	for w.Play() {
	}
	if left := w.Names(&corev1.PodList{}); slices.ContainsFunc(left, of(job)) {
		t.Errorf("left: %v", left)
	}
}

func TestTheSchedulerRunsWhatItReadAtItsStart(t *testing.T) {
	for name, c := range map[string]struct {
		stale int
		gone  bool
		want  string
	}{
		"the new document":                      {want: "trend: 0.7"},
		"an old copy of it":                     {stale: 1, want: "trend: 1.0"},
		"nothing starts without what it mounts": {gone: true, want: "trend: 1.0"},
	} {
		t.Run(name, func(t *testing.T) {
			w := sim.New(t, nil)
			for w.Play() {
			}
			started := w.Restarts
			w.Edit("trend: 1.0", "trend: 0.7")
			for w.Play() {
			}
			if strings.Contains(w.Running(), "0.7") || w.Restarts != started {
				t.Fatalf("it runs what it has not read")
			}
			if w.Stale = c.stale; c.gone {
				w.Delete(sim.ConfigMap, &corev1.ConfigMap{})
			}
			deployment := w.Deployment()
			w.Get(sim.Deployment, deployment)
			deployment.Spec.Template.Annotations = map[string]string{"again": "1"}
			if err := w.API.As("admin").Update(t.Context(), deployment); err != nil {
				t.Fatal(err)
			}
			for w.Play() {
			}
			if !strings.Contains(w.Running(), c.want) || (w.Restarts == started) != c.gone {
				t.Errorf("it runs, after %d restarts:\n%s", w.Restarts-started, w.Running())
			}
		})
	}
}

func TestTheBucketTakesAKeyOnce(t *testing.T) {
	w := sim.New(t, nil)
	b, key := w.Bucket, "here/2026/11/23/x/log/000001.json"
	data := []byte("one")
	put := func(key string, data []byte) error { return b.Create(t.Context(), key, data) }
	if err := errors.Join(put(key, data), put(key, []byte("one"))); err != nil {
		t.Fatal(err)
	}
	data[0] = 'X' // the bucket has a copy
	if err := put(key, []byte("two")); !errors.Is(err, evidence.ErrDifferent) {
		t.Errorf("other bytes: %v", err)
	}
	if err := put("../x", nil); err == nil {
		t.Error("a key out of the bucket was taken")
	}
	full := errors.New("full")
	b.Full = full
	if err := put(key, []byte("one")); !errors.Is(err, full) {
		t.Errorf("a full bucket: %v", err)
	}
	b.Full = nil
	fork := w.Fork()
	fork.Bucket.Lose(key)
	if _, err := fork.Bucket.Get(t.Context(), key); !errors.Is(err, evidence.ErrNotFound) {
		t.Errorf("lost: %v", err)
	}
	if got, err := b.Get(t.Context(), key); err != nil || !bytes.Equal(got, []byte("one")) {
		t.Errorf("stored: %s, %v", got, err)
	}
}

func TestAForkGoesItsOwnWay(t *testing.T) {
	w := sim.New(t, nil)
	fork := w.Fork()
	fork.Pass(time.Hour)
	fork.Edit("trend: 1.0", "trend: 0.7")
	fork.Signals["cpu"] = 99
	aJob(fork, "audit")
	for fork.Play() {
	}
	if strings.Contains(w.Content(), "0.7") || len(w.Jobs)+len(w.Made) > 0 || w.Signals["cpu"] == 99 || !w.Clock.Now().Equal(sim.Beginning) {
		t.Errorf("the fork changed the world: %v %v %v %s", w.Jobs, w.Made, w.Signals, w.Clock.Now())
	}
}

func TestStepsAreDoneOnceAndInOrder(t *testing.T) {
	w := sim.New(t, nil)
	ready, did := false, ""
	w.Script = []sim.Step{
		{When: func(*sim.World) bool { return ready }, Do: func(*sim.World) { did += "a" }},
		{When: func(*sim.World) bool { return true }, Do: func(*sim.World) { did += "b" }},
	}
	for w.Play() {
	}
	if did != "" || w.Left() != 2 {
		t.Errorf("did %q before its time", did)
	}
	ready = true
	for w.Play() {
	}
	if did != "ab" || w.Left() != 0 {
		t.Errorf("did %q", did)
	}
}
