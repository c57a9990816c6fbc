package oncall

import (
	"testing"
	"time"
)

// Whatever a file holds, Parse tells what is wrong with it, or the roster answers for any moment.
func FuzzParse(f *testing.F) {
	for _, text := range []string{
		"", "a: [", "*a", "&a [*a]", "{<<: {}}", file("Europe/Warsaw", weekly), file("UTC", office), most(),
		file("Australia/Lord_Howe", office+`overrides: [{level: L1, from: "2026-11-04 09:00", to: "2026-11-05 09:00", member: nobody}]`),
		file("Pacific/Apia", daily("2011-12-28 00:00")),
		file("America/Santiago", `rotations: [{level: TechLead, start: "2026-09-05 00:00", shift: 8h, members: [alice, bob, alice]}]`),
		file("Europe/Berlin", dayAndNight("2026-03-28 14:30")), file("Australia/Lord_Howe", dayAndNight("2026-10-03 02:15")),
	} {
		f.Add([]byte(text), int64(1793620800))
	}
	f.Fuzz(func(t *testing.T, text []byte, seconds int64) {
		roster, err := Parse(text)
		if err != nil {
			if len(err.Error()) > 64<<10 {
				t.Fatalf("the error has %d bytes", len(err.Error()))
			}
			return
		}
		now := time.Unix(seconds%(250_000_000_000), 0) // about 8000 years on each side of 1970
		for _, level := range roster.Levels() {
			shift := roster.At(level, now)
			if shift.From.After(now) || !shift.Until.IsZero() && !shift.Until.After(now) {
				t.Fatalf("%s is not within %+v", now, shift)
			}
			if next := roster.Next(level, now); next.Name != "" && next.From.Before(shift.Until) {
				t.Fatalf("%+v begins before %+v ends", next, shift)
			}
		}
		if change := roster.NextChange(now); !change.IsZero() && !change.After(now) {
			t.Fatalf("the next change after %s is %s", now, change)
		}
	})
}
