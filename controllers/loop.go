package controllers

import (
	"context"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"tradeops.dev/strategy-operator/internal/action"
)

// maxPasses bounds the passes of one reconcile; a story needs three at once at most.
const maxPasses = 12

// soon is the pause after a reconcile that used up its passes.
const soon = time.Second

// kind is what differs between the kinds: how an object is decided on, and where its status is.
type kind[O client.Object, S any] interface {
	// decide observes and plans, and writes nothing.
	decide(ctx context.Context, object O, now time.Time) (decision[S], error)
	// statusOf is the status in an object.
	statusOf(object O) *S
	// wrote counts what a status write added.
	wrote(object O, before S)
}

// decision is what a plan says.
type decision[S any] struct {
	status  S      // of what was observed
	rule    string // that ended the pass; empty: this kind has none
	actions []action.Action
	nextAt  time.Time // zero: something watched will change
}

// work is one reconcile: passes over one object until it waits for something. A lost race is no error: somebody else wrote first,
// nothing of the effect was done, and nobody needs to read about it in the log.
func work[O client.Object, S any](ctx context.Context, e *Environment, k kind[O, S], request ctrl.Request, object O) (ctrl.Result, error) {
	if err := e.Client.Get(ctx, request.NamespacedName, object); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if e.fresh.stale(object) {
		return ctrl.Result{RequeueAfter: catchUp}, nil
	}
	for range maxPasses {
		now := e.Clock.Now()
		nextAt, err := pass(ctx, e, k, object, now)
		if err != nil {
			return settle(ctrl.Result{}, err)
		}
		if nextAt.IsZero() || nextAt.After(now) {
			return again(nextAt, now), nil
		}
	}
	return ctrl.Result{RequeueAfter: soon}, nil
}

// pass is one pass. The status is written before anything is done, so that no effect is without the intent that explains it; on a
// conflict, or any other error, nothing of what follows is done.
func pass[O client.Object, S any](ctx context.Context, e *Environment, k kind[O, S], object O, now time.Time) (nextAt time.Time, err error) {
	decided, err := k.decide(ctx, object, now)
	if err != nil {
		return time.Time{}, err
	}
	log.FromContext(ctx).V(1).Info("Decided", "rule", decided.rule, "nextAt", decided.nextAt)
	if err := writeStatus(ctx, e, k, object, decided.status); err != nil {
		return time.Time{}, err
	}
	if err := e.execute(ctx, object, decided.actions); err != nil {
		return time.Time{}, err
	}
	return decided.nextAt, nil
}

// writeStatus writes only a change, and only over the version that was observed.
func writeStatus[O client.Object, S any](ctx context.Context, e *Environment, k kind[O, S], object O, next S) error {
	status := k.statusOf(object)
	if equality.Semantic.DeepEqual(*status, next) {
		return nil
	}
	before := *status
	*status = next
	if err := e.Client.Status().Update(ctx, object, FieldOwner); err != nil {
		return err
	}
	e.fresh.wrote(object)
	k.wrote(object, before)
	return nil
}

// again turns the plan's next time into a request to the queue.
func again(nextAt, now time.Time) ctrl.Result {
	if nextAt.IsZero() {
		return ctrl.Result{}
	}
	return ctrl.Result{RequeueAfter: max(nextAt.Sub(now), time.Millisecond)}
}
