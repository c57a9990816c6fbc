package scenarios

import (
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/sim"
)

// Contract is what the operator relies on an API server for, one promise after the other. The real one keeps it (test/api),
// and so must the simulated one (test/crash): a test world that forgives what the real one refuses proves nothing.
func Contract(t *testing.T, w *sim.World) {
	for name, holds := range promises {
		t.Run(name, func(t *testing.T) {
			name := strings.ReplaceAll(strings.ToLower(strings.NewReplacer(",", "", "'", "").Replace(name)), " ", "-")
			holds(&server{t, w, w.API.As("alice"), strings.Trim(name[:min(len(name), 40)], "-")})
		})
	}
}

// server is the API server, as one promise sees it.
type server struct {
	t    *testing.T
	w    *sim.World
	api  client.Client
	name string // for objects of this promise
}

var promises = map[string]func(*server){
	"a write over an old version is a conflict": func(s *server) {
		first := s.rollback(nil)
		second := first.DeepCopy()
		first.Labels = map[string]string{"a": "b"}
		s.must(s.api.Update(background, first))
		second.Labels = map[string]string{"c": "d"}
		s.is(apierrors.IsConflict, s.api.Update(background, second))
		s.is(apierrors.IsConflict, s.api.Status().Update(background, second))
	},
	"an update without a version is refused for our kinds, and not for ConfigMaps": func(s *server) {
		rollback := s.rollback(nil)
		rollback.ResourceVersion = ""
		s.is(apierrors.IsInvalid, s.api.Update(background, rollback))
		configMap := s.configMap(nil)
		configMap.ResourceVersion, configMap.Data = "", map[string]string{"a": "1"}
		s.must(s.api.Update(background, configMap))
	},
	"a write that changes nothing makes no version": func(s *server) {
		rollback := s.rollback(nil)
		before := rollback.ResourceVersion
		s.must(s.api.Update(background, rollback))
		s.must(s.api.Status().Update(background, rollback))
		s.same("version", rollback.ResourceVersion, before)
	},
	"the generation counts changes of the spec": func(s *server) {
		rollback := s.rollback(nil)
		s.same("generation", rollback.Generation, int64(1))
		rollback.Spec.DesiredState = strategyv1.StateRestored
		s.must(s.api.Update(background, rollback))
		s.same("generation", rollback.Generation, int64(2))
		rollback.Labels = map[string]string{"a": "b"}
		s.must(s.api.Update(background, rollback))
		s.same("generation", rollback.Generation, int64(2))
	},
	"a status is written by itself": func(s *server) {
		rollback := s.rollback(func(r *strategyv1.StrategyRollback) { r.Status.PlaybookRevision = "created with it" })
		s.same("status at creation", rollback.Status.PlaybookRevision, "")
		rollback.Status.PlaybookRevision = "with the spec"
		s.must(s.api.Update(background, rollback))
		s.same("status by an update", rollback.Status.PlaybookRevision, "")
		rollback.Status.PlaybookRevision, rollback.Spec.Reason = "r1", "another"
		rollback.Labels = map[string]string{"a": "b"}
		s.must(s.api.Status().Update(background, rollback))
		s.same("status", rollback.Status.PlaybookRevision, "r1")
		s.same("spec by a status update", rollback.Spec.Reason, "less of it")
		s.same("labels by a status update", len(rollback.Labels), 0)
	},
	"the schema is asked at each write": func(s *server) {
		rollback := s.rollback(nil)
		s.same("default", rollback.Spec.DesiredState, strategyv1.StateApplied)
		rollback.Status.Conditions = []metav1.Condition{{Type: "Ready", Status: "Perhaps", Reason: "X", LastTransitionTime: metav1.Now()}}
		s.is(apierrors.IsInvalid, s.api.Status().Update(background, rollback))
		rollback.Status.Conditions = []metav1.Condition{{Type: "Ready", Status: metav1.ConditionTrue, Reason: "X", Message: strings.Repeat("x", 40_000), LastTransitionTime: metav1.Now()}}
		s.is(apierrors.IsInvalid, s.api.Status().Update(background, rollback))
		s.w.Get(s.name, rollback)
		rollback.Spec.Actions = []strategyv1.RollbackAction{disable("fast")}
		s.is(apierrors.IsInvalid, s.api.Update(background, rollback)) // a rule over both versions
	},
	"a name is taken once": func(s *server) {
		rollback := s.rollback(nil)
		again := &strategyv1.StrategyRollback{ObjectMeta: metav1.ObjectMeta{Namespace: rollback.Namespace, Name: rollback.Name}, Spec: rollback.Spec}
		s.is(apierrors.IsAlreadyExists, s.api.Create(background, again))
		s.is(apierrors.IsAlreadyExists, s.api.Create(background, again, client.DryRunAll))
		again.ResourceVersion = rollback.ResourceVersion
		s.same("refused with a version", s.api.Create(background, again) != nil, true)
	},
	"a dry run is checked and not stored": func(s *server) {
		object := &corev1.ConfigMap{ObjectMeta: s.meta()}
		s.must(s.api.Create(background, object, client.DryRunAll))
		s.is(apierrors.IsNotFound, s.api.Get(background, client.ObjectKeyFromObject(object), object))
	},
	"names and labels are well-formed, a Job's name as a label": func(s *server) {
		labelled := &corev1.ConfigMap{ObjectMeta: s.meta()}
		labelled.Labels = map[string]string{"a": strings.Repeat("x", 64)}
		s.is(apierrors.IsInvalid, s.api.Create(background, labelled))
		job := &batchv1.Job{ObjectMeta: s.meta(), Spec: batchv1.JobSpec{Suspend: new(true), Template: corev1.PodTemplateSpec{Spec: corev1.PodSpec{
			RestartPolicy: corev1.RestartPolicyNever, Containers: []corev1.Container{{Name: "main", Image: "x:1"}},
		}}}}
		job.Name = strings.Repeat("x", 64)
		s.is(apierrors.IsInvalid, s.api.Create(background, job))
	},
	"who creates is stamped, and may name nobody else": func(s *server) {
		decision := &strategyv1.StrategyDecision{ObjectMeta: s.meta(), Spec: strategyv1.StrategyDecisionSpec{
			Target: strategyv1.DecisionTarget{Kind: strategyv1.KindRollback, Name: "x"}, Verdict: strategyv1.DecisionDeny, Reason: "no",
		}}
		forged := decision.DeepCopy()
		forged.Spec.By = "bob"
		err := s.api.Create(background, forged, client.DryRunAll)
		s.is(apierrors.IsForbidden, err)
		s.same("words", strings.Contains(err.Error(), "a client may only name itself"), true)
		s.must(s.api.Create(background, decision))
		s.same("by", decision.Spec.By, "alice")
		decision.Spec.Reason = "another"
		s.is(apierrors.IsInvalid, s.api.Update(background, decision))
	},
	"a finalizer holds what is deleted, and none is added then": func(s *server) {
		rollback := s.rollback(func(r *strategyv1.StrategyRollback) { r.Finalizers = []string{strategyv1.Finalizer} })
		s.must(s.api.Delete(background, rollback))
		s.w.Get(s.name, rollback)
		s.same("deleted", rollback.DeletionTimestamp != nil, true)
		s.same("generation", rollback.Generation, int64(2))
		rollback.Finalizers = append(rollback.Finalizers, "example.com/another")
		s.is(apierrors.IsInvalid, s.api.Update(background, rollback))
		s.w.Get(s.name, rollback)
		rollback.Finalizers = nil
		s.must(s.api.Update(background, rollback))
		s.is(apierrors.IsNotFound, s.api.Get(background, client.ObjectKeyFromObject(rollback), rollback))
	},
	"a deletion can ask for the UID": func(s *server) {
		configMap := s.configMap(nil)
		s.is(apierrors.IsConflict, s.api.Delete(background, configMap, client.Preconditions{UID: new(types.UID("another"))}))
		s.must(s.api.Delete(background, configMap, client.Preconditions{UID: new(configMap.UID)}))
		s.is(apierrors.IsNotFound, s.api.Delete(background, configMap))
	},
	"a merge patch can ask for the version": func(s *server) {
		deployment := &appsv1.Deployment{}
		s.w.Get(sim.Deployment, deployment)
		patch := func(version, value string) error {
			return s.api.Patch(background, &appsv1.Deployment{ObjectMeta: deployment.ObjectMeta}, client.RawPatch(types.MergePatchType,
				[]byte(`{"metadata":{"resourceVersion":"`+version+`"},"spec":{"template":{"metadata":{"annotations":{"a":`+value+`}}}}}`)))
		}
		s.must(patch(deployment.ResourceVersion, `"b"`))
		s.is(apierrors.IsConflict, patch(deployment.ResourceVersion, `"c"`))
		before := deployment.Generation
		s.w.Get(sim.Deployment, deployment)
		s.same("generation", deployment.Generation, before+1)
		s.same("annotation", deployment.Spec.Template.Annotations["a"], "b")
		s.must(patch(deployment.ResourceVersion, "null"))
		s.w.Get(sim.Deployment, deployment)
		s.same("annotations", len(deployment.Spec.Template.Annotations), 0)
		s.is(apierrors.IsNotFound, s.api.Patch(background, &corev1.ConfigMap{ObjectMeta: s.meta()}, client.RawPatch(types.MergePatchType, []byte(`{}`))))
	},
	"a Job's pods are its own": func(s *server) {
		job := &batchv1.Job{ObjectMeta: s.meta(), Spec: batchv1.JobSpec{Suspend: new(true), Template: corev1.PodTemplateSpec{Spec: corev1.PodSpec{
			RestartPolicy: corev1.RestartPolicyNever, Containers: []corev1.Container{{Name: "main", Image: "x:1"}},
		}}}}
		s.must(s.api.Create(background, job))
		s.same("label", job.Spec.Template.Labels[batchv1.ControllerUidLabel], string(job.UID))
		s.same("completions", *job.Spec.Completions, int32(1))
		s.must(s.api.Delete(background, job, client.PropagationPolicy(metav1.DeletePropagationBackground)))
	},
	"an immutable ConfigMap stays as it is": func(s *server) {
		configMap := s.configMap(func(c *corev1.ConfigMap) { c.Immutable, c.Data = new(true), map[string]string{"a": "1"} })
		configMap.Data["a"] = "2"
		s.is(apierrors.IsInvalid, s.api.Update(background, configMap))
	},
	"times are kept to the second": func(s *server) {
		rollback := s.rollback(nil)
		at := metav1.NewTime(s.w.Clock.Now().Add(1234567))
		rollback.Status.VoidedTime = &at
		s.must(s.api.Status().Update(background, rollback))
		s.same("nanoseconds", rollback.Status.VoidedTime.Nanosecond(), 0)
	},
}

func (s *server) meta() metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: s.w.Namespace, Name: s.name}
}

func (s *server) rollback(change func(*strategyv1.StrategyRollback)) *strategyv1.StrategyRollback {
	s.t.Helper()
	object := &strategyv1.StrategyRollback{ObjectMeta: s.meta(), Spec: strategyv1.StrategyRollbackSpec{
		PlaybookName: sim.Playbook, Reason: "less of it", Actions: []strategyv1.RollbackAction{disable("slow")},
	}}
	if change != nil {
		change(object)
	}
	s.must(s.api.Create(background, object))
	return object
}

func (s *server) configMap(change func(*corev1.ConfigMap)) *corev1.ConfigMap {
	s.t.Helper()
	object := &corev1.ConfigMap{ObjectMeta: s.meta()}
	if change != nil {
		change(object)
	}
	s.must(s.api.Create(background, object))
	return object
}

func (s *server) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *server) is(kind func(error) bool, err error) {
	s.t.Helper()
	if !kind(err) {
		s.t.Errorf("the answer is %v", err)
	}
}

func (s *server) same(what string, got, want any) {
	s.t.Helper()
	if got != want {
		s.t.Errorf("%s is %v, want %v", what, got, want)
	}
}
