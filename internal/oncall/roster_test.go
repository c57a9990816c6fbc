package oncall

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// file of the zone with alice, bob and carol, and the rest of it.
func file(zone, rest string) string {
	return "timeZone: " + zone + `
people:
- {name: alice, contact: "+48 600 000 001"}
- {name: bob, contact: bob@example.com}
- {name: carol, contact: "#carol"}
` + rest
}

func mustParse(t fataler, text string) Roster {
	t.Helper()
	roster, err := Parse([]byte(text))
	if err != nil {
		t.Fatal(fmt.Sprintf("%v\nin:\n%s", err, text))
	}
	return roster
}

const weekly = `
rotations:
- {level: L1, start: "2026-11-02 09:00", shift: 1w, members: [alice, bob]}
`

const office = `
rotations:
- level: L1
  start: "2026-11-02 09:00"
  shift: 1w
  members: [alice, bob]
  windows: [{days: [Mon, Tue, Wed, Thu, Fri], from: "08:00", to: "18:00"}]
`

func daily(start string) string {
	return "rotations:\n- {level: L1, start: \"" + start + "\", shift: 1d, members: [alice, bob]}\n"
}

// dayAndNight are two turns of twelve hours on the clock.
func dayAndNight(start string) string {
	return "rotations:\n- {level: L1, start: \"" + start + "\", shift: 12h, hours: Clock, members: [alice, bob]}\n"
}

