package oncall

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// The model of a file: its numbers are local times, as in clock.go. All of them are multiples of quarter, as every change of
// a clock since 2000 is.
const quarter = 15 * minute

type model struct {
	zone      string
	start     int64
	length    int64
	unit      string // of the length: h or d
	elapsed   bool   // hours that are not those of the clock
	members   []string
	windows   []modelWindow
	overrides []modelOverride
}

type modelWindow struct {
	days     []int64 // from Monday
	from, to int64
}

type modelOverride struct {
	from, to int64
	name     string // empty: nobody
}

func (m model) String() string {
	var text strings.Builder
	unit := map[string]string{"h": fmt.Sprintf("%dh, hours: Clock", m.length/hour), "d": fmt.Sprintf("%dd", m.length/day)}[m.unit]
	if m.elapsed {
		unit = fmt.Sprintf("%dh", m.length/hour)
	}
	fmt.Fprintf(&text, "rotations:\n- level: L1\n  start: %s\n  shift: %s\n  members: [%s]\n", date(m.start), strings.Replace(unit, ", ", "\n  ", 1), strings.Join(m.members, ", "))
	for i, w := range m.windows {
		if i == 0 {
			text.WriteString("  windows:\n")
		}
		var days []string
		for _, d := range w.days {
			days = append(days, weekdays[d])
		}
		fmt.Fprintf(&text, "  - {days: [%s], from: %s, to: %s}\n", strings.Join(days, ", "), date(w.from)[11:], date(w.to)[11:])
	}
	for i, o := range m.overrides {
		if i == 0 {
			text.WriteString("overrides:\n")
		}
		name := o.name
		if name == "" {
			name = "nobody"
		}
		fmt.Fprintf(&text, "- {level: L1, from: %s, to: %s, member: %s}\n", date(o.from), date(o.to), name)
	}
	return file(m.zone, text.String())
}

func date(local int64) string { return time.Unix(local, 0).UTC().Format(dateLayout) }

// drawModel draws a file whose overrides are within some days of a moment.
func drawModel(t *rapid.T) (model, time.Time) {
	c := clock{zone(t, rapid.SampledFrom(zones).Draw(t, "zone"))}
	now := drawMoment(t, c)
	now = time.Unix(now.Unix()-now.Unix()%quarter, 0).In(c.zone)
	local := wall(now)

	m := model{zone: c.zone.String(), unit: rapid.SampledFrom([]string{"h", "d"}).Draw(t, "unit")}
	m.length = rapid.Int64Range(1, 10).Draw(t, "days") * day
	if m.unit == "h" {
		m.length = rapid.OneOf(rapid.Int64Range(1, 30), rapid.Just(int64(12))).Draw(t, "hours") * hour
		m.elapsed = rapid.Bool().Draw(t, "elapsed")
	}
	ago := rapid.OneOf(rapid.Int64Range(-3*day, 3*day), rapid.Int64Range(0, 3*365*day)).Draw(t, "ago")
	m.start = max(local-ago, 946684800)
	m.start -= m.start % quarter
	m.members = rapid.SliceOfN(rapid.SampledFrom([]string{"alice", "bob", "carol"}), 1, 5).Draw(t, "members")

	times := rapid.Int64Range(0, day/quarter-1)
	for range rapid.IntRange(0, 3).Draw(t, "windows") {
		days := rapid.SliceOfNDistinct(rapid.Int64Range(0, 6), 1, 7, rapid.ID[int64]).Draw(t, "days")
		m.windows = append(m.windows, modelWindow{days, times.Draw(t, "from") * quarter, times.Draw(t, "to") * quarter})
	}
	ends := rapid.SliceOfNDistinct(rapid.Int64Range(-3*day/quarter, 3*day/quarter), 0, 8, rapid.ID[int64]).Draw(t, "overrides")
	slices.Sort(ends)
	for i := 0; i+1 < len(ends); i++ {
		if rapid.Bool().Draw(t, "none") {
			continue
		}
		o := modelOverride{local + ends[i]*quarter, local + ends[i+1]*quarter, rapid.SampledFrom([]string{"alice", "bob", "carol", ""}).Draw(t, "name")}
		if o.from -= o.from % quarter; c.moment(o.from).Before(c.moment(o.to)) && o.from >= 946684800 {
			m.overrides = append(m.overrides, o)
		}
	}
	return m, now
}

// iterate goes from quarter to quarter, and from turn to turn from the start on, and says who is on call in each quarter from
// the moment on.
func (m model) iterate(from time.Time, quarters int) []string {
	at := min(from.Unix(), m.start) - 4*day // so long before that no change of the clock is missed
	at -= at % quarter
	var names []string
	var began, turn int64
	shown := int64(-1 << 62) // the latest local time that was shown
	for ; len(names) < quarters; at += quarter {
		shown = max(shown, wall(time.Unix(at, 0).In(from.Location())))
		happened := func(local int64) bool { return local <= shown }
		if !happened(m.start) {
			began = at + quarter
		}
		for m.elapsed && at >= began+(turn+1)*m.length || !m.elapsed && happened(m.start+(turn+1)*m.length) {
			turn++
		}
		if at >= from.Unix() {
			names = append(names, m.name(shown, turn))
		}
	}
	return names
}

