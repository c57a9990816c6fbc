package controllers

import (
	"context"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/playbook"
)

// PlaybookReconciler says whether StrategyPlaybooks can be run, and freezes them.
type PlaybookReconciler struct{ *Environment }

type playbookDecision = decision[strategyv1.StrategyPlaybookStatus]

func (r *PlaybookReconciler) loop() *loop[*strategyv1.StrategyPlaybook, strategyv1.StrategyPlaybookStatus] {
	return &loop[*strategyv1.StrategyPlaybook, strategyv1.StrategyPlaybookStatus]{
		Environment: r.Environment,
		empty:       func() *strategyv1.StrategyPlaybook { return &strategyv1.StrategyPlaybook{} },
		statusOf:    func(object *strategyv1.StrategyPlaybook) *strategyv1.StrategyPlaybookStatus { return &object.Status },
		decide:      r.decide,
		wrote:       func(*strategyv1.StrategyPlaybook, strategyv1.StrategyPlaybookStatus) {},
	}
}

// decide has nothing to say of a playbook that is on its way out.
func (r *PlaybookReconciler) decide(ctx context.Context, object *strategyv1.StrategyPlaybook, now time.Time) (playbookDecision, error) {
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

// observe is every read of a playbook's pass.
func (r *PlaybookReconciler) observe(ctx context.Context, object *strategyv1.StrategyPlaybook, now time.Time) (playbook.Observed, error) {
	observed := playbook.Observed{Playbook: object.DeepCopy(), NotServed: r.served(object.Namespace)}
	if observed.NotServed != nil {
		return observed, nil
	}
	var err error
	if observed.Config, err = r.observeConfig(ctx, object.Namespace, object.Spec.Scheduler); err != nil {
		return observed, err
	}
	if observed.Templates, err = r.observeTemplates(ctx, object.Namespace); err != nil {
		return observed, err
	}
	if _, observed.SigningKey, err = r.observeKey(ctx, signingKeyOf(object.Namespace, object.Spec)); err != nil {
		return observed, err
	}
	if observed.Deployment, err = r.observeDeployment(ctx, object.Namespace, object.Spec.Scheduler.Rollout.DeploymentName); err != nil {
		return observed, err
	}
	if observed.Frozen, err = r.frozen(ctx, object); err != nil {
		return observed, err
	}
	if observed.Revisions, observed.InUse, err = r.observeRevisions(ctx, object); err != nil {
		return observed, err
	}
	if observed.OnCall, err = r.observeOnCall(ctx, object.Namespace, object.Spec.Escalation); err != nil {
		return observed, err
	}
	observed.Past, observed.PastAt, err = r.observePast(ctx, object, now)
	return observed, err
}

// observeRevisions lists a playbook's revisions and what runs on them.
func (r *PlaybookReconciler) observeRevisions(ctx context.Context, object *strategyv1.StrategyPlaybook) ([]appsv1.ControllerRevision, map[string]bool, error) {
	in := client.InNamespace(object.Namespace)
	var revisions appsv1.ControllerRevisionList
	if err := r.Client.List(ctx, &revisions, in, client.MatchingLabels{strategyv1.LabelPlaybook: playbook.Label(object.Name)}); err != nil {
		return nil, nil, err
	}
	if len(revisions.Items) <= 1 {
		return revisions.Items, nil, nil
	}
	inUse := map[string]bool{}
	var incidents strategyv1.StrategyIncidentList
	if err := r.Client.List(ctx, &incidents, in, client.UnsafeDisableDeepCopy); err != nil {
		return nil, nil, err
	}
	for i := range incidents.Items {
		inUse[incidents.Items[i].Status.PlaybookRevision] = true
	}
	var rollbacks strategyv1.StrategyRollbackList
	if err := r.Client.List(ctx, &rollbacks, in, client.UnsafeDisableDeepCopy); err != nil {
		return nil, nil, err
	}
	for i := range rollbacks.Items {
		inUse[rollbacks.Items[i].Status.PlaybookRevision] = true
	}
	return revisions.Items, inUse, nil
}

// frozen asks the API server, since the cache may not have a revision that was just created.
func (r *PlaybookReconciler) frozen(ctx context.Context, object *strategyv1.StrategyPlaybook) (bool, error) {
	revision, err := playbook.Revision(object)
	if err != nil {
		return false, err
	}
	if object.Status.Revision == revision.Name {
		return true, nil
	}
	err = r.Live.Get(ctx, client.ObjectKeyFromObject(revision), &appsv1.ControllerRevision{})
	if apierrors.IsNotFound(err) {
		return false, nil
	}
	return err == nil, err
}

func (r *PlaybookReconciler) controller() Controller {
	inNamespace := handler.EnqueueRequestsFromMapFunc(r.allIn(&strategyv1.StrategyPlaybookList{}))
	return Controller{
		Name: "playbook", Reconciler: r.loop(), Workers: 1,
		For: itself(&strategyv1.StrategyPlaybook{}, predicate.GenerationChangedPredicate{}),
		Watches: []Watch{
			{&corev1.ConfigMap{}, inNamespace, nil},
			{&corev1.PodTemplate{}, inNamespace, nil},
			{&strategyv1.StrategyIncident{}, settled(r.Pauses.Settle, handler.EnqueueRequestsFromMapFunc(playbookOfIncident)), justClosed()},
			{&appsv1.Deployment{}, inNamespace, predicate.GenerationChangedPredicate{}},
		},
	}
}
