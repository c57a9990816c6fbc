package controllers

import (
	"context"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/lifecycle"
)

// observeSame are the others of the same identity.
func (r *incidents) observeSame(ctx context.Context, object *strategyv1.StrategyIncident) ([]strategyv1.StrategyIncident, error) {
	return r.incidentsBut(ctx, object, client.InNamespace(object.Namespace), client.MatchingFields{indexIdentity: lifecycle.Identity(object.Spec)})
}

// observeNeighbours are the open others on the same scheduler.
func (r *incidents) observeNeighbours(ctx context.Context, object *strategyv1.StrategyIncident, scheduler strategyv1.SchedulerSpec) ([]strategyv1.StrategyIncident, error) {
	active, err := r.incidentsBut(ctx, object, client.InNamespace(object.Namespace), client.MatchingFields{indexActive: isActive})
	if err != nil {
		return nil, err
	}
	var neighbours []strategyv1.StrategyIncident
	for _, other := range active {
		if drill(&other) != drill(object) {
			continue
		}
		shares, err := r.sharesScheduler(ctx, other, scheduler)
		if err != nil {
			return nil, err
		}
		if shares {
			neighbours = append(neighbours, other)
		}
	}
	return neighbours, nil
}

// observeParent is the incident that has the name of the one that this one follows; nil when there is none any more.
func (r *incidents) observeParent(ctx context.Context, object *strategyv1.StrategyIncident) (*strategyv1.StrategyIncident, error) {
	var parent strategyv1.StrategyIncident
	err := r.Client.Get(ctx, types.NamespacedName{Namespace: object.Namespace, Name: object.Status.ParentName}, &parent)
	if err != nil {
		return nil, client.IgnoreNotFound(err)
	}
	return &parent, nil
}

func (r *incidents) incidentsBut(ctx context.Context, object *strategyv1.StrategyIncident, options ...client.ListOption) ([]strategyv1.StrategyIncident, error) {
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
func (r *incidents) sharesScheduler(ctx context.Context, other strategyv1.StrategyIncident, scheduler strategyv1.SchedulerSpec) (bool, error) {
	if other.Status.PlaybookRevision == "" {
		return false, nil
	}
	frozen, problem, err := r.observeFrozen(ctx, other.Namespace, other.Status.PlaybookRevision)
	if err != nil || problem != nil {
		return false, err
	}
	theirs := frozen.spec.Scheduler
	return theirs.Config == scheduler.Config && theirs.Name == scheduler.Name, nil
}

func drill(object *strategyv1.StrategyIncident) bool {
	return object.Spec.Mode == strategyv1.IncidentDrill
}
