package oncall

import (
	"cmp"
	"slices"
	"time"
)

// monday is the local time from which weeks are counted: 1970-01-05 00:00.
const monday = 4 * day

// window is a part of each week, in seconds from Monday 00:00. The end may lie in the next week.
type window struct{ from, to int64 }

// windows are those times of a week at which somebody is on call, in order and apart from each other. None means always.
type windows struct {
	clock clock
	week  []window
}

// newWindows joins windows that overlap or touch.
func newWindows(c clock, given []window) windows {
	var parts []window
	for _, w := range given {
		if w.to > week {
			parts = append(parts, window{0, w.to - week})
		}
		parts = append(parts, window{w.from, min(w.to, week)})
	}
	slices.SortFunc(parts, func(a, b window) int { return cmp.Compare(a.from, b.from) })
	var joined []window
	for _, w := range parts {
		if last := len(joined) - 1; last >= 0 && w.from <= joined[last].to {
			joined[last].to = max(joined[last].to, w.to)
			continue
		}
		joined = append(joined, w)
	}
	if slices.Equal(joined, []window{{0, week}}) {
		return windows{}
	}
	if last := len(joined) - 1; last > 0 && joined[0].from == 0 && joined[last].to == week {
		joined[last].to += joined[0].to
		joined = joined[1:]
	}
	return windows{clock: c, week: joined}
}

// at is the window of a moment, or the gap between two windows. The moment is after monday.
func (w windows) at(now time.Time) (open bool, p period) {
	if len(w.week) == 0 {
		return true, period{}
	}
	shown := w.clock.shown(now)
	start := shown - (shown-monday)%week
	var closed int64
	for _, base := range []int64{start - week, start, start + week} {
		for _, next := range w.week {
			if shown < base+next.from { // never for the first window: it begins in the week before
				return false, w.period(closed, base+next.from)
			}
			closed = base + next.to
			if shown < closed {
				return true, w.period(base+next.from, closed)
			}
		}
	}
	return false, period{} // not reached: the week after is not over
}

func (w windows) period(from, until int64) period {
	return period{from: w.clock.moment(from), until: w.clock.moment(until)}
}
