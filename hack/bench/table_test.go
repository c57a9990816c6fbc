package main

import (
	"math"
	"reflect"
	"strings"
	"testing"
	"time"
)

// ran is a run in which each incident cost so many requests of each kind.
func ran(user string, incidents, perIncident int, cpu time.Duration) *measured {
	n := incidents * perIncident
	return &measured{
		user: user, incidents: incidents, idleTime: 2 * time.Minute,
		work: tally{
			{user, "create", "jobs", "", 201}:                    3 * n,
			{user, "delete", "jobs", "", 200}:                    3 * n,
			{user, "delete", "jobs", "", 404}:                    n,
			{user, "update", "strategyincidents", "status", 200}: 2 * n,
			{user, "update", "strategyincidents", "status", 409}: n,
			{user, "create", "events", "", 201}:                  n,
			{user, verbLog, "pods", "log", 200}:                  3 * n,
			{user, "update", "leases", "", 200}:                  77,
			{"somebody else", "create", "jobs", "", 201}:         1000 * n,
		},
		idle:  tally{{user, "update", "leases", "", 200}: 30, {user, "get", "secrets", "", 200}: 4},
		begin: usage{cpu: time.Second, rss: 50e6}, end: usage{cpu: time.Second + cpu, peak: 90e6},
		reaction: 12 * time.Millisecond, create: 4 * time.Millisecond,
	}
}

func rowNamed(t *testing.T, all []row, what string) row {
	t.Helper()
	for _, r := range all {
		if strings.TrimSpace(r.what) == what {
			return r
		}
	}
	t.Fatalf("no row %q", what)
	return row{}
}

func TestFiguresArePerIncidentAndOfOneProgram(t *testing.T) {
	all := rows([]pair{
		{floor: ran(userFloor, 100, 1, time.Second), ours: ran(userOperator, 100, 2, 3*time.Second)},
		{floor: ran(userFloor, 1000, 1, 10*time.Second), ours: ran(userOperator, 1000, 2, 60*time.Second)},
	})
	for what, want := range map[string]struct {
		floor, ours []float64
		met         string
	}{
		"P1 writes per incident": {[]float64{11, 11}, []float64{22, 22}, "NO"},
		"Jobs created":           {[]float64{3, 3}, []float64{6, 6}, ""},
		"Jobs deleted":           {[]float64{4, 4}, []float64{8, 8}, ""},
		"status of the incident": {[]float64{3, 3}, []float64{6, 6}, ""},
		"events":                 {[]float64{1, 1}, []float64{2, 2}, ""},
		"other writes":           {[]float64{0, 0}, []float64{0, 0}, ""},
		"... of them deletes of what is gone (404, 409)": {[]float64{1, 1}, []float64{2, 2}, ""},
		"... of them conflicts of other writes (409)":    {[]float64{1, 1}, []float64{2, 2}, "NO"},
		"log reads":               {[]float64{3, 3}, []float64{6, 6}, "NO"},
		"lists":                   {[]float64{0, 0}, []float64{0, 0}, "yes"},
		"P2 CPU per incident, ms": {[]float64{10, 10}, []float64{30, 60}, ""},
		"most memory (RSS), MB":   {[]float64{90, 90}, []float64{90, 90}, ""},
		"P3 ours : floor, CPU":    {nil, []float64{3, 6}, "NO"},
		"ours : floor, writes":    {nil, []float64{2, 2}, "yes"},
		"P5 incident to first Job : one raw create": {[]float64{3, 3}, []float64{3, 3}, "yes"},
		"P7 idle, all closed: requests per minute":  {[]float64{2, 2}, []float64{2, 2}, "NO"},
	} {
		got := rowNamed(t, all, what)
		if !reflect.DeepEqual(got.ours, want.ours) || want.floor != nil && !reflect.DeepEqual(got.floor, want.floor) || got.met() != want.met {
			t.Errorf("%s: floor %v, ours %v, met %q; want %+v", what, got.floor, got.ours, got.met(), want)
		}
	}
}

func TestGrowthComparesTheLastWithTheFirst(t *testing.T) {
	cpu := row{floor: []float64{10, 12, 15}, ours: []float64{30, 31, 60}}
	got := growth(cpu)
	if !math.IsNaN(got.ours[0]) || !math.IsNaN(got.ours[1]) || got.ours[2] != 2 || got.floor[2] != 1.5 || got.met() != "NO" {
		t.Errorf("growth %+v, met %q", got, got.met())
	}
	if one := growth(row{floor: []float64{1}, ours: []float64{1}}); !math.IsNaN(one.ours[0]) || one.met() != "" {
		t.Errorf("one run has grown by %v, met %q", one.ours, one.met())
	}
}

func TestTheTableSaysWhatIsMissed(t *testing.T) {
	var out strings.Builder
	err := printTable(&out, []int{100, 1000}, []row{
		{what: "writes", floor: []float64{8, 8}, ours: []float64{11.84, 9.5}, minimum: 8, goal: 10},
		{what: "conflicts", floor: []float64{0, 0}, ours: []float64{0, 0.0042}, minimum: 0, goal: 0.01},
		{what: "edit", floor: []float64{none, none}, ours: []float64{none, 1234.5}, minimum: none, goal: none},
	})
	if err != nil {
		t.Fatal(err)
	}
	var cells [][]string
	for line := range strings.Lines(out.String()) {
		cells = append(cells, strings.Fields(line))
	}
	want := [][]string{
		{"floor", "100", "ours", "100", "floor", "1000", "ours", "1000", "minimum", "goal", "met"},
		{"---------", "---------", "--------", "----------", "---------", "-------", "----", "---"},
		{"writes", "8", "11.8", "8", "9.50", "8", "<=", "10", "NO"},
		{"conflicts", "0", "0", "0", "0.004", "0", "<=", "0.010", "yes"},
		{"edit", "1234"},
	}
	if !reflect.DeepEqual(cells, want) {
		t.Errorf("printed\n%s\nas\n%q\nnot\n%q", out.String(), cells, want)
	}
}
