package controllers

import (
	"context"
	"time"

	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// settling is how long what ends waits for others. Checks run side by side: those of one object that end together are judged in one
// pass, with one write of the status. Of incidents that close together the history is looked at once.
const settling = 250 * time.Millisecond

// settled wakes what a handler wakes a little later, once for all that comes meanwhile.
func settled(wakes handler.EventHandler) handler.EventHandler {
	return handler.Funcs{
		CreateFunc: func(ctx context.Context, e event.CreateEvent, q workqueue.TypedRateLimitingInterface[reconcile.Request]) {
			wakes.Create(ctx, e, delayed{q})
		},
		UpdateFunc: func(ctx context.Context, e event.UpdateEvent, q workqueue.TypedRateLimitingInterface[reconcile.Request]) {
			wakes.Update(ctx, e, delayed{q})
		},
		DeleteFunc: func(ctx context.Context, e event.DeleteEvent, q workqueue.TypedRateLimitingInterface[reconcile.Request]) {
			wakes.Delete(ctx, e, delayed{q})
		},
		GenericFunc: func(ctx context.Context, e event.GenericEvent, q workqueue.TypedRateLimitingInterface[reconcile.Request]) {
			wakes.Generic(ctx, e, delayed{q})
		},
	}
}

// delayed is a queue that what is added reaches later.
type delayed struct {
	workqueue.TypedRateLimitingInterface[reconcile.Request]
}

// Add implements workqueue.TypedInterface.
func (d delayed) Add(request reconcile.Request) { d.AddAfter(request, settling) }
