package controllers

import (
	"fmt"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

func of(namespace string, n int) reconcile.Request {
	return reconcile.Request{NamespacedName: types.NamespacedName{Namespace: namespace, Name: fmt.Sprint(n)}}
}

// However many objects of one namespace wait, the first of another is next but one, and those of one namespace keep their order.
func TestNamespacesTakeTurns(t *testing.T) {
	queue := newFairQueue("test", workqueue.NewTypedItemExponentialFailureRateLimiter[reconcile.Request](FirstRetry, time.Second))
	defer queue.ShutDown()
	for n := range 500 {
		queue.Add(of("a", n))
	}
	for n := range 3 {
		queue.Add(of("b", n))
	}
	queue.Add(of("a", 0)) // it waits already
	seen := map[string]int{}
	for n := range 503 {
		next, _ := queue.Get()
		queue.Done(next)
		if next != of(next.Namespace, seen[next.Namespace]) {
			t.Fatalf("%s comes after %d others of its namespace", next, seen[next.Namespace])
		}
		seen[next.Namespace]++
		if n == 5 && seen["b"] != 3 {
			t.Fatalf("after 6 objects %d of 3 of the small namespace had their turn", seen["b"])
		}
	}
	if queue.Len() != 0 {
		t.Errorf("%d are left", queue.Len())
	}
	queue.Add(of("b", 9))
	if next, _ := queue.Get(); next != of("b", 9) {
		t.Errorf("an empty queue goes on with %s", next)
	}
}

// However slow the passes of one namespace are, what waits in another has the first worker that is free, again and again.
func TestSlowNamespacesLeaveWorkersToOthers(t *testing.T) {
	queue := newFairQueue("test", workqueue.NewTypedItemExponentialFailureRateLimiter[reconcile.Request](FirstRetry, time.Second))
	defer queue.ShutDown()
	for n := range 500 {
		queue.Add(of("slow", n))
	}
	var slow []reconcile.Request
	for range 8 { // all workers; none of them waits for a namespace that may have something to do
		next, _ := queue.Get()
		slow = append(slow, next)
	}
	for n := range 100 {
		queue.Add(of("quick", n))
	}
	queue.Done(slow[0])
	for n := range 100 {
		next, _ := queue.Get()
		if next != of("quick", n) {
			t.Fatalf("the only free worker goes on with %s after %d quick ones", next, n)
		}
		queue.Done(next)
	}
	if next, _ := queue.Get(); next != of("slow", 8) {
		t.Errorf("it goes on with %s", next)
	}
}
