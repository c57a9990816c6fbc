package controllers

import (
	"context"
	"fmt"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/conditions"
	"tradeops.dev/strategy-operator/internal/evidence"
	"tradeops.dev/strategy-operator/internal/rollback"
)

// observeRollback is every read of a rollback's pass.
func (r *RollbackReconciler) observeRollback(ctx context.Context, object *strategyv1.StrategyRollback, now time.Time) (rollback.Observed, error) {
	observed := rollback.Observed{
		Rollback:  object.DeepCopy(),
		Prefix:    evidence.Prefix(object.Namespace, object.Name, string(object.UID), object.CreationTimestamp.Time),
		NotServed: r.served(object.Namespace),
		Pauses:    r.Pauses,
	}
	if observed.NotServed != nil {
		observed.Log.Problem = observed.NotServed
		return observed, nil
	}
	var err error
	if observed.Incident, err = r.observeIncidentOf(ctx, object); err != nil {
		return observed, err
	}
	revision := object.Status.PlaybookRevision
	if revision == "" && observed.Incident != nil {
		revision = observed.Incident.Status.PlaybookRevision // one procedure for the incident and its rollbacks
	}
	if observed.Playbook, err = r.observePlaybook(ctx, object.Namespace, object.Spec.PlaybookName, revision); err != nil {
		return observed, err
	}
	if observed.Playbook.Problem != nil {
		observed.Log.Problem = observed.Playbook.Problem // only the playbook says which key signs
		if object.Status.Config != nil {
			observed.Config, err = r.observeEdits(ctx, object.Namespace, object.Status.Config.ConfigMapName)
		}
		return observed, err
	}
	if err = r.observeConfigs(ctx, object, &observed); err != nil {
		return observed, err
	}
	spec := observed.Playbook.Spec
	if observed.Log, err = r.observeLog(ctx, object.Namespace, spec.SigningKeySecretName, observed.Prefix, string(object.UID), object.Status.Log); err != nil {
		return observed, err
	}
	judged := object.Status.Checks
	if rollback.Ended(object.Status) {
		judged = nil
	}
	if observed.Runs, err = r.observeRuns(ctx, object, spec.Checks, judged, observed.Prefix, now); err != nil {
		return observed, err
	}
	if observed.Deployment, observed.Pods, err = r.observeWorkload(ctx, object, spec.Scheduler.Rollout.DeploymentName); err != nil {
		return observed, err
	}
	err = r.observeDecisions(ctx, object, &observed)
	return observed, err
}

// observeDecisions reads what people and other rollbacks mean for this one.
func (r *RollbackReconciler) observeDecisions(ctx context.Context, object *strategyv1.StrategyRollback, observed *rollback.Observed) (err error) {
	if observed.Decided, err = r.observeDecided(ctx, strategyv1.KindRollback, object); err != nil {
		return err
	}
	if observed.Others, err = r.observeOtherRollbacks(ctx, object, observed.Playbook.Spec.Scheduler.Config.ConfigMapName); err != nil {
		return err
	}
	if rollback.NeedsIdentity(object, observed.Decided) {
		observed.Identity, err = r.observeIdentity(ctx, object)
	}
	return err
}

// observeConfigs reads the configuration; of a drill the copy, under whose name the rest of the pass goes on, and the one that is
// copied.
func (r *RollbackReconciler) observeConfigs(ctx context.Context, object *strategyv1.StrategyRollback, observed *rollback.Observed) (err error) {
	scheduler := &observed.Playbook.Spec.Scheduler
	if object.Spec.Mode == strategyv1.ModeDrill {
		if observed.Real, err = r.observeConfig(ctx, object.Namespace, *scheduler); err != nil {
			return err
		}
		scheduler.Config.ConfigMapName = rollback.DrillConfigMap(object)
	}
	observed.Config, err = r.observeConfig(ctx, object.Namespace, *scheduler)
	return err
}

