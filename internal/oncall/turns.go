package oncall

import "time"

// turns gives each member a shift, for ever, in the order of the file.
type turns struct {
	clock   clock
	members []string
	start   int64     // local time of the first turn
	begin   time.Time // the moment of it
	length  int64     // seconds
	elapsed bool      // the length is elapsed time, not time on the clock (days, weeks, and hours of the clock)
}

// at is the turn of a moment that is not before begin, together with the turns of the same member beside it.
func (t turns) at(now time.Time) period {
	n := t.number(now)
	name := t.member(n)
	first, next := n, n+1
	for first > 0 && n-first < len(t.members) && t.member(first-1) == name {
		first--
	}
	for next-n <= len(t.members) && t.member(next) == name {
		next++
	}
	if next-n > len(t.members) { // there is no other member
		return period{name: name, from: t.begin}
	}
	return period{name: name, from: t.moment(first), until: t.moment(next)}
}

func (t turns) member(n int) string {
	return t.members[n%len(t.members)]
}

func (t turns) number(now time.Time) int {
	if t.elapsed {
		return int((now.Unix() - t.begin.Unix()) / t.length)
	}
	return int((t.clock.shown(now) - t.start) / t.length)
}

func (t turns) moment(n int) time.Time {
	if t.elapsed { // not by Add: a Duration ends after 292 years
		return time.Unix(t.begin.Unix()+int64(n)*t.length, 0).In(t.clock.zone)
	}
	return t.clock.moment(t.start + int64(n)*t.length)
}
