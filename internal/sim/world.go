package sim

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/checks"
	"tradeops.dev/strategy-operator/internal/facts"
	"tradeops.dev/strategy-operator/internal/sim/apiserver"
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

// Beginning is when every world begins.
var Beginning = time.Date(2026, 11, 23, 10, 15, 0, 0, time.UTC)

// SigningKey signs the decision logs of simulated worlds, and of nothing else.
var SigningKey = []byte("a key of the tests, 32 bytes long, or more")

// API is the API server that a world lives on.
type API interface {
	// As is a client in somebody's name, who may do everything: who may what is tested elsewhere.
	As(user string) client.Client
	// Seen is everything on the server, as a watcher knows it: what the operator's cache is made of.
	Seen() *apiserver.Server
	// Fork is a copy of the server with another clock; nil: this one cannot be copied.
	Fork(now func() time.Time) API
}

// T is the part of testing.T that a world needs. It must not return from Fatalf.
type T interface {
	Helper()
	Fatalf(format string, args ...any)
}

// World is a namespace with everything around the operator.
type World struct {
	T         T
	API       API
	Namespace string
	Clock     *clocktesting.FakePassiveClock
	Bucket    *Bucket
	Webhook   *Webhook
	Git       *Git // nil: there is none

	// Report is how a check's container ends, unless it says false: then it passes.
	Report func(*World, checks.ID) (Ended, bool)
	// Reports are ends of checks by "check", "Stage/check" or "Stage/check/attempt"; the last says most. They go before Report.
	Reports map[string]Ended
	// Script is what people do, in order.
	Script []Step
	// People is what people do besides; true when somebody did something.
	People func(*World) bool
	// Meanwhile happens once, right before the operator's first write of the configuration: after it was read for it.
	Meanwhile func(*World)
	// Signals are the numbers that Prometheus knows, by the name of a query or as it was asked.
	Signals map[string]float64
	// Stale is how many of the next restarts read the configuration as it was before: the kubelet's copy is old.
	Stale int
	// Mesh puts a proxy before the containers of every check's pod, as a webhook does. It says "ok" in its log and never ends.
	Mesh bool
	// Reloader restarts the Deployment whenever the configuration changed.
	Reloader bool
	// Ahead is how far the operator's clock is ahead of the API server's, which is Clock; below zero: behind.
	Ahead time.Duration
	// NodesAhead is that of whoever writes the statuses of Jobs and pods.
	NodesAhead time.Duration
	// Labels are those of the namespace, as far as the operator asks for them.
	Labels map[string]string
	// MayNot is what people may not do; with an error nobody can say it. Nil: everybody may do everything.
	MayNot func(facts.Right) (bool, error)
	// Installed is what is known of the admission policies beside what they refuse: since when they are as they are, and which differs.
	Installed Installed

	Jobs     map[string]checks.ID // every Job that ever existed, by UID
	Made     map[string]int       // how many Jobs of a name were made
	Restarts int                  // rollouts of the Deployment
	Trace    []string             // everything that operators did and told
	Idle     bool                 // nothing happens any more but what people do

	did       int                 // steps of the script so far
	met       bool                // Meanwhile happened
	changes   []apiserver.Event   // that no operator knows yet
	rollbacks []metav1.ObjectMeta // that ever were
	running   string              // the document that the scheduler has loaded
	reloaded  string              // the document that Reloader saw last
	output    *logs
}

// Installed says since when the admission policies are what the operator was built with, or how one differs.
type Installed struct {
	Since   time.Time
	Differs string
}

// InForce implements controllers.Policies.
func (w *World) InForce(context.Context) (time.Time, string, error) {
	return w.Installed.Since, w.Installed.Differs, nil
}

// May implements controllers.Access.
func (w *World) May(_ context.Context, _ string, right facts.Right) (bool, error) {
	if w.MayNot == nil {
		return true, nil
	}
	not, err := w.MayNot(right)
	return !not, err
}

// operatorClock is the clock of the machine that the operator runs on.
type operatorClock struct{ world *World }

