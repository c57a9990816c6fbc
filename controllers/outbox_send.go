package controllers

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/log"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/lifecycle"
	"tradeops.dev/strategy-operator/internal/notify"
)

// try sends one notification once, or says when it may be.
func (r *outbox) try(ctx context.Context, object *strategyv1.StrategyIncident, n strategyv1.NotificationStatus, known sent) (again time.Time) {
	channels, problem := r.channelsFor(ctx, object, n)
	var became delivery
	if problem == "" {
		if became = r.send(ctx, object, n, channels); !became.again.IsZero() {
			return became.again
		}
		problem = strings.Join(became.problems, "; ")
	}
	known.Attempts++
	known.Channel, known.Problem = became.channel, problem
	now := r.Clock.Now()
	if known.Channel != "" {
		known.Delivered = now
	} else {
		known.nextAt = now.Add(min(r.Pauses.NotifyRetry<<min(known.Attempts-1, 20), r.Pauses.NotifyHangs))
		if became.asked.After(known.nextAt) {
			known.nextAt = became.asked
		}
	}
	r.receipts.sent.put(n.Key, known, len(n.Key)+len(known.Problem))
	r.wake(object)
	return time.Time{}
}

// channelsFor are the channels that a notification may go over, in order, or why there are none.
func (r *outbox) channelsFor(ctx context.Context, object *strategyv1.StrategyIncident, n strategyv1.NotificationStatus) (all []strategyv1.ChannelSpec, problem string) {
	if object.Status.Review == strategyv1.ReviewAwaited {
		return nil, "nobody has approved the playbook yet, so its channels get nothing; kubectl strategy review shows it"
	}
	frozen, missing, err := r.observeFrozen(ctx, object.Namespace, object.Status.PlaybookRevision)
	if err != nil {
		return nil, r.unread(ctx, n, err)
	}
	if missing != nil {
		return nil, missing.Message
	}
	if frozen.spec.Notifications == nil { // approved meanwhile, without it
		return nil, "the playbook that the incident runs on has no notifications"
	}
	return lifecycle.Channels(*frozen.spec.Notifications, n), ""
}

// delivery is what became of one notification.
type delivery struct {
	channel  string    // that took it
	problems []string  // why those before did not or, if nobody did, why
	again    time.Time // when it may be sent; zero: it was tried
	asked    time.Time // until when all of them asked to be left alone
}

// send gives a notification to the first channel that takes it. One that gives no answer, as others have just seen, or that asks to be left
// alone, is passed over at once.
func (r *outbox) send(ctx context.Context, object *strategyv1.StrategyIncident, n strategyv1.NotificationStatus, channels []strategyv1.ChannelSpec) (became delivery) {
	message := notify.Message{Namespace: object.Namespace, Key: n.Key, News: notify.News{Incident: object, Notification: n, Now: r.Clock.Now()}}
	paced := urgent(object.Status.Notifications, n)
	for i, one := range channels {
		on, now := lineOf(object.Namespace, one), r.Clock.Now()
		message.Channel, message.News.Now = one, now
		if away, asked := r.board.away(on, now); away != "" {
			became.fail(i, one, away, asked)
			continue
		}
		if !paced {
			if at := r.board.wait(pacedBy(object.Namespace, one, message), now, r.Pauses.NotifyPace); !at.IsZero() {
				return delivery{again: at}
			}
			paced = true
		}
		if !r.board.begin(on, now) {
			return delivery{again: now.Add(r.Pauses.NotifyPace)} // others are at it; the outbox of another namespace may be at work meanwhile
		}
		missed, err := r.over(ctx, message)
		if ctx.Err() != nil { // whoever sends goes away, which says nothing about the channel
			r.board.leave(on)
			return delivery{again: now.Add(r.Pauses.NotifyPace)}
		}
		r.board.end(on, r.Clock.Now(), err, r.Pauses)
		if err == nil {
			became.channel = one.Name
			if missed != "" {
				became.problems = append(became.problems, "channel "+one.Name+": not told: "+missed)
			}
			return became
		}
		notificationsTotal.WithLabelValues(string(n.Event), "failed").Inc()
		_, asked := r.board.away(on, r.Clock.Now())
		became.fail(i, one, err.Error(), asked)
	}
	return became
}

// fail adds why a channel did not take it. Only if every one of them asks for it the next try waits for that.
func (d *delivery) fail(i int, channel strategyv1.ChannelSpec, why string, asked time.Time) {
	d.problems = append(d.problems, "channel "+channel.Name+": "+why)
	if i == 0 || asked.Before(d.asked) {
		d.asked = asked
	}
}

// over sends a message over its channel, and says who did not get it. What cannot be sent for what the Secret says, or for want of an answer of
// the API server, is a failure like any other: nobody was told.
func (r *outbox) over(ctx context.Context, message notify.Message) (missed string, err error) {
	secret, problem, err := r.channelSecret(ctx, message.Namespace, message.Channel)
	if err != nil {
		problem = r.unread(ctx, message.News.Notification, err)
	}
	if problem != "" {
		return "", errors.New(problem)
	}
	message.Secret = secret
	ctx, enough := context.WithTimeout(ctx, r.Pauses.NotifyCall)
	defer enough()
	return r.channels.Send(ctx, message)
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
