package controllers

import (
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// fairQueue is what waits for the workers of a controller: of each namespace the first that came, the namespaces in turn. So one with
// a thousand objects to look at delays those of another by one of its own, not by a thousand.
type fairQueue struct {
	waits map[string][]reconcile.Request // by namespace; none is empty
	turns []string                       // the namespaces of these, whose turn it is first
	size  int
}

// newFairQueue makes the queue of a controller; what comes later, and after an error, is as in any other.
func newFairQueue(name string, limiter workqueue.TypedRateLimiter[reconcile.Request]) workqueue.TypedRateLimitingInterface[reconcile.Request] {
	return workqueue.NewTypedRateLimitingQueueWithConfig(limiter, workqueue.TypedRateLimitingQueueConfig[reconcile.Request]{
		Name: name,
		DelayingQueue: workqueue.NewTypedDelayingQueueWithConfig(workqueue.TypedDelayingQueueConfig[reconcile.Request]{
			Name: name,
			Queue: workqueue.NewTypedWithConfig(workqueue.TypedQueueConfig[reconcile.Request]{
				Name: name, Queue: &fairQueue{waits: map[string][]reconcile.Request{}},
			}),
		}),
	})
}

// Touch implements workqueue.Queue: what waits already keeps its place.
func (q *fairQueue) Touch(reconcile.Request) {}

// Push implements workqueue.Queue.
func (q *fairQueue) Push(request reconcile.Request) {
	if len(q.waits[request.Namespace]) == 0 {
		q.turns = append(q.turns, request.Namespace)
	}
	q.waits[request.Namespace] = append(q.waits[request.Namespace], request)
	q.size++
}

// Len implements workqueue.Queue.
func (q *fairQueue) Len() int { return q.size }

// Pop implements workqueue.Queue. It is not called when nothing waits.
func (q *fairQueue) Pop() reconcile.Request {
	namespace := q.turns[0]
	q.turns = q.turns[1:]
	next := q.waits[namespace][0]
	q.waits[namespace] = q.waits[namespace][1:]
	q.size--
	if len(q.waits[namespace]) == 0 {
		delete(q.waits, namespace)
	} else {
		q.turns = append(q.turns, namespace)
	}
	return next
}
