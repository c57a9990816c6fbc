package sim

import (
	"context"
	"time"

	"tradeops.dev/strategy-operator/controllers"
	"tradeops.dev/strategy-operator/internal/signals"
)

// Sample implements controllers.Signals: every query that has a number in Signals, by its name or as it was asked, is known.
func (w *World) Sample(_ context.Context, source signals.Source, now time.Time) signals.Snapshot {
	snapshot := signals.Snapshot{Time: now, Readings: map[string]signals.Reading{}, NextAt: now.Add(source.Interval)}
	for _, query := range source.Queries {
		reading := signals.Reading{Problem: "the query yields no series"}
		value, known := w.Signals[query.Expr]
		if !known {
			value, known = w.Signals[query.Name]
		}
		if known {
			reading = signals.Reading{Value: value, Known: true, Time: now.Truncate(time.Second)}
		}
		snapshot.Readings[query.Name] = reading
	}
	return snapshot
}

var _ controllers.Signals = &World{}
