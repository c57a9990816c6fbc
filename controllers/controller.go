package controllers

import (
	"context"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"tradeops.dev/strategy-operator/controllers/namespaces"
)

// Controller is a reconciler and everything that wakes it, as a value: a manager runs it, and the simulated cluster wakes it
// by the very same lines, so that a wake-up that is missing shows there.
type Controller struct {
	Name       string
	Reconciler reconcile.Reconciler
	Workers    int     // objects worked on at a time
	For        Watch   // the objects that it reconciles; its Wakes is the object itself. None: it works on namespaces
	Watches    []Watch // what else wakes it
	Told       []Told  // how others wake it that are no watch
}

// Told is how one part of the operator wakes a controller.
type Told struct {
	Events <-chan event.GenericEvent
	Wakes  handler.EventHandler
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

// itself is a line that wakes the object that changed.
func itself(object client.Object, only predicate.Predicate) Watch {
	return Watch{object, &handler.EnqueueRequestForObject{}, only}
}

// FirstRetry is the pause after the first error.
const FirstRetry = 5 * time.Millisecond

// setup has a manager run a controller. It watches the operator's own kinds everywhere, and everything else namespace by
// namespace, from when one is served.
func (e *Environment) setup(mgr ctrl.Manager, readers *namespaces.Readers, c Controller) error {
	wait := e.Pauses.OrDefault()
	b := ctrl.NewControllerManagedBy(mgr).Named(c.Name).WithOptions(controller.Options{
		MaxConcurrentReconciles: c.Workers, ReconciliationTimeout: wait.Reconcile, NewQueue: newFairQueue,
		RateLimiter: workqueue.NewTypedItemExponentialFailureRateLimiter[reconcile.Request](FirstRetry, wait.Retry),
	})
	var inNamespaces []Watch
	switch {
	case c.For.Object == nil:
		b = b.WatchesRawSource(source.Channel(readers.Changes(), mapped(inNamespaceOf)))
	case namespaces.Own(c.For.Object, mgr.GetScheme()):
		all, err := listOf(c.For.Object, mgr.GetScheme())
		if err != nil {
			return err
		}
		b = b.For(c.For.Object, builder.WithPredicates(c.For.Predicates()...)).
			WatchesRawSource(source.Channel(readers.Changes(), handler.EnqueueRequestsFromMapFunc(waker{Client: e.Client}.allIn(all))))
	default:
		inNamespaces = append(inNamespaces, c.For)
		b = b.WatchesRawSource(later)
	}
	for _, watch := range c.Watches {
		if namespaces.Own(watch.Object, mgr.GetScheme()) {
			b = b.Watches(watch.Object, watch.Wakes, builder.WithPredicates(watch.Predicates()...))
			continue
		}
		inNamespaces = append(inNamespaces, watch)
	}
	for _, told := range c.Told {
		b = b.WatchesRawSource(source.Channel(told.Events, told.Wakes))
	}
	built, err := b.Build(readers.Guard(c.Reconciler))
	if err != nil {
		return err
	}
	readers.OnBegin(func(ctx context.Context, reader cache.Cache) error {
		for _, watch := range inNamespaces {
			kind := source.Kind(reader, watch.Object, watch.Wakes, watch.Predicates()...)
			if err := built.Watch(inNamespace{kind, ctx}); err != nil {
				return err
			}
		}
		return nil
	})
	return nil
}

// later is a source of nothing: a controller cannot be built without one, and what it watches comes with the namespaces.
var later = source.Func(func(context.Context, workqueue.TypedRateLimitingInterface[reconcile.Request]) error { return nil })

// inNamespace is the source of what a reader of one namespace sees. It ends with that reader, not with the controller.
type inNamespace struct {
	source.Source
	ctx context.Context
}

// Start implements source.Source.
func (s inNamespace) Start(_ context.Context, queue workqueue.TypedRateLimitingInterface[reconcile.Request]) error {
	return s.Source.Start(s.ctx, queue)
}

// String is what the log says.
func (s inNamespace) String() string { return fmt.Sprintf("%s, in one namespace", s.Source) }

// listOf is the empty list of an object's kind.
func listOf(object client.Object, scheme *runtime.Scheme) (client.ObjectList, error) {
	kind, err := apiutil.GVKForObject(object, scheme)
	if err != nil {
		return nil, err
	}
	empty, err := scheme.New(kind.GroupVersion().WithKind(kind.Kind + "List"))
	if err != nil {
		return nil, err
	}
	list, ok := empty.(client.ObjectList)
	if !ok {
		return nil, fmt.Errorf("%T is no list of objects", empty)
	}
	return list, nil
}
