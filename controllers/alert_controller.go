package controllers

import (
	"context"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/predicate"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/alerts"
)

// routing observes and plans for StrategyAlerts: which incident each opens or joins.
type routing struct{ *reader }

type alertDecision = decision[strategyv1.StrategyAlertStatus]

func (r *routing) loop(does *executor) *loop[*strategyv1.StrategyAlert, strategyv1.StrategyAlertStatus] {
	return &loop[*strategyv1.StrategyAlert, strategyv1.StrategyAlertStatus]{
		executor: does,
		pauses:   r.Pauses,
		empty:    func() *strategyv1.StrategyAlert { return &strategyv1.StrategyAlert{} },
		statusOf: func(object *strategyv1.StrategyAlert) *strategyv1.StrategyAlertStatus { return &object.Status },
		decide:   r.decide,
		wrote:    func(*strategyv1.StrategyAlert, strategyv1.StrategyAlertStatus) {},
	}
}

// decide plans over what every pass needs, and again over what the plan asked for.
func (r *routing) decide(ctx context.Context, object *strategyv1.StrategyAlert, now time.Time) (alertDecision, error) {
	observed, err := r.observeAlert(ctx, object)
	if err != nil {
		return alertDecision{}, err
	}
	for {
		plan := alerts.Plan(observed, now)
		if plan.Needs != 0 {
			if err := r.observeAlertNeeds(ctx, object.Namespace, plan.Needs, &observed); err != nil {
				return alertDecision{}, err
			}
			continue
		}
		if plan.Heartbeat {
			r.beats.seen(object.Namespace, now)
		}
		return alertDecision{plan.Status, plan.Rule, plan.Actions, plan.NextAt}, nil
	}
}

// controller has one worker: the limit of a storm counts what was opened, and two at once would both find room for the last.
func (r *routing) controller(does *executor, wakes waker) Controller {
	changed := predicate.Or(predicate.GenerationChangedPredicate{}, summaryChanged(), allowedChanged())
	return Controller{
		Name: "alert", Reconciler: r.loop(does), Workers: 1,
		For: itself(&strategyv1.StrategyAlert{}, predicate.GenerationChangedPredicate{}),
		Watches: []Watch{
			{&strategyv1.StrategyPlaybook{}, settled(r.Pauses.Settle, mapped(wakes.allIn(&strategyv1.StrategyAlertList{}))), changed},
			{&strategyv1.StrategyIncident{}, mapped(wakes.alertsOf), incidentOver()},
		},
	}
}
