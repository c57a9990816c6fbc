package notify_test

import (
	"crypto/x509"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/notify"
	"tradeops.dev/strategy-operator/internal/signals"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func channel(kind strategyv1.ChannelType, url string) strategyv1.ChannelSpec {
	return strategyv1.ChannelSpec{Name: "one", Type: kind, URL: url}
}

// news is about an incident that others named.
func news(event strategyv1.NotificationEvent) notify.News {
	return notify.News{
		Now: noon,
		Incident: &strategyv1.StrategyIncident{
			ObjectMeta: metav1.ObjectMeta{Namespace: "trading", Name: "pnl-1", UID: "u", CreationTimestamp: metav1.NewTime(noon)},
			Spec:       strategyv1.StrategyIncidentSpec{PlaybookName: "multi-strategy", Type: "PnL", Severity: "Critical", Schedule: "grid", Mode: strategyv1.IncidentDrill},
			Status: strategyv1.StrategyIncidentStatus{
				DueTime: new(metav1.NewTime(noon.Add(15 * time.Minute))), Dashboards: []strategyv1.Dashboard{{Name: "pnl", URL: "https://grafana/d"}},
				OnCall: []strategyv1.OnCallStatus{{Level: strategyv1.LevelL2, Name: "bob", Contact: "+48 600"}},
			},
		},
		Notification: strategyv1.NotificationStatus{Key: "u/x", Event: event, Level: strategyv1.LevelL2, RollbackName: "stop", Message: "it loses <!channel>", AskedTime: metav1.NewTime(noon)},
	}
}

// got is what a sink took: each request as its headers and body.
type got struct {
	path   string
	header http.Header
	body   string
}

// sink takes what is sent over a channel.
func sink(t *testing.T, secret string, made func(url string) strategyv1.ChannelSpec, what notify.News) (all []got) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		all = append(all, got{r.URL.Path, r.Header, string(body)})
	}))
	defer server.Close()
	if missed, err := sender(t, func(err error) { t.Error(err) }).Send(t.Context(), notify.Message{
		Namespace: "trading", Channel: made(server.URL), Secret: strings.ReplaceAll(secret, "URL", server.URL), Key: "u/x", News: what,
	}); err != nil || missed != "" {
		t.Fatal(missed, err)
	}
	return all
}

func plain(kind strategyv1.ChannelType, path string) func(string) strategyv1.ChannelSpec {
	return func(url string) strategyv1.ChannelSpec { return channel(kind, url+path) }
}

// atSecret is a channel whose URL is in the Secret alone.
func atSecret(kind strategyv1.ChannelType) func(string) strategyv1.ChannelSpec {
	return func(string) strategyv1.ChannelSpec { return channel(kind, "") }
}

// TestWhatPeopleRead: what happened, what is asked of whom, until when, the command, and the links; in the same words on all channels.
func TestWhatPeopleRead(t *testing.T) {
	const text = "DRILL L2 called: trading/pnl-1 PnL Critical grid\n\nWhat: it loses <!channel>\nThis is an exercise.\n" +
		"Asked: L2 (on call for L2: bob +48 600), by 2026-11-23T12:15:00Z (in 15m)\nRun: kubectl strategy acknowledge pnl-1 -n trading\npnl: https://grafana/d"
	called := news(strategyv1.NotifyLevelCalled)
	ntfy := sink(t, "tk_1", plain(strategyv1.ChannelNtfy, "/alerts"), called)[0]
	if ntfy.body != text || ntfy.path != "/alerts" || ntfy.header.Get("Authorization") != "Bearer tk_1" || ntfy.header.Get("Priority") != "high" {
		t.Errorf("ntfy: %+v", ntfy)
	}
	var slack struct{ Text string }
	took := sink(t, "URL/services/T/B/x", atSecret(strategyv1.ChannelSlack), called)[0]
	if err := json.Unmarshal([]byte(took.body), &slack); err != nil || took.path != "/services/T/B/x" || slack.Text != strings.NewReplacer("<", "&lt;", ">", "&gt;").Replace(text) {
		t.Errorf("slack: %v, %s", err, took.body)
	}
	teams := sink(t, "URL/workflows/x", atSecret(strategyv1.ChannelTeams), called)[0]
	if !strings.Contains(teams.body, "application/vnd.microsoft.card.adaptive") || !strings.Contains(teams.body, "kubectl strategy acknowledge pnl-1 -n trading") {
		t.Errorf("teams: %s", teams.body)
	}
	closed := sink(t, "tk_1", plain(strategyv1.ChannelNtfy, "/alerts"), news(strategyv1.NotifyClosed))[0]
	if strings.Contains(closed.body, "Asked:") || closed.header.Get("Priority") != "default" {
		t.Errorf("closed: %+v", closed)
	}
	approve := sink(t, "tk_1", plain(strategyv1.ChannelNtfy, "/alerts"), news(strategyv1.NotifyAwaitingApproval))[0]
	if !strings.Contains(approve.body, "Asked: somebody who may approve") || !strings.Contains(approve.body, "Run: kubectl strategy approve stop -n trading") {
		t.Errorf("approval: %s", approve.body)
	}
}

