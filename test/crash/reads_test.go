package crash

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/controllers"
	"tradeops.dev/strategy-operator/internal/sim"
	"tradeops.dev/strategy-operator/test/scenarios"
)

// TestWhatIsStoredIsReadOnce: evidence never changes, so one life of the operator reads each report from the bucket once, and
// each log from its node once. For its report, the page, the folder of a closed incident is read once more, whole: what it says must be what lies there.
func TestWhatIsStoredIsReadOnce(t *testing.T) {
	for _, scenario := range scenarios.All {
		t.Run(scenario.Name, func(t *testing.T) {
			t.Parallel()
			read := newReads()
			scenario.PlayWith(sim.New(t, scenario.Playbook), sim.Seams{Evidence: read.bucket, Logs: read.nodes})
			read.once(t)
			t.Logf("%d reads of the bucket, %d of them of reports that are there; %d logs", read.keys, len(read.reports), len(read.logs))
		})
	}
}

// TestALogIsReadOnceAlsoWhenTheBucketRefuses what is made of it: the log may be gone, or shorter, when it is read again.
func TestALogIsReadOnceAlsoWhenTheBucketRefuses(t *testing.T) {
	read, refused := newReads(), map[string]bool{}
	refuse := func(next controllers.Evidence) controllers.Evidence {
		return &bentBucket{next, func(ctx context.Context, key string, data []byte) error {
			if strings.Contains(key, "/checks/") && !refused[key] {
				refused[key] = true
				return errors.New("the bucket is away")
			}
			return next.Create(ctx, key, data)
		}}
	}
	story := scenarios.Named("main story")
	_, wrong := story.PlayWith(sim.New(t, story.Playbook), sim.Seams{Evidence: refuse, Logs: read.nodes})
	for _, what := range wrong {
		t.Error(what)
	}
	if len(refused) == 0 || len(read.logs) == 0 {
		t.Fatalf("%d objects were refused, %d logs were read", len(refused), len(read.logs))
	}
	read.once(t)
}

// TestALogIsNotReadWhenItsReportIsStored, also by an operator that starts between the report and its verdict.
func TestALogIsNotReadWhenItsReportIsStored(t *testing.T) {
	story := scenarios.Named("main story")
	w := sim.New(t, story.Playbook)
	story.Set(w)
	stopped := false
	first := w.Start(sim.Seams{Around: func(effect string, do func() error) error {
		if stopped {
			return errStopped
		}
		stopped = strings.HasSuffix(effect, "/checks/triage-audit-1.json")
		return do()
	}})
	for !stopped && w.Next(t.Context(), first) {
	}
	read := newReads()
	if !w.Settle(t.Context(), w.Start(sim.Seams{Evidence: read.bucket, Logs: read.nodes})) {
		t.Error("it never ends")
	}
	for pod := range read.logs {
		if strings.HasPrefix(pod, "triage-audit-") {
			t.Errorf("the log of pod %s was read, though its report is stored", pod)
		}
	}
	if !stopped || len(read.logs) == 0 {
		t.Errorf("stopped: %t; %d other logs were read", stopped, len(read.logs))
	}
}

// TestASecretIsReadAgainAfterHalfAMinute, and not before: a new key must be used soon, and a pass needs one each time.
func TestASecretIsReadAgainAfterHalfAMinute(t *testing.T) {
	story := scenarios.Named("renewed while in effect")
	w := sim.New(t, story.Playbook)
	var times []time.Time
	_, wrong := story.PlayWith(w, sim.Seams{Live: func(next client.Reader) client.Reader {
		return &watchedSecrets{next, w.Namespace, func() { times = append(times, w.Clock.Now()) }}
	}})
	for _, what := range wrong {
		t.Error(what)
	}
	for i := range len(times) - 1 {
		if pause := times[i+1].Sub(times[i]); pause < 30*time.Second {
			t.Errorf("the Secret was read again after %s", pause)
		}
	}
	if lasted := w.Clock.Now().Sub(sim.Beginning); len(times) < 2 {
		t.Errorf("the Secret was read %d times in %s", len(times), lasted)
	}
}

type watchedSecrets struct {
	client.Reader
	namespace string // of the playbook: in the operator's own it was looked for just before
	read      func()
}

// Get implements client.Reader.
func (r *watchedSecrets) Get(ctx context.Context, key client.ObjectKey, object client.Object, options ...client.GetOption) error {
	if _, is := object.(*corev1.Secret); is && key.Namespace == r.namespace {
		r.read()
	}
	return r.Reader.Get(ctx, key, object, options...)
}

// TestAChangedReportIsFound by an operator that has not read it yet: it must not decide on another one than the status tells.
func TestAChangedReportIsFound(t *testing.T) {
	story := scenarios.Named("main story")
	story.Script = story.Script[:1] // the change is approved and stays in effect
	w := sim.New(t, story.Playbook)
	story.Set(w)
	w.Settle(t.Context(), w.Start(sim.Seams{}))
	operator := w.Start(sim.Seams{Evidence: func(next controllers.Evidence) controllers.Evidence { return &changedReports{next} }})
	for operator.Step(t.Context()) && w.Ready("") != strategyv1.ReasonEvidenceUnavailable {
	}
	ready := meta.FindStatusCondition(w.Rollback().Status.Conditions, strategyv1.ConditionReady)
	if ready.Reason != strategyv1.ReasonEvidenceUnavailable || !strings.Contains(ready.Message, "was changed: its sha256 is") {
		t.Errorf("a changed report is not told: %+v", ready)
	}
}

type changedReports struct{ controllers.Evidence }

// Get implements controllers.Evidence.
func (b *changedReports) Get(ctx context.Context, key string) ([]byte, error) {
	data, err := b.Evidence.Get(ctx, key)
	if strings.Contains(key, "/checks/") {
		data = bytes.ReplaceAll(data, []byte(`"ms":10`), []byte(`"ms":11`))
	}
	return data, err
}

// reads counts what an operator reads.
type reads struct {
	keys    int            // of the bucket, also of what is not there
	reports map[string]int // that were there, by key
	logs    map[string]int // by pod
}

func newReads() *reads { return &reads{reports: map[string]int{}, logs: map[string]int{}} }

// once says what was read more than once.
func (r *reads) once(t *testing.T) {
	t.Helper()
	for name, times := range r.reports {
		if times > 3 { // once more for each closing
			t.Errorf("report %s was read %d times", name, times)
		}
	}
	for name, times := range r.logs {
		if times > 1 {
			t.Errorf("the log of pod %s was read %d times", name, times)
		}
	}
}

func (r *reads) bucket(next controllers.Evidence) controllers.Evidence {
	return &countedBucket{next, r}
}

func (r *reads) nodes(next controllers.Logs) controllers.Logs { return &countedLogs{next, r} }

type countedBucket struct {
	controllers.Evidence
	reads *reads
}

// Get implements controllers.Evidence.
func (b *countedBucket) Get(ctx context.Context, key string) ([]byte, error) {
	b.reads.keys++
	data, err := b.Evidence.Get(ctx, key)
	if err == nil && strings.Contains(key, "/checks/") {
		b.reads.reports[key]++
	}
	return data, err
}

type countedLogs struct {
	controllers.Logs
	reads *reads
}

// Tail implements controllers.Logs.
func (l *countedLogs) Tail(ctx context.Context, namespace, pod, container string) ([]byte, error) {
	l.reads.logs[pod]++
	return l.Logs.Tail(ctx, namespace, pod, container)
}
