package signals

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"tradeops.dev/strategy-operator/internal/pauses"
)

var usual = pauses.Default()

func TestOneRequestForEachQueryAndInterval(t *testing.T) {
	other := func(s Source) Source { s.Token = "other"; return s }
	twice := func(s Source) Source {
		s.Queries = append(s.Queries, Query{Name: "again", Expr: s.Queries[0].Expr})
		return s
	}
	slower := func(s Source) Source { s.Interval *= 4; return s }
	none := func(s Source) Source { s.Queries = nil; return s }
	same := func(s Source) Source { return s }
	steps := []struct {
		what     string
		after    time.Duration // the first sample
		source   func(Source) Source
		requests int64
		taken    time.Duration // when the reading was sampled, after the first sample
		next     time.Duration
	}{
		{"the first incident", 0, same, 1, 0, interval},
		{"a second incident in the same interval", interval - 1, same, 1, 0, interval},
		{"another playbook with a longer interval", interval, slower, 1, 0, 4 * interval},
		{"the interval is over", interval, same, 2, interval, 2 * interval},
		{"a caller that read the clock a moment before", interval - time.Millisecond, same, 2, interval, 2 * interval},
		{"two names of the same query", 2 * interval, twice, 3, 2 * interval, 3 * interval},
		{"another token sees what it may see", 2 * interval, other, 4, 2 * interval, 3 * interval},
		{"the clock is set back", -time.Hour, same, 5, -time.Hour, interval - time.Hour},
		{"it goes on from there", interval - time.Hour - 1, same, 5, -time.Hour, interval - time.Hour},
		{"and samples again", interval - time.Hour, same, 6, interval - time.Hour, 2*interval - time.Hour},
		{"the clock is set right", 3 * interval, same, 7, 3 * interval, 4 * interval},
		{"no queries", 9 * interval, none, 7, 0, 0},
	}
	prometheus := newFake(t)
	sampler := newLocal()
	for _, step := range steps {
		source := step.source(prometheus.source("x"))
		snapshot := sampler.Sample(t.Context(), source, start.Add(step.after))
		if got := prometheus.requests.Load(); got != step.requests {
			t.Fatalf("%s: %d requests, want %d", step.what, got, step.requests)
		}
		if !snapshot.Time.Equal(start.Add(step.after)) || len(snapshot.Readings) != len(source.Queries) {
			t.Errorf("%s: got %+v", step.what, snapshot)
		}
		for name, reading := range snapshot.Readings {
			if want := (Reading{Value: 7, Known: true, Time: start.Add(step.taken)}); reading != want {
				t.Errorf("%s: %s is %+v, want %+v", step.what, name, reading, want)
			}
		}
		if len(source.Queries) == 0 && !snapshot.NextAt.IsZero() {
			t.Errorf("%s: next at %s, want never", step.what, snapshot.NextAt)
		}
		if len(source.Queries) > 0 && !snapshot.NextAt.Equal(start.Add(step.next)) {
			t.Errorf("%s: next at %s, want %s", step.what, snapshot.NextAt, start.Add(step.next))
		}
	}
}

func TestASourceWithoutAnIntervalIsNotSampledInEachPass(t *testing.T) {
	prometheus := newFake(t)
	sampler, source := newLocal(), prometheus.source("x")
	source.Interval = 0
	sampler.Sample(t.Context(), source, start)
	snapshot := sampler.Sample(t.Context(), source, start.Add(minInterval-1))
	if n := prometheus.requests.Load(); n != 1 || !snapshot.NextAt.Equal(start.Add(minInterval)) {
		t.Errorf("%d requests, next at %s", n, snapshot.NextAt)
	}
}

