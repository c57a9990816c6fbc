package controllers

import (
	"context"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/lifecycle"
)

// A status write of ours wakes nobody: predicates let through only what somebody else's decision depends on.

// jobNewOrFinished: one that may never start, or has ended; its pods' comings and goings do not matter.
func jobNewOrFinished() predicate.Predicate {
	return predicate.Funcs{
		UpdateFunc: func(e event.UpdateEvent) bool { return finished(e.ObjectNew) && !finished(e.ObjectOld) },
		DeleteFunc: func(event.DeleteEvent) bool { return false },
	}
}

// jobDeleted: what somebody deletes before its time is run again.
func jobDeleted() predicate.Predicate {
	return predicate.Funcs{
		CreateFunc: func(event.CreateEvent) bool { return false },
		UpdateFunc: func(e event.UpdateEvent) bool {
			return e.ObjectNew.GetDeletionTimestamp() != nil && e.ObjectOld.GetDeletionTimestamp() == nil
		},
	}
}

func finished(object client.Object) bool {
	job, ok := object.(*batchv1.Job)
	if !ok {
		return false
	}
	for _, condition := range job.Status.Conditions {
		if (condition.Type == batchv1.JobComplete || condition.Type == batchv1.JobFailed) && condition.Status == corev1.ConditionTrue {
			return true
		}
	}
	return false
}

// podHopeless: a check's container that can never start; waiting for the start time-out would waste minutes of an incident.
func podHopeless() predicate.Predicate {
	waits := func(object client.Object) bool {
		pod, ok := object.(*corev1.Pod)
		if !ok {
			return false
		}
		for _, status := range pod.Status.ContainerStatuses {
			if status.State.Waiting != nil && (status.State.Waiting.Reason == "ErrImageNeverPull" || status.State.Waiting.Reason == "InvalidImageName") {
				return true
			}
		}
		return false
	}
	return predicate.Funcs{
		CreateFunc:  func(e event.CreateEvent) bool { return waits(e.Object) },
		UpdateFunc:  func(e event.UpdateEvent) bool { return waits(e.ObjectNew) && !waits(e.ObjectOld) },
		DeleteFunc:  func(event.DeleteEvent) bool { return false },
		GenericFunc: func(event.GenericEvent) bool { return false },
	}
}

// summaryChanged: the Ready condition of another of our kinds.
func summaryChanged() predicate.Predicate {
	return predicate.Funcs{UpdateFunc: func(e event.UpdateEvent) bool {
		before, after := ready(e.ObjectOld), ready(e.ObjectNew)
		return !equality.Semantic.DeepEqual(before, after)
	}}
}

// suspendChanged: the kill switch of a playbook.
func suspendChanged() predicate.Predicate {
	return predicate.Funcs{UpdateFunc: func(e event.UpdateEvent) bool {
		before, okBefore := e.ObjectOld.(*strategyv1.StrategyPlaybook)
		after, okAfter := e.ObjectNew.(*strategyv1.StrategyPlaybook)
		return okBefore && okAfter && before.Spec.Suspend != after.Spec.Suspend
	}}
}

func ready(object client.Object) *metav1.Condition {
	switch o := object.(type) {
	case *strategyv1.StrategyPlaybook:
		return meta.FindStatusCondition(o.Status.Conditions, strategyv1.ConditionReady)
	case *strategyv1.StrategyRollback:
		return meta.FindStatusCondition(o.Status.Conditions, strategyv1.ConditionReady)
	case *strategyv1.StrategyIncident:
		return meta.FindStatusCondition(o.Status.Conditions, strategyv1.ConditionReady)
	}
	return nil
}

// alertsChanged: what the alert intake wrote into an incident.
func alertsChanged() predicate.Predicate {
	return predicate.Funcs{UpdateFunc: func(e event.UpdateEvent) bool {
		before, okBefore := e.ObjectOld.(*strategyv1.StrategyIncident)
		after, okAfter := e.ObjectNew.(*strategyv1.StrategyIncident)
		return okBefore && okAfter && (before.Status.AlertCount != after.Status.AlertCount || !equality.Semantic.DeepEqual(before.Status.Alerts, after.Status.Alerts))
	}}
}

// childrenOf finds the open incidents that follow an incident.
func (e *Environment) childrenOf(ctx context.Context, object client.Object) []reconcile.Request {
	return e.requests(ctx, &strategyv1.StrategyIncidentList{}, client.InNamespace(object.GetNamespace()), client.MatchingFields{indexParent: object.GetName()})
}

// rolloutChanged: what a rollout in progress waits for.
func rolloutChanged() predicate.Predicate {
	return predicate.Funcs{UpdateFunc: func(e event.UpdateEvent) bool {
		before, okBefore := e.ObjectOld.(*appsv1.Deployment)
		after, okAfter := e.ObjectNew.(*appsv1.Deployment)
		return okBefore && okAfter && (before.Generation != after.Generation || before.Status.ObservedGeneration != after.Status.ObservedGeneration ||
			before.Status.UpdatedReplicas != after.Status.UpdatedReplicas || before.Status.AvailableReplicas != after.Status.AvailableReplicas ||
			before.Status.Replicas != after.Status.Replicas)
	}}
}

