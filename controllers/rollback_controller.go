package controllers

import (
	"context"
	"time"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/rollback"
)

// RollbackReconciler runs the procedure for StrategyRollbacks.
type RollbackReconciler struct{ *Environment }

type rollbackDecision = decision[strategyv1.StrategyRollbackStatus]

func (r *RollbackReconciler) loop() *loop[*strategyv1.StrategyRollback, strategyv1.StrategyRollbackStatus] {
	return &loop[*strategyv1.StrategyRollback, strategyv1.StrategyRollbackStatus]{
		Environment: r.Environment,
		empty:       func() *strategyv1.StrategyRollback { return &strategyv1.StrategyRollback{} },
		statusOf:    func(object *strategyv1.StrategyRollback) *strategyv1.StrategyRollbackStatus { return &object.Status },
		decide:      r.decide,
		wrote:       wroteRollback,
	}
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

// wroteRollback counts what a status write added.
func wroteRollback(object *strategyv1.StrategyRollback, before strategyv1.StrategyRollbackStatus) {
	countVerdicts(object.Status.Checks, len(before.Checks))
	countApproval(object, before)
}
