package oncall

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

const (
	dateLayout = "2006-01-02 15:04"
	dayLayout  = "15:04"
	maxLength  = 366 * day
)

// Years of a file. Any other one is a typing error.
const (
	firstYear = 2000
	lastYear  = 2199
)

var weekdays = []string{"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"}

// local is a date and time on the clock of the zone.
func (p *parser) local(at place, fields map[string]*yaml.Node, name string) (int64, bool) {
	text, ok := p.text(at, fields, name)
	if !ok {
		return 0, false
	}
	at.node = fields[name]
	t, err := time.Parse(dateLayout, text)
	if err != nil || t.Format(dateLayout) != text { // Parse also takes 9:00
		p.fault(at, "%s %s is not a date and time such as \"2026-11-02 09:00\"", name, quote(text))
		return 0, false
	}
	if t.Year() < firstYear || t.Year() > lastYear {
		p.fault(at, "%s %s is not in the years %d to %d; correct it", name, quote(text), firstYear, lastYear)
		return 0, false
	}
	return t.Unix(), true
}

// ofDay is a time of a day, in seconds.
func (p *parser) ofDay(at place, fields map[string]*yaml.Node, name string) int64 {
	text, ok := p.text(at, fields, name)
	if !ok {
		return 0
	}
	t, err := time.Parse(dayLayout, text)
	if err != nil || t.Format(dayLayout) != text {
		at.node = fields[name]
		p.fault(at, "%s %s is not a time from \"00:00\" to \"23:59\"; the end of a day is \"00:00\"", name, quote(text))
		return 0
	}
	return int64(t.Hour())*hour + int64(t.Minute())*minute
}

var lengths = regexp.MustCompile(`^([1-9][0-9]{0,3})([hdw])$`)

func (p *parser) length(at place, fields map[string]*yaml.Node) (seconds int64, elapsed bool) {
	text, ok := p.text(at, fields, "shift")
	if !ok {
		return 0, false
	}
	at.node = fields["shift"]
	parts := lengths.FindStringSubmatch(text)
	if parts == nil {
		p.fault(at, "shift %s is not a number of hours, days or weeks such as 12h, 1d or 1w", quote(text))
		return 0, false
	}
	n, _ := strconv.ParseInt(parts[1], 10, 64) // the expression admits four digits
	seconds = n * map[string]int64{"h": hour, "d": day, "w": week}[parts[2]]
	if seconds > maxLength {
		p.fault(at, "shift %s is longer than %dd; shorten it", text, maxLength/day)
		return 0, false
	}
	if parts[2] == "h" {
		return seconds, p.elapsed(at, fields)
	}
	if fields["hours"] != nil {
		at.node = fields["hours"]
		p.fault(at, "hours says how the hours of a shift are counted, and %s has none; remove it", text)
	}
	return seconds, false
}

// How the hours of a turn are counted.
const (
	onClock     = "Clock"   // twelve of them after 20:00 it is 08:00, also in the night in which clocks change
	elapsedTime = "Elapsed" // each has 60 minutes
)

// elapsed says whether hours are elapsed time, which they are unless the file says otherwise.
func (p *parser) elapsed(at place, fields map[string]*yaml.Node) bool {
	if fields["hours"] == nil {
		return true
	}
	text, ok := p.text(at, fields, "hours")
	if ok && text != onClock && text != elapsedTime {
		at.node = fields["hours"]
		p.fault(at, "hours %s is not %s or %s", quote(text), onClock, elapsedTime)
	}
	return text != onClock
}

// days are counted from Monday.
func (p *parser) days(at place, fields map[string]*yaml.Node) []int64 {
	var days []int64
	nodes, _ := p.list(at, fields, "days", len(weekdays))
	for i, node := range nodes {
		here := place{node, at.name}
		name, ok := p.scalar(here, "days["+strconv.Itoa(i)+"]")
		if !ok {
			continue
		}
		n := int64(slices.Index(weekdays, name))
		if n < 0 {
			p.fault(here, "day %s is not one of %s", quote(name), strings.Join(weekdays, ", "))
			continue
		}
		if slices.Contains(days, n) {
			p.fault(here, "day %s stands twice; keep one", name)
		}
		days = append(days, n)
	}
	return days
}
