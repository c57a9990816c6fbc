package controllers

import (
	"context"
	"time"

	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// settled wakes what a handler wakes a pause later, once for all that comes meanwhile.
func settled(pause time.Duration, wakes handler.EventHandler) handler.EventHandler {
	return handler.Funcs{
		CreateFunc: func(ctx context.Context, e event.CreateEvent, q workqueue.TypedRateLimitingInterface[reconcile.Request]) {
			wakes.Create(ctx, e, delayed{q, pause})
		},
		UpdateFunc: func(ctx context.Context, e event.UpdateEvent, q workqueue.TypedRateLimitingInterface[reconcile.Request]) {
			wakes.Update(ctx, e, delayed{q, pause})
		},
		DeleteFunc: func(ctx context.Context, e event.DeleteEvent, q workqueue.TypedRateLimitingInterface[reconcile.Request]) {
			wakes.Delete(ctx, e, delayed{q, pause})
		},
		GenericFunc: func(ctx context.Context, e event.GenericEvent, q workqueue.TypedRateLimitingInterface[reconcile.Request]) {
			wakes.Generic(ctx, e, delayed{q, pause})
		},
	}
}

// delayed is a queue that what is added reaches later.
type delayed struct {
	workqueue.TypedRateLimitingInterface[reconcile.Request]
	pause time.Duration
}

// Add implements workqueue.TypedInterface.
func (d delayed) Add(request reconcile.Request) { d.AddAfter(request, d.pause) }
