package controllers

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/predicate"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/checks"
	"tradeops.dev/strategy-operator/internal/facts"
	"tradeops.dev/strategy-operator/internal/lifecycle"
	"tradeops.dev/strategy-operator/internal/notify"
	"tradeops.dev/strategy-operator/internal/pass"
)

// outbox sends the notifications that the statuses of incidents ask for, with workers of its own: a server that hangs holds up these, and
// no pass. What became of them it only remembers, and wakes the incident, whose plan records it. After a crash in between a notification is
// sent again, with the same key.
type outbox struct {
	*reader
	channels Channels
	wakes    waker
	pace     pace
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
	for _, n := range callsFirst(object.Status.Notifications) {
		if !lifecycle.Pending(n) || object.DeletionTimestamp != nil {
			continue
		}
		known, _ := r.receipts.sent.get(n.Key)
		why, _ := lifecycle.NotWanted(object.Status, n, now)
		switch {
		case !known.Delivered.IsZero(): // the incident has not heard yet, or its cache is late
			r.wake(&object)
			nextAt = checks.Earlier(nextAt, now.Add(r.Pauses.OutputRetry))
		case why != "": // answered meanwhile: the incident's plan records that. An acknowledgement may end
			nextAt = checks.Earlier(nextAt, now.Add(pass.Recheck))
		case now.Before(known.nextAt):
			nextAt = checks.Earlier(nextAt, known.nextAt)
		default:
			if at := r.mayBeSent(&object, n, now); !at.IsZero() {
				nextAt = checks.Earlier(nextAt, at)
				continue
			}
			return r.try(ctx, &object, n, known)
		}
	}
	return again(nextAt, now), nil
}

// callsFirst: who is called hears it before anything else is told.
func callsFirst(all []strategyv1.NotificationStatus) []strategyv1.NotificationStatus {
	later := func(n strategyv1.NotificationStatus) int {
		if n.Event == strategyv1.NotifyLevelCalled {
			return 0
		}
		return 1
	}
	return slices.SortedStableFunc(slices.Values(all), func(a, b strategyv1.NotificationStatus) int { return cmp.Compare(later(a), later(b)) })
}

// mayBeSent says when; zero: now. Who is called does not wait for what others are told.
func (r *outbox) mayBeSent(object *strategyv1.StrategyIncident, n strategyv1.NotificationStatus, now time.Time) time.Time {
	if n.Event == strategyv1.NotifyLevelCalled {
		return time.Time{}
	}
	return r.pace.wait(object.Namespace+"/"+object.Spec.PlaybookName, now, r.Pauses.NotifyPace)
}

// try sends one notification once.
func (r *outbox) try(ctx context.Context, object *strategyv1.StrategyIncident, n strategyv1.NotificationStatus, known sent) (ctrl.Result, error) {
	known.Attempts++
	known.Channel, known.Problem = r.send(ctx, object, n)
	now := r.Clock.Now()
	if known.Channel != "" {
		known.Delivered = now
	} else {
		known.nextAt = now.Add(min(r.Pauses.NotifyRetry<<min(known.Attempts-1, 20), r.Pauses.NotifyHangs))
	}
	r.receipts.sent.put(n.Key, known, len(n.Key)+len(known.Problem))
	r.wake(object)
	return ctrl.Result{RequeueAfter: time.Millisecond}, nil
}

// send gives a notification to the first channel that takes it. The problem is why those before did not and, if channel is empty, why nobody
// did.
func (r *outbox) send(ctx context.Context, object *strategyv1.StrategyIncident, n strategyv1.NotificationStatus) (channel, problem string) {
	if object.Status.Review == strategyv1.ReviewAwaited {
		return "", "nobody has approved the playbook yet, so its channels get nothing; kubectl strategy review shows it"
	}
	frozen, missing, err := r.observeFrozen(ctx, object.Namespace, object.Status.PlaybookRevision)
	if err != nil {
		return "", r.unread(ctx, n, err)
	}
	if missing != nil {
		return "", missing.Message
	}
	if frozen.spec.Notifications == nil { // approved meanwhile, without it
		return "", "the playbook that the incident runs on has no notifications"
	}
	var problems []string
	for _, one := range channelsOf(*frozen.spec.Notifications, n) {
		problem := r.over(ctx, object, n, one)
		if problem == "" {
			return one.Name, strings.Join(problems, "; ")
		}
		notificationsTotal.WithLabelValues(string(n.Event), "failed").Inc()
		problems = append(problems, "channel "+one.Name+": "+problem)
	}
	return "", strings.Join(problems, "; ")
}

