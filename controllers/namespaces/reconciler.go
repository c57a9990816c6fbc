package namespaces

import (
	"context"
	"maps"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/source"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/facts"
)

const (
	// workers is how many namespaces are looked at at a time.
	workers = 8
	// patience bounds one look: an API server that does not answer must not keep the worker.
	patience = 30 * time.Second
)

// Setup has the manager watch the namespaces, once everything that follows them is known. The manager ends when every reader has.
func (r *Readers) Setup(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	r.ctx = ctx
	err := r.mgr.Add(manager.RunnableFunc(func(ctx context.Context) error {
		<-ctx.Done()
		r.mu.Lock() // none begins after this
		stop()
		r.mu.Unlock()
		r.running.Wait()
		return nil
	}))
	if err != nil {
		return err
	}
	return ctrl.NewControllerManagedBy(r.mgr).Named("namespace").
		For(&corev1.Namespace{}, builder.OnlyMetadata, builder.WithPredicates(r.serviceChanged())).
		WatchesRawSource(source.Channel(r.doubts, handler.Funcs{GenericFunc: lookSoon})).
		WithOptions(controller.Options{MaxConcurrentReconciles: workers}).
		Complete(r)
}

// lookSoon makes one look at the rights of what fails again and again within a pause.
func lookSoon(_ context.Context, doubt event.GenericEvent, queue workqueue.TypedRateLimitingInterface[ctrl.Request]) {
	queue.AddAfter(ctrl.Request{NamespacedName: client.ObjectKeyFromObject(doubt.Object)}, firstPause)
}

// serviceChanged: a namespace's labels and its deletion, as far as they matter. What checks may do there, and who has to agree to a playbook,
// is said by labels, too.
func (r *Readers) serviceChanged() predicate.Predicate {
	return predicate.Funcs{UpdateFunc: func(e event.UpdateEvent) bool {
		return (r.whyNot(e.ObjectOld) == nil) != (r.whyNot(e.ObjectNew) == nil) || e.ObjectNew.GetUID() != e.ObjectOld.GetUID() ||
			!maps.Equal(asked(e.ObjectOld), asked(e.ObjectNew))
	}}
}

// Reconcile begins or ends the service of a namespace. It is tried again while a right is missing.
func (r *Readers) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	namespace := &metav1.PartialObjectMetadata{}
	namespace.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Namespace"))
	err := r.mgr.GetClient().Get(ctx, request.NamespacedName, namespace)
	if apierrors.IsNotFound(err) {
		r.forget(request.Name)
		return ctrl.Result{}, nil
	}
	if err != nil {
		return ctrl.Result{}, err
	}
	if why := r.whyNot(namespace); why != nil {
		r.end(ctx, request.Name, "", why)
		return ctrl.Result{}, nil
	}
	err = r.ask(ctx, request.Name)
	if apierrors.IsForbidden(err) {
		return ctrl.Result{RequeueAfter: r.end(ctx, request.Name, Refused, refused(request.Name, err))}, nil
	}
	if err != nil {
		return ctrl.Result{}, err
	}
	if err := r.begin(request.Name); err != nil {
		return ctrl.Result{}, err
	}
	if r.asksElse(request.Name, asked(namespace)) {
		r.wake(request.Name)
	}
	return ctrl.Result{}, nil
}

// asked is what the labels of a namespace say of how it is served.
func asked(namespace client.Object) map[string]string {
	said := map[string]string{}
	for _, label := range []string{strategyv1.LabelPlaybookReview, strategyv1.LabelPodSecurityExempt, strategyv1.LabelServiceAccounts} {
		if value, found := namespace.GetLabels()[label]; found {
			said[label] = value
		}
	}
	return said
}

// asksElse remembers what a namespace asks for, and says whether it is something else than before.
func (r *Readers) asksElse(name string, said map[string]string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	one, known := r.known[name]
	if !known || maps.Equal(one.asked, said) {
		return false
	}
	one.asked = said
	return true
}

// whyNot says why a namespace is not to be served; nil: it is. In one that is being deleted nothing is left to restore, and its
// RoleBindings may be gone already.
func (r *Readers) whyNot(namespace client.Object) *facts.Problem {
	if namespace.GetDeletionTimestamp() != nil {
		return deleted(namespace.GetName())
	}
	if slices.Contains(r.listed, namespace.GetName()) || namespace.GetLabels()[strategyv1.LabelServe] == strategyv1.ServeValue {
		return nil
	}
	return notAsked(namespace.GetName())
}

// ask reads a little of everything that is read in a served namespace. The reader's own errors would come from all kinds at
// once, in any order; this one is always the same, so a status that quotes it does not change back and forth. Secrets are read by name, and
// whatever names one says so.
func (r *Readers) ask(ctx context.Context, name string) error {
	live := r.mgr.GetAPIReader()
	for _, kind := range kinds() {
		listed, err := apiutil.GVKForObject(kind, r.mgr.GetScheme())
		if err != nil {
			return err
		}
		listed.Kind += "List"
		list := &metav1.PartialObjectMetadataList{}
		list.SetGroupVersionKind(listed)
		if err := live.List(ctx, list, client.InNamespace(name), client.Limit(1)); err != nil {
			return err
		}
	}
	return nil
}
