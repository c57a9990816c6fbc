package intake

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tradeops.dev/strategy-operator/internal/serve"
)

// valueOf is what a counter has counted.
func valueOf(t *testing.T, counter prometheus.Collector) float64 {
	t.Helper()
	registry := prometheus.NewRegistry()
	registry.MustRegister(counter)
	families, err := registry.Gather()
	if err != nil || len(families) != 1 {
		t.Fatalf("%v, %v", families, err)
	}
	return families[0].Metric[0].Counter.GetValue()
}

// unread is a body that nobody may read.
type unread struct{ t *testing.T }

func (u unread) Read([]byte) (int, error) {
	u.t.Error("the body was read")
	return 0, io.EOF
}

func TestAnswers(t *testing.T) {
	header := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	path := func(path string) func(*http.Request) { return func(r *http.Request) { r.URL.Path = path } }
	for name, c := range map[string]struct {
		change   func(*http.Request)
		world    func(*world)
		code     int
		reason   string
		words    string
		bodyRead bool
	}{
		"all is well":                    {code: 200, words: "2 alerts are stored", bodyRead: true},
		"with a charset":                 {change: header("Content-Type", "application/json; charset=utf-8"), code: 200, bodyRead: true},
		"in other letters":               {change: header("Authorization", "bearer good"), code: 200, bodyRead: true},
		"another path":                   {change: path("/"), code: 404, reason: notFound, words: "send alerts to /v1/namespaces/NAMESPACE/alerts"},
		"no namespace":                   {change: path("/v1/namespaces//alerts"), code: 404, reason: notFound},
		"a namespace that is none":       {change: path("/v1/namespaces/../alerts"), code: 404, reason: notFound},
		"more of a path":                 {change: path("/v1/namespaces/trading/alerts/x"), code: 404, reason: notFound},
		"a namespace with a slash":       {change: path("/v1/namespaces/trading/x/alerts"), code: 404, reason: notFound},
		"another method":                 {change: func(r *http.Request) { r.Method = http.MethodGet }, code: 405, reason: wrongMethod, words: "POST"},
		"another type":                   {change: header("Content-Type", "text/plain"), code: 415, reason: wrongType, words: "application/json"},
		"no type":                        {change: func(r *http.Request) { r.Header.Del("Content-Type") }, code: 415, reason: wrongType},
		"compressed":                     {change: header("Content-Encoding", "gzip"), code: 415, reason: wrongType, words: "Content-Encoding"},
		"no token":                       {change: func(r *http.Request) { r.Header.Del("Authorization") }, code: 401, reason: unauthenticated, words: "credentials_file"},
		"an empty token":                 {change: header("Authorization", "Bearer "), code: 401, reason: unauthenticated},
		"a password":                     {change: header("Authorization", "Basic Z29vZA=="), code: 401, reason: unauthenticated},
		"nobody's token":                 {change: header("Authorization", "Bearer secret-of-somebody"), code: 401, reason: unauthenticated},
		"somebody who may not":           {change: header("Authorization", "Bearer weak"), code: 403, reason: forbidden, words: "system:serviceaccount:monitoring:default may not create strategyalerts in namespace trading"},
		"a person":                       {change: header("Authorization", "Bearer human"), code: 403, reason: forbidden, words: "mallory is a person as far as the name tells, and alerts come from machines; report with kubectl strategy report"},
		"where they may not":             {change: path("/v1/namespaces/other/alerts"), code: 403, reason: forbidden, words: "strategy-operator-alert-sender"},
		"the API server is away":         {world: func(w *world) { w.down = errDown }, code: 503, words: "does not say whose the token is"},
		"a namespace that is not served": {world: func(w *world) { w.unserved = "the operator does not serve namespace trading" }, code: 503, words: "does not serve"},
		"no room": {world: func(w *world) {
			w.server.wait = time.Nanosecond
			for range messagesOfOne {
				if _, entered := w.server.room.Enter(w.t.Context(), namespace); !entered {
					w.t.Fatal("no room")
				}
			}
		}, code: 503, words: "too many messages"},
		"too large":  {change: func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader(strings.Repeat(" ", maxBody+1))) }, code: 413, reason: tooLarge, words: "4 MiB", bodyRead: true},
		"no message": {change: func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader(`{"text":"x"}`)) }, code: 400, reason: malformed, words: "payload:", bodyRead: true},
		"cut off":    {change: func(r *http.Request) { r.Body = io.NopCloser(io.MultiReader(strings.NewReader(`{"ver`), broken{})) }, code: 503, words: "to its end", bodyRead: true},
		"a full quota": {world: func(w *world) {
			w.before = func(string, string) error { return errors.New("exceeded quota: strategy-operator") }
		}, code: 503, words: "exceeded quota", bodyRead: true},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			request := sent(fixture(t, "alertmanager.json"))
			if !c.bodyRead {
				request.Body = io.NopCloser(unread{t})
			}
			if c.change != nil {
				c.change(request)
			}
			if c.world != nil {
				c.world(w)
			}
			counted := func() float64 {
				if c.reason == "" {
					return 1
				}
				return valueOf(t, refusedTotal.WithLabelValues(c.reason))
			}
			before := counted()
			got := w.answer(w.server, request)
			if got.Code != c.code || !strings.Contains(got.Body.String(), c.words) {
				t.Errorf("%d %s", got.Code, got.Body)
			}
			if strings.Contains(got.Body.String(), "secret") || got.Body.Len() > maxWords+1 {
				t.Errorf("the answer says too much: %s", got.Body)
			}
			if c.reason != "" && (counted() != before+1 || got.Header().Get("Connection") != "close") {
				t.Errorf("%v refused for %s, %v before", counted(), c.reason, before)
			}
			if (got.Header().Get("Retry-After") != "") != (c.code == 503) || (c.code != 200 && c.code != 503) != (c.reason != "") {
				t.Errorf("%d with %v", got.Code, got.Header())
			}
			if stored := len(w.alerts()); (stored > 0) != (c.code == 200) {
				t.Errorf("%d alerts are stored", stored)
			}
		})
	}
}

