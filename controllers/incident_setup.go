package controllers

import (
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
)

// workers is how many objects of a kind are worked on at a time; a pass waits mostly for the API server.
const workers = 8

// Setup registers the reconciler with a manager.
func (r *IncidentReconciler) Setup(mgr ctrl.Manager) error {
	return ctrl.NewControllerManagedBy(mgr).
		Named("incident").
		For(&strategyv1.StrategyIncident{}, builder.WithPredicates(predicate.Or(predicate.GenerationChangedPredicate{}, alertsChanged()))).
		Watches(&strategyv1.StrategyIncident{}, handler.EnqueueRequestsFromMapFunc(r.childrenOf), builder.WithPredicates(summaryChanged())).
		Owns(&batchv1.Job{}, builder.WithPredicates(jobFinished())).
		Watches(&corev1.Pod{}, handler.EnqueueRequestsFromMapFunc(r.ownerOfPod(strategyv1.KindIncident)), builder.WithPredicates(podHopeless())).
		Watches(&strategyv1.StrategyRollback{}, handler.EnqueueRequestsFromMapFunc(incidentOfRollback), builder.WithPredicates(summaryChanged())).
		Watches(&strategyv1.StrategyDecision{}, handler.EnqueueRequestsFromMapFunc(targetOfDecision(strategyv1.KindIncident))).
		Watches(&strategyv1.StrategyPlaybook{}, handler.EnqueueRequestsFromMapFunc(r.activeOf(&strategyv1.StrategyIncidentList{})), builder.WithPredicates(predicate.Or(summaryChanged(), suspendChanged()))).
		Watches(&corev1.ConfigMap{}, handler.EnqueueRequestsFromMapFunc(r.activeIn(&strategyv1.StrategyIncidentList{}))).
		WithOptions(controller.Options{MaxConcurrentReconciles: workers}).
		Complete(r)
}
