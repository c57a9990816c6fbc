package controllers

import (
	"cmp"
	"context"
	"slices"
	"time"

	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/predicate"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/checks"
	"tradeops.dev/strategy-operator/internal/facts"
	"tradeops.dev/strategy-operator/internal/lifecycle"
	"tradeops.dev/strategy-operator/internal/pass"
)

// outbox sends the notifications that the statuses of incidents ask for, with workers of its own: a server that hangs holds up these, and
// no pass. What became of them it only remembers, and wakes the incident, whose plan records it. After a crash in between a notification is
// sent again, with the same key.
type outbox struct {
	*reader
	channels Channels
	wakes    waker
	board    switchboard
}

// outboxes are how many incidents are sent for at a time; each waits for a server most of its time.
const outboxes = 16

func (r *outbox) controller() Controller {
	return Controller{
		Name: "notification", Reconciler: r, Workers: outboxes,
		For: itself(&strategyv1.StrategyIncident{}, toBeSent()),
	}
}

// toBeSent: an incident has notifications that it did not have, or is new to the operator and has some.
func toBeSent() predicate.Predicate {
	return predicate.Funcs{
		CreateFunc: func(e event.CreateEvent) bool { return len(waiting(e.Object, nil)) > 0 },
		UpdateFunc: func(e event.UpdateEvent) bool { return len(waiting(e.ObjectNew, e.ObjectOld)) > 0 },
		DeleteFunc: func(event.DeleteEvent) bool { return false },
	}
}

// waiting are the keys of what is to be sent for an incident, and was not before.
func waiting(object, before client.Object) map[string]bool {
	keys := map[string]bool{}
	if incident, ok := object.(*strategyv1.StrategyIncident); ok {
		for _, n := range incident.Status.Notifications {
			if lifecycle.Pending(n) {
				keys[n.Key] = true
			}
		}
	}
	if before != nil {
		for key := range waiting(before, nil) {
			delete(keys, key)
		}
	}
	return keys
}

// Reconcile sends what is due first, and looks again for the rest.
func (r *outbox) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	if r.Namespaces.Served(request.Namespace) != nil {
		return ctrl.Result{}, nil // all are looked at when it is
	}
	var object strategyv1.StrategyIncident
	if err := r.Client.Get(ctx, request.NamespacedName, &object, uncopied); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	now := r.Clock.Now()
	var nextAt time.Time
	for _, n := range urgentFirst(object.Status.Notifications) {
		if !lifecycle.Pending(n) || object.DeletionTimestamp != nil {
			continue
		}
		at := r.one(ctx, &object, n, now)
		if at.IsZero() {
			return ctrl.Result{RequeueAfter: time.Millisecond}, nil // what is due next may have changed meanwhile
		}
		nextAt = checks.Earlier(nextAt, at)
	}
	return again(nextAt, now), nil
}

// one tries to send a notification, or says when to look at it again; zero: it was tried.
func (r *outbox) one(ctx context.Context, object *strategyv1.StrategyIncident, n strategyv1.NotificationStatus, now time.Time) (again time.Time) {
	known, _ := r.receipts.sent.get(n.Key)
	why, _ := lifecycle.NotWanted(object.Status, n, now)
	switch {
	case !known.Delivered.IsZero(): // the incident has not heard yet, or its cache is late
		r.wake(object)
		return now.Add(r.Pauses.OutputRetry)
	case why != "": // answered meanwhile: the incident's plan records that. An acknowledgement may end
		return now.Add(pass.Recheck)
	case now.Before(known.nextAt):
		return known.nextAt
	}
	return r.try(ctx, object, n, known)
}

// urgentFirst: who is called hears it before anything else is told.
func urgentFirst(all []strategyv1.NotificationStatus) []strategyv1.NotificationStatus {
	later := func(n strategyv1.NotificationStatus) int {
		if urgent(all, n) {
			return 0
		}
		return 1
	}
	return slices.SortedStableFunc(slices.Values(all), func(a, b strategyv1.NotificationStatus) int { return cmp.Compare(later(a), later(b)) })
}

// urgent: it waits for nothing that others are told. Of the calls of a level that is the first that it hears.
func urgent(all []strategyv1.NotificationStatus, n strategyv1.NotificationStatus) bool {
	if n.Event != strategyv1.NotifyLevelCalled {
		return n.Event == strategyv1.NotifyRelapsed || n.Event == strategyv1.NotifyAwaitingApproval
	}
	return !slices.ContainsFunc(all, func(heard strategyv1.NotificationStatus) bool {
		return heard.Event == n.Event && heard.Level == n.Level && heard.RouteName == n.RouteName && heard.DeliveredTime != nil
	})
}

// wake has the incident hear; one that finds no room is tried again.
func (r *outbox) wake(object *strategyv1.StrategyIncident) {
	select {
	case r.wakes.incidents <- event.GenericEvent{Object: object}:
	default:
	}
}

// receipts are what is known of notifications that were sent in this life of the operator. What is forgotten is sent again, with the
// same key. The zero value is empty.
type receipts struct{ sent memo[string, sent] }

// sent is one of them, and when it is tried again.
type sent struct {
	facts.Receipt
	nextAt time.Time
}

// of are those that an incident waits for; nil if it waits for none.
func (r *receipts) of(object *strategyv1.StrategyIncident) map[string]facts.Receipt {
	if len(object.Status.Notifications) == 0 {
		return nil
	}
	var known map[string]facts.Receipt
	for key := range waiting(object, nil) {
		if receipt, found := r.sent.get(key); found {
			if known == nil {
				known = map[string]facts.Receipt{}
			}
			known[key] = receipt.Receipt
		}
	}
	return known
}

// countNotifications counts those that a status write of an incident settled.
func countNotifications(object *strategyv1.StrategyIncident, before strategyv1.StrategyIncidentStatus) {
	settled := map[string]bool{}
	for _, n := range before.Notifications {
		settled[n.Key] = !lifecycle.Pending(n)
	}
	for _, n := range before.Notifications {
		if lifecycle.Pending(n) && !has(object, n.Key) { // too many waited
			notificationsTotal.WithLabelValues(string(n.Event), "unreached").Inc()
		}
	}
	for _, n := range object.Status.Notifications {
		if settled[n.Key] || lifecycle.Pending(n) {
			continue
		}
		result := "dropped"
		switch {
		case n.DeliveredTime != nil:
			result = "delivered"
		case n.DropReason == strategyv1.DropUnreached:
			result = "unreached"
		}
		notificationsTotal.WithLabelValues(string(n.Event), result).Inc()
	}
}

func has(object *strategyv1.StrategyIncident, key string) bool {
	return slices.ContainsFunc(object.Status.Notifications, func(n strategyv1.NotificationStatus) bool { return n.Key == key })
}
