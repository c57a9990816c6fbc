package controllers

import (
	"context"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation"
	"sigs.k8s.io/controller-runtime/pkg/client"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/gitops"
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

// observedClaims are the claims on a ConfigMap, and what is not to be believed of its record.
type observedClaims struct {
	schedulerconfig.Observed
	forged []record.Doubt
	unsure bool // one was left out, since nobody could see whether it still counts
}

// observeClaims are the claims of all rollbacks on a ConfigMap. They share one key: a playbook that names another key of
// the same ConfigMap is another configuration, and its claims wait for the first key's to end.
func (r *configurations) observeClaims(ctx context.Context, configMap *corev1.ConfigMap) (observed observedClaims, err error) {
	observed.Observed = schedulerconfig.Observed{Key: client.ObjectKeyFromObject(configMap), ResourceVersion: configMap.ResourceVersion, Pauses: r.Pauses}
	state, err := record.ParseState(configMap.Annotations[strategyv1.AnnotationEdits])
	if err != nil {
		observed.forged = []record.Doubt{{Differs: err.Error()}}
		return observed, nil //nolint:nilerr // a fact, which is told
	}
	var list strategyv1.StrategyRollbackList
	if err := r.Client.List(ctx, &list, client.InNamespace(configMap.Namespace), client.MatchingFields{indexConfig: configMap.Name}); err != nil {
		return observed, err
	}
	asking := list.Items
	named, orphans, err := r.observeNamed(ctx, observed.Key.Namespace, state, asking)
	if err != nil {
		return observed, err
	}
	observed.Orphans, observed.Receipts = orphans, receiptsOf(asking, named)
	observed.State, observed.forged = state.Believe(observed.Receipts)
	observed.forged = slices.DeleteFunc(observed.forged, func(doubt record.Doubt) bool {
		return slices.ContainsFunc(orphans, func(orphan record.Holder) bool { return orphan.UID == doubt.UID })
	})
	for _, rollbacks := range [][]strategyv1.StrategyRollback{asking, named} {
		if err := r.addClaims(ctx, &observed, rollbacks); err != nil {
			return observed, err
		}
	}
	observed.Content, observed.Annotations = configMap.Data[observed.DataKey], configMap.Annotations
	if writer := gitops.WriterOf(configMap, observed.DataKey); writer != nil {
		observed.Writer = writer.Manager
	}
	return observed, nil
}

// addClaims adds what rollbacks claim, unless it is held back, or nobody could see whether it still counts.
func (r *configurations) addClaims(ctx context.Context, observed *observedClaims, rollbacks []strategyv1.StrategyRollback) error {
	for i := range rollbacks {
		claim, asked := record.ClaimOf(&rollbacks[i])
		known := slices.ContainsFunc(observed.Claims, func(other record.Claim) bool { return other.UID == claim.UID })
		if !asked || known || observed.DataKey != "" && rollbacks[i].Status.Config.Key != observed.DataKey {
			continue
		}
		held, err := heldBack(ctx, r.Client, &rollbacks[i], claim, observed.State)
		if err != nil {
			return err
		}
		if held {
			continue
		}
		counts, err := r.claimCounts(ctx, &rollbacks[i], claim, observed.State)
		if err != nil {
			return err
		}
		if !counts {
			observed.unsure = true
			continue
		}
		observed.DataKey = rollbacks[i].Status.Config.Key
		observed.Claims = append(observed.Claims, claim)
	}
	return nil
}

// claimCounts says whether edits may be written for a claim: only if its log tells nothing that the rollback does not know. One that came back
// from a backup may have been undone since. What is written already, and what is to be undone, asks nobody.
func (r *configurations) claimCounts(ctx context.Context, rollback *strategyv1.StrategyRollback, claim record.Claim, state record.State) (bool, error) {
	holder := state.Holder(claim.UID)
	if claim.State != strategyv1.ClaimHold || claim.Met || holder != nil && holder.Revision == claim.Revision {
		return true, nil
	}
	frozen, lost, err := r.observeFrozen(ctx, rollback.Namespace, rollback.Status.PlaybookRevision)
	if err != nil || lost != nil {
		return false, err
	}
	log, err := r.observeLog(ctx, logOfRollback(rollback, frozen.spec))
	if err != nil || log.Problem == nil {
		return err == nil, err
	}
	var newest strategyv1.StrategyRollback // the log may be ahead of the cache alone
	if err := r.Live.Get(ctx, client.ObjectKeyFromObject(rollback), &newest); err != nil {
		return false, client.IgnoreNotFound(err)
	}
	log, err = r.observeLog(ctx, logOfRollback(&newest, frozen.spec))
	return err == nil && log.Problem == nil, err
}

// receiptsOf are the receipts of all rollbacks; the later ones are newer copies.
func receiptsOf(lists ...[]strategyv1.StrategyRollback) record.Receipts {
	receipts := record.Receipts{}
	for _, rollbacks := range lists {
		for _, rollback := range rollbacks {
			if rollback.Status.Config != nil {
				receipts[string(rollback.UID)] = rollback.Status.Config.Receipts
			}
		}
	}
	return receipts
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

// observeNamed looks for the rollback of each entry that nothing in the cache vouches for. The API server is asked, since the cache may not
// know a rollback yet, or not its newest receipt. One that is gone was removed by force, without its finalizer, or never was; one that has
// ended still has its last claim, in case a writer that was thought dead wrote after all.
func (r *reader) observeNamed(ctx context.Context, namespace string, state record.State, known []strategyv1.StrategyRollback) (named []strategyv1.StrategyRollback, orphans []record.Holder, err error) {
	_, doubts := state.Believe(receiptsOf(known))
	for _, holder := range state.Holders {
		if !slices.ContainsFunc(doubts, func(doubt record.Doubt) bool { return doubt.UID == holder.UID }) {
			continue
		}
		name := holder.Name
		if at := slices.IndexFunc(known, func(rollback strategyv1.StrategyRollback) bool { return string(rollback.UID) == holder.UID }); at >= 0 {
			name = known[at].Name // whatever the entry says
		}
		rollback, err := r.rollbackNamed(ctx, types.NamespacedName{Namespace: namespace, Name: name})
		if err != nil {
			return nil, nil, err
		}
		if rollback == nil || string(rollback.UID) != holder.UID {
			orphans = append(orphans, holder)
			continue
		}
		named = append(named, *rollback)
	}
	return named, orphans, nil
}

// rollbackNamed asks the API server; nil: there is none. The name may be anything that somebody wrote.
func (r *reader) rollbackNamed(ctx context.Context, key types.NamespacedName) (*strategyv1.StrategyRollback, error) {
	if len(validation.IsDNS1123Subdomain(key.Name)) > 0 {
		return nil, nil
	}
	var rollback strategyv1.StrategyRollback
	if err := r.Live.Get(ctx, key, &rollback); err != nil {
		return nil, client.IgnoreNotFound(err)
	}
	return &rollback, nil
}
