package intake

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
)

// A message that changes nothing asks the API server nothing, but every five minutes.
func TestARepeatedAlertIsNoRequest(t *testing.T) {
	w := newWorld(t)
	body := one("A", "firing", at("11:00:00"))
	w.send(body)
	w.sync()
	if want := map[string]int{"create": 1}; !maps.Equal(w.requests, want) {
		t.Errorf("the first time: %v", w.requests)
	}
	for range 29 {
		w.clock.Step(10 * time.Second)
		w.send(body)
	}
	if w.requests["get"]+w.requests["update"] != 0 {
		t.Errorf("repeated: %v", w.requests)
	}
	if heard := w.alerts()["A"].Spec.Heard; heard != 1 {
		t.Errorf("heard %d times, stored at once", heard)
	}
	w.clock.Step(10 * time.Second)
	w.send(body)
	w.sync()
	w.send(body)
	if want := map[string]int{"create": 1, "get": 1, "update": 1}; !maps.Equal(w.requests, want) {
		t.Errorf("after five minutes: %v", w.requests)
	}
	if spec := w.alerts()["A"].Spec; spec.Heard != 31 || !spec.HeardTime.Time.Equal(w.clock.Now()) || !spec.ChangedTime.Time.Equal(noon) {
		t.Errorf("%+v", spec)
	}
}

// What changes is stored at once, whatever the cache says, which may be behind.
func TestTheCacheDecidesNothing(t *testing.T) {
	w := newWorld(t)
	w.send(one("A", "firing", at("11:00:00")))
	w.sync()
	w.clock.Step(time.Minute)
	w.send(one("A", "resolved", at("11:00:00")))
	w.send(one("A", "firing", at("12:00:30"))) // the cache has it firing since 11
	w.send(one("A", "resolved", at("11:00:00")))
	if spec := w.alerts()["A"].Spec; spec.State != firing || spec.Occurrence != 2 || !spec.StartTime.Time.Equal(at("12:00:30")) || spec.Heard != 3 {
		t.Errorf("%+v", spec)
	}
}

// One alert in several ways in one message is one write.
func TestOneMessageIsOneWriteForEachAlert(t *testing.T) {
	w := newWorld(t)
	w.send(whole(entry("A", "firing", at("11:00:00")), entry("B", "firing", at("11:00:00")), entry("A", "resolved", at("11:00:00")), entry("A", "firing", at("11:30:00"))))
	if want := map[string]int{"create": 2}; !maps.Equal(w.requests, want) {
		t.Errorf("%v", w.requests)
	}
	if spec := w.alerts()["A"].Spec; spec.State != firing || spec.Occurrence != 2 || spec.Heard != 3 {
		t.Errorf("%+v", spec)
	}
}

// If one of many cannot be stored the message is to come again, and the others are safe all the same.
func TestAllOrNothing(t *testing.T) {
	w := newWorld(t)
	resource := schema.GroupResource{Group: strategyv1.GroupVersion.Group, Resource: "strategyalerts"}
	full := nameOf(map[string]string{"alertname": "C"}, nil)
	for name, refusal := range map[string]error{
		"a quota":  apierrors.NewForbidden(resource, full, fmt.Errorf("exceeded quota: strategy-operator")),
		"no right": apierrors.NewForbidden(resource, full, fmt.Errorf("not allowed")),
		"a hang":   context.DeadlineExceeded,
		"a race":   apierrors.NewConflict(resource, full, fmt.Errorf("changed")), // for ever
	} {
		w.before = func(_, about string) error {
			if about == full {
				return refusal
			}
			return nil
		}
		body := whole(entry("A", "firing", at("11:00:00")), entry("B", "firing", at("11:00:00")), entry("C", "firing", at("11:00:00")), entry("D", "firing", at("11:00:00")))
		if got := w.answer(w.server, sent([]byte(body))); got.Code != http.StatusServiceUnavailable {
			t.Errorf("%s: %d %s", name, got.Code, got.Body)
		}
		if stored := w.alerts(); len(stored) != 3 {
			t.Errorf("%s: %d are stored", name, len(stored))
		}
		w.sync()
	}
	w.before = nil
	w.send(whole(entry("C", "firing", at("11:00:00"))))
}

