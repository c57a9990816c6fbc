package controllers

import (
	"context"
	"fmt"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
)

// secretURL is the key of a Secret with the URL for which the rest of it may be used.
const secretURL = "url"

// secretKind is what a Secret of a playbook holds for a server.
type secretKind struct {
	key   string // of the Secret
	name  string // for people
	field string // of the playbook, that has the same URL
}

// ownedAt is one of them.
type ownedAt struct {
	types.NamespacedName
	kind secretKind
}

// ownedSecret is a secret, and the URL for which its owner lets it be used.
type ownedSecret struct{ url, secret string }

// observeOwned reads a secret for a server. Who owns it says with the key "url" for which: else whoever may write a playbook could have it
// used for a server of their own.
func (r *reader) observeOwned(ctx context.Context, kind secretKind, at types.NamespacedName, url string) (secret, problem string, err error) {
	key := ownedAt{at, kind}
	known, found := r.owned.get(key)
	if !found || r.Clock.Since(known.at) >= r.Pauses.Secret {
		read, problem, err := r.readOwned(ctx, key)
		if problem != "" || err != nil {
			return "", problem, err
		}
		known = dated[ownedSecret]{read, r.Clock.Now()}
		r.owned.put(key, known, len(read.url)+len(read.secret))
	}
	if kind.key == secretURL { // the URL is the secret
		return known.value.url, "", nil
	}
	if known.value.url != url {
		return "", fmt.Sprintf("the owner of Secret %s lets %s be used for another URL (key %q) than %s; make both the same", at, kind.name, secretURL, kind.field), nil
	}
	return known.value.secret, "", nil
}

func (r *reader) readOwned(ctx context.Context, at ownedAt) (read ownedSecret, problem string, err error) {
	var secret corev1.Secret
	err = r.Live.Get(ctx, at.NamespacedName, &secret)
	if apierrors.IsNotFound(err) {
		if at.kind.key == secretURL {
			return read, fmt.Sprintf("Secret %s with %s does not exist; create it with the key %q", at, at.kind.name, secretURL), nil
		}
		return read, fmt.Sprintf("Secret %s with %s does not exist; create it with the keys %q and %q", at, at.kind.name, at.kind.key, secretURL), nil
	}
	if apierrors.IsForbidden(err) {
		return read, mayNotRead(at.NamespacedName), nil
	}
	if err != nil {
		return read, "", err
	}
	if secret.Labels[strategyv1.LabelManaged] != strategyv1.ManagedValue {
		return read, fmt.Sprintf("Secret %s is not opted in; kubectl label secret %s -n %s %s=%s", at, at.Name, at.Namespace, strategyv1.LabelManaged, strategyv1.ManagedValue), nil
	}
	for _, key := range []string{at.kind.key, secretURL} {
		if len(secret.Data[key]) == 0 {
			return read, fmt.Sprintf("Secret %s has no key %q; it has %v", at, key, slices.Sorted(maps.Keys(secret.Data))), nil
		}
	}
	return ownedSecret{url: string(secret.Data[secretURL]), secret: string(secret.Data[at.kind.key])}, "", nil
}