// channelsOf are those that a notification is for, in order. Names that are not there any more leave no call without a way.
func channelsOf(spec strategyv1.NotificationsSpec, n strategyv1.NotificationStatus) (all []strategyv1.ChannelSpec) {
	var names []string
	if at := slices.IndexFunc(spec.Routes, func(r strategyv1.NotificationRoute) bool { return r.Name == n.RouteName }); at >= 0 {
		names = spec.Routes[at].Channels
	}
	if n.ChannelName != "" {
		names = []string{n.ChannelName}
	}
	for _, name := range names {
		if at := slices.IndexFunc(spec.Channels, func(c strategyv1.ChannelSpec) bool { return c.Name == name }); at >= 0 {
			all = append(all, spec.Channels[at])
		}
	}
	if len(all) == 0 {
		return spec.Channels
	}
	return all
}

// over sends a notification over one channel, and says why it was not taken. What cannot be sent for what the Secret says, or for want of an
// answer of the API server, is a failure like any other: nobody was told.
func (r *outbox) over(ctx context.Context, object *strategyv1.StrategyIncident, n strategyv1.NotificationStatus, channel strategyv1.ChannelSpec) (problem string) {
	secret, problem, err := r.channelSecret(ctx, object.Namespace, channel)
	if err != nil {
		return r.unread(ctx, n, err)
	}
	if problem != "" {
		return problem
	}
	ctx, enough := context.WithTimeout(ctx, r.Pauses.NotifyCall)
	defer enough()
	failed := r.channels.Send(ctx, notify.Message{
		Namespace: object.Namespace, Channel: channel, Secret: secret, Key: n.Key, News: notify.News{Incident: object, Notification: n, Now: r.Clock.Now()},
	})
	if failed != nil {
		return failed.Error()
	}
	return ""
}

// channelKeys are where the Secret of a channel has what is secret, by type.
var channelKeys = map[strategyv1.ChannelType]secretKind{
	strategyv1.ChannelWebhook:      {key: secretKey, name: "the signing key of the webhook"},
	strategyv1.ChannelSlack:        {key: secretURL, name: "the URL of Slack"},
	strategyv1.ChannelTeams:        {key: secretURL, name: "the URL of Teams"},
	strategyv1.ChannelPagerDuty:    {key: "routing-key", name: "the routing key of PagerDuty"},
	strategyv1.ChannelEmail:        {key: "password", name: "the password of the mail server"},
	strategyv1.ChannelNtfy:         {key: "token", name: "the token of ntfy"},
	strategyv1.ChannelAlertmanager: {key: "token", name: "the token of Alertmanager"},
}

func (r *outbox) channelSecret(ctx context.Context, namespace string, channel strategyv1.ChannelSpec) (secret, problem string, err error) {
	if channel.SecretName == "" {
		return "", "", nil
	}
	kind := channelKeys[channel.Type]
	kind.field = "spec.notifications.channels, " + channel.Name
	at := types.NamespacedName{Namespace: namespace, Name: channel.SecretName}
	secret, problem, err = r.observeOwned(ctx, kind, at, channel.URL)
	if channel.Type == strategyv1.ChannelWebhook && problem == "" && err == nil && len(secret) < notify.MinKeyBytes {
		problem = fmt.Sprintf("Secret %s, key %q has less than %d bytes; make it longer", at, kind.key, notify.MinKeyBytes)
	}
	if channel.Type != strategyv1.ChannelWebhook { // a key may be any bytes; the others are words
		secret = strings.TrimSpace(secret)
	}
	return secret, problem, err
}

// unread has the log say what a status must not.
func (r *outbox) unread(ctx context.Context, n strategyv1.NotificationStatus, err error) (problem string) {
	log.FromContext(ctx).Error(err, "A notification cannot be sent", "key", n.Key)
	return "what it needs cannot be read: the API server gives no answer about the playbook or its Secret; the operator's log says why"
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
