package sim

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/controllers"
	"tradeops.dev/strategy-operator/internal/notify"
)

// The webhook that playbooks of simulated worlds may name.
const (
	WebhookURL    = "http://hooks.world-1:8080/strategy"
	WebhookSecret = "webhook"
)

// webhookKey signs the notifications of simulated worlds, and of nothing else.
var webhookKey = []byte("another key of the tests, 32 bytes long, or more")

// Webhook is the server that gets notifications.
type Webhook struct {
	// Down is what every call is answered with; nil: it takes them.
	Down error
	// Via sends messages instead; nil: the server takes them itself.
	Via func(context.Context, notify.Message) (missed string, err error)
	// Got is how often it took each notification, by key.
	Got map[string]int
	// Keys of these, in the order in which they came first.
	Keys []string
}

// Notified has the playbook of a world notify people.
func Notified(spec *strategyv1.StrategyPlaybookSpec) {
	spec.Notifications = &strategyv1.NotificationsSpec{Channels: []strategyv1.ChannelSpec{{Name: "hook", Type: strategyv1.ChannelWebhook, URL: WebhookURL, SecretName: WebhookSecret}}}
}

// WebhookKey is the Secret of the webhook.
func (w *World) WebhookKey() *corev1.Secret {
	return &corev1.Secret{ObjectMeta: w.managed(WebhookSecret), Data: map[string][]byte{"hmac-key": webhookKey, "url": []byte(WebhookURL)}}
}

func (h *Webhook) fork() *Webhook {
	return &Webhook{Down: h.Down, Via: h.Via, Got: maps.Clone(h.Got), Keys: slices.Clone(h.Keys)}
}

// take is one call. Like a real server it believes no body that is not signed, or that is no notification.
func (h *Webhook) take(message notify.Message) error {
	if h.Down != nil {
		return h.Down
	}
	sent, err := notify.Body(message.News.Incident, message.News.Notification)
	if err != nil {
		return err
	}
	var body struct{ Key string }
	switch err := json.Unmarshal(sent, &body); {
	case message.Channel.URL != WebhookURL:
		return errors.New("the server gives no answer")
	case message.Secret != string(webhookKey):
		return errors.New("the server answers HTTP 401")
	case err != nil || body.Key != message.Key || message.Key == "":
		return errors.New("the server answers HTTP 400")
	}
	if h.Got[message.Key] == 0 {
		h.Keys = append(h.Keys, message.Key)
	}
	h.Got[message.Key]++
	return nil
}

// watchedWebhook is the server as operators call it.
type watchedWebhook struct {
	world  *World
	writes *effects
}

// Send implements controllers.Channels.
func (h *watchedWebhook) Send(ctx context.Context, message notify.Message) (missed string, err error) {
	err = h.writes.do("post "+message.Key, func() (err error) {
		if via := h.world.Webhook.Via; via != nil {
			missed, err = via(ctx, message)
			return err
		}
		return h.world.Webhook.take(message)
	})
	return missed, err
}

var _ controllers.Channels = &watchedWebhook{}
