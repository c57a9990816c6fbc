package signals_test

import (
	"strings"
	"testing"
	"time"

	"tradeops.dev/strategy-operator/internal/signals"
)

func TestARecordingHasEverySampleOnce(t *testing.T) {
	start := time.Date(2026, 11, 23, 13, 0, 0, 0, time.UTC)
	at := func(seconds int) time.Time { return start.Add(time.Duration(seconds) * time.Second) }
	known := func(value float64, seconds int) signals.Reading {
		return signals.Reading{Value: value, Known: true, Time: at(seconds)}
	}
	var r signals.Recording
	if r.Due(start) {
		t.Error("nothing is due")
	}
	for _, s := range []signals.Snapshot{
		{Time: at(0), Readings: map[string]signals.Reading{"cpu": known(81.5, 0), "age": {Problem: "no answer"}}},
		{Time: at(10), Readings: map[string]signals.Reading{"cpu": known(81.5, 0), "age": {Problem: "no answer"}}}, // another pass, nothing new
		{Time: at(30), Readings: map[string]signals.Reading{"cpu": known(81.5, 30), "age": known(1e21, 30)}},       // the same number, measured again
		{Time: at(60), Readings: map[string]signals.Reading{"cpu": {Problem: "several series", Time: at(30)}, "age": known(1e21, 30)}},
	} {
		r.Add(s)
	}
	want := `{"name":"age","problem":"no answer","time":"2026-11-23T13:00:00Z"}
{"name":"cpu","time":"2026-11-23T13:00:00Z","value":"81.5"}
{"name":"age","time":"2026-11-23T13:00:30Z","value":"1000000000000000000000"}
{"name":"cpu","time":"2026-11-23T13:00:30Z","value":"81.5"}
{"name":"cpu","problem":"several series","time":"2026-11-23T13:01:00Z"}
`
	from, text := r.Lines()
	if string(text) != want || !from.Equal(start) || r.Size() != len(want) {
		t.Errorf("from %s, %d bytes:\n%s", from, r.Size(), text)
	}
	for seconds, due := range map[int]bool{0: false, 299: false, 300: true, -1: true} { // -1: the clock was set back
		if r.Due(at(seconds)) != due {
			t.Errorf("due after %d s: %t", seconds, !due)
		}
	}
	r.Stored()
	r.Add(signals.Snapshot{Time: at(90), Readings: map[string]signals.Reading{"age": known(1e21, 30)}})
	if r.Due(at(900)) || r.Size() != 0 {
		t.Error("what was stored is stored again")
	}
	r.Add(signals.Snapshot{Time: at(120), Readings: map[string]signals.Reading{"age": known(2, 120)}})
	if from, _ := r.Lines(); !from.Equal(at(120)) {
		t.Errorf("the second file is from %s", from)
	}
}

func TestALargeRecordingIsDueAtOnce(t *testing.T) {
	var r signals.Recording
	now := time.Date(2026, 11, 23, 13, 0, 0, 0, time.UTC)
	for n := 0; !r.Due(now); n++ {
		if n > 1000 {
			t.Fatalf("%d bytes are not due", r.Size())
		}
		r.Add(signals.Snapshot{Time: now, Readings: map[string]signals.Reading{"cpu": {Problem: strings.Repeat("x", 200) + string(rune('a'+n%26)) + strings.Repeat("y", n%7)}}})
	}
	if r.Size() < 64<<10 || r.Size() > 65<<10 {
		t.Errorf("%d bytes", r.Size())
	}
}