// observeOtherRollbacks lists those of other incidents that may be changing the same configuration: one that has not claimed
// it yet is known by its playbook only. Without an incident nobody is waited for, and after the claim neither.
func (r *RollbackReconciler) observeOtherRollbacks(ctx context.Context, object *strategyv1.StrategyRollback, configMap string) ([]strategyv1.StrategyRollback, error) {
	claimed := object.Status.Config != nil && object.Status.Config.Claim != ""
	if object.Spec.IncidentName == "" || claimed || rollback.Ended(object.Status) {
		return nil, nil
	}
	var list strategyv1.StrategyRollbackList
	if err := r.Client.List(ctx, &list, client.InNamespace(object.Namespace), client.MatchingFields{indexActive: isActive}); err != nil {
		return nil, err
	}
	var others []strategyv1.StrategyRollback
	for _, other := range list.Items {
		same := other.Spec.PlaybookName == object.Spec.PlaybookName
		if other.Status.Config != nil {
			same = other.Status.Config.ConfigMapName == configMap
		}
		if same && other.UID != object.UID && other.Spec.Mode != strategyv1.ModeDrill {
			others = append(others, other)
		}
	}
	return others, nil
}

// observeIncidentOf is the incident that the rollback names; nil if it was deleted.
func (r *RollbackReconciler) observeIncidentOf(ctx context.Context, object *strategyv1.StrategyRollback) (*strategyv1.StrategyIncident, error) {
	if object.Spec.IncidentName == "" {
		return nil, nil
	}
	var incident strategyv1.StrategyIncident
	err := r.Client.Get(ctx, types.NamespacedName{Namespace: object.Namespace, Name: object.Spec.IncidentName}, &incident)
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &incident, nil
}

// observeWorkload reads the scheduler's Deployment and, while a change is on its way, its pods: live, since a pod that is
// missing in the cache may still trade.
func (r *RollbackReconciler) observeWorkload(ctx context.Context, object *strategyv1.StrategyRollback, name string) (*appsv1.Deployment, []corev1.Pod, error) {
	var deployment appsv1.Deployment
	err := r.Client.Get(ctx, types.NamespacedName{Namespace: object.Namespace, Name: name}, &deployment)
	if apierrors.IsNotFound(err) {
		return nil, nil, nil
	}
	if err != nil || !onItsWay(object) {
		return &deployment, nil, err
	}
	selector, err := metav1.LabelSelectorAsSelector(deployment.Spec.Selector)
	if err != nil {
		return nil, nil, fmt.Errorf("selector of Deployment %s: %w", name, err)
	}
	var pods corev1.PodList
	err = r.Live.List(ctx, &pods, client.InNamespace(object.Namespace), client.MatchingLabelsSelector{Selector: selector})
	return &deployment, pods.Items, err
}

// onItsWay: claimed or released, and not yet proved.
func onItsWay(object *strategyv1.StrategyRollback) bool {
	claim := object.Status.Config
	if claim == nil || claim.Claim == "" || rollback.Ended(object.Status) {
		return false
	}
	reason := conditions.Reason(object.Status.Conditions, strategyv1.ConditionInEffect)
	return claim.Claim == strategyv1.ClaimRelease || reason == "" || reason == strategyv1.ReasonRenewing
}

// identityRefusal is what the admission policy says to a forged identity; see config/admission.
const identityRefusal = "a client may only name itself"

// observeIdentity proves that identities are enforced: the API server must refuse a decision in somebody else's name.
// Nothing is created, and if it were, the forged decision would be a denial.
func (r *RollbackReconciler) observeIdentity(ctx context.Context, object *strategyv1.StrategyRollback) (rollback.Identity, error) {
	forged := &strategyv1.StrategyDecision{
		ObjectMeta: metav1.ObjectMeta{Namespace: object.Namespace, GenerateName: "identity-proof-"},
		Spec: strategyv1.StrategyDecisionSpec{
			Target:  strategyv1.DecisionTarget{Kind: strategyv1.KindRollback, Name: object.Name},
			Verdict: strategyv1.DecisionDeny, By: "nobody: proof that identities are enforced",
			Reason: "a proof that identities are enforced; it is never stored",
		},
	}
	err := r.Client.Create(ctx, forged, client.DryRunAll, FieldOwner)
	if err == nil {
		return rollback.Identity{Message: "the API server accepts decisions in anybody's name; install config/admission"}, nil
	}
	if (apierrors.IsForbidden(err) || apierrors.IsInvalid(err)) && strings.Contains(err.Error(), identityRefusal) {
		return rollback.Identity{Enforced: true}, nil
	}
	if apierrors.IsForbidden(err) || apierrors.IsInvalid(err) {
		return rollback.Identity{Message: "it cannot be proved that identities are enforced: " + err.Error()}, nil
	}
	return rollback.Identity{}, err
}
