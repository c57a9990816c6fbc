package sim

import (
	"time"

	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// entry is an object that one controller has to look at.
type entry struct {
	controller int
	request    reconcile.Request
}

// queue is what a controller's handlers put requests into. It is controller-runtime's queue as far as handlers see it: each
// request is in it once, and one that is due later comes at once when something wakes it.
type queue struct {
	operator   *Operator
	controller int
}

// Add implements workqueue.TypedRateLimitingInterface.
func (q *queue) Add(request reconcile.Request) { q.operator.enqueue(entry{q.controller, request}) }

// AddAfter implements workqueue.TypedRateLimitingInterface.
func (q *queue) AddAfter(request reconcile.Request, after time.Duration) {
	q.operator.wakeAt(entry{q.controller, request}, q.operator.world.Clock.Now().Add(after))
}

// AddRateLimited implements workqueue.TypedRateLimitingInterface.
func (q *queue) AddRateLimited(request reconcile.Request) {
	q.operator.retry(entry{q.controller, request})
}

// Forget implements workqueue.TypedRateLimitingInterface.
func (q *queue) Forget(request reconcile.Request) {
	delete(q.operator.failed, entry{q.controller, request})
}

// NumRequeues implements workqueue.TypedRateLimitingInterface.
func (q *queue) NumRequeues(request reconcile.Request) int {
	return q.operator.failed[entry{q.controller, request}]
}

// What handlers have no use for.

func (q *queue) Len() int                       { return len(q.operator.queue) }
func (q *queue) Get() (reconcile.Request, bool) { return reconcile.Request{}, true }
func (q *queue) Done(reconcile.Request)         {}
func (q *queue) ShutDown()                      {}
func (q *queue) ShutDownWithDrain()             {}
func (q *queue) ShuttingDown() bool             { return false }
