package crash

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"slices"
	"strings"
	"testing"
	"time"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/hack/demo/sinks"
	"tradeops.dev/strategy-operator/internal/notify"
	"tradeops.dev/strategy-operator/internal/signals"
	"tradeops.dev/strategy-operator/internal/sim"
	"tradeops.dev/strategy-operator/test/scenarios"
)

// over is the main story with these channels, in order.
func over(channels ...strategyv1.ChannelSpec) scenarios.Scenario {
	story := notified(nil)
	before := story.Playbook
	story.Playbook = func(spec *strategyv1.StrategyPlaybookSpec) {
		before(spec)
		spec.Notifications.Channels = channels
	}
	return story
}

// inbox is what servers of one kind took, each message by what tells a repetition from a new one.
type inbox struct {
	web, mail string // where they listen
	url       string // what the Secret of the channels says
	roots     *x509.CertPool
	got       []string
	letters   *sinks.Sinks
	before    int                       // letters of earlier runs
	lost      func(notify.Message) bool // whose answer is lost; nil: none
	effects   []string                  // of the operator in the last run
}

// start is a run whose operator sends real requests.
func (in *inbox) start(t *testing.T, story scenarios.Scenario, cut *Cut) *run {
	t.Helper()
	allow, err := signals.ParseAllow("127.0.0.0/8")
	if err != nil {
		t.Fatal(err)
	}
	r := begin(t, story, Mutant{}, cut)
	sim.Change(r.World, sim.WebhookSecret, r.WebhookKey(), func(s *secret) {
		s.Data["routing-key"], s.Data["token"], s.Data["password"], s.Data["url"] = []byte("routing"), []byte("token"), []byte(mailPassword), []byte(in.url)
	})
	send := notify.New(signals.Options{AllowLoopback: true, Allow: allow, Roots: in.roots}).Send
	r.Webhook.Via = func(ctx context.Context, m notify.Message) (string, error) {
		missed, err := send(ctx, m)
		if err == nil && in.lost != nil && in.lost(m) {
			return "", errLost
		}
		return missed, err
	}
	return r
}

// told plays a story to its end, and says what the incident knows of its notifications, and what came.
func (in *inbox) told(t *testing.T, story scenarios.Scenario, cut *Cut) (statuses []strategyv1.NotificationStatus, got []string) {
	t.Helper()
	in.got, in.before = nil, len(in.letters.Taken())
	r := in.start(t, story, cut)
	r.end()
	in.effects = cut.Effects
	_, statuses = told(r.World)
	return statuses, append(in.got, in.mails(t)...)
}

const mailUser, mailPassword = "operator@example.com", "password"

func newInbox(t *testing.T) *inbox {
	t.Helper()
	in := &inbox{roots: x509.NewCertPool(), letters: &sinks.Sinks{User: mailUser, Secret: mailPassword}}
	web := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, request *http.Request) {
		body, err := io.ReadAll(request.Body)
		if err != nil {
			t.Error(err)
		}
		in.got = append(in.got, identity(t, request.Header, body))
	}))
	t.Cleanup(web.Close)
	certificates := httptest.NewTLSServer(nil)
	t.Cleanup(certificates.Close)
	in.roots.AddCert(certificates.Certificate())
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := in.letters.MailServer(&tls.Config{Certificates: certificates.TLS.Certificates, MinVersion: tls.VersionTLS12})
	go func() { _ = server.Serve(listener) }() // ends with the listener
	t.Cleanup(func() { _ = server.Close() })
	in.web, in.url, in.mail = web.URL, web.URL, listener.Addr().String()
	return in
}

// identity is what whoever gets a message drops it by if it comes again; of a chat that is what people read.
func identity(t *testing.T, header http.Header, body []byte) string {
	t.Helper()
	if key := header.Get("Idempotency-Key"); key != "" {
		return key
	}
	var page struct {
		DedupKey string `json:"dedup_key"`
		Action   string `json:"event_action"`
	}
	if err := json.Unmarshal(body, &page); err == nil && page.DedupKey != "" {
		return page.Action + " " + page.DedupKey
	}
	var alerts []struct{ Labels map[string]string }
	if err := json.Unmarshal(body, &alerts); err == nil && len(alerts) > 0 {
		return "alert " + alerts[0].Labels["level"]
	}
	text := string(body)
	if _, inside, is := strings.Cut(text, `"text":"`); is {
		text = inside
	}
	return text[:strings.IndexAny(text, "\n\\\"")] // the title
}

