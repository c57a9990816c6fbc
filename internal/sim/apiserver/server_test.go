package apiserver_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/sim/apiserver"
)

// What the real server is compared in is in test/scenarios (Contract); here is what only the simulated one has, and what it must not forgive.

var (
	ctx        = context.Background()
	kinds      = sync.OnceValues(apiserver.NewKinds)
	began      = time.Date(2026, 11, 23, 10, 0, 0, 5, time.UTC)
	errRefused = errors.New("refused")
)

func server(t *testing.T) (*apiserver.Server, client.Client) {
	t.Helper()
	known, err := kinds()
	if err != nil {
		t.Fatal(err)
	}
	s := apiserver.New(known, func() time.Time { return began })
	return s, s.As("alice")
}

func configMap(name string) *corev1.ConfigMap {
	return &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "here", Name: name}, Data: map[string]string{"a": "1"}}
}

func decision(name string) *strategyv1.StrategyDecision {
	return &strategyv1.StrategyDecision{ObjectMeta: metav1.ObjectMeta{Namespace: "here", Name: name}, Spec: strategyv1.StrategyDecisionSpec{
		Target: strategyv1.DecisionTarget{Kind: strategyv1.KindRollback, Name: "x"}, Verdict: strategyv1.DecisionDeny, Reason: "no",
	}}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestMalformedMetadataIsRefused(t *testing.T) {
	long := strings.Repeat("x", 64)
	for name, change := range map[string]func(*metav1.ObjectMeta){
		"no name":                     func(m *metav1.ObjectMeta) { m.Name = "" },
		"a name in capitals":          func(m *metav1.ObjectMeta) { m.Name = "Less" },
		"a name that is too long":     func(m *metav1.ObjectMeta) { m.Name = strings.Repeat("x", 254) },
		"no namespace":                func(m *metav1.ObjectMeta) { m.Namespace = "" },
		"a label that is too long":    func(m *metav1.ObjectMeta) { m.Labels = map[string]string{"a": long} },
		"a label's key with a space":  func(m *metav1.ObjectMeta) { m.Labels = map[string]string{"a b": "c"} },
		"annotations without a bound": func(m *metav1.ObjectMeta) { m.Annotations = map[string]string{"a": strings.Repeat("x", 256<<10)} },
		"an owner without a UID": func(m *metav1.ObjectMeta) {
			m.OwnerReferences = []metav1.OwnerReference{{APIVersion: "v1", Kind: "Pod", Name: "p"}}
		},
		"a finalizer with a space": func(m *metav1.ObjectMeta) { m.Finalizers = []string{"not mine"} },
	} {
		t.Run(name, func(t *testing.T) {
			_, api := server(t)
			object := configMap("x")
			change(&object.ObjectMeta)
			if err := api.Create(ctx, object); !apierrors.IsInvalid(err) {
				t.Errorf("created: %v", err)
			}
			stored := configMap("x")
			must(t, api.Create(ctx, stored))
			name, namespace := stored.Name, stored.Namespace
			change(&stored.ObjectMeta)
			if stored.Name != name || stored.Namespace != namespace {
				return // that is another object
			}
			if err := api.Update(ctx, stored); !apierrors.IsInvalid(err) {
				t.Errorf("updated: %v", err)
			}
		})
	}
}

func TestAJobsNameIsALabelOfItsPods(t *testing.T) {
	_, api := server(t)
	for length, fits := range map[int]bool{63: true, 64: false} {
		job := &batchv1.Job{ObjectMeta: metav1.ObjectMeta{Namespace: "here", Name: strings.Repeat("x", length)}}
		if err := api.Create(ctx, job); fits != (err == nil) || !fits && !apierrors.IsInvalid(err) {
			t.Errorf("%d characters: %v", length, err)
		}
	}
}

func TestNamesAreGenerated(t *testing.T) {
	_, api := server(t)
	first, second := configMap(""), configMap("")
	first.GenerateName, second.GenerateName = "x-", "x-"
	must(t, api.Create(ctx, first))
	must(t, api.Create(ctx, second))
	if !strings.HasPrefix(first.Name, "x-") || first.Name == second.Name || first.Name == "x-" || first.UID == second.UID {
		t.Errorf("%s %s and %s %s", first.Name, first.UID, second.Name, second.UID)
	}
}

func TestOnlyTheServerSaysWhatItSays(t *testing.T) {
	_, api := server(t)
	job := &batchv1.Job{ObjectMeta: metav1.ObjectMeta{Namespace: "here", Name: "x", UID: "mine", Generation: 7, CreationTimestamp: metav1.NewTime(began.Add(-time.Hour))},
		Status: batchv1.JobStatus{Succeeded: 1}}
	job.DeletionTimestamp = &job.CreationTimestamp
	must(t, api.Create(ctx, job))
	if job.UID == "mine" || job.Generation != 1 || !job.CreationTimestamp.Time.Equal(began.Truncate(time.Second)) || job.DeletionTimestamp != nil || job.Status.Succeeded != 0 {
		t.Errorf("created as %+v", job)
	}
	uid, generation := job.UID, job.Generation
	job.Generation, job.CreationTimestamp = 9, metav1.Time{}
	must(t, api.Update(ctx, job))
	if job.UID != uid || job.Generation != generation || job.CreationTimestamp.IsZero() {
		t.Errorf("updated to %+v", job.ObjectMeta)
	}
	job.UID = "another"
	if err := api.Update(ctx, job); !apierrors.IsConflict(err) {
		t.Errorf("an update of another UID: %v", err)
	}
}

func TestDefaultsOfBuiltInKinds(t *testing.T) {
	_, api := server(t)
	meta := metav1.ObjectMeta{Namespace: "here", Name: "x"}
	pod, deployment, job := &corev1.Pod{ObjectMeta: meta}, &appsv1.Deployment{ObjectMeta: meta}, &batchv1.Job{ObjectMeta: meta}
	pod.Status.Phase = corev1.PodSucceeded
	for _, object := range []client.Object{pod, deployment, job} {
		must(t, api.Create(ctx, object))
	}
	if pod.Status.Phase != corev1.PodPending || pod.Spec.RestartPolicy != corev1.RestartPolicyAlways {
		t.Errorf("pod: %+v", pod)
	}
	if *deployment.Spec.Replicas != 1 || deployment.Spec.Strategy.RollingUpdate.MaxSurge.String() != "25%" {
		t.Errorf("Deployment: %+v", deployment.Spec)
	}
	if *job.Spec.BackoffLimit != 6 || *job.Spec.Suspend || job.Labels[batchv1.JobNameLabel] != "x" || job.Spec.Selector.MatchLabels[batchv1.ControllerUidLabel] != string(job.UID) {
		t.Errorf("Job: %+v", job)
	}
}

func TestWhatIsRefusedIsNotDone(t *testing.T) {
	s, api := server(t)
	stored := configMap("stored")
	must(t, api.Create(ctx, stored))
	job := &batchv1.Job{ObjectMeta: metav1.ObjectMeta{Namespace: "here", Name: "x"}}
	must(t, api.Create(ctx, job))
	patch := client.RawPatch(types.MergePatchType, []byte(`{"data":{"a":"2"}}`))
	for name, c := range map[string]struct {
		do    func() error
		asked apiserver.Request
	}{
		"create":      {func() error { return api.Create(ctx, configMap("new")) }, apiserver.Request{User: "alice", Verb: "create", Kind: "ConfigMap"}},
		"a dry run":   {func() error { return api.Create(ctx, configMap("new"), client.DryRunAll) }, apiserver.Request{User: "alice", Verb: "create", Kind: "ConfigMap"}},
		"update":      {func() error { return api.Update(ctx, stored.DeepCopy()) }, apiserver.Request{User: "alice", Verb: "update", Kind: "ConfigMap"}},
		"patch":       {func() error { return api.Patch(ctx, stored.DeepCopy(), patch) }, apiserver.Request{User: "alice", Verb: "patch", Kind: "ConfigMap"}},
		"delete":      {func() error { return api.Delete(ctx, stored.DeepCopy()) }, apiserver.Request{User: "alice", Verb: "delete", Kind: "ConfigMap"}},
		"of a status": {func() error { return api.Status().Update(ctx, job.DeepCopy()) }, apiserver.Request{User: "alice", Verb: "update", Kind: "Job", Status: true}},
	} {
		t.Run(name, func(t *testing.T) {
			var asked apiserver.Request
			s.Refuse = func(request apiserver.Request) error { asked = request; return errRefused }
			s.Watch = func(event apiserver.Event) { t.Errorf("told: %+v", event) }
			defer func() { s.Refuse, s.Watch = nil, nil }()
			if err := c.do(); !errors.Is(err, errRefused) {
				t.Errorf("answered: %v", err)
			}
			asked.Object = nil
			if asked != c.asked {
				t.Errorf("asked %+v", asked)
			}
		})
	}
}

func TestWhatTheOperatorDoesNotUseIsNotServed(t *testing.T) {
	s, api := server(t)
	stored := configMap("stored")
	must(t, api.Create(ctx, stored))
	s.Watch = func(event apiserver.Event) { t.Errorf("done all the same: %+v", event) }
	stored.Data["a"] = "2"
	for name, do := range map[string]func() error{
		"a dry update": func() error { return api.Update(ctx, stored.DeepCopy(), client.DryRunAll) },
		"a dry status": func() error { return api.Status().Update(ctx, &batchv1.Job{}, client.DryRunAll) },
		"a dry patch": func() error {
			return api.Patch(ctx, stored.DeepCopy(), client.RawPatch(types.MergePatchType, []byte(`{"data":{"a":"3"}}`)), client.DryRunAll)
		},
		"a dry deletion": func() error { return api.Delete(ctx, stored.DeepCopy(), client.DryRunAll) },
		"a JSON patch": func() error {
			return api.Patch(ctx, stored.DeepCopy(), client.RawPatch(types.JSONPatchType, []byte(`[]`)))
		},
		"deletion of all": func() error { return api.DeleteAllOf(ctx, stored) },
		"a field selector": func() error {
			return api.List(ctx, &corev1.ConfigMapList{}, client.MatchingFields{"metadata.name": "stored"})
		},
		"another kind": func() error {
			return api.Create(ctx, &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: "here", Name: "x"}})
		},
	} {
		if err := do(); err == nil || !strings.Contains(err.Error(), "does not serve") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestWhoDecides(t *testing.T) {
	s, _ := server(t)
	if err := s.As(apiserver.Operator).Create(ctx, decision("d")); !apierrors.IsForbidden(err) {
		t.Errorf("the operator decides: %v", err)
	}
	incident := &strategyv1.StrategyIncident{ObjectMeta: metav1.ObjectMeta{Namespace: "here", Name: "i"}, Spec: strategyv1.StrategyIncidentSpec{PlaybookName: "p", Type: "PnL", RequestedBy: "bob"}}
	if err := s.As("alice").Create(ctx, incident); !apierrors.IsForbidden(err) {
		t.Errorf("alice reports as bob: %v", err)
	}
	kept := decision("kept")
	kept.Spec.Target.Kind, kept.Spec.Verdict = strategyv1.KindPlaybook, strategyv1.DecisionHold
	must(t, s.As("alice").Create(ctx, kept))
	kept.Status.Answer = &strategyv1.DecisionAnswer{Outcome: strategyv1.OutcomeHonoured, Message: "held", Time: kept.CreationTimestamp}
	must(t, s.As(apiserver.Operator).Status().Update(ctx, kept))
	if err := s.As(apiserver.Operator).Delete(ctx, kept); !apierrors.IsForbidden(err) {
		t.Errorf("the operator undoes what people decided about a playbook: %v", err)
	}
	heard := &strategyv1.StrategyAlert{ObjectMeta: metav1.ObjectMeta{Namespace: "here", Name: "a"}, Spec: strategyv1.StrategyAlertSpec{
		Labels: map[string]strategyv1.AlertText{"alertname": "Loss"}, Sender: "alice", State: strategyv1.AlertFiring, Occurrence: 1, Heard: 1,
		StartTime: kept.CreationTimestamp, ChangedTime: kept.CreationTimestamp, HeardTime: kept.CreationTimestamp,
	}}
	if err := s.As("alice").Create(ctx, heard.DeepCopy()); !apierrors.IsForbidden(err) {
		t.Errorf("alice stores an alert: %v", err)
	}
	must(t, s.As(apiserver.Operator).Create(ctx, heard))
	heard.Spec.State, heard.Spec.EndTime = strategyv1.AlertResolved, &kept.CreationTimestamp
	if err := s.As("alice").Update(ctx, heard); !apierrors.IsForbidden(err) {
		t.Errorf("alice ends an alert: %v", err)
	}
	s.Policies = false
	unnamed, named := decision("unnamed"), decision("named")
	named.Spec.By = "bob"
	must(t, s.As("alice").Create(ctx, unnamed))
	must(t, s.As("alice").Create(ctx, named))
	if unnamed.Spec.By != "" || named.Spec.By != "bob" {
		t.Errorf("without the policies: %q, %q", unnamed.Spec.By, named.Spec.By)
	}
}

func TestEachChangeIsToldOnce(t *testing.T) {
	s, api := server(t)
	var told []string
	version := ""
	s.Watch = func(event apiserver.Event) {
		switch {
		case event.Old == nil:
			told = append(told, "new")
		case event.New == nil:
			told = append(told, "gone")
		default:
			told = append(told, "changed")
			if event.Old.GetResourceVersion() != version {
				t.Errorf("the version before is %s, not %s", event.Old.GetResourceVersion(), version)
			}
		}
	}
	object := configMap("x")
	object.Finalizers = []string{"example.com/x"}
	must(t, api.Create(ctx, object))
	version = object.ResourceVersion
	must(t, api.Update(ctx, object)) // nothing new
	must(t, api.Create(ctx, configMap("dry"), client.DryRunAll))
	object.Data["a"] = "2"
	must(t, api.Update(ctx, object))
	version = object.ResourceVersion
	must(t, api.Delete(ctx, object.DeepCopy()))
	must(t, api.Delete(ctx, object.DeepCopy())) // it waits already
	must(t, api.Get(ctx, client.ObjectKeyFromObject(object), object))
	object.Finalizers = nil
	must(t, api.Update(ctx, object))
	if want := []string{"new", "changed", "changed", "gone"}; !slices.Equal(told, want) {
		t.Errorf("told %v, want %v", told, want)
	}
}

func TestADeletionCanAskForTheVersion(t *testing.T) {
	_, api := server(t)
	object := configMap("x")
	must(t, api.Create(ctx, object))
	if err := api.Delete(ctx, object.DeepCopy(), client.Preconditions{ResourceVersion: new("1")}); !apierrors.IsConflict(err) {
		t.Errorf("another version: %v", err)
	}
	must(t, api.Delete(ctx, object.DeepCopy(), client.Preconditions{ResourceVersion: &object.ResourceVersion}))
}

func TestNobodySharesMemoryWithTheServer(t *testing.T) {
	s, api := server(t)
	sent := configMap("x")
	must(t, api.Create(ctx, sent))
	at := client.ObjectKeyFromObject(sent)
	fork := s.Fork()
	fork.Now = s.Now
	sent.Data["a"] = "of the sender"
	read := &corev1.ConfigMap{}
	must(t, api.Get(ctx, at, read))
	read.Data["a"] = "of a reader"
	var list corev1.ConfigMapList
	must(t, api.List(ctx, &list))
	list.Items[0].Data["a"] = "of a list"
	must(t, fork.As("bob").Get(ctx, at, read))
	read.Data["a"] = "in the fork"
	must(t, fork.As("bob").Update(ctx, read))
	must(t, fork.As("bob").Create(ctx, configMap("another")))
	must(t, api.List(ctx, &list))
	if len(list.Items) != 1 || list.Items[0].Data["a"] != "1" {
		t.Errorf("stored: %+v", list.Items)
	}
}

func TestLists(t *testing.T) {
	_, api := server(t)
	for _, name := range []string{"b", "a", "c"} {
		object := configMap(name)
		object.Labels = map[string]string{"is": name}
		must(t, api.Create(ctx, object))
	}
	elsewhere := configMap("a")
	elsewhere.Namespace = "there"
	must(t, api.Create(ctx, elsewhere))
	for name, c := range map[string]struct {
		options []client.ListOption
		want    string
	}{
		"all, in order":  {nil, "here/a here/b here/c there/a"},
		"of a namespace": {[]client.ListOption{client.InNamespace("here")}, "here/a here/b here/c"},
		"with a label":   {[]client.ListOption{client.MatchingLabels{"is": "b"}}, "here/b"},
		"of none":        {[]client.ListOption{client.InNamespace("nowhere")}, ""},
	} {
		var list corev1.ConfigMapList
		must(t, api.List(ctx, &list, c.options...))
		var got []string
		for _, item := range list.Items {
			got = append(got, item.Namespace+"/"+item.Name)
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
