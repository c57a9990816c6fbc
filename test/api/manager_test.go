package api_test

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/config"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/controllers"
	served "tradeops.dev/strategy-operator/controllers/namespaces"
	"tradeops.dev/strategy-operator/controllers/policies"
	"tradeops.dev/strategy-operator/internal/conditions"
	"tradeops.dev/strategy-operator/internal/sim"
	"tradeops.dev/strategy-operator/internal/testkit"
)

const (
	// step is how long the world pauses between two steps while a manager runs.
	step = 20 * time.Millisecond
	// patience bounds the wait for the manager: ten times what the story takes.
	patience = 2 * time.Minute
	// maxConflicts of the optimistic locks: one or two are usual, four were seen on a busy machine; an operator that works on old copies
	// makes one in nearly every pass.
	maxConflicts = 8
)

// TestTheMainStoryWithAManager proves that the watches, the indexes and the cache's selectors are wired: nothing but they
// wakes the reconcilers, and the clock is real.
func TestTheMainStoryWithAManager(t *testing.T) {
	w := onRealServer(t, nil)
	w.Report, w.People = sim.Losing, sim.People(sim.Approve, sim.Restore)
	w.Play()
	counted := &requests{Namespace: w.Namespace} // other tests' objects are there, too
	runManager(t, managed(counted), []string{w.Namespace}, w)
	until(w, "the playbook is valid", func() bool {
		var playbook strategyv1.StrategyPlaybook
		w.Get(sim.Playbook, &playbook)
		return conditions.True(playbook.Status.Conditions, strategyv1.ConditionReady)
	})
	logCounts(t, "until the playbook is valid", counted.Counts())
	counted.Reset()

	began := time.Now()
	w.ReportIncident(nil)
	until(w, "the incident is resolved", func() bool { return readyReason(w.Incident().Status.Conditions) == "Resolved" })
	t.Logf("the story took %v", time.Since(began).Round(time.Millisecond))
	refresh(w)
	if got := readyReason(w.Rollback().Status.Conditions); got != "Restored" {
		t.Errorf("the rollback ends %s", got)
	}
	if w.Content() != testkit.Document {
		t.Errorf("the configuration is not what it was: %s", w.Content())
	}

	counts := counted.Counts()
	logCounts(t, "during the story", counts)
	conflicts, lists := 0, 0
	for one, n := range counts {
		if one.Code == http.StatusConflict {
			conflicts += n
		}
		if one.Verb == "LIST" && one.Resource != "pods" { // pods are read live while a change is on its way
			lists += n
			t.Errorf("%d lists of %s after the start", n, one.Resource)
		}
	}
	t.Logf("%d writes, %d conflicts, %d lists but those of pods", counted.Writes(), conflicts, lists)
	if conflicts > maxConflicts {
		t.Errorf("%d conflicts, at most %d are right", conflicts, maxConflicts)
	}
}

// runManager starts the operator as cmd/manager does, without election, probes and a metrics server.
func runManager(t *testing.T, access *rest.Config, listed []string, worlds ...*sim.World) *served.Readers {
	t.Helper()
	metrics.Registry = prometheus.NewRegistry() // the operator registers its own metrics once a process
	mgr, err := ctrl.NewManager(access, ctrl.Options{
		Scheme: scheme, Cache: controllers.CacheOptions(),
		Metrics: metricsserver.Options{BindAddress: "0"}, Controller: config.Controller{SkipNameValidation: new(true)},
	})
	if err != nil {
		t.Fatal(err)
	}
	readers := served.New(mgr, listed)
	environment := &controllers.Environment{
		Client: readers.Client(), Live: mgr.GetAPIReader(), Logs: logsOf(worlds), Evidence: worlds[0].Bucket,
		Clock: clock.RealClock{}, Recorder: mgr.GetEventRecorder("strategy-operator"), Namespaces: readers,
		Policies: policiesOf(t, access), User: operator,
	}
	ctx, stop := context.WithCancel(context.Background())
	if err := environment.Setup(ctx, mgr, readers); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- mgr.Start(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("the manager ended: %v", err)
		}
	})
	return readers
}

