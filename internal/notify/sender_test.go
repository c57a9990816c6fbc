package notify_test

import (
	"context"
	"encoding/json"
	"errors"
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

var signingKey = []byte("0123456789abcdef0123456789abcdef")

// sender may ask servers on loopback, where those of tests are.
func sender(t *testing.T, failed func(error)) *notify.Sender {
	t.Helper()
	allow, err := signals.ParseAllow("127.0.0.0/8")
	if err != nil {
		t.Fatal(err)
	}
	return notify.New(signals.Options{AllowLoopback: true, Allow: allow, Failed: func(_ context.Context, _ string, err error) { failed(err) }})
}

func TestSend(t *testing.T) {
	followed := false
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		want   string // in the error; empty: delivered
	}{
		"taken": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }, ""},
		"a failure": {func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "password 123", http.StatusInternalServerError)
		}, "the server answers HTTP 500"},
		"not authorised": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) }, "the server answers HTTP 401"},
		"too many":       {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTooManyRequests) }, "the server answers HTTP 429"},
		"a redirect": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
		}, "HTTP 307, a redirect, which is not followed"},
		"a broken answer":  {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "the server gives no answer; the operator's log says why"},
		"a huge answer":    {func(w http.ResponseWriter, _ *http.Request) { _, _ = io.Copy(w, io.LimitReader(zeros{}, 10<<20)) }, ""},
		"a server hangs":   {func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, "the server gives no answer"},
		"a header is huge": {func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X", strings.Repeat("x", 1<<20)) }, "the server gives no answer"},
	} {
		t.Run(name, func(t *testing.T) {
			var got *http.Request
			var body []byte
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				followed = followed || r.URL.Path == "/elsewhere"
				got = r
				body, _ = io.ReadAll(r.Body)
				c.answer(w, r)
			}))
			defer server.Close()
			ctx, enough := context.WithTimeout(t.Context(), 500*time.Millisecond)
			defer enough()
			logged := 0
			_, err := sender(t, func(error) { logged++ }).Send(ctx, notify.Message{Namespace: "trading", Channel: channel(strategyv1.ChannelWebhook, server.URL+"/hook"), Secret: string(signingKey), Key: "k/1", News: news(strategyv1.NotifyLevelCalled)})
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Fatalf("it says %v, not %q", err, c.want)
			}
			if err != nil && (strings.Contains(err.Error(), server.URL) || strings.Contains(err.Error(), "password")) {
				t.Errorf("the error tells too much: %v", err)
			}
			if noAnswer := strings.Contains(c.want, "no answer"); noAnswer != (logged == 1) {
				t.Errorf("logged %d times", logged)
			}
			if got.Method != http.MethodPost || got.Header.Get("Content-Type") != "application/json" || got.Header.Get("Idempotency-Key") != "k/1" || !json.Valid(body) {
				t.Errorf("sent %s %v %s", got.Method, got.Header, body)
			}
			if got.Header.Get("X-Signature") != notify.Sign(signingKey, body) {
				t.Errorf("the signature is %s", got.Header.Get("X-Signature"))
			}
		})
	}
	if followed {
		t.Error("a redirect was followed")
	}
}

// TestWhenAServerWantsToBeAskedAgain is what it says with 429 and 503, in both forms; and nothing that it says with others, or that is none.
func TestWhenAServerWantsToBeAskedAgain(t *testing.T) {
	for name, c := range map[string]struct {
		code int
		says string
		want time.Duration
	}{
		"seconds":             {http.StatusTooManyRequests, "30", 30 * time.Second},
		"away for a while":    {http.StatusServiceUnavailable, "120", 2 * time.Minute},
		"a time":              {http.StatusTooManyRequests, noon.Add(time.Minute).Format(http.TimeFormat), time.Minute},
		"a time that is over": {http.StatusTooManyRequests, noon.Add(-time.Minute).Format(http.TimeFormat), 0},
		"less than nothing":   {http.StatusTooManyRequests, "-5", 0},
		"for ever":            {http.StatusTooManyRequests, "99999999999999999999", 0},
		"no number":           {http.StatusTooManyRequests, "soon", 0},
		"nothing":             {http.StatusTooManyRequests, "", 0},
		"another answer":      {http.StatusInternalServerError, "30", 0},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Retry-After", c.says)
				w.WriteHeader(c.code)
			}))
			defer server.Close()
			_, err := sender(t, func(err error) { t.Error(err) }).Send(t.Context(), notify.Message{
				Namespace: "trading", Channel: channel(strategyv1.ChannelNtfy, server.URL), Key: "k", News: news(strategyv1.NotifyLevelCalled),
			})
			var failure *notify.Failure
			if !errors.As(err, &failure) || failure.After != c.want || failure.Hung {
				t.Errorf("%+v", err)
			}
		})
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

