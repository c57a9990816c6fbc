package controllers

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/conditions"
	"tradeops.dev/strategy-operator/internal/decisionlog"
	"tradeops.dev/strategy-operator/internal/evidence"
	"tradeops.dev/strategy-operator/internal/facts"
	"tradeops.dev/strategy-operator/internal/playbook"
)

// Keys of the signing key's Secret.
const (
	secretKey   = "hmac-key"
	secretKeyID = "key-id"
)

// keyLifetime is how long a signing key is remembered, so that a running incident does not read its Secret in each pass.
const keyLifetime = 30 * time.Second

// observePlaybook returns the frozen spec that an object runs on, or the one it would start on, and whether the playbook as
// it is now is suspended.
func (e *Environment) observePlaybook(ctx context.Context, namespace, name, revision string) (facts.Playbook, error) {
	var current strategyv1.StrategyPlaybook
	err := e.Client.Get(ctx, types.NamespacedName{Namespace: namespace, Name: name}, &current)
	gone := apierrors.IsNotFound(err)
	if err != nil && !gone {
		return facts.Playbook{}, err
	}
	if revision == "" {
		if gone {
			return facts.Playbook{Problem: &facts.Problem{Reason: strategyv1.ReasonPlaybookNotFound, Message: fmt.Sprintf(
				"StrategyPlaybook %s does not exist in namespace %s; create it, or create this object with another playbookName", name, namespace)}}, nil
		}
		if !conditions.True(current.Status.Conditions, strategyv1.ConditionReady) || current.Status.ObservedGeneration != current.Generation {
			return facts.Playbook{Problem: &facts.Problem{Reason: strategyv1.ReasonPlaybookNotReady, Message: fmt.Sprintf(
				"StrategyPlaybook %s is not ready: %s", name, conditions.Message(current.Status.Conditions, strategyv1.ConditionReady))}}, nil
		}
		revision = current.Status.Revision
	}
	var frozen appsv1.ControllerRevision
	err = e.Client.Get(ctx, types.NamespacedName{Namespace: namespace, Name: revision}, &frozen)
	if apierrors.IsNotFound(err) {
		return facts.Playbook{Problem: &facts.Problem{Reason: strategyv1.ReasonPlaybookNotFound, Message: fmt.Sprintf(
			"ControllerRevision %s with the frozen playbook does not exist in namespace %s", revision, namespace)}}, nil
	}
	if err != nil {
		return facts.Playbook{}, err
	}
	spec, unreadable := playbook.Thaw(&frozen)
	if unreadable != nil {
		return facts.Playbook{Problem: &facts.Problem{Reason: strategyv1.ReasonPlaybookNotFound, Message: unreadable.Error()}}, nil //nolint:nilerr // a fact for the plan: reading again would not help
	}
	return facts.Playbook{Spec: spec, Revision: revision, Suspended: current.Spec.Suspend}, nil
}

// keyCache remembers signing keys for a short time.
type keyCache struct {
	sync.Mutex
	keys map[types.NamespacedName]cachedKey
}

type cachedKey struct {
	key  decisionlog.Key
	read time.Time
}

func (e *Environment) observeKey(ctx context.Context, namespace, name string) (decisionlog.Key, *facts.Problem, error) {
	at := types.NamespacedName{Namespace: namespace, Name: name}
	e.keys.Lock()
	defer e.keys.Unlock()
	if cached, ok := e.keys.keys[at]; ok && e.Clock.Since(cached.read) < keyLifetime {
		return cached.key, nil, nil
	}
	var secret corev1.Secret
	err := e.Live.Get(ctx, at, &secret)
	if apierrors.IsNotFound(err) {
		return decisionlog.Key{}, &facts.Problem{Reason: strategyv1.ReasonSecretNotFound, Message: fmt.Sprintf(
			"Secret %s with the decision log's signing key does not exist; create it with a key %q of at least %d bytes", at, secretKey, decisionlog.MinKeyBytes)}, nil
	}
	if err != nil {
		return decisionlog.Key{}, nil, err
	}
	if secret.Labels[strategyv1.LabelManaged] != strategyv1.ManagedValue {
		return decisionlog.Key{}, &facts.Problem{Reason: strategyv1.ReasonSecretNotLabelled, Message: fmt.Sprintf(
			"Secret %s is not opted in; kubectl label secret %s -n %s %s=%s", at, name, namespace, strategyv1.LabelManaged, strategyv1.ManagedValue)}, nil
	}
	key, err := decisionlog.NewKey(string(secret.Data[secretKeyID]), secret.Data[secretKey])
	if err != nil {
		return decisionlog.Key{}, &facts.Problem{Reason: strategyv1.ReasonSecretInvalid, Message: fmt.Sprintf("Secret %s, key %q: %v", at, secretKey, err)}, nil
	}
	if e.keys.keys == nil {
		e.keys.keys = map[types.NamespacedName]cachedKey{}
	}
	e.keys.keys[at] = cachedKey{key, e.Clock.Now()}
	return key, nil, nil
}

