package controllers

import (
	"context"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/action"
	"tradeops.dev/strategy-operator/internal/bounded"
	"tradeops.dev/strategy-operator/internal/pauses"
)

// maxPasses bounds the passes of one reconcile; a story needs three at once at most.
const maxPasses = 12

// loop is the reconcile of one kind: what is the same for all of them, around what differs.
type loop[O client.Object, S any] struct {
	*executor
	pauses pauses.Pauses
	empty  func() O
	// decide observes and plans, and writes nothing.
	decide func(ctx context.Context, object O, now time.Time) (decision[S], error)
	// statusOf is the status in an object.
	statusOf func(object O) *S
	// wrote counts what a status write added.
	wrote func(object O, before S)
	// after is what is stored beside all this at the end of a pass that went well; nil: nothing is.
	after func(ctx context.Context, object O, now time.Time)
}

// decision is what a plan says.
type decision[S any] struct {
	status  S      // of what was observed
	rule    string // that ended the pass; empty: this kind has none
	actions []action.Action
	nextAt  time.Time // zero: something watched will change
}

// Reconcile makes passes over one object until it waits for something. A lost race is no error: somebody else wrote first, nothing of
// the effect was done, and nobody needs to read about it in the log.
func (l *loop[O, S]) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	object := l.empty()
	if err := l.Client.Get(ctx, request.NamespacedName, object); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if l.fresh.stale(object) {
		return ctrl.Result{RequeueAfter: l.pauses.CatchUp}, nil
	}
	for range maxPasses {
		now := l.Clock.Now()
		nextAt, err := l.pass(ctx, object, now)
		if apierrors.IsConflict(err) {
			return ctrl.Result{RequeueAfter: l.pauses.CatchUp}, nil
		}
		if err != nil {
			return ctrl.Result{}, err
		}
		if nextAt.IsZero() || nextAt.After(now) {
			return again(nextAt, now), nil
		}
	}
	return ctrl.Result{RequeueAfter: l.pauses.Passes}, nil
}

// again turns a time into a request to the queue; none if it is zero.
func again(nextAt, now time.Time) ctrl.Result {
	if nextAt.IsZero() {
		return ctrl.Result{}
	}
	return ctrl.Result{RequeueAfter: max(nextAt.Sub(now), time.Millisecond)}
}

// pass is one pass. The status is written before anything is done, so that no effect is without the intent that explains it; after a
// conflict, or any other error, nothing of what follows is done.
func (l *loop[O, S]) pass(ctx context.Context, object O, now time.Time) (nextAt time.Time, err error) {
	decided, err := l.decide(ctx, object, now)
	if err != nil {
		return time.Time{}, err
	}
	logger := log.FromContext(ctx)
	if decided.rule != "" { // each effect is told with the rule that asked for it
		logger = logger.WithValues("rule", decided.rule)
		ctx = log.IntoContext(ctx, logger)
	}
	logger.V(verbose).Info("Decided", "nextAt", decided.nextAt)
	if err := l.writeStatus(ctx, object, decided.status); err != nil {
		return time.Time{}, err
	}
	refused := l.refusals.of(object) != nil
	if err := l.execute(ctx, object, decided.actions); err != nil {
		return untilRetried(err, decided.nextAt, now)
	}
	if refused && l.refusals.of(object) == nil {
		return now, nil // to tell that it is not refused any more
	}
	if l.after != nil {
		l.after(ctx, object, now)
	}
	return decided.nextAt, nil
}

// writeStatus writes only a change, and only over the version that was observed.
func (l *loop[O, S]) writeStatus(ctx context.Context, object O, next S) error {
	status := l.statusOf(object)
	if equality.Semantic.DeepEqual(*status, next) {
		return nil
	}
	before := *status
	*status = next
	if err := l.Client.Status().Update(ctx, object, FieldOwner); err != nil {
		if refusedBy(err) { // nothing can be told in the status then
			l.Recorder.Eventf(object, nil, corev1.EventTypeWarning, strategyv1.ReasonEffectRefused, "UpdateStatus",
				"the API server refuses this object's status, so nothing of it goes on: %s", bounded.Text(err.Error(), 900))
		}
		return err
	}
	l.fresh.wrote(object)
	l.wrote(object, before)
	return nil
}
