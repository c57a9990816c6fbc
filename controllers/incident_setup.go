package controllers

import (
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
)

// workers is how many objects of a kind are worked on at a time; a pass waits mostly for the API server.
const workers = 8

func (r *IncidentReconciler) controller() Controller {
	wakes := handler.EnqueueRequestsFromMapFunc
	return Controller{
		Name: "incident", Reconciler: r.loop(), Workers: workers, Told: r.toldOf(r.collected.incidents),
		For: itself(&strategyv1.StrategyIncident{}, predicate.Or(predicate.GenerationChangedPredicate{}, alertsChanged())),
		Watches: []Watch{
			{&strategyv1.StrategyIncident{}, wakes(r.childrenOf), summaryChanged()},
			{&batchv1.Job{}, wakes(ownerOfJob(strategyv1.KindIncident)), jobDeleted()},
			{&strategyv1.StrategyRollback{}, wakes(incidentOfRollback), summaryChanged()},
			{&strategyv1.StrategyDecision{}, wakes(targetOfDecision(strategyv1.KindIncident)), nil},
			{&strategyv1.StrategyPlaybook{}, wakes(r.activeOf(&strategyv1.StrategyIncidentList{})), predicate.Or(summaryChanged(), suspendChanged())},
			{&corev1.ConfigMap{}, wakes(r.activeIn(&strategyv1.StrategyIncidentList{})), nil},
		},
	}
}