func TestANumberStandsUntilItIsTooOld(t *testing.T) {
	prometheus := newFake(t)
	sampler, source := newLocal(), prometheus.source("x")
	sampler.Sample(t.Context(), source, start)
	prometheus.say(text(503, "<html>down</html>"))
	number := Reading{Value: 7, Known: true, Time: start}
	steps := []struct {
		what  string
		after time.Duration
		want  Reading
	}{
		{"one sample is lost", interval, number},
		{"two samples are lost", 2 * interval, number},
		{"the number is as old as it may be", 3 * interval, number},
		{"it is too old", 3*interval + 1, Reading{Time: start, Problem: "not sampled since 10:15:00Z: " +
			"the server answers HTTP 503 Service Unavailable, but not with the JSON of Prometheus; is the URL right, and the token?"}},
	}
	for _, step := range steps {
		if got := sampler.landed(t.Context(), source, start.Add(step.after)).Readings["q0"]; got != step.want {
			t.Errorf("%s: got %+v, want %+v", step.what, got, step.want)
		}
	}
	prometheus.say(text(200, vector("8")))
	later := start.Add(4 * interval)
	if got, want := sampler.landed(t.Context(), source, later).Readings["q0"], (Reading{Value: 8, Known: true, Time: later}); got != want {
		t.Errorf("Prometheus is back: got %+v, want %+v", got, want)
	}
	prometheus.Close()
	back := start.Add(-time.Hour)
	if got := sampler.landed(t.Context(), source, back).Readings["q0"]; got.Known {
		t.Errorf("a number of the future stands after the clock was set back: %+v", got)
	}
}

// script is a Prometheus without a network, for stories in which time passes.
type script func(*http.Request) (string, error)

func (s script) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := s(r)
	if err != nil {
		return nil, err
	}
	return &http.Response{StatusCode: 200, Body: io.NopCloser(strings.NewReader(body))}, nil
}

func hang(r *http.Request) (string, error) {
	<-r.Context().Done()
	return "", r.Context().Err()
}

func scripted(s script) *Sampler {
	sampler := New(Options{Allow: allowed(UsualAllow)})
	sampler.client.Transport = s
	return sampler
}

func ask(exprs ...string) Source {
	return sourceAt("http://prometheus.monitoring:9090", exprs...)
}

func TestIncidentsOpenedAtTheSameTimeShareTheFirstSample(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		requests := 0
		sampler := scripted(func(*http.Request) (string, error) {
			requests++
			<-release
			return vector("7"), nil
		})
		var callers sync.WaitGroup
		for range 8 {
			callers.Go(func() {
				if got := sampler.Sample(t.Context(), ask("x"), start).Readings["q0"]; !got.Known {
					t.Errorf("unknown only because others ask, too: %s", got.Problem)
				}
			})
		}
		synctest.Wait()
		close(release)
		callers.Wait()
		if requests != 1 {
			t.Errorf("%d requests, want 1", requests)
		}
	})
}

func TestAHangingPrometheusHoldsUpOneCallerBriefly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hangs := false
		sampler := scripted(func(r *http.Request) (string, error) {
			if hangs {
				return hang(r)
			}
			return vector("7"), nil
		})
		sampler.Sample(t.Context(), ask("x"), start)
		hangs = true
		later := start.Add(interval)
		number := Reading{Value: 7, Known: true, Time: start}

		held := make(chan Snapshot, 1)
		go func() { held <- sampler.Sample(t.Context(), ask("x"), later) }()
		synctest.Wait()
		for range 8 { // no time passes here: each of them is answered at once
			got := sampler.Sample(t.Context(), ask("x"), later)
			if got.Readings["q0"] != number || !got.NextAt.Equal(later.Add(usual.QueryRetry)) {
				t.Errorf("while another call waits: got %+v", got)
			}
			select {
			case <-held:
				t.Fatal("the call that asks did not wait")
			default:
			}
		}
		if got := before(t, time.After(usual.QueryWait+time.Millisecond), held); got.Readings["q0"] != number || !got.NextAt.Equal(later.Add(usual.QueryRetry)) {
			t.Errorf("the call that asked: got %+v", got)
		}
		<-time.After(usual.Query)
		if got := sampler.Sample(t.Context(), ask("x"), later); got.Readings["q0"] != number || !got.NextAt.Equal(later.Add(interval)) {
			t.Errorf("after the request was given up: got %+v", got)
		}
		go func() { held <- sampler.Sample(t.Context(), ask("x"), start.Add(3*interval+1)) }()
		got := before(t, time.After(time.Nanosecond), held).Readings["q0"] // of a server that failed nobody waits for anything
		if want := "not sampled since 10:15:00Z: " + errNoAnswer.Error(); got.Problem != want {
			t.Errorf("got %+v, want %q", got, want)
		}
		<-time.After(usual.Query) // until it is given up
	})
}

func TestAHangingPrometheusHoldsNoCallerLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sampler := scripted(hang)
		done := make(chan Snapshot, 3)
		for _, expr := range []string{"x", "y", "z"} { // with nothing to fall back to
			go func() { done <- sampler.Sample(t.Context(), ask(expr), start) }()
		}
		late := time.After(usual.QueryWait + time.Millisecond)
		for range 3 {
			reading := before(t, late, done).Readings["q0"]
			if reading.Known || !strings.HasPrefix(reading.Problem, "not sampled yet") {
				t.Errorf("got %+v", reading)
			}
		}
		<-time.After(3 * usual.Query) // until they are given up
	})
}

// TestAPrometheusThatFailsIsAskedLessAndLess, and when it answers again as often as ever.
func TestAPrometheusThatFailsIsAskedLessAndLess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		requests, away := 0, true
		sampler := scripted(func(*http.Request) (string, error) {
			requests++
			if away {
				return "", errors.New("connection refused")
			}
			return vector("7"), nil
		})
		longest := max(interval, usual.QueryHangs)
		asked := start
		for now := start; now.Before(start.Add(time.Hour)); now = now.Add(time.Second) {
			before := requests
			sampler.landed(t.Context(), ask("x"), now)
			if requests > before {
				if pause := now.Sub(asked); pause > longest {
					t.Fatalf("it was left alone for %s", pause)
				}
				asked = now
			}
		}
		if most := int(time.Hour/longest) + 10; requests > most {
			t.Errorf("it was asked %d times in an hour, more than %d", requests, most)
		}
		away = false
		now := start.Add(time.Hour + longest)
		if got := sampler.landed(t.Context(), ask("x"), now); got.Readings["q0"] != (Reading{Value: 7, Known: true, Time: now}) || !got.NextAt.Equal(now.Add(interval)) {
			t.Errorf("when it is back: %+v", got)
		}
	})
}

func TestASlowQueryDoesNotStarveTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		current, most := 0, 0
		sampler := scripted(func(r *http.Request) (string, error) {
			mu.Lock()
			current++
			most = max(most, current)
			mu.Unlock()
			defer func() {
				mu.Lock()
				defer mu.Unlock()
				current--
			}()
			if r.URL.Query().Get("query") != "fast" {
				return hang(r)
			}
			return vector("7"), nil
		})
		source := ask("a", "b", "c", "d", "e", "fast")
		first := sampler.landed(t.Context(), source, start).Readings["q5"]
		if want := "not sampled yet: not reached within 5s: other queries were slower"; first.Problem != want {
			t.Errorf("first: got %+v, want %q", first, want)
		}
		for i := range 4 {
			now := start.Add(time.Duration(i+1) * interval)
			if got, want := sampler.Sample(t.Context(), source, now).Readings["q5"], (Reading{Value: 7, Known: true, Time: now}); got != want {
				t.Errorf("later, while the slow ones are waited for: got %+v, want %+v", got, want)
			}
			<-time.After(usual.Query)
		}
		mu.Lock()
		defer mu.Unlock()
		if most != parallel {
			t.Errorf("%d requests at once, want %d", most, parallel)
		}
	})
}

