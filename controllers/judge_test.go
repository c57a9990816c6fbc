package controllers

import (
	"context"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/controllers/namespaces"
	"tradeops.dev/strategy-operator/internal/pauses"
)

// onePlaybook is a cache with a playbook of every name, in its newest version.
type onePlaybook struct {
	client.Reader
	generation int64
}

func (c *onePlaybook) Get(_ context.Context, key client.ObjectKey, object client.Object, _ ...client.GetOption) error {
	object.SetNamespace(key.Namespace)
	object.SetName(key.Name)
	object.SetGeneration(c.generation)
	return nil
}

func newJudge(cache client.Reader, room int) *judge {
	return &judge{
		reader: &reader{Client: cache, Namespaces: namespaces.Fixed{"a", "b"}, Pauses: pauses.Default()},
		wakes:  waker{playbooks: make(chan event.GenericEvent, room)}, busy: map[string]bool{},
	}
}

func asked(namespace string) ctrl.Request {
	return ctrl.Request{NamespacedName: client.ObjectKey{Namespace: namespace, Name: "multi-strategy"}}
}

// A spec is judged once, whatever wakes the judge, and the playbook's own controller hears of it.
func TestASpecIsJudgedOnce(t *testing.T) {
	cache := &onePlaybook{generation: 1}
	r := newJudge(cache, 8)
	object := &strategyv1.StrategyPlaybook{ObjectMeta: metav1.ObjectMeta{Namespace: "a", Name: "multi-strategy", Generation: 1}}
	start := time.Unix(1000, 0)
	if says, since := r.judged.of(object, start); says != nil || !since.Equal(start) {
		t.Fatalf("%v since %s before anybody judged it", says, since)
	}
	for range 3 {
		if result, err := r.Reconcile(t.Context(), asked("a")); err != nil || result != (ctrl.Result{}) {
			t.Fatal(result, err)
		}
	}
	first, _ := r.judged.of(object, start)
	_, _ = r.Reconcile(t.Context(), asked("a"))
	if again, _ := r.judged.of(object, start); first == nil || again != first || len(r.wakes.playbooks) != 4 {
		t.Errorf("judged %p, then %p; it heard %d times", first, again, len(r.wakes.playbooks))
	}
	object.Generation, cache.generation = 2, 2
	if says, since := r.judged.of(object, start.Add(time.Hour)); says != nil || !since.Equal(start.Add(time.Hour)) {
		t.Errorf("the newer spec has the older one's judgement %v since %s", says, since)
	}
	_, _ = r.Reconcile(t.Context(), asked("a"))
	if says, _ := r.judged.of(object, start); says == nil {
		t.Error("the newer spec is not judged")
	}
}

// While one playbook of a namespace is being judged, others of it wait, and those of other namespaces do not.
func TestANamespaceHasOneJudgeAtATime(t *testing.T) {
	r := newJudge(&onePlaybook{generation: 1}, 8)
	if !r.begin("a") {
		t.Fatal("nobody is at work, and it is busy")
	}
	if result, err := r.Reconcile(t.Context(), asked("a")); err != nil || result.RequeueAfter == 0 || len(r.wakes.playbooks) != 0 {
		t.Errorf("a second playbook of the namespace is judged: %v, %v", result, err)
	}
	if result, err := r.Reconcile(t.Context(), asked("b")); err != nil || result.RequeueAfter != 0 || len(r.wakes.playbooks) != 1 {
		t.Errorf("a playbook of another namespace waits: %v, %v", result, err)
	}
	r.end("a")
	if result, err := r.Reconcile(t.Context(), asked("a")); err != nil || result.RequeueAfter != 0 || len(r.wakes.playbooks) != 2 {
		t.Errorf("it is not judged afterwards: %v, %v", result, err)
	}
}

// What finds no room is told later; in a namespace that is not served nothing is judged, until it is.
func TestAJudgementIsToldLater(t *testing.T) {
	r := newJudge(&onePlaybook{generation: 1}, 0)
	if result, err := r.Reconcile(t.Context(), asked("a")); err != nil || result.RequeueAfter == 0 {
		t.Errorf("nobody hears of it: %v, %v", result, err)
	}
	if result, err := r.Reconcile(t.Context(), asked("elsewhere")); err != nil || result.RequeueAfter == 0 || len(r.judged.known) != 1 {
		t.Errorf("%v, %v, %d judged", result, err, len(r.judged.known))
	}
}
