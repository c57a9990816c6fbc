package controllers

import (
	"context"
	"time"

	ctrl "sigs.k8s.io/controller-runtime"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/incident"
)

// IncidentReconciler runs the procedure for StrategyIncidents.
type IncidentReconciler struct{ *Environment }

type incidentDecision = decision[strategyv1.StrategyIncidentStatus]

// Reconcile makes passes over one incident until it waits for something.
func (r *IncidentReconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	return work(ctx, r.Environment, r, request, &strategyv1.StrategyIncident{})
}

// decide plans over what every pass needs, and again over what the plan asked for.
func (r *IncidentReconciler) decide(ctx context.Context, object *strategyv1.StrategyIncident, now time.Time) (incidentDecision, error) {
	observed, err := r.observeIncident(ctx, object, now)
	if err != nil {
		return incidentDecision{}, err
	}
	for needs := incident.Usual(observed); ; {
		if err := r.observeNeeds(ctx, object, needs, &observed, now); err != nil {
			return incidentDecision{}, err
		}
		plan := incident.Plan(observed, now)
		if needs = plan.Needs; needs == 0 {
			return incidentDecision{plan.Status, plan.Rule, plan.Steps.InOrder(), plan.NextAt}, nil
		}
	}
}

func (r *IncidentReconciler) statusOf(object *strategyv1.StrategyIncident) *strategyv1.StrategyIncidentStatus {
	return &object.Status
}

func (r *IncidentReconciler) wrote(object *strategyv1.StrategyIncident, before strategyv1.StrategyIncidentStatus) {
	countVerdicts(object.Status.Checks, len(before.Checks))
	countCalls(object, before)
}
