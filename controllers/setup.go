package controllers

import (
	"context"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/selection"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
)

// CacheOptions limits what the operator watches: its own kinds everywhere, so that it can say that a namespace is not
// served; everything else in the served namespaces only, and there only what is its own or opted in.
func CacheOptions(namespaces []string) cache.Options {
	served := map[string]cache.Config{}
	for _, namespace := range namespaces {
		served[namespace] = cache.Config{}
	}
	ours := must(labels.NewRequirement(strategyv1.LabelOwnerUID, selection.Exists, nil))
	frozen := must(labels.NewRequirement(strategyv1.LabelPlaybook, selection.Exists, nil))
	managed := labels.SelectorFromSet(labels.Set{strategyv1.LabelManaged: strategyv1.ManagedValue})
	everywhere := map[string]cache.Config{cache.AllNamespaces: {}}
	return cache.Options{
		DefaultNamespaces: served,
		ByObject: map[client.Object]cache.ByObject{
			&strategyv1.StrategyPlaybook{}: {Namespaces: everywhere},
			&strategyv1.StrategyIncident{}: {Namespaces: everywhere},
			&strategyv1.StrategyRollback{}: {Namespaces: everywhere},
			&strategyv1.StrategyDecision{}: {Namespaces: everywhere},
			&corev1.ConfigMap{}:            {Label: managed},
			&batchv1.Job{}:                 {Label: labels.NewSelector().Add(ours)},
			&corev1.Pod{}:                  {Label: labels.NewSelector().Add(ours)},
			&appsv1.ControllerRevision{}:   {Label: labels.NewSelector().Add(frozen)},
		},
	}
}

// Setup registers every reconciler, the indexes and the metrics with a manager.
func (e *Environment) Setup(ctx context.Context, mgr ctrl.Manager) error {
	if err := addIndexes(ctx, mgr.GetFieldIndexer()); err != nil {
		return err
	}
	if err := registerMetrics(mgr.GetClient()); err != nil {
		return err
	}
	for _, one := range e.Controllers() {
		if err := one.setup(mgr); err != nil {
			return err
		}
	}
	return nil
}

// must is for label selectors made of constants.
func must(requirement *labels.Requirement, err error) labels.Requirement {
	if err != nil {
		panic(err)
	}
	return *requirement
}
