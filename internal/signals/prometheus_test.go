package signals

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"log"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tradeops.dev/strategy-operator/internal/pauses"
)

const token = "s3cret.token-of/prometheus+x=="

// fake is a Prometheus on loopback. It answers 7 until it is told otherwise.
type fake struct {
	*httptest.Server
	requests atomic.Int64
	answer   atomic.Pointer[http.HandlerFunc]
}

func newFake(t *testing.T) *fake {
	t.Helper()
	f := &fake{}
	f.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.requests.Add(1)
		(*f.answer.Load())(w, r)
	}))
	t.Cleanup(f.Close)
	f.say(text(200, vector("7")))
	return f
}

func (f *fake) say(answer http.HandlerFunc) { f.answer.Store(&answer) }

func (f *fake) source(exprs ...string) Source { return sourceAt(f.URL, exprs...) }

func sourceAt(url string, exprs ...string) Source {
	source := Source{URL: url, Token: token, Interval: interval}
	for i, expr := range exprs {
		source.Queries = append(source.Queries, Query{Name: fmt.Sprintf("q%d", i), Expr: expr})
	}
	return source
}

const interval = 15 * time.Second

// here is where the servers of tests are.
const here = "127.0.0.0/8,localhost"

func allowed(text string) Allow {
	allow, err := ParseAllow(text)
	if err != nil {
		panic(err) // of a test
	}
	return allow
}

// newLocal waits as long as a slow machine needs.
func newLocal() *Sampler {
	return New(Options{AllowLoopback: true, Allow: allowed(here), Pauses: pauses.Pauses{QueryWait: time.Minute}})
}

// landed is a sample with what the flight brings that it began.
func (s *Sampler) landed(ctx context.Context, source Source, now time.Time) Snapshot {
	s.Sample(ctx, source, now)
	s.mu.Lock()
	under := slices.Collect(maps.Values(s.flights))
	s.mu.Unlock()
	for _, flight := range under {
		<-flight
	}
	return s.Sample(ctx, source, now)
}

