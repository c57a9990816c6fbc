package controllers

import (
	"context"
	"time"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/incident"
)

// IncidentReconciler runs the procedure for StrategyIncidents.
type IncidentReconciler struct{ *Environment }

type incidentDecision = decision[strategyv1.StrategyIncidentStatus]

func (r *IncidentReconciler) loop() *loop[*strategyv1.StrategyIncident, strategyv1.StrategyIncidentStatus] {
	return &loop[*strategyv1.StrategyIncident, strategyv1.StrategyIncidentStatus]{
		Environment: r.Environment,
		empty:       func() *strategyv1.StrategyIncident { return &strategyv1.StrategyIncident{} },
		statusOf:    func(object *strategyv1.StrategyIncident) *strategyv1.StrategyIncidentStatus { return &object.Status },
		decide:      r.decide,
		wrote:       wroteIncident,
	}
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

// wroteIncident counts what a status write added.
func wroteIncident(object *strategyv1.StrategyIncident, before strategyv1.StrategyIncidentStatus) {
	countVerdicts(object.Status.Checks, len(before.Checks))
	countCalls(object, before)
	countStage(object, before)
}
