package main

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
)

// none stands where there is nothing to say: no minimum, no goal, not measured.
var none = math.NaN()

// row is one figure of the table, by number of incidents. A goal is for ours alone, and met if no figure is above it.
type row struct {
	what          string
	floor, ours   []float64
	minimum, goal float64
}

// pair is what the floor and the operator gave for the same number of incidents.
type pair struct{ floor, ours *measured }

// figure adds a row that is the same figure of both programs.
func figure(pairs []pair, what string, minimum, goal float64, of func(*measured) float64) row {
	r := row{what: what, minimum: minimum, goal: goal}
	for _, p := range pairs {
		r.floor, r.ours = append(r.floor, of(p.floor)), append(r.ours, of(p.ours))
	}
	return r
}

// ratio adds a row that is ours divided by the floor's.
func ratio(of row, what string, goal float64) row {
	r := row{what: what, minimum: none, goal: goal}
	for i := range of.ours {
		r.floor = append(r.floor, none)
		r.ours = append(r.ours, of.ours[i]/of.floor[i])
	}
	return r
}

// linear is the most by which a figure per incident may grow from the first number of incidents to the last.
const linear = 1.15

// growth is the last number of incidents against the first one, for both programs.
func growth(of row) row {
	r := row{what: "   ... grows by", minimum: none, goal: linear}
	for i := range of.ours {
		r.floor, r.ours = append(r.floor, none), append(r.ours, none)
		if last := len(of.ours) - 1; i == last && last > 0 {
			r.floor[i], r.ours[i] = of.floor[i]/of.floor[0], of.ours[i]/of.ours[0]
		}
	}
	return r
}

// rows are all figures but those of the configuration.
func rows(pairs []pair) []row {
	requests := func(conditions ...func(request) bool) func(*measured) float64 {
		return func(m *measured) float64 {
			return float64(m.work.sum(append(conditions, by(m.user))...)) / float64(m.incidents)
		}
	}
	status := on("strategyincidents", "status")
	jobs, events := on("jobs", ""), on("events", "")
	other := func(r request) bool { return !status(r) && !jobs(r) && !events(r) }

	written := figure(pairs, "P1 writes per incident", 8, 10, requests(writes))
	cpu := figure(pairs, "P2 CPU per incident, ms", none, none, func(m *measured) float64 {
		return ms(m.end.cpu-m.begin.cpu) / float64(m.incidents)
	})
	peak := figure(pairs, "   most memory (RSS), MB", none, none, func(m *measured) float64 { return mb(m.end.peak) })
	grown := figure(pairs, "   ... above the start, kB per incident", none, none, func(m *measured) float64 {
		return float64(m.end.peak-m.begin.rss) / 1000 / float64(m.incidents)
	})
	return []row{
		written,
		figure(pairs, "   Jobs created", 3, none, requests(writes, jobs, verb("create"))),
		figure(pairs, "   Jobs deleted", 3, none, requests(writes, jobs, verb("delete"))),
		figure(pairs, "   status of the incident", 2, none, requests(writes, status)),
		figure(pairs, "   events", 0, none, requests(writes, events)),
		figure(pairs, "   other writes", 0, none, requests(writes, other)),
		figure(pairs, "   ... of them deletes of what is gone (404, 409)", 0, none, requests(verb("delete"), gone)),
		figure(pairs, "   ... of them conflicts of other writes (409)", 0, 0.01, requests(writes, not(verb("delete")), answered(409))),
		figure(pairs, "   log reads", 3, 3, requests(verb(verbLog))),
		figure(pairs, "   other reads and dry runs", 0, none, requests(verb("get", verbDryRun), not(leases))),
		figure(pairs, "   lists", 0, 0, requests(verb("list"))),
		cpu,
		growth(cpu),
		peak, grown,
		growth(grown),
		ratio(cpu, "P3 ours : floor, CPU", 2),
		ratio(written, "   ours : floor, writes", 2),
		ratio(peak, "   ours : floor, memory", 2),
		figure(pairs, "P5 incident to first Job : one raw create", none, 3, func(m *measured) float64 { return float64(m.reaction) / float64(m.create) }),
		figure(pairs, "P7 idle, all closed: requests per minute", 0, 0, func(m *measured) float64 {
			return float64(m.idle.sum(by(m.user), not(leases))) / m.idleTime.Minutes() // not watched: 0/0 is no number
		}),
		figure(pairs, "   CPU, ms per minute", none, none, func(m *measured) float64 { return ms(m.idleCPU) / m.idleTime.Minutes() }),
	}
}

// gone is the answer to a delete of something that is not there, or not any more the same.
func gone(r request) bool { return r.code == 404 || r.code == 409 }

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func mb(bytes int64) float64 { return float64(bytes) / 1e6 }

// printTable writes all figures of both programs, each with its goal.
func printTable(out io.Writer, sizes []int, rows []row) error {
	var heads []string
	for _, size := range sizes {
		heads = append(heads, fmt.Sprintf("floor %d", size), fmt.Sprintf("ours %d", size))
	}
	return printRows(out, append(heads, "minimum"), rows, func(r row) (cells []string) {
		for i := range sizes {
			cells = append(cells, number(at(r.floor, i)), number(at(r.ours, i)))
		}
		return append(cells, number(r.minimum))
	})
}

// printRows writes rows, each with its goal.
func printRows(out io.Writer, heads []string, rows []row, cells func(row) []string) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	heads = append(heads, "goal", "met")
	var rules []string
	width := 0
	for _, r := range rows {
		width = max(width, len(r.what))
	}
	for _, head := range heads {
		rules = append(rules, strings.Repeat("-", len(head)))
	}
	line := func(what string, cells []string) {
		fmt.Fprintf(table, "%-*s\t%s\t\n", width, what, strings.Join(cells, "\t"))
	}
	line("", heads)
	line(strings.Repeat("-", width), rules)
	for _, r := range rows {
		goal := number(r.goal)
		if goal != "" {
			goal = "<= " + goal
		}
		line(r.what, append(cells(r), goal, r.met()))
	}
	return table.Flush()
}

// met says whether the goal is met.
func (r row) met() string {
	if math.IsNaN(r.goal) {
		return ""
	}
	met := ""
	for _, value := range r.ours {
		switch {
		case value > r.goal:
			return "NO"
		case value <= r.goal: // and not: not measured
			met = "yes"
		}
	}
	return met
}

func at(values []float64, i int) float64 {
	if i < len(values) {
		return values[i]
	}
	return none
}

// number has three digits that count.
func number(value float64) string {
	if math.IsNaN(value) {
		return ""
	}
	digits := 0
	for limit := 100.0; digits < 3 && math.Abs(value) < limit && value != math.Trunc(value); limit /= 10 {
		digits++
	}
	return strconv.FormatFloat(value, 'f', digits, 64)
}
