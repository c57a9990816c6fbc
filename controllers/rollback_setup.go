package controllers

import (
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
)

// Setup registers the reconciler with a manager.
func (r *RollbackReconciler) Setup(mgr ctrl.Manager) error {
	active := handler.EnqueueRequestsFromMapFunc(r.activeIn(&strategyv1.StrategyRollbackList{}))
	return ctrl.NewControllerManagedBy(mgr).
		Named("rollback").
		For(&strategyv1.StrategyRollback{}, builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		Owns(&batchv1.Job{}, builder.WithPredicates(jobFinished())).
		Watches(&corev1.Pod{}, handler.EnqueueRequestsFromMapFunc(r.ownerOfPod(strategyv1.KindRollback)), builder.WithPredicates(podHopeless())).
		Watches(&strategyv1.StrategyDecision{}, handler.EnqueueRequestsFromMapFunc(targetOfDecision(strategyv1.KindRollback))).
		Watches(&strategyv1.StrategyPlaybook{}, handler.EnqueueRequestsFromMapFunc(r.activeOf(&strategyv1.StrategyRollbackList{})), builder.WithPredicates(predicate.Or(summaryChanged(), suspendChanged()))).
		Watches(&corev1.ConfigMap{}, active).
		Watches(&appsv1.Deployment{}, active, builder.WithPredicates(rolloutChanged())).
		WithOptions(controller.Options{MaxConcurrentReconciles: workers}).
		Complete(r)
}
