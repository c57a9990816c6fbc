package controllers

import (
	"context"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/incident"
)

// observeOthers reads the incidents that this one depends on: of the same identity, on the same scheduler, and its parent.
func (r *IncidentReconciler) observeOthers(ctx context.Context, object *strategyv1.StrategyIncident, scheduler strategyv1.SchedulerSpec, observed *incident.Observed) error {
	in := client.InNamespace(object.Namespace)
	same, err := r.incidentsBut(ctx, object, in, client.MatchingFields{indexIdentity: incident.Identity(object)})
	if err != nil {
		return err
	}
	observed.Same = same
	if object.Status.Cause == nil && object.Status.Level == strategyv1.LevelL1 {
		return nil // who else has the cause does not matter yet
	}
	active, err := r.incidentsBut(ctx, object, in, client.MatchingFields{indexActive: isActive})
	if err != nil {
		return err
	}
	for _, other := range active {
		shares, err := r.sharesScheduler(ctx, other, scheduler)
		if err != nil {
			return err
		}
		if shares && drill(&other) == drill(object) {
			observed.Neighbours = append(observed.Neighbours, other)
		}
	}
	if object.Status.ParentName == "" {
		return nil
	}
	var parent strategyv1.StrategyIncident
	err = r.Client.Get(ctx, types.NamespacedName{Namespace: object.Namespace, Name: object.Status.ParentName}, &parent)
	if err == nil {
		observed.Parent = &parent
	}
	return client.IgnoreNotFound(err)
}

func (r *IncidentReconciler) incidentsBut(ctx context.Context, object *strategyv1.StrategyIncident, options ...client.ListOption) ([]strategyv1.StrategyIncident, error) {
	var list strategyv1.StrategyIncidentList
	if err := r.Client.List(ctx, &list, options...); err != nil {
		return nil, err
	}
	var others []strategyv1.StrategyIncident
	for _, other := range list.Items {
		if other.UID != object.UID {
			others = append(others, other)
		}
	}
	return others, nil
}

// sharesScheduler compares by the playbooks as they are frozen: two playbooks may serve one scheduler.
func (r *IncidentReconciler) sharesScheduler(ctx context.Context, other strategyv1.StrategyIncident, scheduler strategyv1.SchedulerSpec) (bool, error) {
	if other.Status.PlaybookRevision == "" {
		return false, nil
	}
	playbook, err := r.observePlaybook(ctx, other.Namespace, other.Spec.PlaybookName, other.Status.PlaybookRevision)
	if err != nil || playbook.Problem != nil {
		return false, err
	}
	theirs := playbook.Spec.Scheduler
	return theirs.Config == scheduler.Config && theirs.Name == scheduler.Name, nil
}

func drill(object *strategyv1.StrategyIncident) bool {
	return object.Spec.Mode == strategyv1.IncidentDrill
}
