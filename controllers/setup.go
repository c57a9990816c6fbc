package controllers

import (
	"context"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"

	"tradeops.dev/strategy-operator/controllers/namespaces"
)

// CacheOptions are of the manager's own cache: the operator's own kinds and the names and labels of namespaces, everywhere. Nothing
// else comes into it, not even by accident; what is in the served namespaces is read namespace by namespace.
func CacheOptions() cache.Options {
	return cache.Options{ReaderFailOnMissingInformer: true, DefaultTransform: lean}
}

// lean drops what nobody here reads of such an object, and whoever may write one may fill: its annotations, and who wrote which field.
// Nothing of this is written back: statuses have an endpoint of their own, and of the rest only differences are sent.
func lean(object any) (any, error) {
	if kept, is := object.(metav1.Object); is {
		kept.SetAnnotations(nil)
		kept.SetManagedFields(nil)
	}
	return object, nil
}

// Setup registers every reconciler, the indexes and the metrics with a manager.
func (e *Environment) Setup(ctx context.Context, mgr ctrl.Manager, readers *namespaces.Readers) error {
	if err := addIndexes(ctx, mgr, readers); err != nil {
		return err
	}
	if err := registerMetrics(mgr.GetClient(), readers, &e.beats, e.Pauses.OrDefault().Scrape); err != nil {
		return err
	}
	for _, one := range e.Controllers() {
		if err := e.setup(mgr, readers, one); err != nil {
			return err
		}
	}
	return readers.Setup(ctx)
}
