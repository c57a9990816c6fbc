package world

import (
	"context"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
)

// Beginning is when every world begins.
var Beginning = time.Date(2026, 11, 23, 10, 15, 0, 0, time.UTC)

// seen is when an object was first seen, and first seen as deleted, by the world's clock.
type seen struct {
	created, deleted metav1.Time
}

// date gives an object the times that an API server with the world's clock would have given it: the clock stands still
// between a write and the next look at it. The server itself ignores what a client says about these times.
func (w *World) date(object client.Object) {
	if object.GetUID() == "" { // not stored: a dry run
		return
	}
	w.times.Lock()
	defer w.times.Unlock()
	now := metav1.NewTime(w.Clock.Now().Truncate(time.Second))
	at, known := w.times.byUID[object.GetUID()]
	if !known {
		at.created = now
	}
	object.SetCreationTimestamp(at.created)
	if !object.GetDeletionTimestamp().IsZero() {
		if at.deleted.IsZero() {
			at.deleted = now
		}
		deleted := at.deleted
		object.SetDeletionTimestamp(&deleted)
	}
	w.times.byUID[object.GetUID()] = at
	if rollback, ok := object.(*strategyv1.StrategyRollback); ok && !known {
		w.rollbacks = append(w.rollbacks, metav1.ObjectMeta{
			Namespace: rollback.Namespace, Name: rollback.Name, UID: rollback.UID, CreationTimestamp: at.created,
		})
	}
}

func (w *World) dateAll(list client.ObjectList) {
	_ = meta.EachListItem(list, func(item runtime.Object) error {
		if object, ok := item.(client.Object); ok {
			w.date(object)
		}
		return nil
	})
}

// EveryRollback that ever was, also those that are gone, in the order in which they came.
func (w *World) EveryRollback() []metav1.ObjectMeta { return w.rollbacks }

// dated is a client of an API server with the world's clock.
type dated struct {
	client.Client
	world *World
}

// Get implements client.Reader.
func (d *dated) Get(ctx context.Context, key client.ObjectKey, object client.Object, options ...client.GetOption) error {
	return d.after(d.Client.Get(ctx, key, object, options...), object)
}

// List implements client.Reader.
func (d *dated) List(ctx context.Context, list client.ObjectList, options ...client.ListOption) error {
	if err := d.Client.List(ctx, list, options...); err != nil {
		return err
	}
	d.world.dateAll(list)
	return nil
}

// Create implements client.Writer.
func (d *dated) Create(ctx context.Context, object client.Object, options ...client.CreateOption) error {
	var all client.CreateOptions
	all.ApplyOptions(options)
	err := d.Client.Create(ctx, object, options...)
	if len(all.DryRun) > 0 {
		return err
	}
	return d.after(err, object)
}

// Update implements client.Writer.
func (d *dated) Update(ctx context.Context, object client.Object, options ...client.UpdateOption) error {
	return d.after(d.Client.Update(ctx, object, options...), object)
}

// Patch implements client.Writer.
func (d *dated) Patch(ctx context.Context, object client.Object, patch client.Patch, options ...client.PatchOption) error {
	return d.after(d.Client.Patch(ctx, object, patch, options...), object)
}

// Status implements client.StatusClient.
func (d *dated) Status() client.SubResourceWriter { return &datedStatus{d.Client.Status(), d} }

func (d *dated) after(err error, object client.Object) error {
	if err == nil {
		d.world.date(object)
	}
	return err
}

type datedStatus struct {
	client.SubResourceWriter
	dated *dated
}

// Update implements client.SubResourceWriter.
func (s *datedStatus) Update(ctx context.Context, object client.Object, options ...client.SubResourceUpdateOption) error {
	return s.dated.after(s.SubResourceWriter.Update(ctx, object, options...), object)
}
