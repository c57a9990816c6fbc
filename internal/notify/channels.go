package notify

import (
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"strings"
	"time"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/lifecycle"
)

// post is one request that a channel takes.
type post struct {
	url    string
	header http.Header
	body   []byte
}

// posts are the requests of a message, in order.
func posts(m Message) ([]post, error) {
	switch m.Channel.Type {
	case strategyv1.ChannelWebhook:
		return webhook(m)
	case strategyv1.ChannelSlack:
		return one(m.Secret, nil, map[string]any{"text": escaped.Replace(m.News.text())})
	case strategyv1.ChannelTeams:
		return teams(m)
	case strategyv1.ChannelPagerDuty:
		return pagerDuty(m)
	case strategyv1.ChannelAlertmanager:
		return alertmanager(m)
	case strategyv1.ChannelNtfy:
		return ntfy(m), nil
	}
	return nil, fmt.Errorf("channel type %q is not known", m.Channel.Type)
}

// one is a POST of JSON.
func one(url string, header http.Header, body any) ([]post, error) {
	data, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	if header == nil {
		header = http.Header{}
	}
	header.Set("Content-Type", "application/json")
	return []post{{url, header, data}}, nil
}

func webhook(m Message) ([]post, error) {
	data, err := Body(m.News.Incident, m.News.Notification)
	if err != nil {
		return nil, err
	}
	header := http.Header{"Content-Type": {"application/json"}, "Idempotency-Key": {m.Key}, "X-Signature": {Sign([]byte(m.Secret), data)}}
	return []post{{m.Channel.URL, header, data}}, nil
}

// escaped keeps names and messages, which others wrote, from calling everybody in a channel of Slack.
var escaped = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

// teams is a card with plain text: a message of others makes no links.
func teams(m Message) ([]post, error) {
	block := func(text, weight string) map[string]any {
		return map[string]any{"type": "RichTextBlock", "inlines": []any{map[string]any{"type": "TextRun", "text": text, "weight": weight}}}
	}
	title, rest, _ := strings.Cut(m.News.text(), "\n")
	var body []any
	body = append(body, block(title, "Bolder"))
	for line := range strings.SplitSeq(strings.TrimSpace(rest), "\n") {
		body = append(body, block(line, "Default"))
	}
	card := map[string]any{"type": "AdaptiveCard", "version": "1.4", "body": body}
	return one(m.Secret, nil, map[string]any{
		"type": "message", "attachments": []any{map[string]any{"contentType": "application/vnd.microsoft.card.adaptive", "content": card}},
	})
}

// dedupKey is what a page of an incident is known by.
func (n News) dedupKey(page string) string { return string(n.Incident.UID) + "/" + page }

// pagerDuty triggers, or at the end resolves the page of each level. Nothing but the end does.
func pagerDuty(m Message) ([]post, error) {
	var all []post
	for _, page := range m.News.pages() {
		event := map[string]any{"routing_key": m.Secret, "event_action": "resolve", "dedup_key": m.News.dedupKey(page)}
		if !lifecycle.Ends(m.News.Notification.Event) {
			event["event_action"] = "trigger"
			event["payload"] = map[string]any{
				"summary": m.News.title(), "source": m.News.Incident.Namespace + "/" + m.News.Incident.Name, "severity": m.News.severity(),
				"timestamp": at(m.News.Notification.AskedTime.Time), "class": string(m.News.Notification.Event), "custom_details": map[string]any{"text": m.News.text()},
			}
			links := []any{}
			for _, dashboard := range m.News.Incident.Status.Dashboards {
				links = append(links, map[string]any{"href": dashboard.URL, "text": dashboard.Name})
			}
			event["links"] = links
		}
		made, err := one(m.Channel.URL, nil, event)
		if err != nil {
			return nil, err
		}
		all = append(all, made...)
	}
	return all, nil
}

// severity in the words of PagerDuty. A drill pages like what it exercises, and says that it is one.
func (n News) severity() string {
	switch severity := lifecycle.Severity(n.Incident); {
	case !n.asks():
		return "info"
	case severity == strategyv1.SeverityCritical:
		return "critical"
	case severity == strategyv1.SeverityWarning:
		return "warning"
	}
	return "info"
}

// alertFor is how long an alert fires that nothing ends.
const alertFor = 24 * time.Hour

// alertmanager posts one alert for each level, which fires until the incident is closed. No silence is ever made: it would hide the fault from
// the intake, too.
func alertmanager(m Message) ([]post, error) {
	n := m.News
	ends := n.Now.Add(alertFor)
	if lifecycle.Ends(n.Notification.Event) {
		ends = n.Now
	}
	var alerts []any
	for _, page := range n.pages() {
		alerts = append(alerts, map[string]any{
			"labels": map[string]string{
				"alertname": "StrategyIncident", "namespace": n.Incident.Namespace, "incident": n.Incident.Name, "uid": string(n.Incident.UID), "level": page,
				"playbook": n.Incident.Spec.PlaybookName, "type": string(n.Incident.Spec.Type), "mode": orElse(string(n.Incident.Spec.Mode), string(strategyv1.IncidentLive)),
			},
			"annotations": map[string]string{"summary": n.title(), "description": n.text()},
			"startsAt":    at(n.Incident.CreationTimestamp.Time), "endsAt": at(ends),
		})
	}
	return one(strings.TrimRight(m.Channel.URL, "/")+"/api/v2/alerts", bearer(m.Secret), alerts)
}

func ntfy(m Message) []post {
	header := bearer(m.Secret)
	header.Set("Content-Type", "text/plain; charset=utf-8")
	header.Set("Title", mime.QEncoding.Encode("utf-8", m.News.title()))
	header.Set("Priority", map[bool]string{true: "high", false: "default"}[m.News.asks()])
	return []post{{m.Channel.URL, header, []byte(m.News.text())}}
}

func bearer(token string) http.Header {
	header := http.Header{}
	if token = strings.TrimSpace(token); token != "" {
		header.Set("Authorization", "Bearer "+token)
	}
	return header
}
