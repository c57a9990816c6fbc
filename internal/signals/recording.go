package signals

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"time"
)

const (
	// recordedFor is how long samples are collected before they are stored: one object for some minutes.
	recordedFor = 5 * time.Minute
	// recordedBytes is how many are collected at most.
	recordedBytes = 64 << 10
)

// Recording collects what the signals of one incident were, though nothing was decided on them: whoever tries another rule later needs what
// that rule would have seen. The zero value is empty; it is not safe for several goroutines.
type Recording struct {
	last map[string]Reading
	from time.Time // of the first sample that is not stored yet
	text bytes.Buffer
}

// line is one sample of one signal, as it is stored. A number is a decimal in a string, so that no reader rounds it.
type line struct {
	Name    string    `json:"name"`
	Problem string    `json:"problem,omitempty"`
	Time    time.Time `json:"time"`
	Value   string    `json:"value,omitempty"`
}

// Add collects what is new in a snapshot. A signal that stays unknown for the same reason is one line, however often it was asked for.
func (r *Recording) Add(s Snapshot) {
	if r.last == nil {
		r.last = map[string]Reading{}
	}
	for _, name := range slices.Sorted(maps.Keys(s.Readings)) {
		reading := s.Readings[name]
		if last, found := r.last[name]; found && last == reading {
			continue
		}
		r.last[name] = reading
		stored := line{Name: name, Problem: reading.Problem, Time: s.Time.UTC()}
		if reading.Known {
			stored.Value, stored.Time = strconv.FormatFloat(reading.Value, 'f', -1, 64), reading.Time.UTC()
		}
		text, err := json.Marshal(stored)
		if err != nil { // plain texts and times
			continue
		}
		if r.text.Len() == 0 {
			r.from = s.Time
		}
		r.text.Write(append(text, '\n'))
	}
}

// Size is how many bytes wait to be stored.
func (r *Recording) Size() int { return r.text.Len() }

// Due says whether what was collected is to be stored now. A clock that was set back does not keep it.
func (r *Recording) Due(now time.Time) bool {
	age := now.Sub(r.from)
	return r.text.Len() > 0 && (age >= recordedFor || age < 0 || r.text.Len() >= recordedBytes)
}

// Lines are what was collected, one JSON object to a line, and since when.
func (r *Recording) Lines() (from time.Time, text []byte) { return r.from, bytes.Clone(r.text.Bytes()) }

// Stored forgets what was collected.
func (r *Recording) Stored() { r.text.Reset() }
