package world

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/checks"
	"tradeops.dev/strategy-operator/internal/evidence"
	"tradeops.dev/strategy-operator/internal/testkit"
)

// Names of what every world has.
const (
	Playbook   = "multi-strategy"
	ConfigMap  = testkit.ConfigMap
	Deployment = testkit.Scheduler
	Secret     = "decision-log-key"
	Template   = "tools"
)

// SigningKey is of the tests only.
var SigningKey = []byte("a key of the tests, 32 bytes long, or more")

// World is a namespace with everything around the operator. It plays the Job controller, the kubelet, the Deployment
// controller, the scheduler and the people.
type World struct {
	T         testing.TB
	Cluster   *Cluster
	Namespace string
	Clock     *clocktesting.FakePassiveClock
	Store     *evidence.Store

	// Report is what a check's container prints, unless it says false; an empty report is an exit with code 1.
	Report func(*World, checks.ID) (string, bool)
	// People is what people do next; true when somebody did something.
	People func(*World) bool

	// Signals are the numbers that Prometheus knows.
	Signals map[string]float64

	Jobs      map[string]checks.ID // every Job that ever existed, by UID
	Restarts  int                  // rollouts of the Deployment
	LastError error                // of the last reconcile

	times struct {
		sync.Mutex
		byUID map[types.UID]seen
	}
	rollbacks []metav1.ObjectMeta // that ever were

	output  sync.Map // by pod: what its container printed; a running manager reads it, too
	running string   // the document that the scheduler has loaded
}

var namespaces atomic.Int64

// New makes a namespace. change adapts the playbook's spec; nil leaves it as it is.
func New(t testing.TB, cluster *Cluster, change func(*strategyv1.StrategyPlaybookSpec)) *World {
	t.Helper()
	store, err := evidence.Open(context.Background(), "file://"+t.TempDir()+"?no_tmp_dir=1&metadata=skip")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	w := &World{
		T: t, Cluster: cluster, Namespace: fmt.Sprintf("world-%d", namespaces.Add(1)),
		Clock: clocktesting.NewFakePassiveClock(Beginning), Store: store,
		Jobs: map[string]checks.ID{}, running: testkit.Document,
	}
	w.Signals = map[string]float64{"cpu": 20}
	w.times.byUID = map[types.UID]seen{}
	t.Cleanup(func() { cluster.memo.forgetWorld(w.Namespace) })
	spec := testkit.Playbook()
	if change != nil {
		change(&spec)
	}
	w.Create(
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: w.Namespace}},
		w.ConfigMap(), w.Secret(), w.PodTemplate(), w.Deployment(),
		&strategyv1.StrategyPlaybook{ObjectMeta: w.named(Playbook), Spec: spec},
	)
	return w
}

// ConfigMap is the scheduler's configuration as it was at first.
func (w *World) ConfigMap() *corev1.ConfigMap {
	return &corev1.ConfigMap{ObjectMeta: w.managed(ConfigMap), Data: map[string]string{testkit.DataKey: testkit.Document}}
}

// Secret holds the signing key.
func (w *World) Secret() *corev1.Secret {
	return &corev1.Secret{ObjectMeta: w.managed(Secret), Data: map[string][]byte{"hmac-key": SigningKey}}
}

// PodTemplate is the one of all checks.
func (w *World) PodTemplate() *corev1.PodTemplate {
	return &corev1.PodTemplate{ObjectMeta: w.named(Template), Template: testkit.Templates()[Template]}
}

// Deployment is the scheduler's.
func (w *World) Deployment() *appsv1.Deployment {
	pod := map[string]string{"app": "scheduler"}
	return &appsv1.Deployment{ObjectMeta: w.named(Deployment), Spec: appsv1.DeploymentSpec{
		Selector: &metav1.LabelSelector{MatchLabels: pod},
		Strategy: appsv1.DeploymentStrategy{Type: appsv1.RecreateDeploymentStrategyType},
		Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: pod}, Spec: corev1.PodSpec{
			Containers: []corev1.Container{{Name: "scheduler", Image: "scheduler:1"}},
			Volumes: []corev1.Volume{{Name: "config", VolumeSource: corev1.VolumeSource{
				ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: corev1.LocalObjectReference{Name: ConfigMap}},
			}}},
		}},
	}}
}

