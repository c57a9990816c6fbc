package signals

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"tradeops.dev/strategy-operator/internal/bounded"
)

// Query is one signal: a PromQL expression that yields one number.
type Query struct{ Name, Expr string }

// Source is what a playbook wants to know, and from whom.
type Source struct {
	Namespace string        // of the playbook
	URL       string        // of Prometheus, without /api/v1/query
	Token     string        // a bearer token, or empty
	Interval  time.Duration // between two samples; less than a second is a second
	Queries   []Query
}

// staleAfter is how many intervals a number stands without a newer one: two lost samples change nothing.
const staleAfter = 3

// minInterval keeps a source without an interval from being sampled in every pass.
const minInterval = time.Second

// Reading is what is known of one signal.
type Reading struct {
	Value   float64 // in the unit that the query yields, finite; 0 if it is not known, so ask Known first
	Known   bool
	Problem string    // why it is not known
	Time    time.Time // of the sample, by the operator's clock; zero if Prometheus never answered
}

// Snapshot is what is known of all signals of a source at one time.
type Snapshot struct {
	Time     time.Time
	Readings map[string]Reading // by name
	NextAt   time.Time          // when the next sample is due; zero without queries
}

// Values are the signals for a rule: a float64 by name. One that is unknown is left out, so that a rule that uses it is an error: a
// default would be a number that nobody measured.
func (s Snapshot) Values() map[string]any {
	values := map[string]any{}
	for name, reading := range s.Readings {
		if reading.Known {
			values[name] = reading.Value
		}
	}
	return values
}

// Words are the known ones of some signals, for people: "cpu = 81.23 percent, latency = 4". Unit is what follows a number.
func (s Snapshot) Words(names []string, unit func(name string) string) string {
	var known []string
	for _, name := range names {
		if reading, found := s.Readings[name]; found && reading.Known {
			known = append(known, name+" = "+bounded.Number(reading.Value)+unit(name))
		}
	}
	return strings.Join(known, ", ")
}

// JSON is the snapshot as evidence: the same snapshot yields the same bytes. A number is a decimal in a string, so that no
// reader rounds it.
func (s Snapshot) JSON() ([]byte, error) {
	type reading struct {
		Problem string    `json:"problem,omitempty"`
		Time    time.Time `json:"time,omitzero"`
		Value   string    `json:"value,omitempty"`
	}
	evidence := struct {
		Readings map[string]reading `json:"readings"` // encoding/json sorts the names
		Time     time.Time          `json:"time"`
	}{Readings: map[string]reading{}, Time: s.Time.UTC()}
	for name, r := range s.Readings {
		stored := reading{Problem: r.Problem, Time: r.Time}
		if !r.Time.IsZero() {
			stored.Time = r.Time.UTC()
		}
		if r.Known {
			stored.Value = strconv.FormatFloat(r.Value, 'f', -1, 64)
		}
		evidence.Readings[name] = stored
	}
	data, err := json.Marshal(evidence)
	if err != nil {
		return nil, fmt.Errorf("signals at %s as JSON: %w", s.Time, err)
	}
	return data, nil
}
