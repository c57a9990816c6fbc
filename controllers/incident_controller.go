package controllers

import (
	"context"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/predicate"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/incident"
)

// incidents observes and plans for StrategyIncidents.
type incidents struct{ *reader }

type incidentDecision = decision[strategyv1.StrategyIncidentStatus]

func (r *incidents) loop(does *executor) *loop[*strategyv1.StrategyIncident, strategyv1.StrategyIncidentStatus] {
	return &loop[*strategyv1.StrategyIncident, strategyv1.StrategyIncidentStatus]{
		executor: does,
		pauses:   r.Pauses,
		empty:    func() *strategyv1.StrategyIncident { return &strategyv1.StrategyIncident{} },
		statusOf: func(object *strategyv1.StrategyIncident) *strategyv1.StrategyIncidentStatus { return &object.Status },
		decide:   r.decide,
		wrote:    wroteIncident,
		after:    r.samples.store,
	}
}

// decide plans over what every pass needs, and again over what the plan asked for.
func (r *incidents) decide(ctx context.Context, object *strategyv1.StrategyIncident, now time.Time) (incidentDecision, error) {
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
	countNotifications(object, before)
}

// workers is how many objects of a kind are worked on at a time; a pass waits mostly for the API server.
const workers = 8

func (r *incidents) controller(does *executor, wakes waker) Controller {
	return Controller{
		Name: "incident", Reconciler: r.loop(does), Workers: workers, Told: []Told{told(wakes.incidents, r.Pauses.Settle)},
		For: itself(&strategyv1.StrategyIncident{}, predicate.GenerationChangedPredicate{}),
		Watches: []Watch{
			{&strategyv1.StrategyIncident{}, mapped(wakes.childrenOf), summaryChanged()},
			{&strategyv1.StrategyIncident{}, mapped(wakes.sameAs), severityChanged()},
			{&batchv1.Job{}, mapped(ownerOfJob(strategyv1.KindIncident)), jobDeleted()},
			{&strategyv1.StrategyRollback{}, mapped(incidentOfRollback), summaryChanged()},
			{&strategyv1.StrategyAlert{}, settled(r.Pauses.Settle, mapped(incidentOfAlert)), alertChanged()},
			{&strategyv1.StrategyDecision{}, mapped(targetOfDecision(strategyv1.KindIncident)), predicate.GenerationChangedPredicate{}},
			{&strategyv1.StrategyPlaybook{}, mapped(wakes.activeOf(&strategyv1.StrategyIncidentList{})), predicate.Or(summaryChanged(), allowedChanged())},
			{&corev1.ConfigMap{}, mapped(wakes.activeIn(&strategyv1.StrategyIncidentList{})), nil},
		},
	}
}