func (m model) name(shown, turn int64) string {
	for _, o := range m.overrides {
		if o.from <= shown && shown < o.to {
			return o.name
		}
	}
	if shown < m.start || !m.open(shown) {
		return ""
	}
	return m.members[turn%int64(len(m.members))]
}

func (m model) open(shown int64) bool {
	for _, w := range m.windows {
		for _, midnight := range []int64{shown - shown%day - day, shown - shown%day} {
			weekday := (int64(time.Unix(midnight, 0).UTC().Weekday()) + 6) % 7
			to := midnight + w.to
			if w.to <= w.from {
				to += day
			}
			if slices.Contains(w.days, weekday) && midnight+w.from <= shown && shown < to {
				return true
			}
		}
	}
	return len(m.windows) == 0
}

func TestEachMomentHasTheShiftThatIterationFinds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m, now := drawModel(t)
		roster := mustParse(t, m.String())
		from := now.Add(-3 * 24 * time.Hour)
		names := m.iterate(from, 6*96)
		for i, name := range names {
			at := from.Add(time.Duration(i) * 15 * time.Minute)
			got := roster.At(L1, at)
			if got.Name != name {
				t.Fatalf("%s: %q is on call, iteration finds %q\n%s", at, got.Name, name, m)
			}
			if i == 0 {
				continue
			}
			before := roster.At(L1, at.Add(-1))
			if name == names[i-1] && before != got {
				t.Fatalf("%s: a shift of %q becomes another one of the same: %+v, %+v\n%s", at, name, before, got, m)
			}
			if name != names[i-1] && (!before.Until.Equal(at) || !got.From.Equal(at)) {
				t.Fatalf("%s: %q follows %q here, not at %s, %s\n%s", at, name, names[i-1], before.Until, got.From, m)
			}
		}
	})
}

func TestShiftsCoverTimeWithoutOverlapOrHole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m, now := drawModel(t)
		roster := mustParse(t, m.String())
		shift := roster.At(L1, now)
		for range 40 {
			if shift.From.After(now) || !shift.Until.IsZero() && !shift.Until.After(now) {
				t.Fatalf("%s is not within %+v\n%s", now, shift, m)
			}
			if (shift.Name == "") != (shift.Contact == "") {
				t.Fatalf("the contact of %+v is another's\n%s", shift, m)
			}
			if change := roster.NextChange(now); change != shift.Until {
				t.Fatalf("the next change is %s, not the end of %+v\n%s", change, shift, m)
			}
			if shift.Until.IsZero() {
				return
			}
			inside := rapid.Int64Range(0, int64(shift.Until.Sub(now))-1).Draw(t, "inside")
			for _, same := range []time.Time{now.Add(time.Duration(inside)), shift.Until.Add(-1)} {
				if got := roster.At(L1, same); got != shift {
					t.Fatalf("%s is in %+v, not in %+v\n%s", same, got, shift, m)
				}
			}
			now = shift.Until
			after := roster.At(L1, now)
			if !after.From.Equal(shift.Until) || after.Name == shift.Name {
				t.Fatalf("%+v does not follow %+v\n%s", after, shift, m)
			}
			shift = after
		}
	})
}

func TestNextIsTheFirstLaterShiftThatHasSomebody(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m, now := drawModel(t)
		roster := mustParse(t, m.String())
		want := roster.At(L1, now)
		for {
			if want.Until.IsZero() {
				want = Shift{}
				break
			}
			if want = roster.At(L1, want.Until); want.Name != "" {
				break
			}
		}
		if got := roster.Next(L1, now); got != want {
			t.Fatalf("%s: next is %+v, want %+v\n%s", now, got, want, m)
		}
	})
}

func TestMembersTakeTurnsInTheOrderOfTheFile(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m, now := drawModel(t)
		m.windows, m.overrides, m.members = nil, nil, []string{"bob", "alice", "carol"}
		m.zone = "Europe/Warsaw" // it never skipped more than an hour
		if m.unit == "h" && !m.elapsed {
			m.length = max(m.length, 2*hour)
		}
		roster := mustParse(t, m.String())
		shift := roster.At(L1, now)
		if shift.Name == "" {
			shift = roster.Next(L1, now)
		}
		for range 10 {
			next := roster.Next(L1, now)
			if turn := slices.Index(m.members, shift.Name); now.After(shift.From) && next.Name != m.members[(turn+1)%3] {
				t.Fatalf("%s follows %s\n%s", next.Name, shift.Name, m)
			}
			if m.elapsed && next.Until.Sub(next.From) != time.Duration(m.length)*time.Second {
				t.Fatalf("%+v has not %d hours\n%s", next, m.length/hour, m)
			}
			if !m.elapsed && wall(next.Until)-wall(next.From) != m.length && wall(next.From)%day == m.start%day && wall(next.Until)%day == m.start%day {
				t.Fatalf("%+v has not %d hours of the clock\n%s", next, m.length/hour, m)
			}
			shift, now = next, next.From.Add(1)
		}
	})
}