// What fires though it was resolved just now may be a peer's old news, or real: its sender comes again until that is clear, and what is real is
// not silent until Alertmanager repeats it. The others of the message are safe meanwhile.
func TestWhatFiresRightAfterItsEndIsSentAgain(t *testing.T) {
	w := newWorld(t)
	w.send(one("A", "firing", at("11:00:00")))
	w.send(one("A", "resolved", at("11:00:00")))
	body := []byte(whole(entry("A", "firing", at("11:00:00")), entry("B", "firing", at("11:00:00"))))
	for range 11 {
		w.clock.Step(10 * time.Second)
		w.sync()
		if got := w.answer(w.server, sent(body)); got.Code != http.StatusServiceUnavailable || !strings.Contains(got.Body.String(), "1 of 2 alerts were resolved less than 2m0s ago") {
			t.Fatalf("%d %s", got.Code, got.Body)
		}
	}
	if all := w.alerts(); all["A"].Spec.State != resolved || all["B"].Spec.State != firing {
		t.Errorf("%+v", all)
	}
	w.clock.Step(10 * time.Second)
	w.send(string(body))
	if spec := w.alerts()["A"].Spec; spec.State != firing || spec.Occurrence != 2 {
		t.Errorf("%+v", spec)
	}
}

// A sender reads what is stored of its message, and what is not.
func TestTheAnswerIsTrue(t *testing.T) {
	w := newWorld(t)
	w.send(one("A", "firing", at("11:30:00")))
	body := `{"version":"4","alerts":[` + entry("A", "resolved", at("11:00:00")) + `,` + entry("B", "firing", at("11:00:00")) + `,7]}`
	want := "1 alerts are stored; 1 are older than what is stored, and change nothing; of 1 nothing can be stored: they are no objects\n"
	if got := w.answer(w.server, sent([]byte(body))); got.Code != http.StatusOK || got.Body.String() != want {
		t.Errorf("%d %s", got.Code, got.Body)
	}
}

// deadlined remembers the deadlines of a connection.
type deadlined struct {
	*httptest.ResponseRecorder
	all []time.Time
}

func (d *deadlined) SetReadDeadline(at time.Time) error {
	d.all = append(d.all, at)
	return nil
}

// Whoever sends a body slowly has its place for a few seconds, and the work on a message that came has no such end.
func TestABodyHasADeadline(t *testing.T) {
	w := newWorld(t)
	connection := &deadlined{ResponseRecorder: httptest.NewRecorder()}
	before := time.Now() //nolint:forbidigo // as the connection's clock
	w.server.ServeHTTP(connection, sent([]byte(one("A", "firing", at("11:00:00")))))
	after := time.Now() //nolint:forbidigo // as above
	if connection.Code != http.StatusOK || len(connection.all) != 2 || !connection.all[1].IsZero() {
		t.Fatalf("%d, %v", connection.Code, connection.all)
	}
	if deadline := connection.all[0]; deadline.Before(before.Add(bodyLimit)) || deadline.After(after.Add(bodyLimit)) {
		t.Errorf("the deadline is %s, from %s to %s", deadline, before, after)
	}
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// A storm asks the API server who sends once, and again after a while: then what was taken back is worth nothing.
func TestAnswersOfTheAPIServerHoldForAWhile(t *testing.T) {
	w := newWorld(t)
	for range 5 {
		w.send(one("A", "firing", at("11:00:00")))
		w.answer(w.server, sent(nil, func(r *http.Request) { r.Header.Set("Authorization", "Bearer nobody") }))
		w.answer(w.server, sent(nil, func(r *http.Request) { r.Header.Set("Authorization", "Bearer weak") }))
		w.sync()
	}
	if w.tokens != 3 || w.access != 2 {
		t.Errorf("%d tokens and %d rights were asked about", w.tokens, w.access)
	}
	w.clock.Step(serve.Remembered + time.Second)
	w.down = errDown
	if got := w.answer(w.server, sent(nil)); got.Code != http.StatusServiceUnavailable {
		t.Errorf("%d %s", got.Code, got.Body)
	}
}

// What nobody can make anything of does not keep the others of its message from being stored, and is counted.
func TestWhatCannotBeStoredIsCounted(t *testing.T) {
	w := newWorld(t)
	count := func() (float64, float64) {
		return valueOf(t, alertsTotal.WithLabelValues(string(refused))), valueOf(t, truncatedTotal)
	}
	refusedBefore, truncatedBefore := count()
	w.send(string(fixture(t, "strange.json")))
	w.send(string(fixture(t, "newer.json")))
	if now, truncated := count(); now-refusedBefore != 3 || truncated-truncatedBefore != 12 {
		t.Errorf("%v refused, %v truncated", now-refusedBefore, truncated-truncatedBefore)
	}
	if stored := w.alerts(); len(stored) != 7 {
		t.Errorf("%d are stored: %v", len(stored), stored)
	}
}
