package controllers

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/signals"
)

// Keys of the Secret with the token for Prometheus.
const (
	secretToken = "token"
	secretURL   = "url"
)

// allowedToken is a token, and the URL to which its owner lets it be sent.
type allowedToken struct{ url, token string }

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
		token, problem, err := r.observeToken(ctx, types.NamespacedName{Namespace: namespace, Name: name}, spec.Prometheus.URL)
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

// observeToken reads the bearer token. Who owns it says with the key "url" where it may be sent: else whoever may write a
// playbook could have it sent to a server of their own.
func (r *reader) observeToken(ctx context.Context, at types.NamespacedName, url string) (token, problem string, err error) {
	known, found := r.tokens.get(at)
	if !found || r.Clock.Since(known.at) >= r.Pauses.Secret {
		allowed, problem, err := r.readToken(ctx, at)
		if problem != "" || err != nil {
			return "", problem, err
		}
		known = dated[allowedToken]{allowed, r.Clock.Now()}
		r.tokens.put(at, known, len(allowed.url)+len(allowed.token))
	}
	if known.value.url != url {
		return "", fmt.Sprintf("the owner of Secret %s lets its token be sent to another URL (key %q) than spec.signals.prometheus.url; make both the same", at, secretURL), nil
	}
	return known.value.token, "", nil
}

func (r *reader) readToken(ctx context.Context, at types.NamespacedName) (allowed allowedToken, problem string, err error) {
	var secret corev1.Secret
	err = r.Live.Get(ctx, at, &secret)
	if apierrors.IsNotFound(err) {
		return allowed, fmt.Sprintf("Secret %s with the token of Prometheus does not exist; create it with the keys %q and %q", at, secretToken, secretURL), nil
	}
	if apierrors.IsForbidden(err) {
		return allowed, mayNotRead(at), nil
	}
	if err != nil {
		return allowed, "", err
	}
	if secret.Labels[strategyv1.LabelManaged] != strategyv1.ManagedValue {
		return allowed, fmt.Sprintf("Secret %s is not opted in; kubectl label secret %s -n %s %s=%s", at, at.Name, at.Namespace, strategyv1.LabelManaged, strategyv1.ManagedValue), nil
	}
	for _, key := range []string{secretToken, secretURL} {
		if len(secret.Data[key]) == 0 {
			return allowed, fmt.Sprintf("Secret %s has no key %q; it has %v", at, key, slices.Sorted(maps.Keys(secret.Data))), nil
		}
	}
	return allowedToken{url: string(secret.Data[secretURL]), token: string(secret.Data[secretToken])}, "", nil
}