// logsOf finds the world whose container is asked for.
type logsOf []*sim.World

// Tail implements controllers.Logs.
func (l logsOf) Tail(ctx context.Context, namespace, pod, container string) ([]byte, error) {
	for _, w := range l {
		if w.Namespace == namespace {
			return w.Tail(ctx, namespace, pod, container)
		}
	}
	return nil, fmt.Errorf("no world is in namespace %s", namespace)
}

// managed is the operator's access to the API server.
func managed(counted *requests) *rest.Config {
	config := rest.CopyConfig(server)
	config.QPS = -1
	config.Impersonate = rest.ImpersonationConfig{UserName: operator, Groups: []string{everywhere}}
	config.Wrap(counted.Transport)
	return config
}

// policiesOf reads what is installed, as the operator does.
func policiesOf(t *testing.T, access *rest.Config) *policies.Proof {
	t.Helper()
	api, err := client.New(access, client.Options{Scheme: scheme, Mapper: admin.RESTMapper()})
	must(t, err)
	proof, err := policies.New(api, clock.RealClock{}, operator)
	must(t, err)
	must(t, eventually(t.Context(), func() (bool, error) { // another test may just have put a policy back, and what is decided before counts for nothing
		since, differs, err := proof.InForce(t.Context())
		decided := time.Now().Truncate(time.Second) // as the API server will say of a decision that is made now
		return differs == "" && decided.After(since), err
	}))
	return proof
}

// refresh shows a world what the manager wrote beside it.
func refresh(w *sim.World) {
	w.T.Helper()
	onServer, _ := w.API.(*real)
	there := map[types.UID]bool{}
	for _, list := range []client.ObjectList{
		&appsv1.DeploymentList{}, // before the ConfigMaps: pods that are restarted for a configuration must not read the one before it
		&strategyv1.StrategyPlaybookList{}, &strategyv1.StrategyIncidentList{}, &strategyv1.StrategyRollbackList{}, &strategyv1.StrategyDecisionList{},
		&corev1.ConfigMapList{}, &corev1.SecretList{}, &corev1.PodTemplateList{}, &corev1.PodList{}, &batchv1.JobList{},
		&appsv1.ControllerRevisionList{},
	} {
		if err := onServer.As("admin").List(context.Background(), list, client.InNamespace(w.Namespace)); err != nil {
			w.T.Fatalf("%v", err)
		}
		_ = meta.EachListItem(list, func(item runtime.Object) error {
			object := item.(client.Object)
			there[object.GetUID()] = true
			onServer.learn(object, false)
			return nil
		})
	}
	for _, object := range onServer.seen.All(w.Namespace) {
		if !there[object.GetUID()] {
			onServer.learn(object, true)
		}
	}
}

// until plays the world until something holds.
func until(w *sim.World, what string, done func() bool) {
	w.T.Helper()
	pause := time.NewTicker(step)
	defer pause.Stop()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); <-pause.C {
		if done() {
			return
		}
		w.Clock.SetTime(time.Now())
		refresh(w)
		w.Play()
		refresh(w)
	}
	incident, rollback := w.Incident(), w.Rollback()
	w.T.Fatalf("not within %v: %s\n%+v\n%+v", patience, what, incident, rollback)
}

func readyReason(all []metav1.Condition) string {
	return conditions.Reason(all, strategyv1.ConditionReady)
}

func logCounts(t *testing.T, when string, counts map[asked]int) {
	t.Helper()
	var lines []string
	for one, n := range counts {
		lines = append(lines, fmt.Sprintf("%4d %-7s %s (%d)", n, one.Verb, one.Resource, one.Code))
	}
	slices.SortFunc(lines, func(a, b string) int { return cmp.Compare(b, a) })
	t.Logf("requests %s:", when)
	for _, line := range lines {
		t.Log(line)
	}
}
