package controllers

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/decisionlog"
	"tradeops.dev/strategy-operator/internal/facts"
)

// Keys of the signing key's Secret.
const (
	secretKey   = "hmac-key"
	secretKeyID = "key-id"
)

// keys are those that sign decision logs. The reader proves a log with its key, and the executor signs; nobody else sees one.
type keys struct {
	Live  client.Reader
	Clock clock.PassiveClock
	life  time.Duration // of what is remembered
	known memo[types.NamespacedName, dated[decisionlog.Key]]
}

// of is the key in a Secret. What is wrong with it is a fact, too.
func (k *keys) of(ctx context.Context, at types.NamespacedName) (decisionlog.Key, *facts.Problem, error) {
	if known, found := k.known.get(at); found && k.Clock.Since(known.at) < k.life {
		return known.value, nil, nil
	}
	var secret corev1.Secret
	err := k.Live.Get(ctx, at, &secret)
	if apierrors.IsNotFound(err) {
		return decisionlog.Key{}, &facts.Problem{Reason: strategyv1.ReasonSecretNotFound, Message: fmt.Sprintf(
			"Secret %s with the decision log's signing key does not exist; create it with a key %q of at least %d bytes", at, secretKey, decisionlog.MinKeyBytes)}, nil
	}
	if apierrors.IsForbidden(err) {
		return decisionlog.Key{}, &facts.Problem{Reason: strategyv1.ReasonSecretForbidden, Message: mayNotRead(at)}, nil
	}
	if err != nil {
		return decisionlog.Key{}, nil, err
	}
	if secret.Labels[strategyv1.LabelManaged] != strategyv1.ManagedValue {
		return decisionlog.Key{}, &facts.Problem{Reason: strategyv1.ReasonSecretNotLabelled, Message: fmt.Sprintf(
			"Secret %s is not opted in; kubectl label secret %s -n %s %s=%s", at, at.Name, at.Namespace, strategyv1.LabelManaged, strategyv1.ManagedValue)}, nil
	}
	key, err := decisionlog.NewKey(string(secret.Data[secretKeyID]), secret.Data[secretKey])
	if err != nil {
		return decisionlog.Key{}, &facts.Problem{Reason: strategyv1.ReasonSecretInvalid, Message: fmt.Sprintf("Secret %s, key %q: %v", at, secretKey, err)}, nil
	}
	k.known.put(at, dated[decisionlog.Key]{key, k.Clock.Now()}, secret.Size())
	return key, nil, nil
}

// mayNotRead says what is missing: the Secrets that may be read are listed by name, in each namespace.
func mayNotRead(at types.NamespacedName) string {
	return fmt.Sprintf("Secret %s may not be read by the operator; put its name into Role strategy-operator-secrets in namespace %s (config/namespace)", at, at.Namespace)
}