// Each case tells the shifts that follow each other from now on.
func TestShiftsFollowEachOther(t *testing.T) {
	cases := map[string]struct{ text, now, want string }{
		"a week each, and before the start nobody": {
			file("Europe/Warsaw", weekly), "2026-10-01T00:00:00Z", `
			nobody ever -> 2026-11-02 09:00 +01:00
			alice 2026-11-02 09:00 +01:00 -> 2026-11-09 09:00 +01:00
			bob 2026-11-09 09:00 +01:00 -> 2026-11-16 09:00 +01:00
			alice 2026-11-16 09:00 +01:00 -> 2026-11-23 09:00 +01:00`,
		},
		"ten years later the same": {
			file("Europe/Warsaw", weekly), "2036-11-03T08:00:00Z", `
			alice 2036-11-03 09:00 +01:00 -> 2036-11-10 09:00 +01:00
			bob 2036-11-10 09:00 +01:00 -> 2036-11-17 09:00 +01:00`,
		},
		"a shift ends where the next one begins, to the nanosecond": {
			file("Europe/Warsaw", weekly), "2026-11-09T07:59:59.999999999Z", `
			alice 2026-11-02 09:00 +01:00 -> 2026-11-09 09:00 +01:00
			bob 2026-11-09 09:00 +01:00 -> 2026-11-16 09:00 +01:00`,
		},
		"half days": {
			file("UTC", `rotations: [{level: L1, start: "2026-11-02 06:00", shift: 12h, members: [alice, bob, carol]}]`), "2026-11-03T00:00:00Z", `
			bob 2026-11-02 18:00 +00:00 -> 2026-11-03 06:00 +00:00
			carol 2026-11-03 06:00 +00:00 -> 2026-11-03 18:00 +00:00
			alice 2026-11-03 18:00 +00:00 -> 2026-11-04 06:00 +00:00`,
		},
		"one member is on call for ever": {
			file("UTC", `rotations: [{level: L1, start: "2026-11-02 06:00", shift: 12h, members: [alice]}]`), "2030-11-03T00:00:00Z", `
			alice 2026-11-02 06:00 +00:00 -> ever`,
		},
		"who stands twice has two turns": {
			file("UTC", `rotations: [{level: L1, start: "2026-11-02 06:00", shift: 1d, members: [alice, alice, bob, alice]}]`), "2026-11-02T12:00:00Z", `
			alice 2026-11-02 06:00 +00:00 -> 2026-11-04 06:00 +00:00
			bob 2026-11-04 06:00 +00:00 -> 2026-11-05 06:00 +00:00
			alice 2026-11-05 06:00 +00:00 -> 2026-11-08 06:00 +00:00
			bob 2026-11-08 06:00 +00:00 -> 2026-11-09 06:00 +00:00`,
		},

		"Warsaw, spring: a day shift begins at 09:00 and has 23 hours": {
			file("Europe/Warsaw", daily("2026-03-27 09:00")), "2026-03-28T12:00:00Z", `
			bob 2026-03-28 09:00 +01:00 -> 2026-03-29 09:00 +02:00
			alice 2026-03-29 09:00 +02:00 -> 2026-03-30 09:00 +02:00`,
		},
		"Warsaw, autumn: a day shift begins at 09:00 and has 25 hours": {
			file("Europe/Warsaw", daily("2026-03-27 09:00")), "2026-10-24T12:00:00Z", `
			bob 2026-10-24 09:00 +02:00 -> 2026-10-25 09:00 +01:00
			alice 2026-10-25 09:00 +01:00 -> 2026-10-26 09:00 +01:00`,
		},
		"New York, spring": {
			file("America/New_York", daily("2026-03-06 09:00")), "2026-03-08T00:00:00Z", `
			bob 2026-03-07 09:00 -05:00 -> 2026-03-08 09:00 -04:00
			alice 2026-03-08 09:00 -04:00 -> 2026-03-09 09:00 -04:00`,
		},
		"New York, autumn": {
			file("America/New_York", daily("2026-10-30 09:00")), "2026-11-01T00:00:00Z", `
			bob 2026-10-31 09:00 -04:00 -> 2026-11-01 09:00 -05:00
			alice 2026-11-01 09:00 -05:00 -> 2026-11-02 09:00 -05:00`,
		},
		"Sydney has its spring in October": {
			file("Australia/Sydney", daily("2026-10-02 09:00")), "2026-10-03T12:00:00Z", `
			bob 2026-10-03 09:00 +10:00 -> 2026-10-04 09:00 +11:00
			alice 2026-10-04 09:00 +11:00 -> 2026-10-05 09:00 +11:00`,
		},
		"Lord Howe changes by half an hour": {
			file("Australia/Lord_Howe", daily("2026-04-03 09:00")), "2026-04-04T12:00:00Z", `
			bob 2026-04-04 09:00 +11:00 -> 2026-04-05 09:00 +10:30
			alice 2026-04-05 09:00 +10:30 -> 2026-04-06 09:00 +10:30`,
		},
		"hours are elapsed hours, whatever the clock does": {
			file("Europe/Warsaw", `rotations: [{level: L1, start: "2026-10-24 09:00", shift: 24h, members: [alice, bob]}]`), "2026-10-24T12:00:00Z", `
			alice 2026-10-24 09:00 +02:00 -> 2026-10-25 08:00 +01:00
			bob 2026-10-25 08:00 +01:00 -> 2026-10-26 08:00 +01:00`,
		},
		"hours on the clock: a night has eleven of them in spring": {
			file("Europe/Berlin", dayAndNight("2026-03-27 08:00")), "2026-03-28T12:00:00Z", `
			alice 2026-03-28 08:00 +01:00 -> 2026-03-28 20:00 +01:00
			bob 2026-03-28 20:00 +01:00 -> 2026-03-29 08:00 +02:00
			alice 2026-03-29 08:00 +02:00 -> 2026-03-29 20:00 +02:00`,
		},
		"hours on the clock: a night has thirteen of them in autumn": {
			file("Europe/Berlin", dayAndNight("2026-03-27 08:00")), "2026-10-24T12:00:00Z", `
			alice 2026-10-24 08:00 +02:00 -> 2026-10-24 20:00 +02:00
			bob 2026-10-24 20:00 +02:00 -> 2026-10-25 08:00 +01:00
			alice 2026-10-25 08:00 +01:00 -> 2026-10-25 20:00 +01:00`,
		},
		"hours on the clock: half an hour, in Lord Howe": {
			file("Australia/Lord_Howe", dayAndNight("2026-03-27 08:00")), "2026-04-04T08:00:00Z", `
			alice 2026-04-04 08:00 +11:00 -> 2026-04-04 20:00 +11:00
			bob 2026-04-04 20:00 +11:00 -> 2026-04-05 08:00 +10:30`,
		},
		"hours on the clock: a handover at a skipped time is when the clock changes": {
			file("Europe/Berlin", dayAndNight("2026-03-27 14:30")), "2026-03-28T14:00:00Z", `
			alice 2026-03-28 14:30 +01:00 -> 2026-03-29 03:00 +02:00
			bob 2026-03-29 03:00 +02:00 -> 2026-03-29 14:30 +02:00`,
		},
		"hours on the clock: a handover at a time that comes twice is at the first": {
			file("Europe/Berlin", dayAndNight("2026-10-23 14:30")), "2026-10-24T14:00:00Z", `
			alice 2026-10-24 14:30 +02:00 -> 2026-10-25 02:30 +02:00
			bob 2026-10-25 02:30 +02:00 -> 2026-10-25 14:30 +01:00`,
		},
		"hours on the clock: a turn that is skipped as a whole is nobody's": {
			file("Europe/Berlin", `rotations: [{level: L1, start: "2026-03-29 00:00", shift: 1h, hours: Clock, members: [alice, bob, carol]}]`), "2026-03-29T00:30:00Z", `
			bob 2026-03-29 01:00 +01:00 -> 2026-03-29 03:00 +02:00
			alice 2026-03-29 03:00 +02:00 -> 2026-03-29 04:00 +02:00`,
		},
		"hours that say that they are elapsed are": {
			file("Europe/Berlin", strings.Replace(dayAndNight("2026-10-24 08:00"), "Clock", "Elapsed", 1)), "2026-10-24T20:00:00Z", `
			bob 2026-10-24 20:00 +02:00 -> 2026-10-25 07:00 +01:00
			alice 2026-10-25 07:00 +01:00 -> 2026-10-25 19:00 +01:00`,
		},
		"a turn that begins at a skipped time begins when the clock changes": {
			file("Europe/Warsaw", daily("2026-03-28 02:30")), "2026-03-28T12:00:00Z", `
			alice 2026-03-28 02:30 +01:00 -> 2026-03-29 03:00 +02:00
			bob 2026-03-29 03:00 +02:00 -> 2026-03-30 02:30 +02:00`,
		},
		"a turn that begins at a time that comes twice begins at the first": {
			file("Europe/Warsaw", daily("2026-10-24 02:30")), "2026-10-25T01:45:00Z", `
			bob 2026-10-25 02:30 +02:00 -> 2026-10-26 02:30 +01:00
			alice 2026-10-26 02:30 +01:00 -> 2026-10-27 02:30 +01:00`,
		},
		"a start at a skipped time": {
			file("Europe/Warsaw", daily("2026-03-29 02:30")), "2026-03-29T00:00:00Z", `
			nobody ever -> 2026-03-29 03:00 +02:00
			alice 2026-03-29 03:00 +02:00 -> 2026-03-30 02:30 +02:00`,
		},
		"a day that a zone skipped is a turn that nobody had": {
			file("Pacific/Apia", daily("2011-12-28 00:00")), "2011-12-28T12:00:00Z", `
			alice 2011-12-28 00:00 -10:00 -> 2011-12-29 00:00 -10:00
			bob 2011-12-29 00:00 -10:00 -> 2012-01-01 00:00 +14:00
			alice 2012-01-01 00:00 +14:00 -> 2012-01-02 00:00 +14:00`,
		},

		"outside of the windows is a gap, and a weekend is one gap": {
			file("Europe/Warsaw", office), "2026-11-01T00:00:00Z", `
			nobody ever -> 2026-11-02 09:00 +01:00
			alice 2026-11-02 09:00 +01:00 -> 2026-11-02 18:00 +01:00
			nobody 2026-11-02 18:00 +01:00 -> 2026-11-03 08:00 +01:00
			alice 2026-11-03 08:00 +01:00 -> 2026-11-03 18:00 +01:00
			nobody 2026-11-03 18:00 +01:00 -> 2026-11-04 08:00 +01:00
			alice 2026-11-04 08:00 +01:00 -> 2026-11-04 18:00 +01:00
			nobody 2026-11-04 18:00 +01:00 -> 2026-11-05 08:00 +01:00
			alice 2026-11-05 08:00 +01:00 -> 2026-11-05 18:00 +01:00
			nobody 2026-11-05 18:00 +01:00 -> 2026-11-06 08:00 +01:00
			alice 2026-11-06 08:00 +01:00 -> 2026-11-06 18:00 +01:00
			nobody 2026-11-06 18:00 +01:00 -> 2026-11-09 08:00 +01:00
			alice 2026-11-09 08:00 +01:00 -> 2026-11-09 09:00 +01:00
			bob 2026-11-09 09:00 +01:00 -> 2026-11-09 18:00 +01:00`,
		},
		"a window across midnight, and across the end of the week": {
			file("Europe/Warsaw", `rotations: [{level: L1, start: "2026-11-01 12:00", shift: 1d, members: [alice, bob], windows: [{days: [Sun, Mon], from: "22:00", to: "06:00"}]}]`), "2026-11-01T12:00:00Z", `
			nobody ever -> 2026-11-01 22:00 +01:00
			alice 2026-11-01 22:00 +01:00 -> 2026-11-02 06:00 +01:00
			nobody 2026-11-02 06:00 +01:00 -> 2026-11-02 22:00 +01:00
			bob 2026-11-02 22:00 +01:00 -> 2026-11-03 06:00 +01:00
			nobody 2026-11-03 06:00 +01:00 -> 2026-11-08 22:00 +01:00`,
		},
		"windows that overlap are one": {
			file("UTC", `rotations: [{level: L1, start: "2026-11-01 00:00", shift: 1w, members: [alice], windows: [
				{days: [Tue], from: "08:00", to: "12:00"}, {days: [Tue], from: "11:00", to: "13:00"}, {days: [Tue], from: "13:00", to: "14:00"}]}]`), "2026-11-03T10:00:00Z", `
			alice 2026-11-03 08:00 +00:00 -> 2026-11-03 14:00 +00:00
			nobody 2026-11-03 14:00 +00:00 -> 2026-11-10 08:00 +00:00`,
		},
		"windows that are the whole week are no windows": {
			file("UTC", `rotations: [{level: L1, start: "2026-11-01 00:00", shift: 1w, members: [alice], windows: [
				{days: [Mon, Tue, Wed, Thu, Fri, Sat, Sun], from: "08:00", to: "20:00"}, {days: [Sun, Mon, Tue, Wed, Thu, Fri, Sat], from: "20:00", to: "08:00"}]}]`), "2026-11-03T10:00:00Z", `
			alice 2026-11-01 00:00 +00:00 -> ever`,
		},
		"a window of a whole day": {
			file("UTC", `rotations: [{level: L1, start: "2026-11-01 00:00", shift: 1w, members: [alice], windows: [{days: [Tue], from: "00:00", to: "00:00"}]}]`), "2026-11-03T10:00:00Z", `
			alice 2026-11-03 00:00 +00:00 -> 2026-11-04 00:00 +00:00
			nobody 2026-11-04 00:00 +00:00 -> 2026-11-10 00:00 +00:00`,
		},
		"a night window in spring has an hour less": {
			file("Europe/Warsaw", weekly2026+`, windows: [{days: [Sat], from: "22:00", to: "06:00"}]}]`), "2026-03-28T21:30:00Z", `
			alice 2026-03-28 22:00 +01:00 -> 2026-03-29 06:00 +02:00
			nobody 2026-03-29 06:00 +02:00 -> 2026-04-04 22:00 +02:00`,
		},
		"a window that is skipped is not there": {
			file("Europe/Warsaw", weekly2026+`, windows: [{days: [Sun], from: "02:00", to: "03:00"}]}]`), "2026-03-22T01:30:00Z", `
			alice 2026-03-22 02:00 +01:00 -> 2026-03-22 03:00 +01:00
			nobody 2026-03-22 03:00 +01:00 -> 2026-04-05 02:00 +02:00
			alice 2026-04-05 02:00 +02:00 -> 2026-04-05 03:00 +02:00`,
		},
		"a gap between windows that is skipped is not there": {
			file("Europe/Warsaw", weekly2026+`, windows: [{days: [Sun], from: "00:00", to: "02:00"}, {days: [Sun], from: "03:00", to: "04:00"}]}]`), "2026-03-29T00:30:00Z", `
			alice 2026-03-29 00:00 +01:00 -> 2026-03-29 04:00 +02:00
			nobody 2026-03-29 04:00 +02:00 -> 2026-04-05 00:00 +02:00`,
		},
		"a window whose end comes twice ends at the first": {
			file("Europe/Warsaw", weekly2026+`, windows: [{days: [Sun], from: "00:00", to: "02:30"}]}]`), "2026-10-25T00:00:00Z", `
			alice 2026-10-25 00:00 +02:00 -> 2026-10-25 02:30 +02:00
			nobody 2026-10-25 02:30 +02:00 -> 2026-11-01 00:00 +01:00`,
		},

		"an override begins and ends within a shift": {
			file("Europe/Warsaw", weekly+`overrides: [{level: L1, from: "2026-11-04 09:00", to: "2026-11-05 09:00", member: carol}]`), "2026-11-03T00:00:00Z", `
			alice 2026-11-02 09:00 +01:00 -> 2026-11-04 09:00 +01:00
			carol 2026-11-04 09:00 +01:00 -> 2026-11-05 09:00 +01:00
			alice 2026-11-05 09:00 +01:00 -> 2026-11-09 09:00 +01:00`,
		},
		"an override over the end of a shift": {
			file("Europe/Warsaw", weekly+`overrides: [{level: L1, from: "2026-11-08 09:00", to: "2026-11-10 09:00", member: carol}]`), "2026-11-03T00:00:00Z", `
			alice 2026-11-02 09:00 +01:00 -> 2026-11-08 09:00 +01:00
			carol 2026-11-08 09:00 +01:00 -> 2026-11-10 09:00 +01:00
			bob 2026-11-10 09:00 +01:00 -> 2026-11-16 09:00 +01:00`,
		},
		"an override by the next member makes one shift": {
			file("Europe/Warsaw", weekly+`overrides: [{level: L1, from: "2026-11-08 09:00", to: "2026-11-09 09:00", member: bob}]`), "2026-11-10T00:00:00Z", `
			bob 2026-11-08 09:00 +01:00 -> 2026-11-16 09:00 +01:00
			alice 2026-11-16 09:00 +01:00 -> 2026-11-23 09:00 +01:00`,
		},
		"an override by the member on call changes nothing": {
			file("Europe/Warsaw", weekly+`overrides: [{level: L1, from: "2026-11-04 09:00", to: "2026-11-05 09:00", member: alice}]`), "2026-11-03T00:00:00Z", `
			alice 2026-11-02 09:00 +01:00 -> 2026-11-09 09:00 +01:00
			bob 2026-11-09 09:00 +01:00 -> 2026-11-16 09:00 +01:00`,
		},
		"an override of nobody is a gap": {
			file("Europe/Warsaw", weekly+`overrides: [{level: L1, from: "2026-12-24 18:00", to: "2026-12-27 09:00", member: nobody}]`), "2026-12-24T12:00:00Z", `
			bob 2026-12-21 09:00 +01:00 -> 2026-12-24 18:00 +01:00
			nobody 2026-12-24 18:00 +01:00 -> 2026-12-27 09:00 +01:00
			bob 2026-12-27 09:00 +01:00 -> 2026-12-28 09:00 +01:00`,
		},
		"an override holds outside of the windows": {
			file("Europe/Warsaw", office+`overrides: [{level: L1, from: "2026-11-07 10:00", to: "2026-11-07 12:00", member: carol}]`), "2026-11-06T18:00:00Z", `
			nobody 2026-11-06 18:00 +01:00 -> 2026-11-07 10:00 +01:00
			carol 2026-11-07 10:00 +01:00 -> 2026-11-07 12:00 +01:00
			nobody 2026-11-07 12:00 +01:00 -> 2026-11-09 08:00 +01:00`,
		},
		"an override holds before the start": {
			file("Europe/Warsaw", weekly+`overrides: [{level: L1, from: "2026-10-30 09:00", to: "2026-11-02 09:00", member: alice}]`), "2026-10-01T00:00:00Z", `
			nobody ever -> 2026-10-30 09:00 +01:00
			alice 2026-10-30 09:00 +01:00 -> 2026-11-09 09:00 +01:00`,
		},
		"overrides that touch, in any order of the file": {
			file("Europe/Warsaw", weekly+`overrides:
- {level: L1, from: "2026-11-05 09:00", to: "2026-11-06 09:00", member: bob}
- {level: L1, from: "2026-11-04 09:00", to: "2026-11-05 09:00", member: carol}
`), "2026-11-04T12:00:00Z", `
			carol 2026-11-04 09:00 +01:00 -> 2026-11-05 09:00 +01:00
			bob 2026-11-05 09:00 +01:00 -> 2026-11-06 09:00 +01:00
			alice 2026-11-06 09:00 +01:00 -> 2026-11-09 09:00 +01:00`,
		},
		"an override in autumn has an hour more": {
			file("Europe/Warsaw", weekly2026+`}]
overrides: [{level: L1, from: "2026-10-24 09:00", to: "2026-10-25 09:00", member: carol}]`), "2026-10-24T12:00:00Z", `
			carol 2026-10-24 09:00 +02:00 -> 2026-10-25 09:00 +01:00
			alice 2026-10-25 09:00 +01:00 -> ever`,
		},
		"an override of another level": {
			file("Europe/Warsaw", weekly+`- {level: L2, start: "2026-11-02 09:00", shift: 1w, members: [carol]}
overrides: [{level: L2, from: "2026-11-03 09:00", to: "2026-11-04 09:00", member: bob}]`), "2026-11-03T12:00:00Z", `
			alice 2026-11-02 09:00 +01:00 -> 2026-11-09 09:00 +01:00`,
		},
		"the last day of a leap year": {
			file("Europe/Warsaw", daily("2026-11-02 09:00")), "2040-12-31T12:00:00Z", `
			bob 2040-12-31 09:00 +01:00 -> 2041-01-01 09:00 +01:00`,
		},
		"before the year 1": {
			file("UTC", weekly), "0001-01-01T00:00:00Z", `
			nobody ever -> 2026-11-02 09:00 +00:00`,
		},
		"the year 9999": {
			file("UTC", office), "9999-12-31T12:00:00Z", `
			bob 9999-12-31 08:00 +00:00 -> 9999-12-31 18:00 +00:00`,
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			want := strip(c.want)
			now, err := time.Parse(time.RFC3339, c.now)
			if err != nil {
				t.Fatal(err)
			}
			got := walk(mustParse(t, c.text), L1, now, strings.Count(want, "\n")+1)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

const weekly2026 = `rotations: [{level: L1, start: "2026-01-05 09:00", shift: 1w, members: [alice]`

func walk(roster Roster, level string, now time.Time, most int) string {
	var lines []string
	for range most {
		shift := roster.At(level, now)
		name := shift.Name
		if name == "" {
			name = "nobody"
		}
		lines = append(lines, name+" "+told(shift.From)+" -> "+told(shift.Until))
		if shift.Until.IsZero() {
			break
		}
		now = shift.Until
	}
	return strings.Join(lines, "\n")
}

func told(t time.Time) string {
	if t.IsZero() {
		return "ever"
	}
	return t.Format("2006-01-02 15:04 -07:00")
}

func strip(text string) string {
	return strings.TrimSpace(strings.ReplaceAll(text, "\t", ""))
}

func TestNextIsTheNextShiftThatHasSomebody(t *testing.T) {
	gap := `overrides: [{level: L1, from: "2026-11-09 09:00", to: "2026-11-16 09:00", member: nobody}]`
	cases := map[string]struct{ text, level, now, want string }{
		"after a shift":                      {weekly, L1, "2026-11-03T00:00:00Z", "bob bob@example.com 2026-11-09 09:00 +01:00 -> 2026-11-16 09:00 +01:00"},
		"after a gap":                        {weekly + gap, L1, "2026-11-03T00:00:00Z", "alice +48 600 000 001 2026-11-16 09:00 +01:00 -> 2026-11-23 09:00 +01:00"},
		"within a gap":                       {office, L1, "2026-11-06T20:00:00Z", "alice +48 600 000 001 2026-11-09 08:00 +01:00 -> 2026-11-09 09:00 +01:00"},
		"before the start":                   {weekly, L1, "2020-01-01T00:00:00Z", "alice +48 600 000 001 2026-11-02 09:00 +01:00 -> 2026-11-09 09:00 +01:00"},
		"the same member after a gap":        {office, L1, "2026-11-03T12:00:00Z", "alice +48 600 000 001 2026-11-04 08:00 +01:00 -> 2026-11-04 18:00 +01:00"},
		"none after a shift that never ends": {weekly2026 + `}]`, L1, "2026-11-03T12:00:00Z", "  ever -> ever"},
		"none for a level without rotation":  {weekly, L2, "2026-11-03T12:00:00Z", "  ever -> ever"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			now, err := time.Parse(time.RFC3339, c.now)
			if err != nil {
				t.Fatal(err)
			}
			next := mustParse(t, file("Europe/Warsaw", c.text)).Next(c.level, now)
			if got := next.Name + " " + next.Contact + " " + told(next.From) + " -> " + told(next.Until); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestTheNextChangeIsTheSoonestOfAllLevels(t *testing.T) {
	roster := mustParse(t, file("UTC", `
rotations:
- {level: TechLead, start: "2026-01-01 00:00", shift: 1w, members: [carol]}
- {level: L2, start: "2026-01-01 00:00", shift: 12h, members: [bob, carol]}
- {level: L1, start: "2026-01-01 00:00", shift: 1d, members: [alice, bob]}
`))
	if diff := cmp.Diff([]string{L1, L2, TechLead}, roster.Levels()); diff != "" {
		t.Error(diff)
	}
	cases := map[string]struct{ now, want string }{
		"all begin":         {"2025-12-31T23:00:00Z", "2026-01-01 00:00 +00:00"},
		"the shorter turns": {"2026-01-01T00:00:00Z", "2026-01-01 12:00 +00:00"},
		"both at midnight":  {"2026-01-01T12:00:00Z", "2026-01-02 00:00 +00:00"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			now, err := time.Parse(time.RFC3339, c.now)
			if err != nil {
				t.Fatal(err)
			}
			if got := told(roster.NextChange(now)); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func TestARosterOfNothingHasNobodyForEver(t *testing.T) {
	var roster Roster
	if got := roster.At(L1, time.Unix(0, 0)); got != (Shift{}) {
		t.Errorf("At gives %+v", got)
	}
	if got := roster.Next(L1, time.Unix(0, 0)); got != (Shift{}) {
		t.Errorf("Next gives %+v", got)
	}
	if got := roster.NextChange(time.Unix(0, 0)); !got.IsZero() {
		t.Errorf("NextChange gives %s", got)
	}
	if got := roster.Levels(); got != nil {
		t.Errorf("Levels gives %s", got)
	}
}

func TestNamedIsWhoeverIsOrWillBeOnCall(t *testing.T) {
	roster := mustParse(t, `
timeZone: UTC
people: [{name: alice, contact: a}, {name: bob, contact: b}, {name: carol, contact: c}, {name: dave, contact: d}]
rotations:
- {level: L1, start: "2026-11-01 00:00", shift: 1d, members: [bob, alice, bob]}
- {level: L2, start: "2027-11-01 00:00", shift: 1d, members: [carol]}
overrides:
- {level: L1, from: "2026-11-10 00:00", to: "2026-11-11 00:00", member: carol}
- {level: L1, from: "2026-11-12 00:00", to: "2026-11-13 00:00", member: nobody}
- {level: L1, from: "2026-11-20 00:00", to: "2026-11-21 00:00", member: dave}
- {level: L1, from: "2026-11-22 00:00", to: "2026-11-23 00:00", member: alice}
`)
	for at, want := range map[string]string{"2026-11-09": "bob alice carol dave", "2026-11-10": "bob alice carol dave", "2026-11-11": "bob alice dave", "2026-11-21": "bob alice"} {
		now, err := time.Parse(time.DateOnly, at)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(roster.Named(L1, now), " "); got != want {
			t.Errorf("%s: L1 names %q, not %q", at, got, want)
		}
		if got := strings.Join(roster.Named(L2, now), " ") + strings.Join(roster.Named(TechLead, now), " "); got != "carol" {
			t.Errorf("%s: the other levels name %q, not carol", at, got)
		}
	}
}
