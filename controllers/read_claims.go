package controllers

import (
	"context"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/playbook"
	"tradeops.dev/strategy-operator/internal/record"
	"tradeops.dev/strategy-operator/internal/schedulerconfig"
)

// claimsStand reads the claims once more, from the API server: the cache may still show one that was given up, and its
// approval with it, or not show yet that somebody put the playbook on hold.
func (r *configurations) claimsStand(ctx context.Context, namespace string, claims []record.Claim, state record.State) (bool, error) {
	for _, claim := range claims {
		var rollback strategyv1.StrategyRollback
		err := r.Live.Get(ctx, types.NamespacedName{Namespace: namespace, Name: claim.Name}, &rollback)
		if err != nil {
			return false, client.IgnoreNotFound(err)
		}
		now, asked := record.ClaimOf(&rollback)
		if !asked || !now.Same(claim) {
			return false, nil
		}
		held, err := heldBack(ctx, r.Live, &rollback, claim, state)
		if err != nil || held {
			return false, err
		}
	}
	return true, nil
}

// observeClaims are the claims of all rollbacks on a ConfigMap. They share one key: a playbook that names another key of
// the same ConfigMap is another configuration, and its claims wait for the first key's to end.
// Unsure: one was left out, since nobody could see whether it still counts.
func (r *configurations) observeClaims(ctx context.Context, configMap *corev1.ConfigMap) (observed schedulerconfig.Observed, unsure bool, err error) {
	observed = schedulerconfig.Observed{Key: client.ObjectKeyFromObject(configMap), ResourceVersion: configMap.ResourceVersion, Pauses: r.Pauses}
	state, err := record.ParseState(configMap.Annotations[strategyv1.AnnotationEdits])
	if err != nil {
		return observed, false, fmt.Errorf("ConfigMap %s: %w", observed.Key, err)
	}
	observed.State = state
	var list strategyv1.StrategyRollbackList
	if err := r.Client.List(ctx, &list, client.InNamespace(configMap.Namespace), client.MatchingFields{indexConfig: configMap.Name}); err != nil {
		return observed, unsure, err
	}
	for i := range list.Items {
		claim, asked := record.ClaimOf(&list.Items[i])
		key := list.Items[i].Status.Config.Key
		if !asked || (observed.DataKey != "" && key != observed.DataKey) {
			continue
		}
		held, err := heldBack(ctx, r.Client, &list.Items[i], claim, state)
		if err != nil {
			return observed, unsure, err
		}
		if held {
			continue
		}
		counts, err := r.claimCounts(ctx, &list.Items[i], claim, state)
		if err != nil {
			return observed, unsure, err
		}
		if !counts {
			unsure = true
			continue
		}
		observed.DataKey = key
		observed.Claims = append(observed.Claims, claim)
	}
	err = r.observeUnclaimed(ctx, &observed, list.Items)
	observed.Content = configMap.Data[observed.DataKey]
	return observed, unsure, err
}

// claimCounts says whether edits may be written for a claim: only if its log tells nothing that the rollback does not know. One that came back
// from a backup may have been undone since. What is written already, and what is to be undone, asks nobody.
func (r *configurations) claimCounts(ctx context.Context, rollback *strategyv1.StrategyRollback, claim record.Claim, state record.State) (bool, error) {
	holder := state.Holder(claim.UID)
	if claim.State != strategyv1.ClaimHold || claim.Met || holder != nil && holder.Revision == claim.Revision {
		return true, nil
	}
	spec, lost, err := r.observeFrozen(ctx, rollback.Namespace, rollback.Status.PlaybookRevision)
	if err != nil || lost != nil {
		return false, err
	}
	log, err := r.observeLog(ctx, logOfRollback(rollback, *spec))
	return log.Problem == nil, err
}

// heldBack says whether nothing is written for a claim, because its playbook is on hold. Forgetting writes nothing into the document. What
// was written before its playbook was deleted can be undone; what was not is held: nobody knows whether the playbook was on hold.
func heldBack(ctx context.Context, reader client.Reader, rollback *strategyv1.StrategyRollback, claim record.Claim, state record.State) (bool, error) {
	if claim.State == strategyv1.ClaimForget {
		return false, nil
	}
	var current strategyv1.StrategyPlaybook
	err := reader.Get(ctx, types.NamespacedName{Namespace: rollback.Namespace, Name: rollback.Spec.PlaybookName}, &current)
	if apierrors.IsNotFound(err) {
		return claim.State == strategyv1.ClaimHold && state.Holder(claim.UID) == nil, nil
	}
	if err != nil {
		return false, err
	}
	return playbook.HoldOf(&current, rollback.Namespace, current.Name) != nil, nil
}

// observeUnclaimed looks for the rollback of each holder that nothing in the cache stands for. The API server is asked,
// since the cache may not know a rollback yet. One that is gone was removed by force, without its finalizer; one that has
// ended still has its last claim, in case a writer that was thought dead wrote after all.
func (r *configurations) observeUnclaimed(ctx context.Context, observed *schedulerconfig.Observed, known []strategyv1.StrategyRollback) error {
	for _, holder := range observed.State.Holders {
		if slices.ContainsFunc(known, func(rollback strategyv1.StrategyRollback) bool { return string(rollback.UID) == holder.UID }) {
			continue
		}
		var rollback strategyv1.StrategyRollback
		err := r.Live.Get(ctx, types.NamespacedName{Namespace: observed.Key.Namespace, Name: holder.Name}, &rollback)
		if client.IgnoreNotFound(err) != nil {
			return err
		}
		if err != nil || string(rollback.UID) != holder.UID {
			observed.Orphans = append(observed.Orphans, holder.UID)
			continue
		}
		claim, asked := record.ClaimOf(&rollback)
		held, err := heldBack(ctx, r.Client, &rollback, claim, observed.State)
		if err != nil {
			return err
		}
		counts, err := r.claimCounts(ctx, &rollback, claim, observed.State)
		if err != nil {
			return err
		}
		if asked && !held && counts && (observed.DataKey == "" || observed.DataKey == rollback.Status.Config.Key) {
			observed.DataKey = rollback.Status.Config.Key
			observed.Claims = append(observed.Claims, claim)
		}
	}
	return nil
}
