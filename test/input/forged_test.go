package input

import (
	"context"
	"testing"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/checks"
	"tradeops.dev/strategy-operator/internal/sim"
)

// evil is the image of whoever wants another verdict.
const evil = "evil:1"

// audited is a story whose audit fails, unless somebody else's image says otherwise. That it fails calls L2.
func audited(t *testing.T) *story {
	s := tell(t, func(spec *strategyv1.StrategyPlaybookSpec) {
		for i := range spec.Checks {
			spec.Checks[i].Retries = new(int32(1))
		}
	})
	s.Report = func(w *sim.World, id checks.ID) (sim.Ended, bool) {
		if id.Check != "audit" {
			return sim.Ended{}, false
		}
		var jobs batchv1.JobList
		w.List(&jobs)
		for _, job := range jobs.Items {
			if (checks.JobState{Job: &job}).ID() == id && job.Spec.Template.Spec.Containers[0].Image == evil {
				return sim.OK, true
			}
		}
		return sim.Fail, true
	}
	s.ReportIncident(nil)
	return s
}

// forge is a Job that looks like the audit of the incident: name, labels, owner.
func (s *story) forge(attempt int32, change func(*batchv1.Job)) *batchv1.Job {
	job := checks.Job(checks.Run{
		Namespace: s.Namespace, Stage: strategyv1.StageTriage, Attempt: attempt, Check: strategyv1.CheckSpec{Name: "audit", TimeoutSeconds: 60},
		Owner:    *metav1.NewControllerRef(s.Incident(), strategyv1.GroupVersion.WithKind(strategyv1.KindIncident)),
		Template: corev1.PodTemplateSpec{Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "main", Image: evil}}}},
	})
	if change != nil {
		change(job)
	}
	s.Create(job)
	return job
}

// running lets the operator ask for its checks, and their pods run, before it looks at them.
func (s *story) running() *batchv1.Job {
	for s.operator.Step(context.Background()) {
	}
	s.Play()
	var job batchv1.Job
	s.Get(checks.JobName(string(s.Incident().UID), strategyv1.StageTriage, "audit", 1), &job)
	return &job
}

func (s *story) podOf(job *batchv1.Job) *corev1.Pod {
	var pods corev1.PodList
	s.List(&pods)
	for i := range pods.Items {
		if metav1.IsControlledBy(&pods.Items[i], job) {
			return &pods.Items[i]
		}
	}
	s.t.Fatalf("Job %s has no pod", job.Name)
	return nil
}

// TestAVerdictIsOfWhatTheOperatorAskedFor: whoever may edit the namespace makes Jobs, and changes pods, that look like a check of the
// incident. None of them is judged, and somebody is told.
func TestAVerdictIsOfWhatTheOperatorAskedFor(t *testing.T) {
	for name, c := range map[string]struct {
		forge func(*story)
		told  string // by an event; empty: by the attempt's own verdict, Error
	}{
		"a Job before ours": {func(s *story) { s.forge(1, nil) }, strategyv1.ReasonForeignJob},
		"a Job before ours, with the words of ours": {func(s *story) {
			words := audited(s.t).running().Spec.Template.Annotations[strategyv1.AnnotationAsked]
			s.forge(1, func(job *batchv1.Job) { job.Spec.Template.Annotations[strategyv1.AnnotationAsked] = words })
		}, strategyv1.ReasonForeignJob},
		"the next attempt": {func(s *story) { s.running(); s.forge(2, nil) }, strategyv1.ReasonForeignJob},
		"another Job in the place of ours": {func(s *story) {
			s.Delete(s.running().Name, &batchv1.Job{})
			s.forge(1, nil)
			s.Play()
		}, strategyv1.ReasonForeignJob},
		"another image in our pod": {func(s *story) {
			sim.Change(s.World, s.podOf(s.running()).Name, &corev1.Pod{}, func(pod *corev1.Pod) { pod.Spec.Containers[0].Image = evil })
		}, ""},
		"a pod that was started again": {func(s *story) {
			pod := s.podOf(s.running())
			pod.Status.ContainerStatuses[0].RestartCount = 1
			if err := s.API.As("tina").Status().Update(context.Background(), pod); err != nil {
				s.t.Fatal(err)
			}
		}, ""},
		"another pod beside ours": {func(s *story) {
			pod := s.podOf(s.running())
			twin := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{
				Namespace: s.Namespace, Name: "twin", Labels: pod.Labels, Annotations: pod.Annotations, OwnerReferences: pod.OwnerReferences,
			}, Spec: pod.Spec}
			twin.Spec.Containers[0].Image = evil
			s.Create(twin)
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := audited(t)
			c.forge(s)
			s.settle()
			if c.told != "" && s.warnings(anIncident(), "pnl", c.told) == 0 {
				t.Errorf("nobody was told %s: %v", c.told, s.Trace)
			}
			attempts := map[int32]strategyv1.Verdict{}
			for _, record := range s.Incident().Status.Checks {
				if record.Stage == strategyv1.StageTriage && record.Name == "audit" {
					attempts[record.Attempt] = record.Verdict
				}
			}
			last := int32(len(attempts))
			if c.told == "" && (attempts[1] != strategyv1.VerdictError || last < 2) {
				t.Errorf("what was changed is judged: %v", attempts)
			}
			if attempts[last] != strategyv1.VerdictFail {
				t.Errorf("the audit, which fails, is judged %v", attempts)
			}
			if level := s.Incident().Status.Level; level == strategyv1.LevelL1 {
				t.Error("nobody of L2 is called")
			}
			var jobs batchv1.JobList
			s.List(&jobs)
			for _, job := range jobs.Items {
				if job.Spec.Template.Spec.Containers[0].Image == evil {
					t.Errorf("the forged Job %s is left", job.Name)
				}
			}
		})
	}
}
