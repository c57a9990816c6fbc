package oncall

import (
	"sort"
	"time"
)

// period is a time with the same person, or nobody, on call; not always the longest. Zero times are open ends.
type period struct {
	name        string
	from, until time.Time
}

// within cuts a period to another one.
func (p period) within(other period) period {
	if p.from.Before(other.from) {
		p.from = other.from
	}
	p.until = sooner(p.until, other.until)
	return p
}

// sooner of two ends, of which a zero one is never.
func sooner(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// rotation of one level. The zero value has nobody.
type rotation struct {
	turns     turns
	windows   windows
	overrides []period // in order, without overlap
}

// longest joins the periods around now that have the same person. It takes few steps beyond one for each override: without an
// override, a period is followed by another person or a gap, unless the change of a clock swallowed those.
func (r rotation) longest(now time.Time) period {
	p := r.at(now)
	for !p.from.IsZero() {
		before := r.at(p.from.Add(-1))
		if before.name != p.name {
			break
		}
		p.from = before.from
	}
	for !p.until.IsZero() {
		after := r.at(p.until)
		if after.name != p.name {
			break
		}
		p.until = after.until
	}
	return p
}

func (r rotation) at(now time.Time) period {
	i := sort.Search(len(r.overrides), func(i int) bool { return r.overrides[i].until.After(now) })
	var between period
	if i > 0 {
		between.from = r.overrides[i-1].until
	}
	if i < len(r.overrides) {
		if !r.overrides[i].from.After(now) {
			return r.overrides[i]
		}
		between.until = r.overrides[i].from
	}
	return r.planned(now).within(between)
}

// planned is what holds without overrides.
func (r rotation) planned(now time.Time) period {
	if len(r.turns.members) == 0 {
		return period{}
	}
	if now.Before(r.turns.begin) {
		return period{until: r.turns.begin}
	}
	open, window := r.windows.at(now)
	if !open {
		return window.within(period{from: r.turns.begin})
	}
	return r.turns.at(now).within(window)
}
