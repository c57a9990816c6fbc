package controllers

import (
	"context"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/predicate"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/playbook"
)

// playbooks observes and plans for StrategyPlaybooks: whether they can be run, and which revision is frozen.
type playbooks struct{ *reader }

type playbookDecision = decision[strategyv1.StrategyPlaybookStatus]

func (r *playbooks) loop(does *executor) *loop[*strategyv1.StrategyPlaybook, strategyv1.StrategyPlaybookStatus] {
	return &loop[*strategyv1.StrategyPlaybook, strategyv1.StrategyPlaybookStatus]{
		executor: does,
		pauses:   r.Pauses,
		empty:    func() *strategyv1.StrategyPlaybook { return &strategyv1.StrategyPlaybook{} },
		statusOf: func(object *strategyv1.StrategyPlaybook) *strategyv1.StrategyPlaybookStatus { return &object.Status },
		decide:   r.decide,
		wrote:    func(*strategyv1.StrategyPlaybook, strategyv1.StrategyPlaybookStatus) {},
	}
}

// decide has nothing to say of a playbook that is on its way out.
func (r *playbooks) decide(ctx context.Context, object *strategyv1.StrategyPlaybook, now time.Time) (playbookDecision, error) {
	unchanged := playbookDecision{status: object.Status}
	if object.DeletionTimestamp != nil {
		return unchanged, nil
	}
	observed, err := r.observe(ctx, object, now)
	if err != nil {
		return unchanged, err
	}
	plan, err := playbook.Plan(observed, now)
	return playbookDecision{status: plan.Status, actions: plan.Actions, nextAt: plan.NextAt}, err
}

func (r *playbooks) controller(does *executor, wakes waker) Controller {
	inNamespace := mapped(wakes.allIn(&strategyv1.StrategyPlaybookList{}))
	return Controller{
		Name: "playbook", Reconciler: r.loop(does), Workers: workers, Told: []Told{told(wakes.playbooks, 0), {r.refusals.told, inNamespace}},
		For: itself(&strategyv1.StrategyPlaybook{}, predicate.GenerationChangedPredicate{}),
		Watches: []Watch{
			{&corev1.ConfigMap{}, inNamespace, nil},
			{&corev1.PodTemplate{}, inNamespace, nil},
			{&appsv1.ControllerRevision{}, inNamespace, deletions()},                              // a lost one is made again
			{&strategyv1.StrategyPlaybook{}, inNamespace, predicate.GenerationChangedPredicate{}}, // two may want one ConfigMap
			{&strategyv1.StrategyIncident{}, settled(r.Pauses.Settle, mapped(playbookOfIncident)), justClosed()},
			{&appsv1.Deployment{}, inNamespace, predicate.GenerationChangedPredicate{}},
			{&strategyv1.StrategyDecision{}, mapped(targetOfDecision(strategyv1.KindPlaybook)), predicate.GenerationChangedPredicate{}},
		},
	}
}
