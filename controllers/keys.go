package controllers

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
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
	// earlierKeys begins the names of keys that signed before: hmac-key.<id>. They sign nothing any more, and what they signed still counts.
	earlierKeys = secretKey + "."
)

// keys are those that sign decision logs. The reader proves a log with its key, and the executor signs; nobody else sees one.
type keys struct {
	Live  client.Reader
	Clock clock.PassiveClock
	home  string        // the operator's own namespace
	life  time.Duration // of what is remembered
	known memo[types.NamespacedName, dated[decisionlog.Keys]]
}

// of are the keys of a log, the one first that a playbook's namespace signs with, by the name that the playbook gives it. It is in the operator's own namespace, where no
// tenant reads Secrets; as long as it is not there, in the playbook's. What is wrong with it is a fact, too.
func (k *keys) of(ctx context.Context, at types.NamespacedName) (decisionlog.Keys, *facts.Problem, error) {
	if known, found := k.known.get(at); found && k.Clock.Since(known.at) < k.life {
		return known.value, nil, nil
	}
	kept := types.NamespacedName{Namespace: k.home, Name: at.Namespace + "." + at.Name}
	secret, problem, err := k.read(ctx, kept, mayNotReadOwn(kept))
	if problem != nil && problem.Reason == strategyv1.ReasonSecretNotFound {
		secret, problem, err = k.read(ctx, at, mayNotRead(at)+"; or keep the key in Secret "+kept.String())
	}
	if problem != nil && problem.Reason == strategyv1.ReasonSecretNotFound {
		problem.Message = fmt.Sprintf("the decision log's signing key does not exist: neither Secret %s, where no tenant can read it, nor Secret %s; create one with a key %q of at least %d bytes",
			kept, at, secretKey, decisionlog.MinKeyBytes)
	}
	if problem != nil || err != nil {
		return nil, problem, err
	}
	ring, err := keysIn(secret.Data)
	if err != nil {
		return nil, &facts.Problem{Reason: strategyv1.ReasonSecretInvalid, Message: fmt.Sprintf("Secret %s/%s, key %v", secret.Namespace, secret.Name, err)}, nil
	}
	k.known.put(at, dated[decisionlog.Keys]{ring, k.Clock.Now()}, secret.Size())
	return ring, nil, nil
}

// keysIn are the keys in a Secret: the one that signs, and those before it by their ids.
func keysIn(data map[string][]byte) (decisionlog.Keys, error) {
	ids := map[string]string{secretKey: string(data[secretKeyID])}
	names := []string{secretKey}
	for _, name := range slices.Sorted(maps.Keys(data)) {
		if id, earlier := strings.CutPrefix(name, earlierKeys); earlier && id != "" {
			ids[name], names = id, append(names, name)
		}
	}
	ring := make(decisionlog.Keys, len(names))
	for i, name := range names {
		var err error
		if ring[i], err = decisionlog.NewKey(ids[name], data[name]); err != nil {
			return nil, fmt.Errorf("%q: %w", name, err)
		}
	}
	return ring, nil
}

func (k *keys) read(ctx context.Context, at types.NamespacedName, forbidden string) (*corev1.Secret, *facts.Problem, error) {
	var secret corev1.Secret
	err := k.Live.Get(ctx, at, &secret)
	switch {
	case apierrors.IsNotFound(err):
		return nil, &facts.Problem{Reason: strategyv1.ReasonSecretNotFound}, nil
	case apierrors.IsForbidden(err):
		return nil, &facts.Problem{Reason: strategyv1.ReasonSecretForbidden, Message: forbidden}, nil
	case err != nil:
		return nil, nil, err
	case secret.Labels[strategyv1.LabelManaged] != strategyv1.ManagedValue:
		return nil, &facts.Problem{Reason: strategyv1.ReasonSecretNotLabelled, Message: fmt.Sprintf(
			"Secret %s is not opted in; kubectl label secret %s -n %s %s=%s", at, at.Name, at.Namespace, strategyv1.LabelManaged, strategyv1.ManagedValue)}, nil
	}
	return &secret, nil, nil
}

// mayNotReadOwn says what is missing. It is not taken for a key that is not there: the log would go on with another one.
func mayNotReadOwn(at types.NamespacedName) string {
	return fmt.Sprintf("Secret %s may not be read by the operator, nor asked for; apply config/rbac again", at)
}

// mayNotRead says what is missing: the Secrets that may be read are listed by name, in each namespace.
func mayNotRead(at types.NamespacedName) string {
	return fmt.Sprintf("Secret %s may not be read by the operator; put its name into Role strategy-operator-secrets in namespace %s (config/namespace)", at, at.Namespace)
}