// mails are the letters that came, by their Message-ID.
func (in *inbox) mails(t *testing.T) (all []string) {
	t.Helper()
	for _, letter := range in.letters.Taken()[in.before:] {
		header, err := textproto.NewReader(bufio.NewReader(strings.NewReader(letter.Body))).ReadMIMEHeader()
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, header.Get("Message-Id"))
	}
	return all
}

// TestACrashBetweenSendingAndKnowing sends the same again, over each kind of channel: nothing is lost, and whoever gets it can tell.
func TestACrashBetweenSendingAndKnowing(t *testing.T) {
	for _, kind := range []strategyv1.ChannelType{
		strategyv1.ChannelWebhook, strategyv1.ChannelSlack, strategyv1.ChannelTeams, strategyv1.ChannelPagerDuty, strategyv1.ChannelEmail,
		strategyv1.ChannelAlertmanager, strategyv1.ChannelNtfy,
	} {
		t.Run(string(kind), func(t *testing.T) {
			in := newInbox(t)
			channel := strategyv1.ChannelSpec{Name: "one", Type: kind, SecretName: sim.WebhookSecret}
			switch kind {
			case strategyv1.ChannelSlack, strategyv1.ChannelTeams:
			case strategyv1.ChannelEmail:
				channel.URL, channel.Email = "smtp://"+in.mail, &strategyv1.EmailSpec{From: mailUser, To: []string{"bob@example.com"}}
				in.url = channel.URL
			default:
				channel.URL = in.web
			}
			_, want := in.told(t, over(channel), &Cut{})
			effects := in.effects
			cuts, repeated := 0, 0
			for at, effect := range effects {
				if !strings.HasPrefix(effect, "post ") {
					continue
				}
				cuts++
				statuses, got := in.told(t, over(channel), &Cut{Point: Point{at + 1, After}})
				for _, n := range statuses {
					if n.DropReason == strategyv1.DropUnreached || n.DeliveredTime == nil && n.DroppedTime == nil {
						t.Errorf("cut at effect %d: %+v", at+1, n)
					}
				}
				if distinct(got) != distinct(want) { // what is asked a second later has another name, so they are counted
					t.Errorf("cut at effect %d: people got %q, and without a crash %q", at+1, got, want)
				}
				if len(got) > len(want) {
					repeated++
				}
			}
			if cuts < 4 || repeated < 2 {
				t.Errorf("%d cuts, after %d of them something came again: %q", cuts, repeated, effects)
			}
		})
	}
}

// TestAPagerWhoseAnswerIsLost has a page open of which the operator does not know: it is resolved at the end.
func TestAPagerWhoseAnswerIsLost(t *testing.T) {
	in := newInbox(t)
	pager := strategyv1.ChannelSpec{Name: "pager", Type: strategyv1.ChannelPagerDuty, URL: in.web, SecretName: sim.WebhookSecret}
	chat := strategyv1.ChannelSpec{Name: "chat", Type: strategyv1.ChannelSlack, SecretName: sim.WebhookSecret}
	in.lost = func(m notify.Message) bool {
		return m.Channel.Name == "pager" && m.News.Notification.Event != strategyv1.NotifyPageEnded
	}
	statuses, got := in.told(t, over(pager, chat), &Cut{})
	for _, level := range []string{"L1", "L2"} {
		opened := slices.IndexFunc(got, func(one string) bool { return strings.HasPrefix(one, "trigger ") && strings.HasSuffix(one, "/"+level) })
		ended := slices.IndexFunc(got, func(one string) bool { return strings.HasPrefix(one, "resolve ") && strings.HasSuffix(one, "/"+level) })
		if opened < 0 || ended < opened {
			t.Errorf("%s: %q", level, got)
		}
	}
	for _, n := range statuses {
		if n.DropReason == strategyv1.DropUnreached {
			t.Errorf("%+v", n)
		}
	}
}

