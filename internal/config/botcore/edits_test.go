package botcore

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tradeops.dev/strategy-operator/internal/config"
)

var end = time.Date(2030, 1, 1, 1, 0, 0, 0, time.FixedZone("CET", 3600))

const endText = `until: "2030-01-01T00:00:00+00:00"`

// scheduler is a document with one scheduler (its section indented by 6) and the strategies of failover tests: c fails over to
// the schedules a and b, whose strategies share the engine of d but have tags of their own.
func scheduler(section string) string {
	return "environments: {paper: {exchange: x}}\nruntime:\n  multi_strategy_schedulers:\n    main:\n" + section + `
strategies:
  A: {engine: mean_reversion, metadata: {tags: [alpha, both]}}
  B: {engine: mean_reversion, metadata: {tags: both}}
  C: {engine: daily_trend_momentum, metadata: {fallback_schedules: [a, b]}}
  D: {engine: mean_reversion}
  S: {engine: own_engine, metadata: {schedule_fallbacks: s, tags: [Upper, own]}}
  off: {metadata: {fallback_schedules: [d]}}
cross_exchange_arbitrage_strategies:
  X: {metadata: {fallback_schedules: [d]}}
`
}

func TestDisableSchedulesSuspendsWhatFailoverCannotResume(t *testing.T) {
	list := "/runtime/multi_strategy_schedulers/main/initial_suspensions/"
	of := func(kind, name string) config.Edit {
		return config.Edit{Path: list + "[" + kind + "=" + name + "]", Value: "{" + kind + ": " + name + ", reason: r, " + endText + "}"}
	}
	a, b, c := "        a: {strategy: A}\n", "        b: {strategy: B}\n", "        c: {strategy: C}\n"
	for name, tc := range map[string]struct {
		schedules string
		disable   []string
		want      []config.Edit
		refused   string
	}{
		"each schedule has its own entry, once":              {a + b, []string{"b", "a", "b"}, []config.Edit{of("schedule", "b"), of("schedule", "a")}, ""},
		"a fallback is held by a tag of its own":             {a + b + c, []string{"a"}, []config.Edit{of("tag", "alpha")}, ""},
		"one tag holds two fallbacks":                        {a + b + c, []string{"b", "a"}, []config.Edit{of("tag", "both")}, ""},
		"a tag and a schedule":                               {a + b + c + "        x: {strategy: X}\n", []string{"x", "a"}, []config.Edit{of("schedule", "x"), of("tag", "alpha")}, ""},
		"what fails over is disabled too":                    {a + b + c, []string{"a", "c"}, []config.Edit{of("schedule", "a"), of("schedule", "c")}, ""},
		"of two that fail over one goes on":                  {a + c + "        c2: {strategy: C}\n", []string{"a", "c"}, []config.Edit{of("tag", "alpha"), of("schedule", "c")}, ""},
		"a strategy without engine fails over to nothing":    {"        d: {strategy: D}\n        o: {strategy: off}\n", []string{"d"}, []config.Edit{of("schedule", "d")}, ""},
		"an engine's own section drops the metadata":         {"        d: {strategy: D}\n        x: {strategy: X}\n", []string{"d"}, []config.Edit{of("schedule", "d")}, ""},
		"the engine's tags, of a strategy with none":         {"        a: {strategy: D}\n" + c, []string{"a"}, []config.Edit{of("tag", "mean_reversion")}, ""},
		"the only tag is also another's":                     {a + b + c, []string{"b"}, nil, `schedule "b" would not stay disabled: it is a fallback of schedule "c" (strategies.C.metadata), so a failure there resumes it`},
		"the engine's tags are also another's":               {"        a: {strategy: D}\n        d: {strategy: D}\n" + c, []string{"a"}, nil, `disable "c" and the other schedules with that fallback too, or use SetSignalLimit 0`},
		"another's own tags may add to the engine's":         {"        a: {strategy: D}\n" + b + c, []string{"a"}, nil, "no tag is known that only the schedules to disable have"},
		"a schedule of an unknown strategy may have any tag": {a + c + "        u: {strategy: U}\n", []string{"a"}, nil, "no tag is known"},
		"a schedule of an unknown engine may have any tag":   {a + c + "        s: {strategy: S}\n", []string{"a"}, nil, "no tag is known"},
		"a tag in lower case, for an unknown engine":         {"        s: {strategy: S}\n        s2: {strategy: S}\n", []string{"s"}, nil, `fallback of schedule "s2"`},
	} {
		t.Run(name, func(t *testing.T) {
			doc := []byte(scheduler("      schedules:\n" + tc.schedules))
			got, err := DisableSchedules(parsed(doc), target, tc.disable, "r", end)
			if tc.refused != "" {
				if err == nil || !strings.Contains(err.Error(), tc.refused) {
					t.Fatalf("got %v\nwant %s", err, tc.refused)
				}
				return
			}
			if diff := cmp.Diff(tc.want, got); diff != "" || err != nil {
				t.Fatalf("%v (-want +got):\n%s", err, diff)
			}
			roundTrip(t, doc, got...)
		})
	}
}

