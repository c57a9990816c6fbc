package controllers

import (
	"context"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/rollback"
)

// RollbackReconciler runs the procedure for StrategyRollbacks.
type RollbackReconciler struct{ *Environment }

// Reconcile makes passes over one rollback until it waits for something.
func (r *RollbackReconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	var object strategyv1.StrategyRollback
	if err := r.Client.Get(ctx, request.NamespacedName, &object); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if r.fresh.stale(&object) {
		return ctrl.Result{RequeueAfter: catchUp}, nil
	}
	return settle(r.work(ctx, &object))
}

func (r *RollbackReconciler) work(ctx context.Context, object *strategyv1.StrategyRollback) (ctrl.Result, error) {
	for range maxPasses {
		now := r.Clock.Now()
		decision, err := r.decide(ctx, object, now)
		if err != nil {
			return ctrl.Result{}, err
		}
		if err := r.writeRollbackStatus(ctx, object, decision.Status); err != nil {
			return ctrl.Result{}, err
		}
		if err := r.execute(ctx, object, decision.Steps.InOrder()); err != nil {
			return ctrl.Result{}, err
		}
		if decision.NextAt.IsZero() || decision.NextAt.After(now) {
			return again(decision.NextAt, now), nil
		}
	}
	return ctrl.Result{RequeueAfter: soon}, nil
}

// decide plans over what every pass needs, and again over what the plan asked for.
func (r *RollbackReconciler) decide(ctx context.Context, object *strategyv1.StrategyRollback, now time.Time) (rollback.Decision, error) {
	observed, err := r.observeRollback(ctx, object, now)
	if err != nil {
		return rollback.Decision{}, err
	}
	for {
		decision := rollback.Plan(observed, now)
		if decision.Needs == 0 {
			return decision, nil
		}
		if err := r.observeNeeds(ctx, object, decision.Needs, &observed); err != nil {
			return rollback.Decision{}, err
		}
	}
}

// writeRollbackStatus writes only a change, and only over the version that was observed.
func (r *RollbackReconciler) writeRollbackStatus(ctx context.Context, object *strategyv1.StrategyRollback, status strategyv1.StrategyRollbackStatus) error {
	if equality.Semantic.DeepEqual(object.Status, status) {
		return nil
	}
	before := len(object.Status.Checks)
	object.Status = status
	if err := r.Client.Status().Update(ctx, object, FieldOwner); err != nil {
		return err
	}
	r.fresh.wrote(object)
	countVerdicts(object.Status.Checks, before)
	return nil
}
