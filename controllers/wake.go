package controllers

import (
	"context"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/lifecycle"
)

// waker finds what a change wakes.
type waker struct {
	Client client.Reader
	// What the collector wakes. They hold as many as may wait; it tries again for one that finds no room.
	incidents, rollbacks chan event.GenericEvent
	// What the judge wakes, in the same way.
	playbooks chan event.GenericEvent
}

// told wakes the objects that are told of, once for those that come together.
func told(events <-chan event.GenericEvent, pause time.Duration) Told {
	return Told{events, settled(pause, &handler.EnqueueRequestForObject{})}
}

// mapped wakes what a function finds.
func mapped(find handler.MapFunc) handler.EventHandler {
	return handler.EnqueueRequestsFromMapFunc(find)
}

// childrenOf finds the open incidents that follow an incident.
func (w waker) childrenOf(ctx context.Context, object client.Object) []reconcile.Request {
	return w.requests(ctx, &strategyv1.StrategyIncidentList{}, client.InNamespace(object.GetNamespace()), client.MatchingFields{indexParent: object.GetName()})
}

// sameAs finds the other open incidents of an identity: a report may raise their severity, or be a duplicate of them.
func (w waker) sameAs(ctx context.Context, object client.Object) []reconcile.Request {
	about, ok := object.(*strategyv1.StrategyIncident)
	if !ok || lifecycle.Closed(about.Status) {
		return nil
	}
	var list strategyv1.StrategyIncidentList
	if err := w.Client.List(ctx, &list, client.InNamespace(about.Namespace), client.MatchingFields{indexPlaybook: about.Spec.PlaybookName}); err != nil {
		log.FromContext(ctx).Error(err, "List what to wake")
		return nil
	}
	var requests []reconcile.Request
	for i := range list.Items {
		if other := &list.Items[i]; other.UID != about.UID && lifecycle.Identity(other.Spec) == lifecycle.Identity(about.Spec) {
			requests = append(requests, requestFor(other.Namespace, other.Name)...)
		}
	}
	return requests
}

// rollbacksOf finds the rollbacks for an incident.
func (w waker) rollbacksOf(ctx context.Context, object client.Object) []reconcile.Request {
	return w.requests(ctx, &strategyv1.StrategyRollbackList{}, client.InNamespace(object.GetNamespace()), client.MatchingFields{indexIncident: object.GetName()})
}

// alertsOf finds the alerts that an incident has.
func (w waker) alertsOf(ctx context.Context, object client.Object) []reconcile.Request {
	return w.requests(ctx, &strategyv1.StrategyAlertList{}, client.InNamespace(object.GetNamespace()), client.MatchingFields{indexAlerts: object.GetName()})
}

func incidentOfAlert(_ context.Context, object client.Object) []reconcile.Request {
	alert, ok := object.(*strategyv1.StrategyAlert)
	if !ok || alert.Status.IncidentName == "" {
		return nil
	}
	return requestFor(object.GetNamespace(), alert.Status.IncidentName)
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
func (w waker) activeOf(list client.ObjectList) handler.MapFunc {
	return func(ctx context.Context, object client.Object) []reconcile.Request {
		return w.requests(ctx, list, client.InNamespace(object.GetNamespace()), client.MatchingFields{indexPlaybook: object.GetName()})
	}
}

// activeIn finds what has not ended in the namespace of a configuration or a Deployment: which playbook names which is in
// frozen revisions, and there are few of them.
func (w waker) activeIn(list client.ObjectList) handler.MapFunc {
	return func(ctx context.Context, object client.Object) []reconcile.Request {
		return w.requests(ctx, list, client.InNamespace(object.GetNamespace()), client.MatchingFields{indexActive: isActive})
	}
}

// allIn finds all objects of a kind in the namespace of an object.
func (w waker) allIn(list client.ObjectList) handler.MapFunc {
	return func(ctx context.Context, object client.Object) []reconcile.Request {
		return w.requests(ctx, list, client.InNamespace(object.GetNamespace()))
	}
}

func (w waker) requests(ctx context.Context, empty client.ObjectList, options ...client.ListOption) []reconcile.Request {
	list, _ := empty.DeepCopyObject().(client.ObjectList)
	if err := w.Client.List(ctx, list, options...); err != nil {
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

// configOfPlaybook: a playbook that is resumed lets its claims be met, also those of its drills.
func (w waker) configOfPlaybook(ctx context.Context, object client.Object) []reconcile.Request {
	var list strategyv1.StrategyRollbackList
	if err := w.Client.List(ctx, &list, client.InNamespace(object.GetNamespace()), client.MatchingFields{indexPlaybook: object.GetName()}); err != nil {
		return nil // the rollback looks again by itself
	}
	var requests []reconcile.Request
	for i := range list.Items {
		requests = append(requests, configOfRollback(ctx, &list.Items[i])...)
	}
	return requests
}
