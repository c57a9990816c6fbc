package oncall

import (
	"testing"
	"time"
	_ "time/tzdata" // the manager brings its own, too

	"pgregory.net/rapid"
)

// zones: changes by an hour and by half an hour, on both sides of the equator, at midnight, across the date line, and none.
var zones = []string{
	"Europe/Warsaw", "America/New_York", "Australia/Sydney", "Australia/Lord_Howe", "America/Santiago", "Africa/Cairo",
	"Asia/Kathmandu", "Pacific/Apia", "Pacific/Chatham", "Africa/Casablanca", "Antarctica/Troll", "UTC",
}

func TestALocalTimeIsTheFirstMomentThatShowsItOrALaterOne(t *testing.T) {
	cases := map[string]struct{ zone, local, want string }{
		"an ordinary time":                              {"Europe/Warsaw", "2026-11-02 09:00", "2026-11-02T09:00:00+01:00"},
		"spring: the last minute before":                {"Europe/Warsaw", "2026-03-29 01:59", "2026-03-29T01:59:00+01:00"},
		"spring: a time that is skipped":                {"Europe/Warsaw", "2026-03-29 02:30", "2026-03-29T03:00:00+02:00"},
		"spring: the first time after":                  {"Europe/Warsaw", "2026-03-29 03:00", "2026-03-29T03:00:00+02:00"},
		"autumn: before the times that come twice":      {"Europe/Warsaw", "2026-10-25 01:59", "2026-10-25T01:59:00+02:00"},
		"autumn: a time that comes twice":               {"Europe/Warsaw", "2026-10-25 02:30", "2026-10-25T02:30:00+02:00"},
		"autumn: the first time that comes once":        {"Europe/Warsaw", "2026-10-25 03:00", "2026-10-25T03:00:00+01:00"},
		"New York, skipped":                             {"America/New_York", "2026-03-08 02:00", "2026-03-08T03:00:00-04:00"},
		"New York, twice":                               {"America/New_York", "2026-11-01 01:00", "2026-11-01T01:00:00-04:00"},
		"the south skips in October":                    {"Australia/Sydney", "2026-10-04 02:15", "2026-10-04T03:00:00+11:00"},
		"half an hour is skipped":                       {"Australia/Lord_Howe", "2026-10-04 02:10", "2026-10-04T02:30:00+11:00"},
		"half an hour comes twice":                      {"Australia/Lord_Howe", "2026-04-05 01:40", "2026-04-05T01:40:00+11:00"},
		"half an hour is over":                          {"Australia/Lord_Howe", "2026-04-05 02:00", "2026-04-05T02:00:00+10:30"},
		"midnight is skipped":                           {"America/Santiago", "2026-09-06 00:00", "2026-09-06T01:00:00-03:00"},
		"a whole day is skipped":                        {"Pacific/Apia", "2011-12-30 12:00", "2011-12-31T00:00:00+14:00"},
		"the last day of a leap year (golang/go#81583)": {"Europe/Warsaw", "2040-12-31 12:00", "2040-12-31T12:00:00+01:00"},
		"the first hour after it":                       {"Europe/Warsaw", "2041-01-01 00:30", "2041-01-01T00:30:00+01:00"},
		"a year far beyond the tables of the zones":     {"Europe/Warsaw", "2199-07-01 09:00", "2199-07-01T09:00:00+02:00"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			local, err := time.Parse(dateLayout, c.local)
			if err != nil {
				t.Fatal(err)
			}
			if got := (clock{zone(t, c.zone)}).moment(local.Unix()).Format(time.RFC3339); got != c.want {
				t.Errorf("%s is %s, want %s", c.local, got, c.want)
			}
		})
	}
}

func TestTheClockStandsStillWhileTimesComeTwice(t *testing.T) {
	c := clock{zone(t, "Europe/Warsaw")}
	change := time.Date(2026, time.October, 25, 1, 0, 0, 0, time.UTC) // 03:00 becomes 02:00
	for after, want := range map[time.Duration]string{
		-time.Second: "02:59:59", 0: "02:59:59", 45 * time.Minute: "02:59:59", time.Hour - 1: "02:59:59", time.Hour: "03:00:00",
	} {
		if got := time.Unix(c.shown(change.Add(after)), 0).UTC().Format(time.TimeOnly); got != want {
			t.Errorf("%s after the change it shows %s, want %s", after, got, want)
		}
	}
}

func TestTheClockNeverGoesBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := clock{zone(t, rapid.SampledFrom(zones).Draw(t, "zone"))}
		now := drawMoment(t, c)
		shown := c.shown(now)
		earlier := now.Add(-time.Duration(rapid.Int64Range(1, 3*hour).Draw(t, "earlier")) * time.Second)
		if before := c.shown(earlier); before > shown {
			t.Fatalf("%s shows %d, but %s showed %d", now, shown, earlier, before)
		}
		if on := wall(now.In(c.zone)); on > shown {
			t.Fatalf("%s shows %d, the wall %d", now, shown, on)
		}
		local := shown + rapid.Int64Range(-2*hour, 2*hour).Draw(t, "beside")
		moment := c.moment(local)
		if c.shown(moment) < local {
			t.Fatalf("%s does not show %d yet, but %d", moment, local, c.shown(moment))
		}
		if early := moment.Add(-time.Second); c.shown(early) >= local {
			t.Fatalf("%s shows %d, a second before %s", early, local, moment)
		}
	})
}

// drawMoment is often near the change of a clock.
func drawMoment(t *rapid.T, c clock) time.Time {
	at := time.Unix(rapid.Int64Range(946684800, 4102444800).Draw(t, "moment"), 0).In(c.zone)
	if rapid.IntRange(0, 7).Draw(t, "near the end of a year") == 0 {
		end := time.Date(at.Year(), time.December, 31, 23, 59, 59, 0, time.UTC).In(c.zone)
		return end.Add(time.Duration(rapid.Int64Range(-2*day, day).Draw(t, "from it")) * time.Second)
	}
	if _, change := at.ZoneBounds(); !change.IsZero() && rapid.Bool().Draw(t, "near a change") {
		return change.Add(time.Duration(rapid.Int64Range(-3*hour, 3*hour).Draw(t, "from it")) * time.Second)
	}
	return at
}

type fataler interface {
	Helper()
	Fatal(args ...any)
}

func zone(t fataler, name string) *time.Location {
	t.Helper()
	found, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return found
}
