package controllers

import (
	"context"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/predicate"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/pass"
	"tradeops.dev/strategy-operator/internal/playbook"
)

// judge finds out whether playbooks are sound in themselves: their names, edits, rules and samples. Compiling a thousand rules takes
// seconds, so it is done once for each spec, by workers of its own, and one playbook of a namespace at a time: whoever applies the
// largest playbook again and again holds up nobody else's.
type judge struct {
	*reader
	wakes waker

	mu   sync.Mutex
	busy map[string]bool // namespaces of which a playbook is being judged
}

// judges are how many playbooks are judged at a time.
const judges = 2

func (r *judge) controller() Controller {
	return Controller{
		Name: "judge", Reconciler: r, Workers: judges,
		For: itself(&strategyv1.StrategyPlaybook{}, predicate.GenerationChangedPredicate{}),
	}
}

// Reconcile judges the newest spec of a playbook, and has its own controller hear of it.
func (r *judge) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	var object strategyv1.StrategyPlaybook
	if err := r.Client.Get(ctx, request.NamespacedName, &object); err != nil {
		if client.IgnoreNotFound(err) == nil {
			r.judged.forget(request.NamespacedName)
		}
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if object.DeletionTimestamp != nil {
		return ctrl.Result{}, nil
	}
	if r.Namespaces.Served(object.Namespace) != nil { // looked at again as the playbook itself is: it may be served by then
		return ctrl.Result{RequeueAfter: pass.Recheck}, nil
	}
	if known, _ := r.judged.of(&object, time.Time{}); known == nil {
		if !r.begin(object.Namespace) {
			return ctrl.Result{RequeueAfter: r.Pauses.Passes}, nil
		}
		defer r.end(object.Namespace)
		r.judged.put(&object, playbook.Judge(object.Namespace, object.Spec))
	}
	select {
	case r.wakes.playbooks <- event.GenericEvent{Object: &object}:
		return ctrl.Result{}, nil
	default: // no room for it: it hears at the next try
		return ctrl.Result{RequeueAfter: r.Pauses.Passes}, nil
	}
}

func (r *judge) begin(namespace string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.busy[namespace] {
		return false
	}
	r.busy[namespace] = true
	return true
}

func (r *judge) end(namespace string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.busy, namespace)
}

// judgements are what is known of the newest spec of each playbook. There are as many as playbooks. The zero value is empty.
type judgements struct {
	mu    sync.Mutex
	known map[types.NamespacedName]judgement
}

type judgement struct {
	uid        types.UID
	generation int64
	awaited    time.Time           // since when; zero: nobody asked
	says       *playbook.Judgement // nil: not yet
}

// of is what is known of a playbook's spec, nil if it is not judged yet, and since when that is waited for.
func (j *judgements) of(object *strategyv1.StrategyPlaybook, now time.Time) (says *playbook.Judgement, since time.Time) {
	j.mu.Lock()
	defer j.mu.Unlock()
	at := client.ObjectKeyFromObject(object)
	known := j.known[at]
	if known.uid != object.UID || known.generation != object.Generation {
		known = judgement{uid: object.UID, generation: object.Generation}
	}
	if known.awaited.IsZero() && !now.IsZero() {
		known.awaited = now
		j.keep(at, known)
	}
	return known.says, known.awaited
}

func (j *judgements) put(object *strategyv1.StrategyPlaybook, says playbook.Judgement) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.keep(client.ObjectKeyFromObject(object), judgement{uid: object.UID, generation: object.Generation, says: &says})
}

func (j *judgements) keep(at types.NamespacedName, known judgement) {
	if j.known == nil {
		j.known = map[types.NamespacedName]judgement{}
	}
	j.known[at] = known
}

func (j *judgements) forget(at types.NamespacedName) {
	j.mu.Lock()
	defer j.mu.Unlock()
	delete(j.known, at)
}