func text(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func vector(values ...string) string {
	series := make([]string, len(values))
	for i, value := range values {
		series[i] = fmt.Sprintf(`{"metric":{"i":"%d"},"value":[1795429200.123,%q]}`, i, value)
	}
	return success("vector", "["+strings.Join(series, ",")+"]")
}

func success(kind, result string) string {
	return fmt.Sprintf(`{"status":"success","data":{"resultType":%q,"result":%s}}`, kind, result)
}

func failed(kind, message string) string {
	return fmt.Sprintf(`{"status":"error","errorType":%q,"error":%q}`, kind, message)
}

func TestAnswers(t *testing.T) {
	cases := map[string]struct {
		answer  http.HandlerFunc
		value   float64
		problem string
		keeps   bool // the last number stands, since this one says nothing about the query
	}{
		"one series":                       {text(200, vector("-0.25")), -0.25, "", false},
		"zero is a number":                 {text(200, vector("0")), 0, "", false},
		"an exponent":                      {text(200, vector("1.5e+21")), 1.5e21, "", false},
		"a scalar":                         {text(200, success("scalar", `[1795429200,"3"]`)), 3, "", false},
		"hints do no harm":                 {text(200, strings.Replace(vector("3"), `{`, `{"infos":["not a counter"],`, 1)), 3, "", false},
		"fields that are not known":        {text(200, strings.Replace(vector("3"), `{`, `{"stats":{"x":[1]},`, 1)), 3, "", false},
		"no series":                        {text(200, vector()), 0, "the query yields no series; if that means a number, say which: ... or vector(0)", false},
		"several series":                   {text(200, vector("1", "2")), 0, "yields 2 series; aggregate", false},
		"NaN":                              {text(200, vector("NaN")), 0, "yields NaN", false},
		"infinity":                         {text(200, vector("+Inf")), 0, "yields +Inf", false},
		"negative infinity":                {text(200, vector("-Inf")), 0, "yields -Inf", false},
		"a scalar that is NaN":             {text(200, success("scalar", `[1795429200,"NaN"]`)), 0, "yields NaN", false},
		"a matrix":                         {text(200, success("matrix", `[{"metric":{},"values":[[1,"1"]]}]`)), 0, "a range of numbers; put a function around", false},
		"a string":                         {text(200, success("string", `[1,"up"]`)), 0, "yields a string", false},
		"a histogram":                      {text(200, success("vector", `[{"metric":{},"histogram":[1,{"count":"1"}]}]`)), 0, "yields a histogram", false},
		"a warning":                        {text(200, strings.Replace(vector("3"), `{`, `{"warnings":["store 2 is\n down"],`, 1)), 0, "doubts its own answer: store 2 is down", true},
		"a part of the answer":             {text(200, strings.Replace(vector("3"), `{`, `{"isPartial":true,`, 1)), 0, "its answer is partial", true},
		"a part of the answer, none of it": {text(200, strings.Replace(vector(), `{`, `{"isPartial":true,`, 1)), 0, "its answer is partial", true},
		"the whole answer":                 {text(200, strings.Replace(vector("3"), `{`, `{"isPartial":false,`, 1)), 3, "", false},
		"a syntax error":                   {text(400, failed("bad_data", `1:4: parse error: unexpected ")"`)), 0, `refuses the query (HTTP 400 Bad Request, bad_data): 1:4: parse error: unexpected ")"`, true},
		"a query that cannot be run":       {text(422, failed("execution", "many-to-many matching")), 0, "HTTP 422 Unprocessable Entity, execution): many-to-many matching", true},
		"too slow for itself":              {text(503, failed("timeout", "query timed out")), 0, "HTTP 503 Service Unavailable, timeout): query timed out", true},
		"an error with status 200":         {text(200, failed("internal", "no")), 0, "internal): no", true},
		"success with another status":      {text(500, vector("3")), 0, "HTTP 500", true},
		"a page of a proxy":                {text(502, "<html>Bad Gateway</html>"), 0, "HTTP 502 Bad Gateway, but not with the JSON of Prometheus", true},
		"a page with status 200":           {text(200, "<!doctype html><title>Log in</title>"), 0, "HTTP 200 OK, but not with the JSON of Prometheus", true},
		"not authorized":                   {text(401, "Unauthorized"), 0, "HTTP 401 Unauthorized, but not with the JSON of Prometheus; is the URL right, and the token?", true},
		"a status that nobody knows":       {text(599, "x"), 0, "answers HTTP 599, but", true},
		"nothing":                          {text(200, ""), 0, "not with the JSON", true},
		"null":                             {text(200, "null"), 0, "not with the JSON", true},
		"other JSON":                       {text(200, `{"ok":true}`), 0, "not with the JSON", true},
		"a list":                           {text(200, `[]`), 0, "not with the JSON", true},
		"truncated JSON":                   {text(200, vector("3")[:60]), 0, "not with the JSON", true},
		"more than one document":           {text(200, vector("3")+vector("3")), 0, "not with the JSON", true},
		"no result":                        {text(200, `{"status":"success","data":{"resultType":"vector"}}`), 0, "not a list of series", true},
		"an unknown kind of result":        {text(200, success("stream", `[]`)), 0, `a result of type "stream"`, true},
		"a series without a number":        {text(200, success("vector", `[{"metric":{}}]`)), 0, "not a pair", true},
		"half a sample":                    {text(200, success("scalar", `[1]`)), 0, "not a pair", true},
		"a number that is not quoted":      {text(200, success("scalar", `[1,2]`)), 0, "not a number", true},
		"a text for a number":              {text(200, vector("many")), 0, "not a number", true},
		"a number that is too large":       {text(200, vector("1e999")), 0, "not a number", true},
		"the connection breaks":            {breakOff, 0, errNoAnswer.Error(), true},
		"no answer at all":                 {hangUp, 0, errNoAnswer.Error(), true},
		"too long":                         {text(200, strings.Repeat(" ", maxAnswerBytes)+vector("3")), 0, "larger than 1048576 bytes", true},
		"a gzip bomb":                      {bomb, 0, "larger than 1048576 bytes", true},
		"a header that does not end":       {longHeader, 0, errNoAnswer.Error(), true},
		"a redirect":                       {redirect("http://169.254.169.254/" + token), 0, "HTTP 302, a redirect, which is not followed", true},
		"the token in an error":            {echo(400), 0, "refuses the query (HTTP 400 Bad Request, bad_data): Bearer [token]", true},
		"the token in a warning":           {text(200, strings.Replace(vector("3"), `{`, `{"warnings":["`+token+`"],`, 1)), 0, "[token]", true},
		"the token instead of HTTP":        {raw(token + "\r\n\r\n"), 0, errNoAnswer.Error(), true},
		"the token as the type":            {text(200, success(token, `[]`)), 0, `a result of type "[token]"`, true},
		"the token as the number":          {text(200, vector(token)), 0, "[token]", true},
		"a long error, with the token":     {text(400, failed("bad_data", strings.Repeat("x", maxProblemBytes-90)+token)), 0, "xxx", true},
		"an error with control characters": {text(400, `{"status":"error","errorType":"bad_data","error":"a\u001b[31mb"}`), 0, "a [31mb", true},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			prometheus := newFake(t)
			sampler, source := newLocal(), prometheus.source("x")
			sampler.Sample(t.Context(), source, start)
			prometheus.say(c.answer)

			later := start.Add(interval)
			got := sampler.Sample(t.Context(), source, later).Readings["q0"]
			want := Reading{Value: c.value, Known: c.problem == "", Time: later}
			if c.keeps {
				want = Reading{Value: 7, Known: true, Time: start}
			}
			if problem := got.Problem; !strings.Contains(problem, c.problem) && !c.keeps {
				t.Errorf("problem %q does not contain %q", problem, c.problem)
			}
			if got.Problem = ""; got != want {
				t.Errorf("with a number before: got %+v, want %+v", got, want)
			}

			first := newLocal().Sample(t.Context(), source, later).Readings["q0"]
			if first.Known != (c.problem == "") || !strings.Contains(first.Problem, c.problem) {
				t.Errorf("with none before: got %+v, want a problem with %q", first, c.problem)
			}
			if c.keeps && !strings.HasPrefix(first.Problem, "not sampled yet: ") {
				t.Errorf("problem %q does not say that there is no sample", first.Problem)
			}
			if strings.Contains(first.Problem, token[:8]) {
				t.Errorf("the token is in %q", first.Problem)
			}
			if len(first.Problem) > maxProblemBytes+len("not sampled yet: ") {
				t.Errorf("the problem has %d bytes", len(first.Problem))
			}
		})
	}
}

