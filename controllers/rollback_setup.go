package controllers

import (
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
)

func (r *RollbackReconciler) controller() Controller {
	wakes := handler.EnqueueRequestsFromMapFunc
	active := wakes(r.activeIn(&strategyv1.StrategyRollbackList{}))
	return Controller{
		Name: "rollback", Reconciler: r.loop(), Workers: workers, Told: r.toldOf(r.collected.rollbacks),
		For: itself(&strategyv1.StrategyRollback{}, predicate.GenerationChangedPredicate{}),
		Watches: []Watch{
			{&batchv1.Job{}, wakes(ownerOfJob(strategyv1.KindRollback)), jobDeleted()},
			{&strategyv1.StrategyDecision{}, wakes(targetOfDecision(strategyv1.KindRollback)), nil},
			{&strategyv1.StrategyPlaybook{}, wakes(r.activeOf(&strategyv1.StrategyRollbackList{})), predicate.Or(summaryChanged(), suspendChanged())},
			{&corev1.ConfigMap{}, active, nil},
			{&appsv1.Deployment{}, active, rolloutChanged()},
		},
	}
}
