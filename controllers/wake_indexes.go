package controllers

import (
	"context"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/controllers/namespaces"
	"tradeops.dev/strategy-operator/internal/lifecycle"
)

// Indexes of the cache: what a reconcile looks up must not cost more when there is more history.
const (
	indexTarget   = "spec.target"               // decisions by "<kind>/<name>"
	indexIncident = "spec.incidentName"         // rollbacks by incident
	indexConfig   = "status.config.configMap"   // rollbacks that have not ended, by the ConfigMap that they claim
	indexPlaybook = "spec.playbookName, active" // incidents and rollbacks that have not ended, by playbook
	indexActive   = "active"                    // incidents and rollbacks that have not ended
	indexClosed   = "spec.playbookName, closed" // incidents that have ended, by playbook
	indexIdentity = "identity"                  // incidents by what they are about, closed ones too
	indexParent   = "status.parentName, active" // incidents that have not ended, by the one that they follow
	indexAlerts   = "status.incidentName"       // alerts by the incident that they opened or joined
	indexOwner    = "controller"                // Jobs and pods by the UID of the object that controls them
)

// Index is one index: how an object is found.
type Index struct {
	Object client.Object
	Field  string
	Values client.IndexerFunc
}

// Indexes are all indexes; tests without a cache use them, too.
func Indexes() []Index {
	return []Index{
		{&strategyv1.StrategyDecision{}, indexTarget, func(o client.Object) []string {
			target := o.(*strategyv1.StrategyDecision).Spec.Target
			return []string{target.Kind + "/" + target.Name}
		}},
		{&strategyv1.StrategyRollback{}, indexIncident, func(o client.Object) []string {
			return nonEmpty(o.(*strategyv1.StrategyRollback).Spec.IncidentName)
		}},
		{&strategyv1.StrategyRollback{}, indexConfig, func(o client.Object) []string {
			status := o.(*strategyv1.StrategyRollback).Status
			if lifecycle.Claim(status) == "" || lifecycle.Ended(status) {
				return nil
			}
			return []string{status.Config.ConfigMapName}
		}},
		{&strategyv1.StrategyRollback{}, indexPlaybook, activeWith(func(o client.Object) string {
			return o.(*strategyv1.StrategyRollback).Spec.PlaybookName
		})},
		{&strategyv1.StrategyIncident{}, indexPlaybook, activeWith(func(o client.Object) string {
			return o.(*strategyv1.StrategyIncident).Spec.PlaybookName
		})},
		{&strategyv1.StrategyIncident{}, indexClosed, func(o client.Object) []string {
			if object := o.(*strategyv1.StrategyIncident); lifecycle.Closed(object.Status) {
				return []string{object.Spec.PlaybookName}
			}
			return nil
		}},
		{&strategyv1.StrategyIncident{}, indexIdentity, func(o client.Object) []string {
			return []string{lifecycle.Identity(o.(*strategyv1.StrategyIncident).Spec)}
		}},
		{&strategyv1.StrategyIncident{}, indexParent, activeWith(func(o client.Object) string {
			return o.(*strategyv1.StrategyIncident).Status.ParentName
		})},
		{&strategyv1.StrategyRollback{}, indexActive, activeWith(func(client.Object) string { return isActive })},
		{&strategyv1.StrategyIncident{}, indexActive, activeWith(func(client.Object) string { return isActive })},
		{&strategyv1.StrategyAlert{}, indexAlerts, func(o client.Object) []string {
			return nonEmpty(o.(*strategyv1.StrategyAlert).Status.IncidentName)
		}},
		{&batchv1.Job{}, indexOwner, controllerOf},
		{&corev1.Pod{}, indexOwner, controllerOf},
	}
}

// isActive is the only value of indexActive.
const isActive = "true"

// activeWith indexes what has not ended.
func activeWith(value func(client.Object) string) client.IndexerFunc {
	return func(o client.Object) []string {
		switch object := o.(type) {
		case *strategyv1.StrategyRollback:
			if lifecycle.Ended(object.Status) {
				return nil
			}
		case *strategyv1.StrategyIncident:
			if lifecycle.Closed(object.Status) {
				return nil
			}
		}
		return nonEmpty(value(o))
	}
}

// controllerOf indexes by the owner that proves it by its UID; a label proves nothing.
func controllerOf(o client.Object) []string {
	owner := metav1.GetControllerOfNoCopy(o)
	if owner == nil {
		return nil
	}
	return []string{string(owner.UID)}
}

// addIndexes has the manager's cache index the operator's own kinds, and the readers of the namespaces all others.
func addIndexes(ctx context.Context, mgr ctrl.Manager, readers *namespaces.Readers) error {
	for _, index := range Indexes() {
		add := readers.IndexField
		if namespaces.Own(index.Object, mgr.GetScheme()) {
			add = mgr.GetFieldIndexer().IndexField
		}
		if err := add(ctx, index.Object, index.Field, index.Values); err != nil {
			return err
		}
	}
	return nil
}

func nonEmpty(value string) []string {
	if value == "" {
		return nil
	}
	return []string{value}
}