func TestATagIsUsedInTheSpellingThatSurelyMatches(t *testing.T) {
	doc := []byte(scheduler("      schedules: {s: {strategy: S}, f: {strategy: F}}\n") + "mean_reversion_strategies: {none: {}}\n")
	doc = []byte(strings.Replace(string(doc), "strategies:\n", "strategies:\n  F: {engine: volatility_target, metadata: {fallback_schedules: s}}\n", 1))
	got, err := DisableSchedules(parsed(doc), target, []string{"s"}, "r", time.Time{})
	if err != nil || len(got) != 1 || got[0].Value != "{tag: own, reason: r}" {
		t.Fatalf("%+v %v", got, err)
	}
	// The same strategy in two sections: nobody knows which one is loaded.
	doubled := strings.Replace(string(doc), "{none: {}}", "{S: {}}", 1)
	if got, err := DisableSchedules(parsed(doubled), target, []string{"s"}, "r", time.Time{}); err == nil {
		t.Fatalf("%+v", got)
	}
}

func TestDisableSchedulesMindsTheEntriesThatAreThere(t *testing.T) {
	const where = "runtime.multi_strategy_schedulers.main.initial_suspensions has "
	for name, tc := range map[string]struct {
		list, schedule string
		refused        string
	}{
		"a person's entry is replaced":                    {"[{schedule: d, reason: by hand}]", "d", ""},
		"another schedule's entry is left":                {"[{schedule: x, reason: by hand}]", "d", ""},
		"an earlier entry in other words does not count":  {"[{target: d}, {schedule: d}]", "d", ""},
		"a later entry in other words would count":        {"[{schedule: d}, {target: d, duration: 1s}]", "d", where + `a second entry for the schedule "d", with the key target`},
		"a later tag in other words would count":          {"[{tag: alpha}, {target: alpha, kind: tag}]", "a", where + `a second entry for the tag "alpha"`},
		"an entry of a schedule that names the tag, too":  {"[{schedule: d, tag: alpha}]", "a", where + `an entry with the tag "alpha" that is about the schedule "d"; split it in two`},
		"an entry that names nothing the scheduler knows": {"[{kind: moon, target: d}]", "d", ""},
		"null":               {"null", "a", ""},
		"an empty flow list": {"[]", "a", ""},
		"nothing":            {"", "d", ""},
		"a block list":       {"\n      - {schedule: x}", "d", ""},
	} {
		t.Run(name, func(t *testing.T) {
			doc := []byte(scheduler("      initial_suspensions: " + tc.list + "\n      schedules: {a: {strategy: A}, c: {strategy: C}, d: {strategy: D}, x: {strategy: X}}\n"))
			got, err := DisableSchedules(parsed(doc), target, []string{tc.schedule}, "r", end)
			if tc.refused != "" {
				if err == nil || !strings.Contains(err.Error(), tc.refused) {
					t.Fatalf("got %v\nwant %s", err, tc.refused)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			s, err := Describe(parsed(roundTrip(t, doc, got...)), target)
			if err != nil || s.Suspensions[len(s.Suspensions)-1].Reason != "r" {
				t.Fatalf("%+v %v", s.Suspensions, err)
			}
		})
	}
}

func TestDisableSchedulesReplacesAPersonsEntryAndBringsItBack(t *testing.T) {
	edits, err := DisableSchedules(parsed(small), target, []string{"slow"}, "on", end)
	if err != nil {
		t.Fatal(err)
	}
	want := []config.Edit{{
		Path:  "/runtime/multi_strategy_schedulers/main/initial_suspensions/[schedule=slow]",
		Value: `{schedule: slow, reason: "on", until: "2030-01-01T00:00:00+00:00"}`,
	}}
	if diff := cmp.Diff(want, edits); diff != "" {
		t.Fatal(diff)
	}
	out := roundTrip(t, []byte(small), edits...)
	s, err := Describe(parsed(out), target)
	if err != nil || s.Suspensions[0] != (Suspension{Kind: "schedule", Target: "slow", Reason: "on", Until: "2030-01-01T00:00:00+00:00"}) {
		t.Fatalf("%+v %v", s, err)
	}
}

func TestDisableSchedulesUsesTheKeyAndPlaceTheFileUses(t *testing.T) {
	for name, tc := range map[string]struct{ doc, path string }{
		"no list yet":         {"runtime: {}\nmulti_strategy_schedulers:\n  main:\n    schedules: {a/b: {}}\n", "/multi_strategy_schedulers/main/initial_suspensions/[schedule=a~1b]"},
		"an empty alias list": {"runtime:\n  multi_strategy_schedulers:\n    main:\n      suspensions:\n      schedules: {a/b: {}}\n", "/runtime/multi_strategy_schedulers/main/suspensions/[schedule=a~1b]"},
	} {
		t.Run(name, func(t *testing.T) {
			edits, err := DisableSchedules(parsed(tc.doc), target, []string{"a/b"}, "", time.Time{})
			if diff := cmp.Diff([]config.Edit{{Path: tc.path, Value: `{schedule: a/b, reason: ""}`}}, edits); diff != "" || err != nil {
				t.Fatalf("%v (-want +got):\n%s", err, diff)
			}
			roundTrip(t, []byte(tc.doc), edits...)
		})
	}
}

func TestSetResourceLimits(t *testing.T) {
	section := func(text string) string { return "runtime:\n  resource_limits:" + text + "\n  other: 1\n" }
	all := ResourceLimits{"70.0", "2048", "0", "0.5"}
	for name, tc := range map[string]struct {
		doc     string
		limits  ResourceLimits
		want    []config.Edit
		refused string
	}{
		"sets what is given":           {section(" {cpu_percent: 65.0, memory_mb: 1}"), ResourceLimits{CPUPercent: "70"}, []config.Edit{{Path: "/runtime/resource_limits/cpu_percent", Value: "70"}}, ""},
		"adds what is missing":         {section("\n    cpu_percent: 65.0 # c"), ResourceLimits{IOReadMBs: "9"}, []config.Edit{{Path: "/runtime/resource_limits/io_read_mb_s", Value: "9"}}, ""},
		"uses the file's spelling":     {section("\n    cpu: 65\n    memory: 1\n    io_write: 1"), all, []config.Edit{{Path: "/runtime/resource_limits/cpu", Value: "70.0"}, {Path: "/runtime/resource_limits/memory", Value: "2048"}, {Path: "/runtime/resource_limits/io_read_mb_s", Value: "0"}, {Path: "/runtime/resource_limits/io_write", Value: "0.5"}}, ""},
		"gives null a value":           {section("\n    cpu:\n    memory_mb: ~"), ResourceLimits{CPUPercent: "70", MemoryMB: "1"}, []config.Edit{{Path: "/runtime/resource_limits/cpu", Value: "70"}, {Path: "/runtime/resource_limits/memory_mb", Value: "1"}}, ""},
		"writes a section for null":    {section(" null"), all, []config.Edit{{Path: "/runtime/resource_limits", Value: "{cpu_percent: 70.0, memory_mb: 2048, io_read_mb_s: 0, io_write_mb_s: 0.5}"}}, ""},
		"writes a missing section":     {"runtime: {a: 1}\n", ResourceLimits{CPUPercent: "70", MemoryMB: "1"}, []config.Edit{{Path: "/runtime/resource_limits", Value: "{cpu_percent: 70, memory_mb: 1}"}}, ""},
		"a new section without memory": {section(""), ResourceLimits{CPUPercent: "70"}, nil, "the configuration has no runtime.resource_limits, and a new one needs cpu_percent and memory_mb"},
		"two spellings":                {section(" {cpu: 1, cpu_percent: 2}"), all, nil, "runtime.resource_limits has both cpu_percent and cpu, and the scheduler reads only one of them; keep one"},
		"a section that is a list":     {section(" []"), all, nil, "runtime.resource_limits is no mapping"},
		"no runtime":                   {"a: 1\n", all, nil, "no mapping runtime"},
		"nothing given":                {section(" {}"), ResourceLimits{}, nil, "no resource limit is given"},
		"no CPU at all":                {section(" {}"), ResourceLimits{CPUPercent: "0.00"}, nil, "cpu_percent must be above zero"},
		"no memory at all":             {section(" {}"), ResourceLimits{MemoryMB: "0"}, nil, "memory_mb must be above zero"},
		"below zero":                   {section(" {}"), ResourceLimits{IOReadMBs: "-1"}, nil, `io_read_mb_s "-1" is not a decimal`},
		"an exponent":                  {section(" {}"), ResourceLimits{IOWriteMBs: "1e3"}, nil, `io_write_mb_s "1e3" is not a decimal`},
		"an octal number":              {section(" {}"), ResourceLimits{CPUPercent: "010"}, nil, `cpu_percent "010" is not a decimal`},
		"an injection":                 {section(" {}"), ResourceLimits{CPUPercent: "1, a: 2"}, nil, "is not a decimal"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := SetResourceLimits(parsed(tc.doc), tc.limits)
			if tc.refused != "" {
				if err == nil || !strings.Contains(err.Error(), tc.refused) {
					t.Fatalf("got %v\nwant %s", err, tc.refused)
				}
				return
			}
			if diff := cmp.Diff(tc.want, got); diff != "" || err != nil {
				t.Fatalf("%v (-want +got):\n%s", err, diff)
			}
			roundTrip(t, []byte(tc.doc), got...)
		})
	}
}

func TestSetSignalLimit(t *testing.T) {
	const at = "/runtime/multi_strategy_schedulers/main/"
	zero, two := `{limit: "0", reason: r, `+endText+"}", `{limit: 2, reason: r, `+endText+"}"
	for name, tc := range map[string]struct {
		limits  string
		limit   int32
		want    config.Edit
		refused string
	}{
		"writes all that is missing":          {"      k: 1\n", 0, config.Edit{Path: at + "initial_signal_limits", Value: `{"12": {bold: ` + zero + "}}"}, ""},
		"writes in place of null":             {"      initial_signal_limits: # c\n", 2, config.Edit{Path: at + "initial_signal_limits", Value: `{"12": {bold: ` + two + "}}"}, ""},
		"uses the file's spelling":            {"      signal_limit_overrides: ~\n", 2, config.Edit{Path: at + "signal_limit_overrides", Value: `{"12": {bold: ` + two + "}}"}, ""},
		"writes the strategy that is missing": {"      initial_signal_limit_overrides:\n        other: {bold: 1}\n", 2, config.Edit{Path: at + "initial_signal_limit_overrides/12", Value: "{bold: " + two + "}"}, ""},
		"writes the strategy that is null":    {"      initial_signal_limits: {12: null}\n", 2, config.Edit{Path: at + "initial_signal_limits/12", Value: "{bold: " + two + "}"}, ""},
		"writes the profile that is missing":  {"      initial_signal_limits:\n        12:\n          calm: 3\n", 2, config.Edit{Path: at + "initial_signal_limits/12/bold", Value: two}, ""},
		"replaces a number":                   {"      initial_signal_limits:\n        12: {bold: 3} # c\n", 0, config.Edit{Path: at + "initial_signal_limits/12/bold", Value: zero}, ""},
		"replaces a mapping of several lines": {"      initial_signal_limits:\n        12:\n          bold:\n            # Bob\n            limit: 3\n", 0, config.Edit{Path: at + "initial_signal_limits/12/bold", Value: zero}, ""},
		"two spellings":                       {"      initial_signal_limits: {}\n      signal_limit_overrides: {}\n", 2, config.Edit{}, "main has both initial_signal_limits and signal_limit_overrides, and the scheduler reads only one of them; keep one"},
		"below zero":                          {"", -1, config.Edit{}, "the signal limit -1 is below zero"},
	} {
		t.Run(name, func(t *testing.T) {
			doc := []byte(scheduler("      schedules: {s: {strategy: 12, risk_profile: bold}, d: {strategy: 12}, d2: {strategy: 12}}\n" + tc.limits))
			got, err := SetSignalLimit(parsed(doc), target, "12", "bold", tc.limit, "r", end)
			if tc.refused != "" {
				if err == nil || !strings.Contains(err.Error(), tc.refused) {
					t.Fatalf("got %v\nwant %s", err, tc.refused)
				}
				return
			}
			if diff := cmp.Diff(tc.want, got); diff != "" || err != nil {
				t.Fatalf("%v (-want +got):\n%s", err, diff)
			}
			roundTrip(t, doc, got)
			_, err = SetSignalLimit(parsed(doc), target, "12", "brave", tc.limit, "r", end)
			want := `runtime.multi_strategy_schedulers.main.schedules has no schedule of strategy "12" with risk profile "brave" (it has: 12 with bold, 12 with balanced)`
			if err == nil || err.Error() != want {
				t.Fatalf("got %v\nwant %s", err, want)
			}
		})
	}
	got, err := SetSignalLimit(parsed(small), target, "arb", "balanced", 1, "", time.Time{})
	if err != nil || got.Value != `{arb: {balanced: {limit: 1, reason: ""}}}` {
		t.Fatalf("without an end: %+v %v", got, err)
	}
}

func TestSchedulesWith(t *testing.T) {
	s := Summary{Schedules: []Schedule{{"a", "x", "bold"}, {"b", "x", "calm"}, {"c", "y", "bold"}, {"d", "x", "bold"}}}
	if diff := cmp.Diff([]string{"a", "d"}, SchedulesWith(s, "x", "bold")); diff != "" {
		t.Fatal(diff)
	}
}

func TestFeedCovers(t *testing.T) {
	const doc = `
environments:
  paper: {exchange: a, instrument_universe: core}
  bare: {exchange: a}
  lost: {exchange: a, instrument_universe: gone}
  void: {exchange: a, instrument_universe: empty}
instrument_universes:
  empty: {instruments: {}}
  core:
    instruments:
      BTC: &btc {exchanges: {a: BTC, b: XBT, c: ~}}
      ETH: {exchanges: {a: ETH, c: X}}
      OLD: *btc
`
	for name, tc := range map[string]struct{ environment, exchange, want string }{
		"every instrument has a symbol": {"paper", "a", ""},
		"one has none":                  {"paper", "b", `instrument_universes.core has 1 of 3 instruments that "b" does not quote: ETH (exchanges there: a, b, c)`},
		"an empty symbol is none":       {"paper", "c", `instrument_universes.core has 2 of 3 instruments that "c" does not quote: BTC, OLD (exchanges there: a, b, c)`},
		"an unknown exchange":           {"paper", "moon", `instrument_universes.core has 3 of 3 instruments that "moon" does not quote: BTC, ETH, OLD (exchanges there: a, b, c)`},
		"no universe set":               {"bare", "a", "environments.bare sets no instrument_universe, so it is unknown what must be traded at a; set it"},
		"a universe that is gone":       {"lost", "a", `instrument_universes has no universe "gone", which environments.lost uses (it has: empty, core)`},
		"a universe without content":    {"void", "a", "instrument_universes.empty has no instruments; add them"},
		"an unknown environment":        {"x", "a", `environments has no environment "x" (it has: paper, bare, lost, void)`},
	} {
		t.Run(name, func(t *testing.T) {
			err := FeedCovers(parsed(doc), Target{Environment: tc.environment}, tc.exchange)
			if tc.want == "" && err != nil || tc.want != "" && (err == nil || err.Error() != tc.want) {
				t.Fatalf("got  %v\nwant %s", err, tc.want)
			}
		})
	}
}

func TestFeedCoversNamesABoundedListOfInstruments(t *testing.T) {
	var b strings.Builder
	b.WriteString("environments: {paper: {instrument_universe: u}}\ninstrument_universes:\n  u:\n    instruments:\n")
	for i := range 500 {
		fmt.Fprintf(&b, "      I%d: {}\n", i)
	}
	err := FeedCovers(parsed(b.String()), target, "x")
	if err == nil || !strings.Contains(err.Error(), "I19 and 480 more (exchanges there: none)") {
		t.Fatalf("got %v", err)
	}
}

func TestRealFileKnowsWhichFeedsCoverItsUniverse(t *testing.T) {
	doc := realFile(t)
	real := Target{Scheduler: "core_multi_pipeline", Environment: "binance_paper"}
	if err := FeedCovers(parsed(doc), real, "moon"); err == nil || !strings.Contains(err.Error(), "kraken_spot") {
		t.Fatalf("got %v", err)
	}
}

// What is allocated is in line with the size of the document, and so is the time.
func TestFailoverOfAHugeDocumentTakesBoundedTimeAndMemory(t *testing.T) {
	var schedules, strategies strings.Builder
	for i := range 6_000 {
		fmt.Fprintf(&schedules, "        s%d: {strategy: t%d}\n", i, i)
		fmt.Fprintf(&strategies, "  t%d: {engine: daily_trend_momentum, metadata: {tags: z%d}}\n", i, i)
	}
	doc := []byte("runtime:\n  multi_strategy_schedulers:\n    main:\n      schedules:\n" + schedules.String() + "strategies:\n" + strategies.String())
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, err := DisableSchedules(parsed(doc), target, []string{"s1", "s5999"}, "r", end); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if allocated := after.TotalAlloc - before.TotalAlloc; allocated > 1000*uint64(len(doc)) {
		t.Fatalf("allocated %d bytes for a document of %d", allocated, len(doc))
	}
}
