package input

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/config"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/controllers"
	"tradeops.dev/strategy-operator/internal/conditions"
	"tradeops.dev/strategy-operator/internal/testkit"
	"tradeops.dev/strategy-operator/test/world"
)

const (
	// step is how long the world pauses between two steps while a manager runs.
	step = 20 * time.Millisecond
	// patience bounds the wait for the manager: ten times what the story takes.
	patience = 2 * time.Minute
	// maxConflicts of the optimistic locks: more would mean that the operator works on old copies.
	maxConflicts = 3
)

// TestTheMainStoryWithAManager proves that the watches, the indexes and the cache's selectors are wired: nothing but they
// wakes the reconcilers, and the clock is real.
func TestTheMainStoryWithAManager(t *testing.T) {
	w := world.New(t, cluster, nil)
	w.Report, w.People = world.Losing, world.People(world.Approve, world.Restore)
	w.Play()
	requests := &world.Requests{Namespace: w.Namespace} // other tests' objects are there, too
	runManager(t, w, requests)
	until(w, "the playbook is valid", func() bool {
		var playbook strategyv1.StrategyPlaybook
		w.Get(world.Playbook, &playbook)
		return conditions.True(playbook.Status.Conditions, strategyv1.ConditionReady)
	})
	logCounts(t, "until the playbook is valid", requests.Counts())
	requests.Reset()

	began := time.Now()
	w.ReportIncident(nil)
	until(w, "the incident is resolved", func() bool { return readyReason(w.Incident().Status.Conditions) == "Resolved" })
	t.Logf("the story took %v", time.Since(began).Round(time.Millisecond))
	if got := readyReason(w.Rollback().Status.Conditions); got != "Restored" {
		t.Errorf("the rollback ends %s", got)
	}
	if w.Content() != testkit.Document {
		t.Errorf("the configuration is not what it was: %s", w.Content())
	}

	counts := requests.Counts()
	logCounts(t, "during the story", counts)
	conflicts, lists := 0, 0
	for request, n := range counts {
		if request.Code == http.StatusConflict {
			conflicts += n
		}
		if request.Verb == "LIST" && request.Resource != "pods" { // pods are read live while a change is on its way
			lists += n
			t.Errorf("%d lists of %s after the start", n, request.Resource)
		}
	}
	t.Logf("%d writes, %d conflicts, %d lists but those of pods", requests.Writes(), conflicts, lists)
	if conflicts > maxConflicts {
		t.Errorf("%d conflicts, at most %d are right", conflicts, maxConflicts)
	}
}

// runManager starts the operator as cmd/manager does, without election, probes and a metrics server.
func runManager(t *testing.T, w *world.World, requests *world.Requests) {
	t.Helper()
	metrics.Registry = prometheus.NewRegistry() // the operator registers its own metrics once a process
	mgr, err := ctrl.NewManager(w.Config(requests.Transport), ctrl.Options{
		Scheme: cluster.Scheme, Cache: controllers.CacheOptions([]string{w.Namespace}),
		Metrics: metricsserver.Options{BindAddress: "0"}, Controller: config.Controller{SkipNameValidation: new(true)},
	})
	if err != nil {
		t.Fatal(err)
	}
	environment := &controllers.Environment{
		Client: mgr.GetClient(), Live: mgr.GetAPIReader(), Logs: w, Evidence: w.Store,
		Clock: clock.RealClock{}, Recorder: mgr.GetEventRecorder("strategy-operator"), Namespaces: []string{w.Namespace},
	}
	ctx, stop := context.WithCancel(context.Background())
	if err := environment.Setup(ctx, mgr); err != nil {
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
}

// until plays the world until something holds.
func until(w *world.World, what string, done func() bool) {
	w.T.Helper()
	pause := time.NewTicker(step)
	defer pause.Stop()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); <-pause.C {
		if done() {
			return
		}
		w.Clock.SetTime(time.Now())
		w.Play()
	}
	incident, rollback := w.Incident(), w.Rollback()
	w.T.Fatalf("not within %v: %s\n%+v\n%+v", patience, what, incident, rollback)
}

func readyReason(all []metav1.Condition) string {
	return conditions.Reason(all, strategyv1.ConditionReady)
}

func logCounts(t *testing.T, when string, counts map[world.Request]int) {
	t.Helper()
	var lines []string
	for request, n := range counts {
		lines = append(lines, fmt.Sprintf("%4d %-7s %s (%d)", n, request.Verb, request.Resource, request.Code))
	}
	slices.SortFunc(lines, func(a, b string) int { return cmp.Compare(b, a) })
	t.Logf("requests %s:", when)
	for _, line := range lines {
		t.Log(line)
	}
}