// TestAChannelThatHangsIsLeftAlone for a while: what is told meanwhile goes on to the next one at once, and that is said.
func TestAChannelThatHangsIsLeftAlone(t *testing.T) {
	in := newInbox(t)
	hanging := strategyv1.ChannelSpec{Name: "hanging", Type: strategyv1.ChannelNtfy, URL: in.web, SecretName: sim.WebhookSecret}
	chat := strategyv1.ChannelSpec{Name: "chat", Type: strategyv1.ChannelSlack, SecretName: sim.WebhookSecret}
	var calls []time.Time
	r := in.start(t, over(hanging, chat), &Cut{})
	send := r.Webhook.Via
	r.Webhook.Via = func(ctx context.Context, m notify.Message) (string, error) {
		if m.Channel.Name == "hanging" {
			calls = append(calls, r.Clock.Now())
			return "", &notify.Failure{Problem: "the server gives no answer", Hung: true}
		}
		return send(ctx, m)
	}
	r.end()
	_, all := told(r.World)
	delivered := 0
	for _, n := range all {
		if n.DeliveredTime != nil && n.Event != strategyv1.NotifyClosed {
			delivered++
			if n.ChannelName != "chat" || !strings.Contains(n.Problem, "channel hanging: the server gives no answer") {
				t.Errorf("%+v", n)
			}
		}
	}
	if delivered < 2 {
		t.Errorf("%d delivered: %+v", delivered, all)
	}
	for i := 1; i < len(calls); i++ {
		if apart := calls[i].Sub(calls[i-1]); apart < 5*time.Second {
			t.Errorf("it is called again after %s", apart)
		}
	}
}

// TestAServerThatAsksForAPauseGetsIt, and what waits is told when the pause is over.
func TestAServerThatAsksForAPauseGetsIt(t *testing.T) {
	r := begin(t, notified(nil), Mutant{}, &Cut{})
	var calls []time.Time
	r.Webhook.Via = func(context.Context, notify.Message) (string, error) {
		calls = append(calls, r.Clock.Now())
		return "", &notify.Failure{Problem: "the server answers HTTP 429", After: time.Minute}
	}
	for range 20 {
		r.goOn(context.Background())
		r.Pass(15 * time.Second)
	}
	if len(calls) < 2 {
		t.Fatalf("called %d times", len(calls))
	}
	for i := 1; i < len(calls); i++ {
		if apart := calls[i].Sub(calls[i-1]); apart < time.Minute {
			t.Errorf("it is called again after %s", apart)
		}
	}
}

// TestADeadChatHoldsUpNoPager: what is tried again over one channel takes no other one's turn.
func TestADeadChatHoldsUpNoPager(t *testing.T) {
	dead := strategyv1.ChannelSpec{Name: "dead", Type: strategyv1.ChannelSlack, SecretName: "not-there"}
	story := notified(nil)
	before := story.Playbook
	story.Playbook = func(spec *strategyv1.StrategyPlaybookSpec) {
		before(spec)
		spec.Notifications.Channels = append(spec.Notifications.Channels, dead)
		spec.Notifications.Routes = []strategyv1.NotificationRoute{{Name: "chat", Channels: []string{"dead"}}, {Name: "hook", Channels: []string{"hook"}}}
	}
	r := begin(t, story, Mutant{}, &Cut{})
	r.end()
	_, all := told(r.World)
	for _, n := range all {
		if n.RouteName == "hook" && n.DeliveredTime != nil && n.DeliveredTime.Sub(n.AskedTime.Time) > time.Second {
			t.Errorf("it waited for %s: %+v", n.DeliveredTime.Sub(n.AskedTime.Time), n)
		}
	}
}

// distinct is how many of these are different.
func distinct(all []string) int {
	return len(slices.Compact(slices.Sorted(slices.Values(all))))
}

var errLost = errors.New("the server gives no answer")