// Now implements clock.PassiveClock.
func (c operatorClock) Now() time.Time { return c.world.Clock.Now().Add(c.world.Ahead) }

// Since implements clock.PassiveClock.
func (c operatorClock) Since(at time.Time) time.Duration { return c.Now().Sub(at) }

// logs are what containers printed, by pod/container. A running manager reads them, too.
type logs struct {
	sync.Mutex
	of map[string]string
}

// kinds are read once: the schemas take a second.
var kinds = sync.OnceValues(apiserver.NewKinds)

// Kinds are the kinds of every simulated API server.
func Kinds() (*apiserver.Kinds, error) { return kinds() }

// memory is a simulated API server.
type memory struct{ *apiserver.Server }

func (m memory) Seen() *apiserver.Server { return m.Server }

func (m memory) Fork(now func() time.Time) API {
	fork := m.Server.Fork()
	fork.Now = now
	return memory{fork}
}

// New is a world on a simulated API server. change adapts the playbook's spec; nil leaves it as it is.
func New(t T, change func(*strategyv1.StrategyPlaybookSpec)) *World {
	t.Helper()
	known, err := Kinds()
	if err != nil {
		t.Fatalf("the kinds of the API: %v", err)
	}
	w := empty(t, "world-1")
	w.On(memory{apiserver.New(known, w.Clock.Now)})
	w.Furnish(change)
	return w
}

// NewOn is a world on another API server: a namespace that exists and is empty.
func NewOn(t T, api API, namespace string, clock *clocktesting.FakePassiveClock, change func(*strategyv1.StrategyPlaybookSpec)) *World {
	t.Helper()
	w := empty(t, namespace)
	w.Clock = clock
	w.On(api)
	w.Furnish(change)
	return w
}

func empty(t T, namespace string) *World {
	return &World{
		T: t, Namespace: namespace, Clock: clocktesting.NewFakePassiveClock(Beginning), Bucket: NewBucket(), Webhook: &Webhook{Got: map[string]int{}},
		Jobs: map[string]checks.ID{}, Made: map[string]int{}, Signals: map[string]float64{"cpu": 20}, Reports: map[string]Ended{}, running: testkit.Document, output: &logs{of: map[string]string{}},
	}
}

// On puts the world on an API server, and watches it.
func (w *World) On(api API) {
	w.API = api
	api.Seen().Watch = func(event apiserver.Event) {
		w.changes = append(w.changes, event)
		if job, ok := event.New.(*batchv1.Job); ok && event.Old == nil {
			w.Made[job.Name]++
		}
		if rollback, ok := event.New.(*strategyv1.StrategyRollback); ok && event.Old == nil {
			w.rollbacks = append(w.rollbacks, metav1.ObjectMeta{
				Namespace: rollback.Namespace, Name: rollback.Name, UID: rollback.UID, CreationTimestamp: rollback.CreationTimestamp,
			})
		}
	}
}

// Furnish creates what every world has.
func (w *World) Furnish(change func(*strategyv1.StrategyPlaybookSpec)) {
	spec := testkit.Playbook()
	if change != nil {
		change(&spec)
	}
	w.Create(w.ConfigMap(), w.Secret(), w.PodTemplate(), w.Deployment(), w.MakePlaybook(spec))
}

// MakePlaybook is the playbook of the world.
func (w *World) MakePlaybook(spec strategyv1.StrategyPlaybookSpec) *strategyv1.StrategyPlaybook {
	return &strategyv1.StrategyPlaybook{ObjectMeta: w.named(Playbook), Spec: spec}
}

// Fork is a copy of the world that goes its own way, without an operator: what it remembered is lost.
func (w *World) Fork() *World {
	fork := *w
	fork.Clock = clocktesting.NewFakePassiveClock(w.Clock.Now())
	fork.Bucket, fork.Webhook, fork.Git = w.Bucket.fork(), w.Webhook.fork(), w.Git.fork(fork.Clock.Now)
	fork.Signals, fork.Reports = maps.Clone(w.Signals), maps.Clone(w.Reports)
	fork.Jobs, fork.Made = maps.Clone(w.Jobs), maps.Clone(w.Made)
	fork.Trace, fork.rollbacks = slices.Clip(w.Trace), slices.Clip(w.rollbacks)
	fork.changes = nil
	w.output.Lock()
	defer w.output.Unlock()
	fork.output = &logs{of: maps.Clone(w.output.of)}
	fork.On(w.API.Fork(fork.Clock.Now))
	return &fork
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
	return &corev1.PodTemplate{ObjectMeta: w.named(Template), Template: testkit.Templates()[Template].PodTemplateSpec}
}

