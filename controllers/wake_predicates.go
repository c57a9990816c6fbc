package controllers

import (
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/predicate"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/lifecycle"
)

// Predicates drop updates of a status that no other object decides on: else each write of our own would begin a pass.

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

// deletions of what nobody but people deletes.
func deletions() predicate.Predicate {
	return predicate.Funcs{
		CreateFunc:  func(event.CreateEvent) bool { return false },
		UpdateFunc:  func(event.UpdateEvent) bool { return false },
		GenericFunc: func(event.GenericEvent) bool { return false },
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

// podTells: what no change of its Job tells. A check's container that can never start: waiting for the start time-out would waste
// minutes of an incident. And one that has ended while another of its pod runs on, as a service mesh's does: the Job does not end then.
func podTells() predicate.Predicate {
	tells := func(object client.Object) bool {
		pod, ok := object.(*corev1.Pod)
		return ok && slices.ContainsFunc(pod.Status.ContainerStatuses, func(status corev1.ContainerStatus) bool {
			waiting := status.State.Waiting
			return waiting != nil && (waiting.Reason == "ErrImageNeverPull" || waiting.Reason == "InvalidImageName") ||
				status.State.Terminated != nil && !hasEnded(*pod)
		})
	}
	return predicate.Funcs{
		CreateFunc:  func(e event.CreateEvent) bool { return tells(e.Object) },
		UpdateFunc:  func(e event.UpdateEvent) bool { return tells(e.ObjectNew) && !tells(e.ObjectOld) },
		DeleteFunc:  func(event.DeleteEvent) bool { return false },
		GenericFunc: func(event.GenericEvent) bool { return false },
	}
}

// summaryChanged: the Ready condition of another of our kinds, or what any other one comes to: Ready may stay as it is while one of them is
// taken back.
func summaryChanged() predicate.Predicate {
	return predicate.Funcs{UpdateFunc: func(e event.UpdateEvent) bool {
		before, after := conditionsOf(e.ObjectOld), conditionsOf(e.ObjectNew)
		ready := func(all []metav1.Condition) *metav1.Condition {
			return meta.FindStatusCondition(all, strategyv1.ConditionReady)
		}
		return !equality.Semantic.DeepEqual(ready(before), ready(after)) || !slices.EqualFunc(before, after, func(a, b metav1.Condition) bool {
			return a.Type == b.Type && a.Status == b.Status && a.Reason == b.Reason
		})
	}}
}

// severityChanged: an incident is new, or was raised.
func severityChanged() predicate.Predicate {
	return predicate.Funcs{
		UpdateFunc: func(e event.UpdateEvent) bool {
			before, okBefore := e.ObjectOld.(*strategyv1.StrategyIncident)
			after, okAfter := e.ObjectNew.(*strategyv1.StrategyIncident)
			return okBefore && okAfter && before.Status.Severity != "" && before.Status.Severity != after.Status.Severity
		},
		DeleteFunc: func(event.DeleteEvent) bool { return false },
	}
}

// allowedChanged: a playbook is put on hold, in whatever way, or released; or another version of it is approved.
func allowedChanged() predicate.Predicate {
	return predicate.Funcs{UpdateFunc: func(e event.UpdateEvent) bool {
		before, okBefore := e.ObjectOld.(*strategyv1.StrategyPlaybook)
		after, okAfter := e.ObjectNew.(*strategyv1.StrategyPlaybook)
		return okBefore && okAfter && (before.Spec.Suspend != after.Spec.Suspend || !equality.Semantic.DeepEqual(before.Status.Hold, after.Status.Hold) ||
			!equality.Semantic.DeepEqual(before.Status.Approved, after.Status.Approved))
	}}
}

func conditionsOf(object client.Object) []metav1.Condition {
	switch o := object.(type) {
	case *strategyv1.StrategyPlaybook:
		return o.Status.Conditions
	case *strategyv1.StrategyRollback:
		return o.Status.Conditions
	case *strategyv1.StrategyIncident:
		return o.Status.Conditions
	}
	return nil
}

// alertChanged: what an incident reads of its alerts.
func alertChanged() predicate.Predicate {
	type read struct {
		state    strategyv1.AlertState
		times    int64
		uid      string
		severity strategyv1.Severity
	}
	of := func(object client.Object) read {
		alert, ok := object.(*strategyv1.StrategyAlert)
		if !ok {
			return read{}
		}
		return read{alert.Spec.State, alert.Spec.Occurrence, alert.Status.IncidentUID, alert.Status.Severity}
	}
	return predicate.Funcs{
		UpdateFunc: func(e event.UpdateEvent) bool { return of(e.ObjectOld) != of(e.ObjectNew) },
		DeleteFunc: func(event.DeleteEvent) bool { return false }, // the incident keeps what it knew of it
	}
}

// incidentOver: it was closed or deleted, and what its alerts do next is open.
func incidentOver() predicate.Predicate {
	return predicate.Funcs{
		CreateFunc: func(event.CreateEvent) bool { return false },
		UpdateFunc: func(e event.UpdateEvent) bool {
			before, okBefore := e.ObjectOld.(*strategyv1.StrategyIncident)
			after, okAfter := e.ObjectNew.(*strategyv1.StrategyIncident)
			return okBefore && okAfter && lifecycle.Open(before) != lifecycle.Open(after)
		},
	}
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

// claimChanged: what a rollback asks of the configuration. Receipts are the writer's own.
func claimChanged() predicate.Predicate {
	return predicate.Funcs{UpdateFunc: func(e event.UpdateEvent) bool {
		before, okBefore := e.ObjectOld.(*strategyv1.StrategyRollback)
		after, okAfter := e.ObjectNew.(*strategyv1.StrategyRollback)
		return okBefore && okAfter && !equality.Semantic.DeepEqual(claimWithoutReceipts(before), claimWithoutReceipts(after))
	}}
}

func claimWithoutReceipts(rollback *strategyv1.StrategyRollback) *strategyv1.ConfigClaim {
	claim := rollback.Status.Config.DeepCopy()
	if claim != nil {
		claim.Receipts = nil
	}
	return claim
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
