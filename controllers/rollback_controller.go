package controllers

import (
	"context"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/predicate"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/rollback"
)

// rollbacks observes and plans for StrategyRollbacks.
type rollbacks struct{ *reader }

type rollbackDecision = decision[strategyv1.StrategyRollbackStatus]

func (r *rollbacks) loop(does *executor) *loop[*strategyv1.StrategyRollback, strategyv1.StrategyRollbackStatus] {
	return &loop[*strategyv1.StrategyRollback, strategyv1.StrategyRollbackStatus]{
		executor: does,
		pauses:   r.Pauses,
		empty:    func() *strategyv1.StrategyRollback { return &strategyv1.StrategyRollback{} },
		statusOf: func(object *strategyv1.StrategyRollback) *strategyv1.StrategyRollbackStatus { return &object.Status },
		decide:   r.decide,
		wrote:    wroteRollback,
	}
}

// decide plans over what every pass needs, and again over what the plan asked for.
func (r *rollbacks) decide(ctx context.Context, object *strategyv1.StrategyRollback, now time.Time) (rollbackDecision, error) {
	observed, err := r.observeRollback(ctx, object, now)
	if err != nil {
		return rollbackDecision{}, err
	}
	for {
		plan := rollback.Plan(observed, now)
		if plan.Needs == 0 {
			return rollbackDecision{plan.Status, plan.Rule, plan.Steps.InOrder(), plan.NextAt}, nil
		}
		if err := r.observeNeeds(ctx, object, plan.Needs, &observed, now); err != nil {
			return rollbackDecision{}, err
		}
	}
}

// wroteRollback counts what a status write added.
func wroteRollback(object *strategyv1.StrategyRollback, before strategyv1.StrategyRollbackStatus) {
	countVerdicts(object.Status.Checks, len(before.Checks))
	countApproval(object, before)
}

func (r *rollbacks) controller(does *executor, wakes waker) Controller {
	active := mapped(wakes.activeIn(&strategyv1.StrategyRollbackList{}))
	return Controller{
		Name: "rollback", Reconciler: r.loop(does), Workers: workers, Told: []Told{told(wakes.rollbacks, r.Pauses.Settle)},
		For: itself(&strategyv1.StrategyRollback{}, predicate.GenerationChangedPredicate{}),
		Watches: []Watch{
			{&batchv1.Job{}, mapped(ownerOfJob(strategyv1.KindRollback)), jobDeleted()},
			{&strategyv1.StrategyDecision{}, mapped(targetOfDecision(strategyv1.KindRollback)), predicate.GenerationChangedPredicate{}},
			{&strategyv1.StrategyIncident{}, mapped(wakes.rollbacksOf), incidentOver()},
			{&strategyv1.StrategyPlaybook{}, mapped(wakes.activeOf(&strategyv1.StrategyRollbackList{})), predicate.Or(summaryChanged(), allowedChanged())},
			{&corev1.ConfigMap{}, active, nil},
			{&appsv1.Deployment{}, active, rolloutChanged()},
		},
	}
}