// Deployment is the scheduler's.
func (w *World) Deployment() *appsv1.Deployment {
	pod := map[string]string{"app": "scheduler"}
	return &appsv1.Deployment{ObjectMeta: w.named(Deployment), Spec: appsv1.DeploymentSpec{
		Selector: &metav1.LabelSelector{MatchLabels: pod},
		Strategy: appsv1.DeploymentStrategy{Type: appsv1.RecreateDeploymentStrategyType},
		Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: pod}, Spec: corev1.PodSpec{
			Containers: []corev1.Container{{Name: "scheduler", Image: "scheduler:1", VolumeMounts: []corev1.VolumeMount{{Name: "config", MountPath: "/config"}}}},
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

// admin is whoever keeps the cluster going.
func (w *World) admin() client.Client { return w.API.As("admin") }

// Create makes objects as the cluster's administrator.
func (w *World) Create(objects ...client.Object) {
	w.T.Helper()
	for _, object := range objects {
		if err := w.admin().Create(context.Background(), object); err != nil {
			w.T.Fatalf("create %T %s: %v", object, object.GetName(), err)
		}
	}
}

// As creates an object as somebody.
func (w *World) As(user string, object client.Object) {
	w.T.Helper()
	object.SetNamespace(w.Namespace)
	if err := w.API.As(user).Create(context.Background(), object); err != nil {
		w.T.Fatalf("%s creates %T: %v", user, object, err)
	}
}

// Get reads an object of the world; it must be there.
func (w *World) Get(name string, object client.Object) {
	w.T.Helper()
	if err := w.find(name, object); err != nil {
		w.T.Fatalf("%v", err)
	}
}

func (w *World) find(name string, object client.Object) error {
	return w.seen().Get(context.Background(), types.NamespacedName{Namespace: w.Namespace, Name: name}, object)
}

// seen reads what watchers know.
func (w *World) seen() client.Reader { return w.API.Seen().As("anybody") }

// Change reads an object, changes it and writes it back.
func Change[O client.Object](w *World, name string, object O, change func(O)) {
	w.T.Helper()
	w.Get(name, object)
	change(object)
	if err := w.admin().Update(context.Background(), object); err != nil {
		w.T.Fatalf("update %T %s: %v", object, name, err)
	}
}

// Delete removes an object at once.
func (w *World) Delete(name string, object client.Object) {
	w.T.Helper()
	object.SetNamespace(w.Namespace)
	object.SetName(name)
	if err := w.delete(object); err != nil {
		w.T.Fatalf("delete %T %s: %v", object, name, err)
	}
}

func (w *World) delete(object client.Object) error {
	return w.admin().Delete(context.Background(), object, client.GracePeriodSeconds(0), client.PropagationPolicy(metav1.DeletePropagationBackground))
}

// List reads all objects of a kind.
func (w *World) List(list client.ObjectList) {
	w.T.Helper()
	if err := w.seen().List(context.Background(), list, client.InNamespace(w.Namespace)); err != nil {
		w.T.Fatalf("list %T: %v", list, err)
	}
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
		w.T.Fatalf("%v", err)
	}
	return configMap.Data[testkit.DataKey]
}

// Running is the document that the scheduler has loaded.
func (w *World) Running() string { return w.running }

// EveryRollback that ever was, also those that are gone, in the order in which they came.
func (w *World) EveryRollback() []metav1.ObjectMeta { return w.rollbacks }

// tell adds a line to the trace.
func (w *World) tell(format string, args ...any) {
	w.Trace = append(w.Trace, fmt.Sprintf(format, args...))
}
