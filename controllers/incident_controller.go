package controllers

import (
	"context"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/incident"
)

// IncidentReconciler runs the procedure for StrategyIncidents.
type IncidentReconciler struct{ *Environment }

// Reconcile makes passes over one incident until it waits for something.
func (r *IncidentReconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	var object strategyv1.StrategyIncident
	if err := r.Client.Get(ctx, request.NamespacedName, &object); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if r.fresh.stale(&object) {
		return ctrl.Result{RequeueAfter: catchUp}, nil
	}
	return settle(r.work(ctx, &object))
}

func (r *IncidentReconciler) work(ctx context.Context, object *strategyv1.StrategyIncident) (ctrl.Result, error) {
	for range maxPasses {
		now := r.Clock.Now()
		decision, err := r.decide(ctx, object, now)
		if err != nil {
			return ctrl.Result{}, err
		}
		if err := r.writeIncidentStatus(ctx, object, decision.Status); err != nil {
			return ctrl.Result{}, err
		}
		if err := r.execute(ctx, object, decision.Steps.InOrder()); err != nil {
			return ctrl.Result{}, err
		}
		if decision.NextAt.IsZero() || decision.NextAt.After(now) {
			return again(decision.NextAt, now), nil
		}
	}
	return ctrl.Result{RequeueAfter: soon}, nil
}

// decide plans over what every pass needs, and again over what the plan asked for.
func (r *IncidentReconciler) decide(ctx context.Context, object *strategyv1.StrategyIncident, now time.Time) (incident.Decision, error) {
	observed, err := r.observeIncident(ctx, object, now)
	if err != nil {
		return incident.Decision{}, err
	}
	for needs := incident.Usual(observed); ; {
		if err := r.observeNeeds(ctx, object, needs, &observed, now); err != nil {
			return incident.Decision{}, err
		}
		decision := incident.Plan(observed, now)
		if needs = decision.Needs; needs == 0 {
			return decision, nil
		}
	}
}

// writeIncidentStatus writes only a change, and only over the version that was observed.
func (r *IncidentReconciler) writeIncidentStatus(ctx context.Context, object *strategyv1.StrategyIncident, status strategyv1.StrategyIncidentStatus) error {
	if equality.Semantic.DeepEqual(object.Status, status) {
		return nil
	}
	before := object.Status
	object.Status = status
	if err := r.Client.Status().Update(ctx, object, FieldOwner); err != nil {
		return err
	}
	r.fresh.wrote(object)
	countVerdicts(object.Status.Checks, len(before.Checks))
	countCalls(object, before)
	return nil
}
