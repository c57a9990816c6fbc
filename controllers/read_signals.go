package controllers

import (
	"context"
	"time"

	"k8s.io/apimachinery/pkg/types"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/signals"
)

// prometheusToken is what a playbook has sent to Prometheus.
var prometheusToken = secretKind{key: "token", name: "the token of Prometheus", field: "spec.signals.prometheus.url"}

// observeSignals samples a playbook's queries, written for the schedule and the strategy of an incident; for all without one. What is wrong with the token makes them unknown: it must not stop an incident.
func (r *reader) observeSignals(ctx context.Context, namespace string, incident *strategyv1.StrategyIncident, spec *strategyv1.SignalsSpec, now time.Time) (signals.Snapshot, error) {
	if spec == nil || r.Signals == nil {
		return signals.Snapshot{}, nil
	}
	schedule, strategy := "", ""
	if incident != nil {
		schedule, strategy = incident.Spec.Schedule, incident.Spec.Strategy
	}
	source := signals.Source{Namespace: namespace, URL: spec.Prometheus.URL, Interval: time.Duration(spec.IntervalSeconds) * time.Second}
	for _, query := range spec.Queries {
		source.Queries = append(source.Queries, signals.Query{Name: query.Name, Expr: signals.Fill(query.Query, schedule, strategy)})
	}
	if name := spec.Prometheus.AuthSecretName; name != "" {
		token, problem, err := r.observeOwned(ctx, prometheusToken, types.NamespacedName{Namespace: namespace, Name: name}, spec.Prometheus.URL)
		if err != nil {
			return signals.Snapshot{}, err
		}
		if problem != "" {
			return unknownSignals(spec, problem, now), nil
		}
		source.Token = token
	}
	return r.Signals.Sample(ctx, source, now), nil
}

func unknownSignals(spec *strategyv1.SignalsSpec, problem string, now time.Time) signals.Snapshot {
	snapshot := signals.Snapshot{Time: now, Readings: map[string]signals.Reading{}, NextAt: now.Add(time.Duration(spec.IntervalSeconds) * time.Second)}
	for _, query := range spec.Queries {
		snapshot.Readings[query.Name] = signals.Reading{Problem: problem}
	}
	return snapshot
}
