package controllers

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/go-logr/logr/funcr"
	"github.com/prometheus/client_golang/prometheus"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/controllers/namespaces"
	"tradeops.dev/strategy-operator/internal/action"
	"tradeops.dev/strategy-operator/internal/decisionlog"
	"tradeops.dev/strategy-operator/internal/evidence"
)

const secretText = "no log may show this text, 32 bytes or more"

// bucket is the evidence of a test.
type bucket map[string][]byte

func (b bucket) Get(_ context.Context, key string) ([]byte, error) {
	if data, found := b[key]; found {
		return data, nil
	}
	return nil, evidence.ErrNotFound
}

func (b bucket) Names(context.Context, string) ([]string, error) { return nil, nil }

func (b bucket) Create(_ context.Context, key string, data []byte) error {
	b[key] = data
	return nil
}

// world is what an executor works on, and what it told.
type world struct {
	*executor
	lines []string
	ctx   context.Context
}

func newWorld(t *testing.T, funcs interceptor.Funcs, objects ...client.Object) *world {
	t.Helper()
	effectSeconds.Reset()
	w := &world{}
	w.ctx = logr.NewContext(t.Context(), funcr.New(func(_, args string) { w.lines = append(w.lines, args) }, funcr.Options{Verbosity: verbose}))
	api := interceptor.NewClient(fake.NewClientBuilder().WithObjects(objects...).Build(), funcs)
	now := clocktesting.NewFakePassiveClock(time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC))
	w.executor = &executor{
		Client: api, Live: api, Evidence: bucket{}, Clock: now, Recorder: events.NewFakeRecorder(10), Namespaces: namespaces.Fixed{"trading"},
		keys: &keys{Live: api, Clock: now, life: time.Second}, refusals: &refusals{Clock: now}, fresh: &freshness{},
	}
	return w
}

var (
	secret = &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: "trading", Name: "key", Labels: map[string]string{strategyv1.LabelManaged: strategyv1.ManagedValue}},
		Data:       map[string][]byte{secretKey: []byte(secretText)},
	}
	signingKey = types.NamespacedName{Namespace: "trading", Name: "key"}
	about      = &strategyv1.StrategyIncident{ObjectMeta: metav1.ObjectMeta{Namespace: "trading", Name: "pnl"}}
	job        = &batchv1.Job{ObjectMeta: metav1.ObjectMeta{Namespace: "trading", Name: "triage-audit-1", UID: "j", Labels: map[string]string{
		strategyv1.LabelStage: "Triage", strategyv1.LabelCheck: "audit", strategyv1.LabelAttempt: "1",
	}}}
	deployment    = &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: "trading", Name: "scheduler"}}
	configuration = &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "trading", Name: "core"}, Data: map[string]string{"core.yaml": "a: 1"}}
)

func TestEachEffectIsToldOnceAndWithoutContent(t *testing.T) {
	w := newWorld(t, interceptor.Funcs{}, secret, deployment, configuration)
	deletion := action.DeleteJob{Key: client.ObjectKeyFromObject(job), UID: job.UID}
	actions := []action.Action{
		action.StoreEvidence{Key: "p/report", Data: []byte(secretText)},
		action.AppendEntries{Prefix: "p/", SigningKey: signingKey, Entries: []decisionlog.Entry{{Event: "check", Artefacts: map[string]string{"message": secretText}}}},
		action.CreateJob{Job: job.DeepCopy()},
		action.WriteConfig{Key: client.ObjectKeyFromObject(configuration), DataKey: "core.yaml", Content: secretText, Edits: secretText},
		action.RestartWorkload{Key: client.ObjectKeyFromObject(deployment), Annotations: map[string]string{"for": secretText}},
		deletion, deletion, // the cache shows it for a while
		action.Event{Type: corev1.EventTypeNormal, Reason: "Triaging", Message: secretText},
	}
	if err := w.execute(w.ctx, about, actions); err != nil {
		t.Fatal(err)
	}
	want := []string{
		`"level"=1 "msg"="Stored" "effect"="StoreEvidence" "key"="p/report" "bytes"=43`,
		`"level"=1 "msg"="Stored" "effect"="AppendEntries" "prefix"="p/" "after"=0 "entries"=1`,
		`"level"=0 "msg"="Done" "effect"="CreateJob" "kind"="Job" "object"={"name"="triage-audit-1" "namespace"="trading"} "stage"="Triage" "check"="audit" "attempt"="1"`,
		`"level"=0 "msg"="Done" "effect"="WriteConfig" "kind"="ConfigMap" "object"={"name"="core" "namespace"="trading"} "key"="core.yaml"`,
		`"level"=0 "msg"="Done" "effect"="RestartWorkload" "kind"="Deployment" "object"={"name"="scheduler" "namespace"="trading"} "annotations"=["for"]`,
		`"level"=0 "msg"="Done" "effect"="DeleteJob" "kind"="Job" "object"={"name"="triage-audit-1" "namespace"="trading"} "uid"="j"`,
	}
	if got := strings.Join(w.lines, "\n"); got != strings.Join(want, "\n") {
		t.Errorf("told:\n%s", got)
	}
}

