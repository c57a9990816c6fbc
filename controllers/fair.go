package controllers

import (
	"slices"
	"sync"

	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// fairQueue is what waits for the workers of a controller. Next is the namespace that the fewest work for; of several the one whose turn it
// is; of it the first that came. So one with a thousand objects to look at, or with slow ones, delays those of another until the first
// worker is free, and from then on by a half of the workers at most.
type fairQueue struct {
	waits map[string][]reconcile.Request // by namespace; none is empty
	turns []string                       // the namespaces of these, whose turn it is first
	size  int

	mu      sync.Mutex
	running map[string]int // workers by namespace; none is zero
}

func emptyFairQueue() *fairQueue {
	return &fairQueue{waits: map[string][]reconcile.Request{}, running: map[string]int{}}
}

// toldQueue tells a fairQueue when a worker is done.
type toldQueue struct {
	workqueue.TypedRateLimitingInterface[reconcile.Request]
	fair *fairQueue
}

// Done implements workqueue.TypedInterface.
func (q toldQueue) Done(request reconcile.Request) {
	q.fair.done(request.Namespace)
	q.TypedRateLimitingInterface.Done(request)
}

// newFairQueue makes the queue of a controller; what comes later, and after an error, is as in any other.
func newFairQueue(name string, limiter workqueue.TypedRateLimiter[reconcile.Request]) workqueue.TypedRateLimitingInterface[reconcile.Request] {
	fair := emptyFairQueue()
	return toldQueue{fair: fair, TypedRateLimitingInterface: workqueue.NewTypedRateLimitingQueueWithConfig(limiter, workqueue.TypedRateLimitingQueueConfig[reconcile.Request]{
		Name: name,
		DelayingQueue: workqueue.NewTypedDelayingQueueWithConfig(workqueue.TypedDelayingQueueConfig[reconcile.Request]{
			Name:  name,
			Queue: workqueue.NewTypedWithConfig(workqueue.TypedQueueConfig[reconcile.Request]{Name: name, Queue: fair}),
		}),
	})}
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
	q.mu.Lock()
	defer q.mu.Unlock()
	turn := 0
	for i, namespace := range q.turns {
		if q.running[namespace] < q.running[q.turns[turn]] {
			turn = i
		}
	}
	namespace := q.turns[turn]
	q.turns = slices.Delete(q.turns, turn, turn+1)
	next := q.waits[namespace][0]
	q.waits[namespace] = q.waits[namespace][1:]
	q.size--
	if len(q.waits[namespace]) == 0 {
		delete(q.waits, namespace)
	} else {
		q.turns = append(q.turns, namespace)
	}
	q.running[namespace]++
	return next
}

// done says that a worker is not at work for a namespace any more.
func (q *fairQueue) done(namespace string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.running[namespace]--; q.running[namespace] <= 0 {
		delete(q.running, namespace)
	}
}
