package signals

import (
	"cmp"
	"crypto/sha256"
	"maps"
	"slices"
	"strings"
	"time"

	"tradeops.dev/strategy-operator/internal/pauses"
)

// maxEntries and lifetime bound the memory: a query is remembered while somebody asks for it.
const (
	maxEntries = 4096
	makeRoom   = maxEntries / 8 // at once, since whom to forget is found by looking at all
	lifetime   = time.Hour
)

// server is whom to ask, and as whom. Without the token one playbook could read what only another one's token may see,
// and a wrong token would make the signals of the right one fail.
type server struct {
	url   string
	token [sha256.Size]byte
}

// key is of one query.
type key struct {
	server
	expr string
}

// entry is the last sample of a query.
type entry struct {
	asked    time.Time // by a caller
	by       string    // the namespace that asked last
	tried    time.Time // the last request, whatever came of it
	answered time.Time // the last request that Prometheus answered
	value    float64   // of that answer
	unknown  string    // why that answer is no number
	failure  string    // why the last request had no answer
	failures int       // in a row
}

// answer is what came of a request.
type answer struct {
	reached bool // the request was made
	value   float64
	unknown string // Prometheus answered, and not with a number
	failure string // Prometheus did not answer the question
}

// memory is the last sample of each query. It is used under the Sampler's lock.
type memory map[key]entry

// due are the expressions that must be asked for: each once, though it has two names, and what failed more often last, so
// that a slow query does not starve the others in each flight.
func (m memory) due(source Source, now time.Time, pauses pauses.Pauses) []string {
	at := source.server()
	var due []string
	for _, query := range source.Queries {
		of := key{at, query.Expr}
		found := m[of]
		found.asked, found.by = now, source.Namespace
		m[of] = found
		if found.due(source.Interval, now, pauses) && !slices.Contains(due, query.Expr) {
			due = append(due, query.Expr)
		}
	}
	if len(due) > 0 { // the memory grows only then
		m.forget(now)
	}
	slices.SortStableFunc(due, func(a, b string) int {
		return cmp.Compare(m[key{at, a}].failures, m[key{at, b}].failures)
	})
	return due
}

// recent: each query was asked for a short time ago, so its reading is not older than it may be, or says what is wrong.
func (m memory) recent(source Source, now time.Time) bool {
	at := source.server()
	return !slices.ContainsFunc(source.Queries, func(query Query) bool {
		found := m[key{at, query.Expr}]
		return found.tried.IsZero() || apart(found.tried, now) >= staleAfter*source.Interval
	})
}

// failing: the last request of each of these failed, so whoever waits for the next one most likely waits in vain.
func (m memory) failing(at server, exprs []string) bool {
	return !slices.ContainsFunc(exprs, func(expr string) bool { return m[key{at, expr}].failures == 0 })
}

// forget drops what nobody asked for in a long time and, if that is too little, what was asked for longest ago by the namespaces that ask
// for most: one that asks for ever more pushes out nobody else's.
func (m memory) forget(now time.Time) {
	maps.DeleteFunc(m, func(_ key, found entry) bool { return apart(found.asked, now) > lifetime })
	if len(m) <= maxEntries {
		return
	}
	of := map[string][]key{}
	for at, found := range m {
		of[found.by] = append(of[found.by], at)
	}
	for namespace := range of {
		slices.SortFunc(of[namespace], func(a, b key) int { return m[a].asked.Compare(m[b].asked) })
	}
	for len(m) > maxEntries-makeRoom {
		most := slices.MaxFunc(slices.Collect(maps.Keys(of)), func(a, b string) int {
			return cmp.Or(cmp.Compare(len(of[a]), len(of[b])), strings.Compare(a, b))
		})
		delete(m, of[most][0])
		of[most] = of[most][1:]
	}
}

// store remembers an answer. A failure leaves the last answer standing until it is too old: one lost sample in the middle
// of an incident must not decide anything.
func (m memory) store(of key, got answer, now time.Time) {
	found, known := m[of]
	if !known {
		return
	}
	found.tried, found.failure = now, got.failure
	switch {
	case got.failure == "":
		found.answered, found.value, found.unknown, found.failures = now, got.value, got.unknown, 0
	case got.reached:
		found.failures++
	}
	m[of] = found
}

func (m memory) snapshot(source Source, now time.Time, pauses pauses.Pauses) Snapshot {
	at := source.server()
	snapshot := Snapshot{Time: now, Readings: map[string]Reading{}}
	for _, query := range source.Queries {
		found := m[key{at, query.Expr}]
		snapshot.Readings[query.Name] = found.reading(source.Interval, now)
		next := found.tried.Add(found.pause(source.Interval, pauses))
		if found.due(source.Interval, now, pauses) {
			next = now.Add(pauses.QueryRetry)
		}
		if snapshot.NextAt.IsZero() || next.Before(snapshot.NextAt) {
			snapshot.NextAt = next
		}
	}
	return snapshot
}

func (e entry) due(interval time.Duration, now time.Time, pauses pauses.Pauses) bool {
	return e.tried.IsZero() || apart(e.tried, now) >= e.pause(interval, pauses)
}

// pause is how long after the last request the next one is due: the interval, which doubles while requests fail again and again.
func (e entry) pause(interval time.Duration, pauses pauses.Pauses) time.Duration {
	return min(interval<<min(max(e.failures-1, 0), 16), max(interval, pauses.QueryHangs))
}

func (e entry) reading(interval time.Duration, now time.Time) Reading {
	switch {
	case e.answered.IsZero():
		return Reading{Problem: because("not sampled yet", e.failure)}
	case apart(e.answered, now) > staleAfter*interval:
		return Reading{Problem: because("not sampled since "+e.answered.UTC().Format("15:04:05Z"), e.failure), Time: e.answered}
	case e.unknown != "":
		return Reading{Problem: e.unknown, Time: e.answered}
	}
	return Reading{Value: e.value, Known: true, Time: e.answered}
}

func because(what, why string) string {
	if why == "" {
		return what
	}
	return what + ": " + why
}

// apart is how far two times are from each other. Two callers read the clock a moment apart and may come in the other
// order, which is no reason to sample again; a clock that was set back by an hour is, and no sample may stand until then.
func apart(a, b time.Time) time.Duration {
	return b.Sub(a).Abs()
}
