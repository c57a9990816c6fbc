package controllers

import (
	"context"
	"time"

	ctrl "sigs.k8s.io/controller-runtime"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/rollback"
)

// RollbackReconciler runs the procedure for StrategyRollbacks.
type RollbackReconciler struct{ *Environment }

type rollbackDecision = decision[strategyv1.StrategyRollbackStatus]

// Reconcile makes passes over one rollback until it waits for something.
func (r *RollbackReconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	return work(ctx, r.Environment, r, request, &strategyv1.StrategyRollback{})
}

// decide plans over what every pass needs, and again over what the plan asked for.
func (r *RollbackReconciler) decide(ctx context.Context, object *strategyv1.StrategyRollback, now time.Time) (rollbackDecision, error) {
	observed, err := r.observeRollback(ctx, object, now)
	if err != nil {
		return rollbackDecision{}, err
	}
	for {
		plan := rollback.Plan(observed, now)
		if plan.Needs == 0 {
			return rollbackDecision{plan.Status, plan.Rule, plan.Steps.InOrder(), plan.NextAt}, nil
		}
		if err := r.observeNeeds(ctx, object, plan.Needs, &observed); err != nil {
			return rollbackDecision{}, err
		}
	}
}

func (r *RollbackReconciler) statusOf(object *strategyv1.StrategyRollback) *strategyv1.StrategyRollbackStatus {
	return &object.Status
}

func (r *RollbackReconciler) wrote(object *strategyv1.StrategyRollback, before strategyv1.StrategyRollbackStatus) {
	countVerdicts(object.Status.Checks, len(before.Checks))
}