// TestPagesEndWithTheIncident, and with nothing else: each level has one page, whatever is said of it.
func TestPagesEndWithTheIncident(t *testing.T) {
	var keys []string
	severities := map[strategyv1.NotificationEvent]string{
		strategyv1.NotifyLevelCalled: "critical", strategyv1.NotifyPersonAsked: "critical", strategyv1.NotifyAwaitingApproval: "critical",
		strategyv1.NotifyRelapsed: "critical", strategyv1.NotifyFeedSwitched: "info",
	}
	for _, event := range []strategyv1.NotificationEvent{strategyv1.NotifyLevelCalled, strategyv1.NotifyPersonAsked, strategyv1.NotifyAwaitingApproval, strategyv1.NotifyRelapsed, strategyv1.NotifyFeedSwitched, strategyv1.NotifyClosed, strategyv1.NotifyPageEnded} {
		for _, took := range sink(t, "routing", plain(strategyv1.ChannelPagerDuty, "/v2/enqueue"), news(event)) {
			var sent struct {
				RoutingKey  string `json:"routing_key"`
				EventAction string `json:"event_action"`
				DedupKey    string `json:"dedup_key"`
				Payload     struct{ Summary, Severity string }
			}
			if err := json.Unmarshal([]byte(took.body), &sent); err != nil || sent.RoutingKey != "routing" {
				t.Fatalf("%v: %s", err, took.body)
			}
			if (sent.EventAction == "trigger") != strings.HasPrefix(sent.Payload.Summary, "DRILL") || sent.Payload.Severity != severities[event] {
				t.Errorf("%s: %s", event, took.body)
			}
			keys = append(keys, sent.EventAction+" "+sent.DedupKey)
		}
	}
	if all := strings.Join(keys, ", "); all != strings.Repeat("trigger u/L2, ", 4)+"trigger u/news"+strings.Repeat(", resolve u/L1, resolve u/L2, resolve u/TechLead, resolve u/none, resolve u/news", 2) {
		t.Error(all)
	}
}

// TestAlertsEndWithTheIncident: the labels stay the same, so the end is that of the same alert.
func TestAlertsEndWithTheIncident(t *testing.T) {
	type alert struct {
		Labels         map[string]string
		EndsAt         time.Time
		StartsAt       time.Time
		GeneratorURL   string
		AnnotationsAny map[string]string `json:"annotations"`
	}
	send := func(event strategyv1.NotificationEvent) (alerts []alert) {
		took := sink(t, "", plain(strategyv1.ChannelAlertmanager, "/am/"), news(event))[0]
		if err := json.Unmarshal([]byte(took.body), &alerts); err != nil || took.path != "/am/api/v2/alerts" || took.header.Get("Authorization") != "" {
			t.Fatalf("%v: %+v", err, took)
		}
		return alerts
	}
	fires, ends := send(strategyv1.NotifyLevelCalled), send(strategyv1.NotifyClosed)
	if len(fires) != 1 || len(ends) != 5 || !fires[0].EndsAt.After(noon) || ends[1].EndsAt.After(noon) || ends[1].Labels["level"] != "L2" {
		t.Fatalf("%+v\n%+v", fires, ends)
	}
	for name, value := range fires[0].Labels {
		if ends[1].Labels[name] != value || len(ends[1].Labels) != len(fires[0].Labels) {
			t.Errorf("label %s: %v, %v", name, fires[0].Labels, ends[1].Labels)
		}
	}
}

