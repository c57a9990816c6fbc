package controllers

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/action"
	"tradeops.dev/strategy-operator/internal/bounded"
	"tradeops.dev/strategy-operator/internal/record"
	"tradeops.dev/strategy-operator/internal/schedulerconfig"
)

// SchedulerConfigReconciler is the only writer of scheduler configurations. It is keyed by ConfigMap, so that all
// rollbacks on one configuration share one writer, one write and one restart.
type SchedulerConfigReconciler struct{ *Environment }

// Reconcile applies what is claimed and undoes what is released, in one write. Where it is not served the operator cannot even read.
func (r *SchedulerConfigReconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	if r.served(request.Namespace) != nil {
		return ctrl.Result{}, nil
	}
	return r.loop().Reconcile(ctx, request)
}

func (r *SchedulerConfigReconciler) loop() *loop[*corev1.ConfigMap, noStatus] {
	return &loop[*corev1.ConfigMap, noStatus]{
		Environment: r.Environment,
		empty:       func() *corev1.ConfigMap { return &corev1.ConfigMap{} },
		statusOf:    func(*corev1.ConfigMap) *noStatus { return &noStatus{} },
		decide:      r.decide,
		wrote:       func(*corev1.ConfigMap, noStatus) {},
	}
}

// noStatus: what is in force stands in the record, which is written with the content.
type noStatus struct{}

// decide plans at most one write for all claims. Claims that changed meanwhile are read again first.
func (r *SchedulerConfigReconciler) decide(ctx context.Context, configMap *corev1.ConfigMap, now time.Time) (decided decision[noStatus], err error) {
	if !configMap.DeletionTimestamp.IsZero() {
		return decided, nil
	}
	observed, err := r.observeClaims(ctx, configMap)
	if err != nil || len(observed.Claims)+len(observed.Orphans) == 0 {
		return decided, err
	}
	plan, err := schedulerconfig.Plan(observed, now)
	if err != nil {
		return decided, err
	}
	decided.nextAt = plan.NextAt
	for _, refusal := range plan.Refused {
		decided.actions = append(decided.actions, warning(refusal.Reason, "rollback %s: %s", refusal.Name, refusal.Message))
	}
	if plan.Write == nil {
		return decided, nil
	}
	stand, err := r.claimsStand(ctx, configMap.Namespace, plan.Pending)
	if err != nil || !stand {
		decided.nextAt = now.Add(r.Pauses.CatchUp)
		return decided, err
	}
	decided.actions = append(decided.actions, *plan.Write)
	for _, orphan := range plan.Dropped {
		decided.actions = append(decided.actions, warning("OrphanEdits",
			"rollback %s was removed by force: its edits stay and nobody undoes them (before: %s)", orphan.Name, earlier(orphan)))
	}
	return decided, nil
}

func warning(reason, format string, args ...any) action.Event {
	return action.Event{Type: corev1.EventTypeWarning, Reason: reason, Message: bounded.Text(fmt.Sprintf(format, args...), 1000)}
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
func (r *SchedulerConfigReconciler) claimsStand(ctx context.Context, namespace string, claims []record.Claim) (bool, error) {
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