// claimChanged: what a rollback asks of the configuration.
func claimChanged() predicate.Predicate {
	return predicate.Funcs{UpdateFunc: func(e event.UpdateEvent) bool {
		before, okBefore := e.ObjectOld.(*strategyv1.StrategyRollback)
		after, okAfter := e.ObjectNew.(*strategyv1.StrategyRollback)
		return okBefore && okAfter && !equality.Semantic.DeepEqual(before.Status.Config, after.Status.Config)
	}}
}

// justClosed: the history may have one too many.
func justClosed() predicate.Predicate {
	return predicate.Funcs{
		CreateFunc: func(event.CreateEvent) bool { return false },
		UpdateFunc: func(e event.UpdateEvent) bool {
			before, okBefore := e.ObjectOld.(*strategyv1.StrategyIncident)
			after, okAfter := e.ObjectNew.(*strategyv1.StrategyIncident)
			return okBefore && okAfter && lifecycle.Closed(after.Status) && !lifecycle.Closed(before.Status)
		},
		DeleteFunc:  func(event.DeleteEvent) bool { return false },
		GenericFunc: func(event.GenericEvent) bool { return false },
	}
}

func playbookOfIncident(_ context.Context, object client.Object) []reconcile.Request {
	incident, ok := object.(*strategyv1.StrategyIncident)
	if !ok {
		return nil
	}
	return requestFor(object.GetNamespace(), incident.Spec.PlaybookName)
}

func incidentOfRollback(_ context.Context, object client.Object) []reconcile.Request {
	rollback, ok := object.(*strategyv1.StrategyRollback)
	if !ok || rollback.Spec.IncidentName == "" {
		return nil
	}
	return requestFor(object.GetNamespace(), rollback.Spec.IncidentName)
}

func targetOfDecision(kind string) handler.MapFunc {
	return func(_ context.Context, object client.Object) []reconcile.Request {
		decision, ok := object.(*strategyv1.StrategyDecision)
		if !ok || decision.Spec.Target.Kind != kind {
			return nil
		}
		return requestFor(object.GetNamespace(), decision.Spec.Target.Name)
	}
}

func configOfRollback(_ context.Context, object client.Object) []reconcile.Request {
	rollback, ok := object.(*strategyv1.StrategyRollback)
	if !ok || rollback.Status.Config == nil {
		return nil
	}
	return requestFor(object.GetNamespace(), rollback.Status.Config.ConfigMapName)
}

// ownerOfJob finds the incident or rollback that controls a Job.
func ownerOfJob(kind string) handler.MapFunc {
	return func(_ context.Context, object client.Object) []reconcile.Request {
		owner := metav1.GetControllerOf(object)
		if owner == nil || owner.Kind != kind || owner.APIVersion != strategyv1.GroupVersion.String() {
			return nil
		}
		return requestFor(object.GetNamespace(), owner.Name)
	}
}

// jobOfPod finds the Job that controls a pod.
func jobOfPod(_ context.Context, object client.Object) []reconcile.Request {
	controller := metav1.GetControllerOf(object)
	if controller == nil || controller.Kind != "Job" {
		return nil
	}
	return requestFor(object.GetNamespace(), controller.Name)
}

// activeOf finds what has not ended and runs on a playbook.
func (e *Environment) activeOf(list client.ObjectList) handler.MapFunc {
	return func(ctx context.Context, object client.Object) []reconcile.Request {
		return e.requests(ctx, list, client.InNamespace(object.GetNamespace()), client.MatchingFields{indexPlaybook: object.GetName()})
	}
}

// activeIn finds what has not ended in the namespace of a configuration or a Deployment: which playbook names which is in
// frozen revisions, and there are few of them.
func (e *Environment) activeIn(list client.ObjectList) handler.MapFunc {
	return func(ctx context.Context, object client.Object) []reconcile.Request {
		return e.requests(ctx, list, client.InNamespace(object.GetNamespace()), client.MatchingFields{indexActive: isActive})
	}
}

// allIn finds all objects of a kind in the namespace of an object.
func (e *Environment) allIn(list client.ObjectList) handler.MapFunc {
	return func(ctx context.Context, object client.Object) []reconcile.Request {
		return e.requests(ctx, list, client.InNamespace(object.GetNamespace()))
	}
}

func (e *Environment) requests(ctx context.Context, empty client.ObjectList, options ...client.ListOption) []reconcile.Request {
	list, _ := empty.DeepCopyObject().(client.ObjectList)
	if err := e.Client.List(ctx, list, options...); err != nil {
		log.FromContext(ctx).Error(err, "List what to wake")
		return nil
	}
	var requests []reconcile.Request
	_ = meta.EachListItem(list, func(item runtime.Object) error {
		if object, ok := item.(client.Object); ok {
			requests = append(requests, requestFor(object.GetNamespace(), object.GetName())...)
		}
		return nil
	})
	return requests
}

func requestFor(namespace, name string) []reconcile.Request {
	return []reconcile.Request{{NamespacedName: types.NamespacedName{Namespace: namespace, Name: name}}}
}