func (w *World) named(name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: w.Namespace, Name: name}
}

func (w *World) managed(name string) metav1.ObjectMeta {
	m := w.named(name)
	m.Labels = map[string]string{strategyv1.LabelManaged: strategyv1.ManagedValue}
	return m
}

// Create makes objects as the cluster's administrator.
func (w *World) Create(objects ...client.Object) {
	w.T.Helper()
	for _, object := range objects {
		if err := w.Cluster.Admin.Create(context.Background(), object); err != nil {
			w.T.Fatalf("create %T: %v", object, err)
		}
		w.date(object)
	}
}

// As creates an object as a person, who may do everything: who may what is tested elsewhere.
func (w *World) As(user string, object client.Object) {
	w.T.Helper()
	object.SetNamespace(w.Namespace)
	if err := w.person(user).Create(context.Background(), object); err != nil {
		w.T.Fatalf("%s creates %T: %v", user, object, err)
	}
	w.date(object)
}

func (w *World) person(user string) client.Client {
	w.T.Helper()
	config := rest.CopyConfig(w.Cluster.Config)
	config.Impersonate = rest.ImpersonationConfig{UserName: user, Groups: []string{"system:masters"}}
	person, err := client.New(config, client.Options{Scheme: w.Cluster.Scheme, Mapper: w.Cluster.Admin.RESTMapper()})
	if err != nil {
		w.T.Fatal(err)
	}
	return person
}

// Get reads an object of the world; it must be there.
func (w *World) Get(name string, object client.Object) {
	w.T.Helper()
	if err := w.find(name, object); err != nil {
		w.T.Fatal(err)
	}
}

func (w *World) find(name string, object client.Object) error {
	err := w.Cluster.Admin.Get(context.Background(), types.NamespacedName{Namespace: w.Namespace, Name: name}, object)
	if err == nil {
		w.date(object)
	}
	return err
}

// Change reads an object, changes it and writes it back.
func Change[O client.Object](w *World, name string, object O, change func(O)) {
	w.T.Helper()
	w.Get(name, object)
	change(object)
	if err := w.Cluster.Admin.Update(context.Background(), object); err != nil {
		w.T.Fatalf("update %T %s: %v", object, name, err)
	}
}

// Delete removes an object at once.
func (w *World) Delete(name string, object client.Object) {
	w.T.Helper()
	object.SetNamespace(w.Namespace)
	object.SetName(name)
	if err := w.Cluster.Admin.Delete(context.Background(), object, client.GracePeriodSeconds(0), client.PropagationPolicy(metav1.DeletePropagationBackground)); err != nil {
		w.T.Fatalf("delete %T %s: %v", object, name, err)
	}
}

// List reads all objects of a kind.
func (w *World) List(list client.ObjectList) {
	w.T.Helper()
	if err := w.Cluster.Admin.List(context.Background(), list, client.InNamespace(w.Namespace)); err != nil {
		w.T.Fatal(err)
	}
	w.dateAll(list)
}

// Names are the sorted names of all objects of a kind.
func (w *World) Names(list client.ObjectList) []string {
	w.T.Helper()
	w.List(list)
	var names []string
	_ = meta.EachListItem(list, func(item runtime.Object) error {
		names = append(names, item.(client.Object).GetName())
		return nil
	})
	slices.Sort(names)
	return names
}

// Content is the scheduler's configuration, empty without one.
func (w *World) Content() string {
	w.T.Helper()
	var configMap corev1.ConfigMap
	if err := w.find(ConfigMap, &configMap); err != nil && !apierrors.IsNotFound(err) {
		w.T.Fatal(err)
	}
	return configMap.Data[testkit.DataKey]
}
