package controllers

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/handler"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
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
	claims, dataKey, err := r.observeClaims(ctx, request)
	if err != nil || len(claims) == 0 {
		return ctrl.Result{}, err
	}
	state, err := schedulerconfig.ParseState(configMap.Annotations[strategyv1.AnnotationEdits])
	if err != nil {
		return ctrl.Result{}, fmt.Errorf("ConfigMap %s: %w", request, err)
	}
	decision, err := schedulerconfig.Plan(schedulerconfig.Observed{
		Key: request.NamespacedName, ResourceVersion: configMap.ResourceVersion, DataKey: dataKey,
		Content: configMap.Data[dataKey], State: state, Claims: claims,
	})
	for _, refusal := range decision.Refused {
		r.Recorder.Eventf(&configMap, nil, corev1.EventTypeWarning, "EditRefused", "Edit", "rollback %s: %s", refusal.Name, refusal.Reason)
	}
	if err != nil || decision.Write == nil {
		return ctrl.Result{}, err
	}
	if same, err := r.claimsStand(ctx, request, claims); err != nil || !same {
		return ctrl.Result{RequeueAfter: catchUp}, err
	}
	return settle(ctrl.Result{}, r.do(ctx, &configMap, *decision.Write))
}

// claimsStand reads the claims once more, from the API server: the cache may still show one that was given up, and its
// approval with it.
func (r *SchedulerConfigReconciler) claimsStand(ctx context.Context, request ctrl.Request, claims []schedulerconfig.Claim) (bool, error) {
	for _, claim := range claims {
		var rollback strategyv1.StrategyRollback
		err := r.Live.Get(ctx, types.NamespacedName{Namespace: request.Namespace, Name: claim.Name}, &rollback)
		if err != nil {
			return false, client.IgnoreNotFound(err)
		}
		now := rollback.Status.Config
		if string(rollback.UID) != claim.UID || now == nil || now.Claim != claim.State || !equality.Semantic.DeepEqual(rollback.Status.Plan.Edits, claim.Edits) {
			return false, nil
		}
	}
	return true, nil
}

// observeClaims are the claims of all rollbacks on a ConfigMap. They share one key: a playbook that names another key of
// the same ConfigMap is another configuration, and its claims wait for the first key's to end.
func (r *SchedulerConfigReconciler) observeClaims(ctx context.Context, request ctrl.Request) (claims []schedulerconfig.Claim, dataKey string, err error) {
	var list strategyv1.StrategyRollbackList
	if err := r.Client.List(ctx, &list, client.InNamespace(request.Namespace), client.MatchingFields{indexConfig: request.Name}); err != nil {
		return nil, "", err
	}
	for _, rollback := range list.Items {
		claim := rollback.Status.Config
		if rollback.Status.Plan == nil || claim.ClaimedTime == nil || (dataKey != "" && claim.Key != dataKey) {
			continue
		}
		dataKey = claim.Key
		claims = append(claims, schedulerconfig.Claim{
			UID: string(rollback.UID), Name: rollback.Name, State: claim.Claim, Time: claim.ClaimedTime.Time, Edits: rollback.Status.Plan.Edits,
		})
	}
	return claims, dataKey, nil
}

// Setup registers the reconciler with a manager.
func (r *SchedulerConfigReconciler) Setup(mgr ctrl.Manager) error {
	return ctrl.NewControllerManagedBy(mgr).
		Named("schedulerconfig").
		For(&corev1.ConfigMap{}).
		Watches(&strategyv1.StrategyRollback{}, handler.EnqueueRequestsFromMapFunc(configOfRollback), builder.WithPredicates(claimChanged())).
		Complete(r)
}
