package namespaces

import (
	"context"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"tradeops.dev/strategy-operator/internal/facts"
)

// State is how far the service of a namespace is.
type State string

// States of the namespaces that are to be served. One that is not has none.
const (
	Starting State = "Starting" // its reader is not in sync yet
	Served   State = "Served"
	Refused  State = "Refused" // a right is missing
)

// States are all of them.
var States = []State{Starting, Served, Refused}

// Readers has a reader for each served namespace.
type Readers struct {
	mgr    ctrl.Manager
	listed []string
	ctx    context.Context // ends with the manager
	doubts chan event.GenericEvent
	begun  []func(ctx context.Context, reader cache.Cache) error
	index  []func(ctx context.Context, indexer client.FieldIndexer) error
	wakers []chan event.GenericEvent

	running sync.WaitGroup
	mu      sync.Mutex
	known   map[string]*service
}

// service is what is known of one namespace.
type service struct {
	state   State
	reader  client.Reader      // nil: not served
	problem *facts.Problem     // why it is not served; nil without a reader: not known yet
	stop    context.CancelFunc // ends the reader; nil: none was begun
	asked   map[string]string  // by labels of the namespace, beside that it is served
	pause   time.Duration      // until a right that is missing is asked for again
}

// New makes the readers of a manager. Beside the namespaces that are listed those with the label are served.
func New(mgr ctrl.Manager, listed []string) *Readers {
	return &Readers{mgr: mgr, listed: listed, doubts: make(chan event.GenericEvent), known: map[string]*service{}}
}

// OnBegin names what is to be done with each reader that has begun: it watches. What it starts ends with the context.
func (r *Readers) OnBegin(watch func(ctx context.Context, reader cache.Cache) error) {
	r.begun = append(r.begun, watch)
}

// IndexField implements client.FieldIndexer: each reader that begins from now on has the index.
func (r *Readers) IndexField(_ context.Context, object client.Object, field string, values client.IndexerFunc) error {
	r.index = append(r.index, func(ctx context.Context, indexer client.FieldIndexer) error {
		return indexer.IndexField(ctx, object, field, values)
	})
	return nil
}

// Changes tells of each namespace whose service has changed: its objects are to be looked at again.
func (r *Readers) Changes() <-chan event.GenericEvent {
	changes := make(chan event.GenericEvent)
	r.wakers = append(r.wakers, changes)
	return changes
}

// For is the reader of a namespace, or why there is none. Neither: it is not known yet, and Changes will tell.
func (r *Readers) For(namespace string) (client.Reader, *facts.Problem) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if one, known := r.known[namespace]; known {
		return one.reader, one.problem
	}
	return nil, nil
}

// Served says why nothing can be done in a namespace; nil: it is served.
func (r *Readers) Served(namespace string) *facts.Problem {
	_, problem := r.For(namespace)
	return problem
}

// Takes says why nothing is to be stored in a namespace; nil: it is. What the leader alone knows, whether the rights are there, the others leave
// to the API server, and go by the label.
func (r *Readers) Takes(ctx context.Context, name string) *facts.Problem {
	reader, why := r.For(name)
	if reader != nil || why != nil {
		return why
	}
	namespace := &metav1.PartialObjectMetadata{}
	namespace.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Namespace"))
	err := r.mgr.GetClient().Get(ctx, client.ObjectKey{Name: name}, namespace)
	if apierrors.IsNotFound(err) {
		return notAsked(name)
	}
	if err != nil {
		return problem("namespace %s is not read yet", name)
	}
	return r.whyNot(namespace)
}

// Labels of a namespace, as the manager's cache has them; not known if it is not there.
func (r *Readers) Labels(ctx context.Context, name string) (labels map[string]string, known bool) {
	namespace := &metav1.PartialObjectMetadata{}
	namespace.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Namespace"))
	if err := r.mgr.GetClient().Get(ctx, client.ObjectKey{Name: name}, namespace); err != nil {
		return nil, false
	}
	return namespace.Labels, true
}

// Count is how many namespaces there are in each state.
func (r *Readers) Count() map[State]int {
	r.mu.Lock()
	defer r.mu.Unlock()
	counts := map[State]int{}
	for _, one := range r.known {
		counts[one.state]++
	}
	return counts
}

// Guard leaves objects alone until it is known whether their namespace is served: right after a start an object must not
// hear that it is not, since a deleted rollback would be let go then. What is forbidden in a pass leads to a look at the rights.
func (r *Readers) Guard(next reconcile.Reconciler) reconcile.Reconciler {
	return reconcile.Func(func(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
		if reader, problem := r.For(request.Namespace); reader == nil && problem == nil {
			return reconcile.Result{}, nil
		}
		result, err := next.Reconcile(ctx, request)
		if apierrors.IsForbidden(err) {
			r.doubt(ctx, request.Namespace)
		}
		return result, err
	})
}

// doubt has the rights in a namespace looked at.
func (r *Readers) doubt(ctx context.Context, namespace string) {
	select {
	case r.doubts <- event.GenericEvent{Object: &metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{Name: namespace}}}:
	case <-ctx.Done():
	}
}

// wake has the objects of a namespace looked at.
func (r *Readers) wake(namespace string) {
	for _, changes := range r.wakers {
		select {
		case changes <- event.GenericEvent{Object: &metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{Namespace: namespace}}}:
		case <-r.ctx.Done():
		}
	}
}