func breakOff(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Length", "1000")
	_, _ = io.WriteString(w, vector("3"))
}

func hangUp(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

// bomb does not end before the reader hangs up: 256 KiB of spaces in 300 bytes, again and again.
func bomb(w http.ResponseWriter, _ *http.Request) {
	var member bytes.Buffer
	packed := gzip.NewWriter(&member)
	_, _ = io.WriteString(packed, strings.Repeat(" ", 256<<10))
	_ = packed.Close()
	w.Header().Set("Content-Encoding", "gzip")
	for {
		if _, err := w.Write(member.Bytes()); err != nil {
			return
		}
	}
}

func longHeader(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("X-Long", strings.Repeat("x", 2*maxHeaderBytes))
	_, _ = io.WriteString(w, vector("3"))
}

func redirect(to string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, to, http.StatusFound) }
}

func echo(status int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		text(status, failed("bad_data", r.Header.Get("Authorization")))(w, r)
	}
}

// raw answers without HTTP.
func raw(answer string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		connection, buffered, err := w.(http.Hijacker).Hijack()
		if err != nil {
			panic(err)
		}
		defer func() { _ = connection.Close() }()
		_, _ = buffered.WriteString(answer)
		_ = buffered.Flush()
	}
}

func TestARequest(t *testing.T) {
	long := "sum(x) + " + strings.Repeat("0 + ", maxGetBytes/4) + "1"
	cases := map[string]struct {
		path, expr, token             string
		method, wantPath, header, tag string
	}{
		"a short query is a GET":                 {"", `sum(x{a="b&c"}) > 1`, token, "GET", "/api/v1/query", "Bearer " + token, ""},
		"a path of its own":                      {"/prometheus/", "x", token, "GET", "/prometheus/api/v1/query", "Bearer " + token, ""},
		"a tenant in the URL is kept":            {"/p?namespace=trading&query=up", "x", token, "GET", "/p/api/v1/query", "Bearer " + token, "trading"},
		"a long query is a POST":                 {"/p?namespace=trading", long, token, "POST", "/p/api/v1/query", "Bearer " + token, "trading"},
		"without a token nothing is sent":        {"", "x", "", "GET", "/api/v1/query", "", ""},
		"a token's line break is not part of it": {"", "x", token + "\n", "GET", "/api/v1/query", "Bearer " + token, ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			prometheus := newFake(t)
			var got http.Request
			prometheus.say(func(w http.ResponseWriter, r *http.Request) {
				_ = r.ParseForm()
				got = *r
				text(200, vector("1"))(w, r)
			})
			source := prometheus.source(c.expr)
			source.URL, source.Token = source.URL+c.path, c.token
			now := start.Add(time.Millisecond).In(time.FixedZone("", 3600))
			if reading := newLocal().Sample(t.Context(), source, now).Readings["q0"]; !reading.Known {
				t.Fatal(reading.Problem)
			}
			if got.Method != c.method || got.URL.Path != c.wantPath {
				t.Errorf("got %s %s, want %s %s", got.Method, got.URL.Path, c.method, c.wantPath)
			}
			if header := got.Header.Get("Authorization"); header != c.header {
				t.Errorf("Authorization is %q, want %q", header, c.header)
			}
			if query := got.Form["query"]; len(query) != 1 || query[0] != c.expr {
				t.Errorf("the query is %q, want %q", query, c.expr)
			}
			if at := got.Form.Get("time"); at != "2026-11-23T10:15:00.001Z" {
				t.Errorf("the time is %s", at)
			}
			if tenant := got.Form.Get("namespace"); tenant != c.tag {
				t.Errorf("the tenant is %q, want %q", tenant, c.tag)
			}
		})
	}
}