func TestAnErrorIsCountedAndReturnedButNotLogged(t *testing.T) {
	kind := schema.GroupResource{Resource: "jobs"}
	for name, c := range map[string]struct {
		err    error
		result string
	}{
		"done":                          {nil, "ok"},
		"somebody was faster":           {apierrors.NewConflict(kind, "one", errors.New("changed")), "conflict"},
		"a right is missing":            {apierrors.NewForbidden(kind, "one", errors.New("no")), "refused"},
		"it is not ours":                {errNotOurs, "refused"},
		"the bucket has something else": {evidence.ErrDifferent, "refused"},
		"the server is away":            {errors.New("connection refused"), "error"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, interceptor.Funcs{Create: func(context.Context, client.WithWatch, client.Object, ...client.CreateOption) error { return c.err }})
			later := action.StoreEvidence{Key: "later"}
			if err := w.execute(w.ctx, about, []action.Action{action.CreateJob{Job: job.DeepCopy()}, later}); !errors.Is(err, c.err) {
				t.Errorf("returned: %v", err)
			}
			if told := len(w.lines); (c.err == nil) != (told == 2) || c.err != nil && told > 0 {
				t.Errorf("told %v", w.lines)
			}
			if got := seconds(t, effectSeconds)["CreateJob "+c.result]; got != "1 in 0s" {
				t.Errorf("counted %v", seconds(t, effectSeconds))
			}
		})
	}
}

// TestAKeyThatIsGoneIsAnErrorOfTheEntries, and nothing is signed with another one.
func TestAKeyThatIsGoneIsAnErrorOfTheEntries(t *testing.T) {
	w := newWorld(t, interceptor.Funcs{})
	err := w.execute(w.ctx, about, []action.Action{action.AppendEntries{Prefix: "p/", SigningKey: signingKey, Entries: []decisionlog.Entry{{Event: "check"}}}})
	if err == nil || !strings.Contains(err.Error(), "the decision log's signing key does not exist") || len(w.lines) > 0 {
		t.Errorf("%v, told %v", err, w.lines)
	}
}

// seconds is what a histogram holds, by labels: how many, and how long together.
func seconds(t *testing.T, histogram *prometheus.HistogramVec) map[string]string {
	t.Helper()
	registry := prometheus.NewRegistry()
	if err := registry.Register(histogram); err != nil {
		t.Fatal(err)
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	held := map[string]string{}
	for _, family := range families {
		for _, one := range family.Metric {
			var labels []string
			for _, label := range one.Label {
				labels = append(labels, label.GetValue())
			}
			sum := time.Duration(one.Histogram.GetSampleSum() * float64(time.Second))
			held[strings.Join(labels, " ")] = fmt.Sprintf("%d in %v", one.Histogram.GetSampleCount(), sum)
		}
	}
	return held
}