// TestASecretURLIsInNoErrorAndNoLog of a server that is not there, or may not be asked.
func TestASecretURLIsInNoErrorAndNoLog(t *testing.T) {
	for _, where := range []string{"http://127.0.0.1:1/services/T0PSECRET", "https://hooks.elsewhere.com/T0PSECRET", "http://a b/T0PSECRET", "http://127.0.0.1:1/%zz/T0PSECRET", "ftp://x/T0PSECRET", ""} {
		var logged []string
		allow, _ := signals.ParseAllow("127.0.0.0/8")
		strict := notify.New(signals.Options{AllowLoopback: true, Allow: allow, Failed: logs(&logged)})
		_, err := strict.Send(t.Context(), notify.Message{Namespace: "trading", Channel: channel(strategyv1.ChannelSlack, ""), Secret: where, News: news(strategyv1.NotifyClosed)})
		if err == nil || strings.Contains(err.Error()+strings.Join(logged, " "), "T0PSECRET") {
			t.Errorf("%s: %v, logged %q", where, err, logged)
		}
	}
}

// TestMail goes over TLS, with a password, or not at all.
func TestMail(t *testing.T) {
	for name, c := range map[string]struct {
		server   *smtpServer
		scheme   string
		password string
		untrust  bool
		want     string
	}{
		"STARTTLS":             {&smtpServer{starts: true}, "smtp", "right", false, ""},
		"TLS at once":          {&smtpServer{atOnce: true}, "smtps", "right", false, ""},
		"it leaves after it":   {&smtpServer{starts: true, leaves: true}, "smtp", "right", false, ""},
		"no TLS":               {&smtpServer{}, "smtp", "right", false, "the server gives no answer"},
		"no TLS, where wanted": {&smtpServer{}, "smtps", "right", false, "the server gives no answer"},
		"nobody vouches":       {&smtpServer{starts: true}, "smtp", "right", true, "the server gives no answer"},
		"a wrong password":     {&smtpServer{starts: true}, "smtp", "wrong", false, "the server gives no answer"},
		"it takes no mail":     {&smtpServer{starts: true, refuses: true}, "smtp", "right", false, "the mail server answers 550"},
		"it says nothing":      {&smtpServer{hangs: true}, "smtp", "right", false, "the server gives no answer"},
	} {
		t.Run(name, func(t *testing.T) {
			var logged []string
			address, options := c.server.trusted(t, &logged)
			if c.untrust {
				options.Roots = x509.NewCertPool()
			}
			_, err := notify.New(options).Send(t.Context(), notify.Message{
				Namespace: "trading", Channel: mailTo(c.scheme + "://" + address), Secret: c.password, Key: "u/x", News: news(strategyv1.NotifyLevelCalled),
			})
			if (err == nil) != (c.want == "") || err != nil && !strings.HasPrefix(err.Error(), c.want) {
				t.Fatalf("it says %v, not %q; log: %q", err, c.want, logged)
			}
			took := c.server.took()
			if strings.Contains(strings.Join(logged, " ")+took.plain, "right") || strings.Contains(took.plain, "cmlnaHQ") {
				t.Errorf("the password was readable: %q, %q", logged, took.plain)
			}
			if c.want != "" {
				if took.letter != "" {
					t.Errorf("it took %s", took.letter)
				}
				return
			}
			for _, want := range []string{"From: <operator@example.com>", "<l2@example.com>", "<lead@example.com>", "Subject: DRILL L2 called: trading/pnl-1", "kubectl strategy acknowledge pnl-1 -n trading", "Message-ID: <"} {
				if !strings.Contains(strings.ReplaceAll(took.letter, "\r\n ", " "), want) {
					t.Errorf("without %q:\n%s", want, took.letter)
				}
			}
		})
	}
}

// TestChannelURLs that are never asked, and how to write them.
func TestChannelURLs(t *testing.T) {
	for text, want := range map[string]string{
		"": "", "https://events.pagerduty.com/v2/enqueue": "", "smtp://mail.corp:587": "", "smtps://mail.corp:465": "",
		"smtp://mail.corp": "write it like smtp://mail.example.com:587", "smtp://u:p@mail.corp:25": "holds a user", "smtp://0x7f.1:25": "unusual form", "smtp://169.254.169.254:25": "does not ask",
	} {
		if err := signals.CheckChannel(text); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}
