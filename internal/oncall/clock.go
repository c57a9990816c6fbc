package oncall

import "time"

// Local times are numbers: the seconds from 1970-01-01 00:00 to what a clock on the wall shows.
const (
	minute int64 = 60
	hour         = 60 * minute
	day          = 24 * hour
	week         = 7 * day
)

// farthest is more than any zone was ever away from UTC (15:56, in Manila), and twice that more than clocks ever went back.
const farthest = 16 * hour

// clock is the clock on the wall of a zone, except that it never goes back: when clocks on the wall do, it stands still until
// they have caught up. So the times that it shows are in the order of the moments.
type clock struct{ zone *time.Location }

// shown is the latest local time that was shown by now.
func (c clock) shown(now time.Time) int64 {
	now = now.In(c.zone)
	latest := wall(now)
	for at := now; ; {
		change, _ := at.ZoneBounds()
		if change.IsZero() || change.After(at) || change.Unix() < now.Unix()-2*farthest {
			return latest
		}
		at = change.Add(-time.Second)
		latest = max(latest, wall(at))
	}
}

// moment is the first one at which the clock shows the local time, or a later one.
func (c clock) moment(local int64) time.Time {
	for at := time.Unix(local-farthest, 0).In(c.zone); ; {
		_, offset := at.Zone()
		shows := max(at.Unix(), local-int64(offset))
		change := nextChange(at)
		if change.IsZero() || shows < change.Unix() {
			return time.Unix(shows, 0).In(c.zone)
		}
		at = change
	}
}

// nextChange is the moment until which the offset of at holds at least; zero if it holds for ever.
func nextChange(at time.Time) time.Time {
	_, change := at.ZoneBounds()
	if change.IsZero() || change.After(at) {
		return change
	}
	// On the last day of a leap year that only a zone's rule covers, ZoneBounds ends before it: golang/go#81583.
	return time.Date(at.UTC().Year()+1, time.January, 1, 0, 0, 0, 0, time.UTC).In(at.Location())
}

func wall(t time.Time) int64 {
	_, offset := t.Zone()
	return t.Unix() + int64(offset)
}
