package controllers

import (
	"context"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/bounded"
	"tradeops.dev/strategy-operator/internal/record"
	"tradeops.dev/strategy-operator/internal/schedulerconfig"
)

// SchedulerConfigReconciler is the only writer of scheduler configurations. It is keyed by ConfigMap, so that all
// rollbacks on one configuration share one writer, one write and one restart.
type SchedulerConfigReconciler struct{ *Environment }

// Reconcile applies what is claimed and undoes what is released, in one write.
func (r *SchedulerConfigReconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	if r.served(request.Namespace) != nil {
		return ctrl.Result{}, nil
	}
	var configMap corev1.ConfigMap
	if err := r.Client.Get(ctx, request.NamespacedName, &configMap); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if !configMap.DeletionTimestamp.IsZero() {
		return ctrl.Result{}, nil
	}
	observed, err := r.observeClaims(ctx, &configMap)
	if err != nil || len(observed.Claims)+len(observed.Orphans) == 0 {
		return ctrl.Result{}, err
	}
	now := r.Clock.Now()
	decision, err := schedulerconfig.Plan(observed, now)
	for _, refusal := range decision.Refused {
		r.Recorder.Eventf(&configMap, nil, corev1.EventTypeWarning, refusal.Reason, "Edit", "rollback %s: %s", refusal.Name, refusal.Message)
	}
	if err != nil || decision.Write == nil {
		return again(decision.NextAt, now), err
	}
	if same, err := r.claimsStand(ctx, request, decision.Pending); err != nil || !same {
		return ctrl.Result{RequeueAfter: catchUp}, err
	}
	if err := r.do(ctx, &configMap, *decision.Write); err != nil {
		return settle(ctrl.Result{}, err)
	}
	for _, orphan := range decision.Dropped {
		r.Recorder.Eventf(&configMap, nil, corev1.EventTypeWarning, "OrphanEdits", "Forget",
			"rollback %s was removed by force: its edits stay and nobody undoes them (before: %s)", orphan.Name, earlier(orphan))
	}
	return ctrl.Result{}, nil
}

// earlier is what a holder's edits replaced, for a person who wants to bring it back by hand.
func earlier(holder record.Holder) string {
	words := make([]string, len(holder.Records))
	for i, record := range holder.Records {
		words[i] = fmt.Sprintf("%s = %s", record.Path, record.From)
		if record.Absent {
			words[i] = record.Path + " did not exist"
		}
	}
	return bounded.Text(strings.Join(words, "; "), 700)
}

// claimsStand reads the claims once more, from the API server: the cache may still show one that was given up, and its
// approval with it, or not show yet that somebody suspended the playbook.
func (r *SchedulerConfigReconciler) claimsStand(ctx context.Context, request ctrl.Request, claims []record.Claim) (bool, error) {
	for _, claim := range claims {
		var rollback strategyv1.StrategyRollback
		err := r.Live.Get(ctx, types.NamespacedName{Namespace: request.Namespace, Name: claim.Name}, &rollback)
		if err != nil {
			return false, client.IgnoreNotFound(err)
		}
		now, asked := record.ClaimOf(&rollback)
		if !asked || !now.Same(claim) {
			return false, nil
		}
		suspended, err := suspended(ctx, r.Live, &rollback)
		if err != nil || suspended && claim.State != strategyv1.ClaimForget {
			return false, err
		}
	}
	return true, nil
}

// observeClaims are the claims of all rollbacks on a ConfigMap. They share one key: a playbook that names another key of
// the same ConfigMap is another configuration, and its claims wait for the first key's to end.
func (r *SchedulerConfigReconciler) observeClaims(ctx context.Context, configMap *corev1.ConfigMap) (schedulerconfig.Observed, error) {
	observed := schedulerconfig.Observed{Key: client.ObjectKeyFromObject(configMap), ResourceVersion: configMap.ResourceVersion, Pauses: r.Pauses}
	state, err := record.ParseState(configMap.Annotations[strategyv1.AnnotationEdits])
	if err != nil {
		return observed, fmt.Errorf("ConfigMap %s: %w", observed.Key, err)
	}
	observed.State = state
	var list strategyv1.StrategyRollbackList
	if err := r.Client.List(ctx, &list, client.InNamespace(configMap.Namespace), client.MatchingFields{indexConfig: configMap.Name}); err != nil {
		return observed, err
	}
	for i := range list.Items {
		claim, asked := record.ClaimOf(&list.Items[i])
		key := list.Items[i].Status.Config.Key
		if !asked || (observed.DataKey != "" && key != observed.DataKey) {
			continue
		}
		held, err := suspended(ctx, r.Client, &list.Items[i])
		if err != nil {
			return observed, err
		}
		if held && claim.State != strategyv1.ClaimForget { // nothing is written for it; forgetting writes nothing into the document
			continue
		}
		observed.DataKey = key
		observed.Claims = append(observed.Claims, claim)
	}
	err = r.observeUnclaimed(ctx, &observed, list.Items)
	observed.Content = configMap.Data[observed.DataKey]
	return observed, err
}

// suspended says whether the kill switch of a rollback's playbook is on. A playbook that is gone has none.
func suspended(ctx context.Context, reader client.Reader, rollback *strategyv1.StrategyRollback) (bool, error) {
	var playbook strategyv1.StrategyPlaybook
	err := reader.Get(ctx, types.NamespacedName{Namespace: rollback.Namespace, Name: rollback.Spec.PlaybookName}, &playbook)
	return err == nil && playbook.Spec.Suspend, client.IgnoreNotFound(err)
}

// configOfPlaybook: a playbook that is resumed lets its claims be met, also those of its drills.
func (r *SchedulerConfigReconciler) configOfPlaybook(ctx context.Context, object client.Object) []reconcile.Request {
	var list strategyv1.StrategyRollbackList
	if err := r.Client.List(ctx, &list, client.InNamespace(object.GetNamespace()), client.MatchingFields{indexPlaybook: object.GetName()}); err != nil {
		return nil // the rollback looks again by itself
	}
	var requests []reconcile.Request
	for i := range list.Items {
		requests = append(requests, configOfRollback(ctx, &list.Items[i])...)
	}
	return requests
}

// observeUnclaimed looks for the rollback of each holder that nothing in the cache stands for. The API server is asked,
// since the cache may not know a rollback yet. One that is gone was removed by force, without its finalizer; one that has
// ended still has its last claim, in case a writer that was thought dead wrote after all.
func (r *SchedulerConfigReconciler) observeUnclaimed(ctx context.Context, observed *schedulerconfig.Observed, known []strategyv1.StrategyRollback) error {
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
		held, err := suspended(ctx, r.Client, &rollback)
		if err != nil {
			return err
		}
		if claim, asked := record.ClaimOf(&rollback); asked && !held && (observed.DataKey == "" || observed.DataKey == rollback.Status.Config.Key) {
			observed.DataKey = rollback.Status.Config.Key
			observed.Claims = append(observed.Claims, claim)
		}
	}
	return nil
}

func (r *SchedulerConfigReconciler) controller() Controller {
	return Controller{
		Name: "schedulerconfig", Reconciler: r, Workers: 1,
		For: itself(&corev1.ConfigMap{}, nil),
		Watches: []Watch{
			{&strategyv1.StrategyPlaybook{}, handler.EnqueueRequestsFromMapFunc(r.configOfPlaybook), suspendChanged()},
			{&strategyv1.StrategyRollback{}, handler.EnqueueRequestsFromMapFunc(configOfRollback), claimChanged()},
		},
	}
}