// A deletion that waits for something would take with it what is stored now.
func TestWhatIsBeingDeletedIsNoPlace(t *testing.T) {
	w := newWorld(t)
	w.send(one("A", "firing", at("11:00:00")))
	alert := w.alerts()["A"]
	alert.Finalizers = []string{"example.com/waits"}
	api := w.api.As("admin")
	if err := api.Update(t.Context(), &alert); err != nil {
		t.Fatal(err)
	}
	if err := api.Delete(t.Context(), &alert); err != nil {
		t.Fatal(err)
	}
	for _, seen := range []bool{false, true} {
		if seen {
			w.sync()
		}
		if got := w.answer(w.server, sent([]byte(one("A", "resolved", at("11:00:00"))))); got.Code != http.StatusServiceUnavailable {
			t.Errorf("seen %t: %d %s", seen, got.Code, got.Body)
		}
	}
	gone := w.alerts()["A"]
	gone.Finalizers = nil
	if err := api.Update(t.Context(), &gone); err != nil {
		t.Fatal(err)
	}
	w.send(one("A", "firing", at("11:00:00"))) // the cache still has it
	if spec := w.alerts()["A"].Spec; spec.Heard != 1 {
		t.Errorf("%+v", spec)
	}
}

// Killed between any two writes, and sent again: the end is the same.
func TestKilledInTheMiddle(t *testing.T) {
	messages := []string{
		whole(entry("A", "firing", at("11:00:00")), entry("B", "firing", at("11:00:00"))),
		whole(entry("A", "resolved", at("11:00:00")), entry("B", "firing", at("11:30:00")), entry("C", "firing", at("11:00:00"))),
	}
	play := func(t *testing.T, cut int) (map[string]strategyv1.StrategyAlertSpec, int) {
		w := newWorld(t)
		writes := 0
		for _, body := range messages {
			for attempt := range 3 {
				ctx, kill := context.WithCancel(t.Context())
				w.before = func(verb, _ string) error {
					if verb == "get" {
						return nil
					}
					if writes++; writes == cut {
						kill()
						return context.Canceled
					}
					return nil
				}
				server := w.replica() // a new process remembers nothing
				got := w.answer(server, sent([]byte(body)).WithContext(ctx))
				kill()
				if got.Code == http.StatusOK {
					break
				}
				if attempt == 2 {
					t.Errorf("cut %d: %d %s", cut, got.Code, got.Body)
				}
			}
			w.sync()
		}
		end := map[string]strategyv1.StrategyAlertSpec{}
		for name, one := range w.alerts() {
			one.Spec.Heard = 0 // how often it was sent
			end[name] = one.Spec
		}
		return end, writes
	}
	want, writes := play(t, 0)
	if writes != 5 {
		t.Fatalf("%d writes", writes)
	}
	for cut := 1; cut <= writes; cut++ {
		if got, _ := play(t, cut); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("cut %d: %v, not %v", cut, got, want)
		}
	}
}

// Three senders say the same to two replicas at the same time: nothing is lost, and nothing is there twice.
func TestManyAtOnce(t *testing.T) {
	w := newWorld(t)
	servers := []*Server{w.replica(), w.replica()}
	const alerts, rounds = 5, 4
	var group sync.WaitGroup
	for peer := range 3 {
		group.Go(func() {
			for round := range rounds {
				starts := at("10:00:00").Add(time.Duration(round) * time.Minute)
				for _, status := range []string{"firing", "resolved"} {
					var entries []string
					for n := range alerts {
						entries = append(entries, entry(fmt.Sprint(n), status, starts))
					}
					body := whole(entries...)
					for attempt := 0; ; attempt++ {
						got := w.answer(servers[(peer+attempt)%2], sent([]byte(body)))
						if got.Code == http.StatusOK || strings.Contains(got.Body.String(), "resolved less than") { // the clock stands still
							break
						}
						if got.Code != http.StatusServiceUnavailable || attempt > 20 {
							t.Errorf("%d %s", got.Code, got.Body)
							return
						}
					}
				}
			}
		})
	}
	group.Wait()
	stored := w.alerts()
	for n := range alerts {
		spec := stored[fmt.Sprint(n)].Spec
		if spec.State != resolved || !spec.StartTime.Time.Equal(at("10:03:00")) || spec.Occurrence > rounds {
			t.Errorf("%d: %+v", n, spec)
		}
	}
}

// What is remembered of counts has a bound.
func TestCountsAreBounded(t *testing.T) {
	s := &store{}
	for i := range 3 * maxUnwritten {
		s.count(client.ObjectKey{Name: fmt.Sprint(i)}, 1)
	}
	if len(s.unwritten) > maxUnwritten {
		t.Errorf("%d", len(s.unwritten))
	}
}