// TestServersThatAreNotAllowed get nothing.
func TestServersThatAreNotAllowed(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("it was asked") }))
	defer server.Close()
	strict := notify.New(signals.Options{})
	for _, url := range []string{server.URL, "http://169.254.169.254/", "ftp://x", "http://user:pw@hooks.trading/", "http://hooks.other/", "://"} {
		if _, err := strict.Send(t.Context(), notify.Message{Namespace: "trading", Channel: channel(strategyv1.ChannelWebhook, url), News: news(strategyv1.NotifyClosed)}); err == nil || strings.Contains(err.Error(), "pw") {
			t.Errorf("%s: %v", url, err)
		}
	}
}

// TestSignatureIsTheOneOfTheDocs: computed with openssl dgst -sha256 -hmac.
func TestSignatureIsTheOneOfTheDocs(t *testing.T) {
	if got := notify.Sign([]byte("key"), []byte("The quick brown fox jumps over the lazy dog")); got != "sha256=f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8" {
		t.Errorf("%s", got)
	}
}

func TestBody(t *testing.T) {
	when := metav1.NewTime(time.Date(2026, 11, 23, 10, 15, 0, 0, time.UTC))
	incident := &strategyv1.StrategyIncident{
		ObjectMeta: metav1.ObjectMeta{Namespace: "trading", Name: "pnl-1", UID: "u"},
		Spec:       strategyv1.StrategyIncidentSpec{PlaybookName: "multi-strategy", Type: "PnL", Severity: "Warning", Schedule: "grid", Mode: "Drill", Summary: "loses"},
		Status: strategyv1.StrategyIncidentStatus{
			Severity: "Critical", WaitsFor: strategyv1.WhoL1, DueTime: &when, Dashboards: []strategyv1.Dashboard{{Name: "pnl", URL: "https://d"}},
			OnCall:     []strategyv1.OnCallStatus{{Level: "L1", Name: "alice", Contact: "+48"}},
			Conditions: []metav1.Condition{{Type: strategyv1.ConditionReady, Message: "DRILL: 0 of 3 checks judged"}},
		},
	}
	for event, command := range map[strategyv1.NotificationEvent]string{
		strategyv1.NotifyLevelCalled: "kubectl strategy acknowledge pnl-1 -n trading", strategyv1.NotifyRelapsed: "kubectl strategy acknowledge pnl-1 -n trading",
		strategyv1.NotifyPersonAsked: "kubectl strategy status pnl-1 -n trading", strategyv1.NotifyClosed: "kubectl strategy status pnl-1 -n trading",
		strategyv1.NotifyAwaitingApproval: "kubectl strategy approve stop -n trading",
	} {
		data, err := notify.Body(incident, strategyv1.NotificationStatus{Key: "u/x", Event: event, Level: "L1", RollbackName: "stop", Message: "what happened", AskedTime: when})
		if err != nil {
			t.Fatal(err)
		}
		want := `{"version":"1","key":"u/x","event":"` + string(event) + `","askedTime":"2026-11-23T10:15:00Z","namespace":"trading","playbook":"multi-strategy",` +
			`"incident":{"name":"pnl-1","uid":"u","type":"PnL","severity":"Critical","schedule":"grid","mode":"Drill","summary":"loses"},"level":"L1",` +
			`"onCall":[{"level":"L1","name":"alice","contact":"+48"}],"rollback":"stop","message":"what happened","status":"DRILL: 0 of 3 checks judged","waitsFor":"L1",` +
			`"dueTime":"2026-11-23T10:15:00Z","command":"` + command + `","links":[{"name":"pnl","url":"https://d"}]}`
		if string(data) != want {
			t.Errorf("%s:\n got %s\nwant %s", event, data, want)
		}
		if !json.Valid(data) {
			t.Error(errors.New("no JSON"))
		}
	}
}
