package controllers

import (
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// Controller is a reconciler and everything that wakes it, as a value: a manager runs it, and the simulated cluster wakes it
// by the very same lines, so that a wake-up that is missing shows there.
type Controller struct {
	Name       string
	Reconciler reconcile.Reconciler
	Workers    int     // objects worked on at a time
	For        Watch   // the objects that it reconciles; its Wakes is the object itself
	Watches    []Watch // what else wakes it
}

// Watch is one line of what wakes a reconciler: a change of an object that passes Only wakes what Wakes finds.
type Watch struct {
	Object client.Object
	Wakes  handler.EventHandler
	Only   predicate.Predicate // nil: every change
}

// Predicates of the line, none if every change passes.
func (w Watch) Predicates() []predicate.Predicate {
	if w.Only == nil {
		return nil
	}
	return []predicate.Predicate{w.Only}
}

// Controllers are all controllers of the operator.
func (e *Environment) Controllers() []Controller {
	return []Controller{
		(&PlaybookReconciler{e}).controller(), (&IncidentReconciler{e}).controller(),
		(&RollbackReconciler{e}).controller(), (&SchedulerConfigReconciler{e}).controller(),
	}
}

// itself is a line that wakes the object that changed.
func itself(object client.Object, only predicate.Predicate) Watch {
	return Watch{object, &handler.EnqueueRequestForObject{}, only}
}

func (c Controller) setup(mgr ctrl.Manager) error {
	b := ctrl.NewControllerManagedBy(mgr).Named(c.Name).
		For(c.For.Object, builder.WithPredicates(c.For.Predicates()...)).
		WithOptions(controller.Options{MaxConcurrentReconciles: c.Workers})
	for _, watch := range c.Watches {
		b = b.Watches(watch.Object, watch.Wakes, builder.WithPredicates(watch.Predicates()...))
	}
	return b.Complete(c.Reconciler)
}
