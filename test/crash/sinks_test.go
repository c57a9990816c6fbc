package crash

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/notify"
	"tradeops.dev/strategy-operator/internal/signals"
	"tradeops.dev/strategy-operator/internal/sim"
	"tradeops.dev/strategy-operator/test/scenarios"
)

// TestEveryLevelHearsOfItsCall over real requests: an incident goes from L1 to L2 and to the lead, and each call, the question to whoever may
// approve, and the end arrive where the routes say.
func TestEveryLevelHearsOfItsCall(t *testing.T) {
	pages, chat := sinksOf(t, func(story *scenarios.Scenario) { story.Script = nil }) // nobody decides anything
	for _, want := range []string{"trigger/L1", "trigger/L2", "trigger/TechLead"} {
		if !slices.Contains(pages, want) {
			t.Errorf("no page %s: %v", want, pages)
		}
	}
	if chat[0] != "approval needed" || slices.ContainsFunc(pages, func(page string) bool { return strings.HasPrefix(page, "resolve") }) {
		t.Errorf("chat: %v, pages: %v", chat, pages)
	}
	pages, chat = sinksOf(t, func(*scenarios.Scenario) {}) // somebody approves, and the fault ends
	if all := strings.Join(pages, " "); all != "trigger/L1 trigger/L2 resolve/L1 resolve/L2 resolve/TechLead resolve/none resolve/news" || strings.Join(chat, ", ") != "approval needed, closed" {
		t.Errorf("chat: %v, pages: %v", chat, pages)
	}
}

// sinksOf plays the main story, and says what a pager and a chat took.
func sinksOf(t *testing.T, change func(*scenarios.Scenario)) (pages, chat []string) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, request *http.Request) {
		body, err := io.ReadAll(request.Body)
		if err != nil {
			t.Error(err)
		}
		var took struct {
			Text        string
			EventAction string `json:"event_action"`
			DedupKey    string `json:"dedup_key"`
		}
		if err := json.Unmarshal(body, &took); err != nil {
			t.Errorf("%v: %s", err, body)
		}
		if took.DedupKey != "" {
			pages = append(pages, took.EventAction+took.DedupKey[strings.LastIndex(took.DedupKey, "/"):])
			return
		}
		title, _, _ := strings.Cut(took.Text, ":")
		chat = append(chat, title)
	}))
	defer server.Close()
	allow, err := signals.ParseAllow("127.0.0.0/8")
	if err != nil {
		t.Fatal(err)
	}
	story := notified(nil)
	change(&story)
	before := story.Playbook
	story.Playbook = func(spec *strategyv1.StrategyPlaybookSpec) {
		before(spec)
		spec.Notifications = &strategyv1.NotificationsSpec{
			Channels: []strategyv1.ChannelSpec{
				{Name: "pager", Type: strategyv1.ChannelPagerDuty, URL: server.URL + "/enqueue", SecretName: sim.WebhookSecret},
				{Name: "chat", Type: strategyv1.ChannelSlack, SecretName: sim.WebhookSecret},
			},
			Routes: []strategyv1.NotificationRoute{
				{Name: "on-call", Events: []strategyv1.NotificationEvent{strategyv1.NotifyLevelCalled, strategyv1.NotifyRelapsed}, Channels: []string{"pager", "chat"}},
				{Name: "approvers", Events: []strategyv1.NotificationEvent{strategyv1.NotifyAwaitingApproval, strategyv1.NotifyPersonAsked}, Channels: []string{"chat"}},
			},
		}
	}
	r := begin(t, story, Mutant{}, &Cut{})
	sim.Change(r.World, sim.WebhookSecret, r.WebhookKey(), func(s *secret) {
		s.Data["url"], s.Data["routing-key"] = []byte(server.URL+"/enqueue"), []byte("routing")
	})
	r.Webhook.Via = notify.New(signals.Options{AllowLoopback: true, Allow: allow}).Send
	for range 30 {
		r.goOn(context.Background())
		r.Pass(time.Minute)
	}
	var incidents strategyv1.StrategyIncidentList
	r.List(&incidents)
	for _, n := range incidents.Items[0].Status.Notifications {
		if n.DropReason == strategyv1.DropUnreached || n.Problem != "" && n.DeliveredTime != nil {
			t.Errorf("%+v", n)
		}
	}
	return pages, chat
}
