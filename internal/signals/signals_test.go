package signals

import (
	"fmt"
	"maps"
	"testing"
	"time"
)

var start = time.Date(2026, 11, 23, 10, 15, 0, 0, time.UTC)

func TestValuesLeaveOutWhatIsUnknown(t *testing.T) {
	snapshot := Snapshot{Readings: map[string]Reading{
		"pnl":      {Value: -2.5, Known: true},
		"zero":     {Known: true},
		"drawdown": {Problem: "not sampled yet"},
	}}
	if want := map[string]any{"pnl": -2.5, "zero": 0.0}; !maps.Equal(snapshot.Values(), want) {
		t.Errorf("got %v, want %v", snapshot.Values(), want)
	}
	if (Snapshot{}).Values() == nil {
		t.Error("no signals must be an empty object for a rule, not null")
	}
}

func TestTheEvidenceOfASnapshot(t *testing.T) {
	snapshot := Snapshot{Time: start.In(time.FixedZone("", 3600)), Readings: map[string]Reading{
		"z": {Value: 0.1, Known: true, Time: start.Add(-time.Second).In(time.FixedZone("", 3600))},
		"a": {Problem: "not sampled yet"},
		"m": {Value: 1e21, Known: true, Time: start},
		"n": {Problem: "the query yields no series", Time: start},
	}}
	want := `{"readings":{` +
		`"a":{"problem":"not sampled yet"},` +
		`"m":{"time":"2026-11-23T10:15:00Z","value":"1000000000000000000000"},` +
		`"n":{"problem":"the query yields no series","time":"2026-11-23T10:15:00Z"},` +
		`"z":{"time":"2026-11-23T10:14:59Z","value":"0.1"}},` +
		`"time":"2026-11-23T10:15:00Z"}`
	for range 10 {
		if got, err := snapshot.JSON(); err != nil || string(got) != want {
			t.Fatalf("got %s, %v\nwant %s", got, err, want)
		}
	}
	if got, err := (Snapshot{Time: start}).JSON(); err != nil || string(got) != `{"readings":{},"time":"2026-11-23T10:15:00Z"}` {
		t.Errorf("without queries: got %s, %v", got, err)
	}
}

func TestTheMemoryIsBounded(t *testing.T) {
	m := memory{}
	ask := func(expr string, now time.Time) {
		m.due(Source{URL: "http://a", Interval: time.Minute, Queries: []Query{{"q", expr}}}, now, usual)
	}
	of := func(expr string) key { return key{Source{URL: "http://a"}.server(), expr} }
	for i := range maxEntries {
		m[of(fmt.Sprint(i))] = entry{asked: start.Add(time.Duration(i) * time.Millisecond)}
	}
	ask("0", start.Add(time.Minute))
	ask("new", start.Add(time.Minute))
	if len(m) != maxEntries-makeRoom {
		t.Errorf("%d entries are remembered, want %d", len(m), maxEntries-makeRoom)
	}
	for expr, want := range map[string]bool{"0": true, "1": false, fmt.Sprint(makeRoom + 1): false, fmt.Sprint(makeRoom + 2): true, "new": true} {
		if _, got := m[of(expr)]; got != want {
			t.Errorf("%s is remembered: %v, want %v; what was asked for longest ago goes first", expr, got, want)
		}
	}
	ask("later", start.Add(time.Minute+lifetime))
	if len(m) != 3 {
		t.Errorf("%d entries are left after an hour, want the 3 that were asked for within it", len(m))
	}
	m.store(of("forgotten"), answer{reached: true, value: 1}, start)
	if len(m) != 3 {
		t.Error("an answer that nobody waits for any more was stored")
	}
}

// A namespace that asks for ever more signals pushes out its own, and not those of others that ask less often.
func TestWhoeverAsksForMostMakesRoom(t *testing.T) {
	m := memory{}
	ask := func(namespace, expr string, now time.Time) {
		m.due(Source{Namespace: namespace, URL: "http://a", Interval: time.Minute, Queries: []Query{{"q", expr}}}, now, usual)
	}
	for i := range 10 {
		ask("small", fmt.Sprint("small", i), start)
	}
	for i := range 2 * maxEntries {
		ask("large", fmt.Sprint("large", i), start.Add(time.Minute+time.Duration(i)*time.Millisecond))
	}
	left := map[string]int{}
	for _, found := range m {
		left[found.by]++
	}
	if left["small"] != 10 || left["large"] > maxEntries-10 || left["large"] < maxEntries-makeRoom-10 {
		t.Errorf("%v are left, want all 10 of the small one and %d at most", left, maxEntries)
	}
}
