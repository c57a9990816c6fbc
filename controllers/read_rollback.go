package controllers

import (
	"context"
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/evidence"
	"tradeops.dev/strategy-operator/internal/facts"
	"tradeops.dev/strategy-operator/internal/lifecycle"
	"tradeops.dev/strategy-operator/internal/rollback"
)

// observeRollback reads what every pass over a rollback needs.
func (r *rollbacks) observeRollback(ctx context.Context, object *strategyv1.StrategyRollback, now time.Time) (rollback.Observed, error) {
	observed := rollback.Observed{
		Rollback:  object.DeepCopy(),
		Prefix:    evidence.Prefix(object.Namespace, object.Name, string(object.UID), object.CreationTimestamp.Time),
		NotServed: r.Namespaces.Served(object.Namespace),
		Pauses:    r.Pauses,
		Machines:  r.Machines,
		User:      r.User,
	}
	if observed.NotServed != nil {
		observed.Playbook.Problem, observed.Log.Problem = observed.NotServed, observed.NotServed // not read, which is not empty
		return observed, nil
	}
	observed.Refused, observed.Committed = r.refusals.of(object), r.commits.of(object)
	var err error
	if observed.Decided, err = r.observeDecided(ctx, strategyv1.KindRollback, object); err != nil {
		return observed, err
	}
	if observed.Incident, err = r.observeIncidentOf(ctx, object); err != nil {
		return observed, err
	}
	if observed.Playbook, err = r.observePlaybookOf(ctx, object, observed.Incident); err != nil {
		return observed, err
	}
	if observed.Playbook.Problem != nil {
		observed.Log.Problem = observed.Playbook.Problem // only the playbook says which key signs
		if object.Status.Config != nil {
			if observed.Config, err = r.observeEdits(ctx, object.Namespace, object.Status.Config.ConfigMapName); err == nil {
				observed.Config, err = r.believeRecord(ctx, object.Namespace, []strategyv1.StrategyRollback{*object}, observed.Config, object.Status.Config.ConfigMapName)
			}
		}
		return observed, err
	}
	if err = r.observeConfigs(ctx, object, &observed); err != nil {
		return observed, err
	}
	spec := observed.Playbook.Spec
	signingKey := signingKeyOf(object.Namespace, spec)
	if observed.Log, err = r.observeLog(ctx, logOfRollback(object, spec)); err != nil {
		return observed, err
	}
	judged := object.Status.Checks
	if lifecycle.Ended(object.Status) {
		judged = nil
	}
	if observed.Runs, err = r.observeRuns(ctx, attempts{object, judged, observed.Prefix, signingKey}, spec.Checks, now); err != nil {
		if observed.Log.Problem, err = r.unread(ctx, err); err != nil {
			return observed, err
		}
	}
	observed.Deployment, err = r.observeDeployment(ctx, object.Namespace, spec.Scheduler.Rollout.DeploymentName)
	return observed, err
}

// observePlaybookOf is the playbook that a rollback runs on, or would start on. No rollback starts on one that nobody approved: a change has no part
// that is only clocks and calls.
func (r *rollbacks) observePlaybookOf(ctx context.Context, object *strategyv1.StrategyRollback, of *strategyv1.StrategyIncident) (facts.Playbook, error) {
	revision, adopted, awaits := object.Status.PlaybookRevision, object.Status.AdoptedChecks, false
	if revision == "" && of != nil { // one procedure for the incident and its rollbacks
		revision, adopted, awaits = of.Status.PlaybookRevision, of.Status.AdoptedChecks, of.Status.Review == strategyv1.ReviewAwaited
	}
	running, err := r.observeRunning(ctx, object.Namespace, object.Spec.PlaybookName, revision, adopted)
	if err == nil && running.Problem == nil && (awaits || running.AwaitsReview) {
		return facts.Playbook{Problem: notApproved(object.Namespace, object.Spec.PlaybookName)}, nil
	}
	return running, err
}

// observeNeeds reads what a plan asked for.
func (r *rollbacks) observeNeeds(ctx context.Context, object *strategyv1.StrategyRollback, needs rollback.Need, observed *rollback.Observed, now time.Time) error {
	if needs&rollback.NeedTemplates != 0 {
		if err := read(&observed.Templates)(r.observeTemplates(ctx, object.Namespace, observed.Playbook.Spec.Checks)); err != nil {
			return err
		}
	}
	if needs&rollback.NeedOthers != 0 {
		if err := read(&observed.Others)(r.observeOtherRollbacks(ctx, object, observed.Playbook.Spec.Scheduler.Config.ConfigMapName)); err != nil {
			return err
		}
	}
	if needs&rollback.NeedPods != 0 {
		if err := read(&observed.Pods)(r.observePods(ctx, observed.Deployment)); err != nil {
			return err
		}
	}
	if needs&rollback.NeedSignals != 0 {
		if err := read(&observed.Signals)(r.observeSignals(ctx, object.Namespace, observed.Incident, observed.Playbook.Spec.Signals, now)); err != nil {
			return err
		}
	}
	if needs&rollback.NeedNewest != 0 {
		if err := read(&observed.Newest)(r.observeNewest(ctx, object.Namespace, object.Spec.PlaybookName)); err != nil {
			return err
		}
	}
	if needs&rollback.NeedIdentity != 0 {
		return read(&observed.Identity)(r.observeIdentity(ctx, object.Namespace, strategyv1.KindRollback, object.Name))
	}
	return nil
}

