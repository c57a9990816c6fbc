package report

import (
	"cmp"
	"fmt"
	"time"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/bounded"
)

// Limits of plots: more shows nothing more.
const (
	maxPlots  = 32
	maxPoints = 300
	maxEvents = 10
)

// line is the plot of one signal.
type line struct {
	Title, Unit string
	Points      []sample
	Events      []event
	Said        string // what it shows, in words
}

// event is marked in each plot, by its letter.
type event struct {
	Letter string
	Time   time.Time
	Text   string
}

// signals: the samples that were stored, each signal for itself, with the events that matter marked.
func (f *Folder) signals() section {
	result := section{ID: "signals", Title: "Signals"}
	all := f.series()
	if len(all) == 0 {
		return result
	}
	events := f.turns()
	numbers := table{Caption: "What was sampled", Head: []string{"Signal", "Course", "First", "Lowest", "Highest", "Last", "Samples"}}
	var plots []line
	for _, one := range all {
		low, high := one.bounds()
		first, last := one.Points[0], one.Points[len(one.Points)-1]
		numbers.Rows = append(numbers.Rows, texts(one.Name, one.spark(), one.number(first.Value), one.number(low), one.number(high), one.number(last.Value), fmt.Sprint(len(one.Points))))
		plots = append(plots, line{
			Title: one.Name, Unit: one.Unit, Points: thin(one.Points), Events: events,
			Said: fmt.Sprintf("%s from %s to %s UTC: first %s, lowest %s, highest %s, last %s", one.Name, moment(first.Time), moment(last.Time),
				one.number(first.Value), one.number(low), one.number(high), one.number(last.Value)),
		})
	}
	if len(plots) > maxPlots {
		result.Blocks = append(result.Blocks, block{Text: fmt.Sprintf("The first %d of %d signals are drawn.", maxPlots, len(plots))})
		plots = plots[:maxPlots]
	}
	result.Blocks = append(result.Blocks, block{Lines: plots})
	if len(events) > 0 {
		result.Blocks = append(result.Blocks, block{Table: legend(events)})
	}
	return section{ID: result.ID, Title: result.Title, Blocks: append(result.Blocks, block{Table: numbers.most()})}
}

func legend(events []event) *table {
	marks := table{Caption: "Events marked in the plots", Head: []string{"Mark", "Time (UTC)", "Event"}}
	for _, one := range events {
		marks.Rows = append(marks.Rows, texts(one.Letter, moment(one.Time), one.Text))
	}
	return &marks
}

// turns are the events that may have changed the numbers, or were decided on them.
func (f *Folder) turns() []event {
	var all []event
	for _, one := range f.entries() {
		if len(all) < maxEvents && one.is(strategyv1.EventIncident, strategyv1.EventEscalated, strategyv1.EventDiagnosed, strategyv1.EventDisabled, strategyv1.EventConfigApplied,
			strategyv1.EventRestored, strategyv1.EventRelapsed, strategyv1.EventReopened, strategyv1.EventExpired, strategyv1.EventClosed) {
			all = append(all, event{Letter: string(rune('A' + len(all))), Time: one.Time, Text: f.short(one.Of) + ": " + cmp.Or(map[string]string{string(strategyv1.EventIncident): "began"}[one.Event], one.Event)})
		}
	}
	return all
}

func (s series) bounds() (low, high float64) {
	low, high = s.Points[0].Value, s.Points[0].Value
	for _, one := range s.Points {
		low, high = min(low, one.Value), max(high, one.Value)
	}
	return low, high
}

func (s series) number(value float64) string {
	if s.Unit == "" {
		return bounded.Number(value)
	}
	return bounded.Number(value) + " " + s.Unit
}

// sparks are eight heights of a bar.
var sparks = []rune("▁▂▃▄▅▆▇█")

// maxSpark is how long a course is in a column.
const maxSpark = 24

// spark is the course of a signal as a row of bars.
func (s series) spark() string {
	low, high := s.bounds()
	points := s.Points
	every := (len(points) + maxSpark - 1) / maxSpark
	var out []rune
	for i := 0; i < len(points); i += every {
		height := 0
		if high > low {
			height = int((points[i].Value/2 - low/2) / (high/2 - low/2) * float64(len(sparks)-1)) // halves: the difference of two doubles may be none
		}
		out = append(out, sparks[min(max(height, 0), len(sparks)-1)])
	}
	return string(out)
}

// thin leaves out points that no plot of this width shows, but neither the last nor the lowest and the highest between two that stay.
func thin(points []sample) []sample {
	if len(points) <= maxPoints {
		return points
	}
	each := (3*len(points) + maxPoints - 1) / maxPoints
	var kept []sample
	for from := 0; from < len(points); from += each {
		part := points[from:min(from+each, len(points))]
		low, high := 0, 0
		for i, one := range part {
			if one.Value < part[low].Value {
				low = i
			}
			if one.Value > part[high].Value {
				high = i
			}
		}
		last := len(part) - 1
		for i, one := range part {
			if i == low || i == high || i == last {
				kept = append(kept, one)
			}
		}
	}
	return kept
}