// observeLog reads the log from where the status left off to its head.
func (e *Environment) observeLog(ctx context.Context, namespace, secret, prefix, uid string, from *strategyv1.LogStatus) (facts.Log, error) {
	key, problem, err := e.observeKey(ctx, namespace, secret)
	if err != nil || problem != nil {
		return facts.Log{Problem: problem}, err
	}
	log := facts.Log{Key: key}
	if from != nil && from.Entries != nil {
		log.Entries, log.Head = *from.Entries, from.Head
	}
	for {
		line, err := e.Evidence.Get(ctx, evidence.LogKey(prefix, log.Entries+1))
		if errors.Is(err, evidence.ErrNotFound) {
			return log, nil
		}
		if err != nil {
			return facts.Log{}, err
		}
		identity, err := decisionlog.Verify(line, key)
		if err != nil || identity.Seq != log.Entries+1 || identity.PrevHash != log.Head || identity.ObjectUID != uid {
			log.Problem = &facts.Problem{Reason: strategyv1.ReasonLogConflict, Message: fmt.Sprintf(
				"entry %d of the decision log in the bucket (%s) is not one that this operator wrote after entry %d: %v; the log is not continued", log.Entries+1, prefix, log.Entries, err)}
			return log, nil
		}
		log.Entries, log.Head = identity.Seq, decisionlog.Hash(line)
	}
}

// observeDecided lists the decisions about an object, oldest first. One that is older than the object was about another
// object of the same name; one without an identity was made while the admission policies were not there.
func (e *Environment) observeDecided(ctx context.Context, kind string, target client.Object) ([]facts.Decided, error) {
	var list strategyv1.StrategyDecisionList
	if err := e.Client.List(ctx, &list, client.InNamespace(target.GetNamespace()), client.MatchingFields{indexTarget: kind + "/" + target.GetName()}); err != nil {
		return nil, err
	}
	var decided []facts.Decided
	for _, decision := range list.Items {
		created := target.GetCreationTimestamp()
		if decision.Spec.By == "" || decision.CreationTimestamp.Before(&created) {
			continue
		}
		decided = append(decided, facts.Decided{
			Name: decision.Name, Verdict: decision.Spec.Verdict, Digest: decision.Spec.Digest,
			By: decision.Spec.By, Reason: decision.Spec.Reason, Time: decision.CreationTimestamp,
			Valid: time.Duration(decision.Spec.ValidSeconds) * time.Second,
		})
	}
	slices.SortFunc(decided, func(a, b facts.Decided) int {
		return cmp.Or(a.Time.Compare(b.Time.Time), cmp.Compare(a.Name, b.Name))
	})
	return decided, nil
}

// readOutcome reads a stored report back and says where it is. A report that does not match the hash in the status was
// changed in the bucket.
func (e *Environment) readOutcome(ctx context.Context, key string, into any) (*strategyv1.EvidenceReference, error) {
	data, err := e.Evidence.Get(ctx, key)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(data, into); err != nil {
		return nil, fmt.Errorf("evidence %s cannot be read: %w", key, err)
	}
	sum := sha256.Sum256(data)
	return &strategyv1.EvidenceReference{Key: key, SHA256: hex.EncodeToString(sum[:]), Bytes: new(int64(len(data)))}, nil
}
