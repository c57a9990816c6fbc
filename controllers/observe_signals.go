package controllers

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
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

// tokenCache remembers tokens for a short time, as keyCache does keys.
type tokenCache struct {
	sync.Mutex
	tokens map[types.NamespacedName]cachedToken
}

type cachedToken struct {
	url, token string // url: where its owner lets it be sent
	read       time.Time
}

// observeSignals samples a playbook's queries. What is wrong with the token makes them unknown: it must not stop an incident.
func (e *Environment) observeSignals(ctx context.Context, namespace string, spec *strategyv1.SignalsSpec, now time.Time) (signals.Snapshot, error) {
	if spec == nil || e.Signals == nil {
		return signals.Snapshot{}, nil
	}
	source := signals.Source{URL: spec.Prometheus.URL, Interval: time.Duration(spec.IntervalSeconds) * time.Second}
	for _, query := range spec.Queries {
		source.Queries = append(source.Queries, signals.Query{Name: query.Name, Expr: query.Query})
	}
	if name := spec.Prometheus.AuthSecretName; name != "" {
		token, problem, err := e.observeToken(ctx, types.NamespacedName{Namespace: namespace, Name: name}, spec.Prometheus.URL)
		if err != nil {
			return signals.Snapshot{}, err
		}
		if problem != "" {
			return unknownSignals(spec, problem, now), nil
		}
		source.Token = token
	}
	return e.Signals.Sample(ctx, source, now), nil
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
func (e *Environment) observeToken(ctx context.Context, at types.NamespacedName, url string) (token, problem string, err error) {
	e.tokens.Lock()
	defer e.tokens.Unlock()
	cached, known := e.tokens.tokens[at]
	if !known || e.Clock.Since(cached.read) >= keyLifetime {
		var secret corev1.Secret
		err := e.Live.Get(ctx, at, &secret)
		if apierrors.IsNotFound(err) {
			return "", fmt.Sprintf("Secret %s with the token of Prometheus does not exist; create it with the keys %q and %q", at, secretToken, secretURL), nil
		}
		if err != nil {
			return "", "", err
		}
		if secret.Labels[strategyv1.LabelManaged] != strategyv1.ManagedValue {
			return "", fmt.Sprintf("Secret %s is not opted in; kubectl label secret %s -n %s %s=%s", at, at.Name, at.Namespace, strategyv1.LabelManaged, strategyv1.ManagedValue), nil
		}
		for _, key := range []string{secretToken, secretURL} {
			if len(secret.Data[key]) == 0 {
				return "", fmt.Sprintf("Secret %s has no key %q; it has %v", at, key, slices.Sorted(maps.Keys(secret.Data))), nil
			}
		}
		cached = cachedToken{url: string(secret.Data[secretURL]), token: string(secret.Data[secretToken]), read: e.Clock.Now()}
		if e.tokens.tokens == nil {
			e.tokens.tokens = map[types.NamespacedName]cachedToken{}
		}
		e.tokens.tokens[at] = cached
	}
	if cached.url != url {
		return "", fmt.Sprintf("the owner of Secret %s lets its token be sent to another URL (key %q) than spec.signals.prometheus.url; make both the same", at, secretURL), nil
	}
	return cached.token, "", nil
}