// TestACallerThatGoesAwayTakesNothingAlong: the request goes on for those who stay.
func TestACallerThatGoesAwayTakesNothingAlong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		requests, release := 0, make(chan struct{})
		sampler := scripted(func(*http.Request) (string, error) {
			requests++
			<-release
			return vector("7"), nil
		})
		ctx, leave := context.WithCancel(t.Context())
		left, stayed := make(chan Snapshot, 1), make(chan Snapshot, 1)
		go func() { left <- sampler.Sample(ctx, ask("x"), start) }()
		synctest.Wait()
		go func() { stayed <- sampler.Sample(t.Context(), ask("x"), start) }()
		synctest.Wait()
		leave()
		if got := (<-left).Readings["q0"]; got != (Reading{Problem: "not sampled yet"}) {
			t.Errorf("who left: got %+v", got)
		}
		close(release)
		if got := (<-stayed).Readings["q0"]; got != (Reading{Value: 7, Known: true, Time: start}) {
			t.Errorf("who stayed: got %+v", got)
		}
		if got := sampler.Sample(ctx, ask("y"), start); !errors.Is(ctx.Err(), context.Canceled) || got.Readings["q0"].Known || requests != 1 {
			t.Errorf("a caller that is gone already: got %+v after %d requests", got, requests)
		}
	})
}

// before waits in the bubble's time, which passes only while everybody waits.
func before(t *testing.T, late <-chan time.Time, done <-chan Snapshot) Snapshot {
	t.Helper()
	select {
	case got := <-done:
		return got
	case <-late:
		t.Fatalf("a call is held longer than %s", usual.QueryWait)
	}
	return Snapshot{}
}

func TestAnAnswerThatDripsIsCutOff(t *testing.T) {
	prometheus := newFake(t)
	prometheus.say(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, `{"status":`)
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
	sampler := New(Options{AllowLoopback: true, Allow: allowed(here), Pauses: pauses.Pauses{Query: 50 * time.Millisecond, QueryWait: time.Minute}})
	if got := sampler.landed(t.Context(), prometheus.source("x"), start).Readings["q0"]; got.Known || !strings.Contains(got.Problem, errNoAnswer.Error()) {
		t.Errorf("half an answer is no number: %+v", got)
	}
}

// Servers that never answer, under as many names as a playbook can give them, take only so many requests at once and hold up nobody else, nor
// do slow queries at a server that others ask, too.
func TestHangingServersAreTheirOwnNamespacesAffair(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hanging := atomic.Int32{}
		sampler := scripted(func(r *http.Request) (string, error) {
			if !strings.Contains(r.URL.RawQuery, "slow") {
				return vector("7"), nil
			}
			hanging.Add(1)
			defer hanging.Add(-1)
			return hang(r)
		})
		from := func(namespace, url string, exprs ...string) Snapshot {
			source := sourceAt(url, exprs...)
			source.Namespace = namespace
			return sampler.Sample(t.Context(), source, start)
		}
		for n := range 100 {
			go from("slow", fmt.Sprintf("http://prometheus.monitoring:9090/?n=%d", n), "slow")
		}
		go from("slow", "http://prometheus.monitoring:9090", "slow", "slow+1", "slow+2", "slow+3", "slow+4")
		synctest.Wait()
		if got := hanging.Load(); got == 0 || got > perNamespace*parallel {
			t.Errorf("%d requests hang at once", got)
		}
		if got := from("slow", "http://another.monitoring:9090", "x"); got.Readings["q0"].Known {
			t.Errorf("a namespace with %d servers that hang asks one more", perNamespace)
		}
		for _, url := range []string{"http://prometheus.monitoring:9090", "http://another.monitoring:9090"} {
			if got := from("quick", url, "x"); !got.Readings["q0"].Known { // no time passes
				t.Errorf("another namespace does not know %s: %+v", url, got)
			}
		}
		<-time.After(3 * usual.Query) // until they are given up
	})
}
