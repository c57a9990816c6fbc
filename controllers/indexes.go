package controllers

import (
	"context"

	"sigs.k8s.io/controller-runtime/pkg/client"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
)

// Indexes of the cache: what a reconcile looks up must not cost more when there is more history.
const (
	indexTarget   = "spec.target"               // decisions by "<kind>/<name>"
	indexIncident = "spec.incidentName"         // rollbacks by incident
	indexConfig   = "status.config.configMap"   // rollbacks by the ConfigMap that they claim
	indexPlaybook = "spec.playbookName, active" // incidents and rollbacks that have not ended, by playbook
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
			claim := o.(*strategyv1.StrategyRollback).Status.Config
			if claim == nil || claim.Claim == "" {
				return nil
			}
			return []string{claim.ConfigMapName}
		}},
		{&strategyv1.StrategyRollback{}, indexPlaybook, func(o client.Object) []string {
			rollback := o.(*strategyv1.StrategyRollback)
			if rollbackEnded(rollback) {
				return nil
			}
			return nonEmpty(rollback.Spec.PlaybookName)
		}},
		{&strategyv1.StrategyIncident{}, indexPlaybook, func(o client.Object) []string {
			incident := o.(*strategyv1.StrategyIncident)
			if incidentClosed(incident) {
				return nil
			}
			return nonEmpty(incident.Spec.PlaybookName)
		}},
	}
}

func addIndexes(ctx context.Context, indexer client.FieldIndexer) error {
	for _, index := range Indexes() {
		if err := indexer.IndexField(ctx, index.Object, index.Field, index.Values); err != nil {
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