func TestSourcesThatAreNotAsked(t *testing.T) {
	prometheus := newFake(t)
	secure := httptest.NewUnstartedServer(text(200, vector("1")))
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	secure.StartTLS()
	defer secure.Close()
	local := strings.Replace(prometheus.URL, "127.0.0.1", "localhost", 1)
	cases := map[string]struct {
		url, token    string
		allowLoopback bool
		problem       string
	}{
		"loopback, in a cluster":           {prometheus.URL, "", false, errNoAnswer.Error()},
		"a name that resolves to loopback": {local, "", false, errNoAnswer.Error()},
		"a link-local address":             {"http://169.254.169.254", "", true, "169.254.169.254 is a link-local address, which the operator does not ask"},
		"a server that nobody allowed":     {"http://10.0.0.1:9090", "", true, "not in the manager's --prometheus-allow"},
		"a user in the URL":                {"http://u:s3cret@prometheus", "", true, "holds a user or a password"},
		"an unknown certificate":           {secure.URL, token, true, errNoAnswer.Error()},
		"a token with a line break in it":  {prometheus.URL, token + "\nHost: x", true, "the bearer token holds"},
		"a token that is no ASCII":         {prometheus.URL, "tokén", true, "the bearer token holds"},
		"a port that nobody listens at":    {"http://127.0.0.1:1", token, true, "not sampled yet: " + errNoAnswer.Error()},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			source := Source{URL: c.url, Token: c.token, Interval: interval, Queries: []Query{{"q", "x"}}}
			snapshot := New(Options{AllowLoopback: c.allowLoopback, Allow: allowed(here)}).Sample(t.Context(), source, start)
			reading := snapshot.Readings["q"]
			if reading.Known || reading.Problem == "" || !strings.Contains(reading.Problem, c.problem) {
				t.Errorf("got %+v, want a problem with %q", reading, c.problem)
			}
			if strings.Contains(reading.Problem, "s3cret") || strings.Contains(reading.Problem, "tokén") {
				t.Errorf("the token is in %q", reading.Problem)
			}
			if want := start.Add(interval); !snapshot.NextAt.Equal(want) {
				t.Errorf("next at %s, want %s", snapshot.NextAt, want)
			}
		})
	}
	if n := prometheus.requests.Load(); n != 0 {
		t.Errorf("%d requests were made", n)
	}
}