// observeConfigs reads the configuration; of a drill the copy, and the one that is copied.
func (r *rollbacks) observeConfigs(ctx context.Context, object *strategyv1.StrategyRollback, observed *rollback.Observed) (err error) {
	scheduler := observed.Playbook.Spec.Scheduler
	if object.Spec.Mode == strategyv1.ModeDrill {
		if observed.Real, err = r.observeConfig(ctx, object.Namespace, scheduler); err != nil {
			return err
		}
		scheduler.Config.ConfigMapName = rollback.DrillConfigMap(object)
	}
	if observed.Config, err = r.observeConfig(ctx, object.Namespace, scheduler); err != nil {
		return err
	}
	observed.Config, err = r.believeRecord(ctx, object.Namespace, []strategyv1.StrategyRollback{*object}, observed.Config, scheduler.Config.ConfigMapName)
	return err
}

// observeOtherRollbacks lists those that may be changing the same configuration: one that has not claimed it yet is known by its
// playbook only.
func (r *rollbacks) observeOtherRollbacks(ctx context.Context, object *strategyv1.StrategyRollback, configMap string) ([]strategyv1.StrategyRollback, error) {
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

// observeIncidentOf is the incident that the rollback names; nil if it was deleted. One that began after the rollback, or has another UID
// than the rollback says, only has the same name. Of one that asked for the rollback the cause is known, so a cache without it is late.
func (r *rollbacks) observeIncidentOf(ctx context.Context, object *strategyv1.StrategyRollback) (*strategyv1.StrategyIncident, error) {
	if object.Spec.IncidentName == "" {
		return nil, nil
	}
	key := types.NamespacedName{Namespace: object.Namespace, Name: object.Spec.IncidentName}
	var incident strategyv1.StrategyIncident
	err := r.Client.Get(ctx, key, &incident)
	if late := err != nil || incident.Status.Cause == nil; late && object.Spec.IncidentUID != "" && client.IgnoreNotFound(err) == nil {
		err = r.Live.Get(ctx, key, &incident)
	}
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	uid := object.Spec.IncidentUID
	if uid != "" && uid != string(incident.UID) || uid == "" && object.CreationTimestamp.Before(&incident.CreationTimestamp) {
		return nil, nil
	}
	return &incident, nil
}

// observeDeployment is the scheduler's Deployment; nil if it does not exist.
func (r *reader) observeDeployment(ctx context.Context, namespace, name string) (*appsv1.Deployment, error) {
	at := types.NamespacedName{Namespace: namespace, Name: name}
	var deployment appsv1.Deployment
	err := r.Client.Get(ctx, at, &deployment)
	if err == nil && len(deployment.Spec.Template.Spec.Containers) == 0 { // a large one is not in the cache
		deployment = appsv1.Deployment{}
		err = r.Live.Get(ctx, at, &deployment)
	}
	if err != nil {
		return nil, client.IgnoreNotFound(err)
	}
	return &deployment, nil
}

// observePods are the pods of the scheduler's Deployment, read live: one that is missing in the cache may still trade.
func (r *rollbacks) observePods(ctx context.Context, deployment *appsv1.Deployment) (rollback.Pods, error) {
	if deployment == nil {
		return rollback.Pods{}, nil
	}
	selector, err := metav1.LabelSelectorAsSelector(deployment.Spec.Selector)
	if err != nil {
		return rollback.Pods{}, fmt.Errorf("selector of Deployment %s: %w", deployment.Name, err)
	}
	limited, enough := context.WithTimeout(ctx, r.Pauses.Live)
	defer enough()
	var pods corev1.PodList
	err = r.Live.List(limited, &pods, client.InNamespace(deployment.Namespace), client.MatchingLabelsSelector{Selector: selector})
	if err != nil && !apierrors.IsForbidden(err) {
		problem, err := r.unanswered(ctx, fmt.Errorf("the pods of Deployment %s cannot be read: %w", deployment.Name, err))
		return rollback.Pods{Problem: problem}, err
	}
	return rollback.Pods{Items: pods.Items}, err
}
