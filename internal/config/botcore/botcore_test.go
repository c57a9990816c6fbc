package botcore

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tradeops.dev/strategy-operator/internal/config"
)

const small = `risk_profiles:
  careful: {max_daily_loss_pct: 0.01, strategy_allocations: {trend: 0.4, cross: 0.6}}
  bold:
    max_daily_loss_pct: 0.03
    strategy_allocations:
      trend: 1.0 # all in
runtime:
  resource_limits: {cpu: 65.0, memory_mb: 2048, io_read_mb_s: null}
  multi_strategy_schedulers:
    main:
      schedules:
        fast: {strategy: arb, risk_profile: bold}
        slow:
          cadence_seconds: 60
        slower: &s {strategy: arb}
        skipped: 12
        fast: {strategy: arb2, risk_profile: bold}
      initial_suspensions:
        - schedule: slow
          reason: by hand
        - {tag: risk, until: 2030-01-01T00:00:00+00:00, duration: 2h}
        - {target: fast, resume_in: 15m}
        - {target: x, kind: moon}
    empty: {}
multi_strategy_schedulers:
  main: {schedules: {wrong: {}}}
  top:
    schedules:
      a b: {strategy: z}
    suspensions: {schedule: a b}
environments:
  paper: {exchange: kraken_spot, risk_profile: bold}
`

var target = Target{Scheduler: "main", Environment: "paper"}

func TestDescribeReadsAsTheSchedulerDoes(t *testing.T) {
	got, err := Describe(parsed(small), target)
	if err != nil {
		t.Fatal(err)
	}
	want := Summary{
		Schedules: []Schedule{{"fast", "arb2", "bold"}, {"slow", "slow", "balanced"}, {"slower", "arb", "balanced"}},
		Suspensions: []Suspension{
			{Kind: "schedule", Target: "slow", Reason: "by hand"},
			{Kind: "tag", Target: "risk", Until: "2030-01-01T00:00:00+00:00"},
			{Kind: "schedule", Target: "fast", Duration: "15m"},
		},
		Exchange: "kraken_spot", RiskProfile: "bold",
		RiskProfiles: []RiskProfile{
			{"careful", "0.01", []Allocation{{"trend", "0.4"}, {"cross", "0.6"}}},
			{"bold", "0.03", []Allocation{{"trend", "1.0"}}},
		},
		ResourceLimits: []Limit{{"cpu_percent", "65.0"}, {"memory_mb", "2048"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"slower"}, SchedulesOf(got, "arb")); diff != "" {
		t.Fatal(diff)
	}
	top, err := Describe(parsed(small), Target{"top", "paper"})
	if err != nil || len(top.Suspensions) != 1 || top.Suspensions[0].Target != "a b" {
		t.Fatalf("one entry instead of a list: %+v %v", top, err)
	}
}

func TestDescribeFollowsAliasesAndMergeKeys(t *testing.T) {
	doc := `
base: &base {strategy: arb, risk_profile: bold}
more: &more {x: {<<: *base, strategy: own}, y: *base}
runtime: {multi_strategy_schedulers: {main: {schedules: {<<: [*more, {y: {}, z: {}}]}}}}
environments: {paper: {<<: *base}}
`
	got, err := Describe(parsed(doc), target)
	if err != nil {
		t.Fatal(err)
	}
	want := Summary{
		Schedules:   []Schedule{{"x", "own", "bold"}, {"y", "arb", "bold"}, {"z", "z", "balanced"}},
		RiskProfile: "bold",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("(-want +got):\n%s", diff)
	}
}

func TestDocumentsWhoseAliasesExplodeAreRefused(t *testing.T) {
	const plan = "runtime: {multi_strategy_schedulers: {main: {schedules: *s}}}\nenvironments: {paper: *s}\nrisk_profiles: *s\n"
	var chain strings.Builder
	chain.WriteString("k0: &k0 {a: 1}\n")
	for i := 1; i < 25; i++ {
		fmt.Fprintf(&chain, "k%d: &k%d {<<: [*k%d%s]}\n", i, i, i-1, strings.Repeat(fmt.Sprintf(", *k%d", i-1), 9))
	}
	wide := "big: &big {" + strings.Repeat("k: 1, ", 3000) + "z: 1}\n"
	for name, tc := range map[string]struct {
		doc     string
		refused bool
	}{
		"merge keys of merge keys":   {chain.String() + "s: &s {x: *k24}\n" + plan, true},
		"one large value many times": {wide + "s: &s\n" + strings.Repeat("  k: *big\n", 3000) + plan, true},
		"a value that has itself":    {"s: &s {x: *s}\n" + plan, true},
		"a merge key of itself":      {"s: &s {<<: *s, x: {}}\n" + plan, true},
		"a reasonable number":        {wide + "s: &s\n" + strings.Repeat("  k: *big\n", 30) + plan, false},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Describe(parsed(tc.doc), target)
			if tc.refused != (err != nil) || tc.refused && !errors.As(err, new(*config.RefusedError)) {
				t.Fatalf("got %v", err)
			}
		})
	}
}

func TestErrorsNameWhatIsMissingAndWhatThereIs(t *testing.T) {
	until := time.Time{}
	for name, tc := range map[string]struct {
		do   func() error
		want string
	}{
		"scheduler": {func() error { _, err := Describe(parsed(small), Target{"x", "paper"}); return err },
			`runtime.multi_strategy_schedulers has no scheduler "x" (it has: main, empty, main, top)`},
		"no scheduler at all": {func() error { _, err := Describe(parsed("a: 1"), target); return err },
			`runtime.multi_strategy_schedulers has no scheduler "main" (it has none)`},
		"environment": {func() error { _, err := Describe(parsed(small), Target{"main", "x"}); return err },
			`environments has no environment "x" (it has: paper)`},
		"schedule": {func() error {
			_, err := DisableSchedules(parsed(small), target, []string{"slow", "x"}, "r", until)
			return err
		},
			`runtime.multi_strategy_schedulers.main.schedules has no schedule "x" (it has: fast, slow, slower, skipped)`},
		"an entry that is no schedule": {func() error {
			_, err := DisableSchedules(parsed(small), target, []string{"skipped"}, "r", until)
			return err
		}, `runtime.multi_strategy_schedulers.main.schedules has no schedule "skipped" (it has: fast, slow, slower, skipped)`},
		"no schedule named": {func() error { _, err := DisableSchedules(parsed(small), target, nil, "r", until); return err },
			"no schedule is named; name at least one"},
		"both names of the suspensions": {func() error {
			doc := strings.Replace(small, "    empty:", "      suspensions: []\n    empty:", 1)
			_, err := DisableSchedules(parsed(doc), target, []string{"slow"}, "r", until)
			return err
		}, "runtime.multi_strategy_schedulers.main has both initial_suspensions and suspensions, and the scheduler reads only one of them; keep one"},
		"one entry instead of a list": {func() error {
			_, err := DisableSchedules(parsed(small), Target{Scheduler: "top"}, []string{"a b"}, "r", until)
			return err
		},
			"multi_strategy_schedulers.top.suspensions is one entry, not a list; put a dash in front of it to make it a list"},
		"risk profile": {func() error { _, err := SetAllocation(parsed(small), "x", "trend", "0"); return err },
			`risk_profiles has no profile "x" (it has: careful, bold)`},
		"bucket": {func() error { _, err := SetAllocation(parsed(small), "bold", "x", "0"); return err },
			`risk_profiles.bold.strategy_allocations has no bucket "x" (it has: trend)`},
		"allocation": {func() error { _, err := SetAllocation(parsed(small), "bold", "trend", "-1e3"); return err },
			`allocation "-1e3" is not a decimal such as 0.25`},
		"octal allocation": {func() error { _, err := SetAllocation(parsed(small), "bold", "trend", "010"); return err },
			`allocation "010" is not a decimal such as 0.25`},
		"empty document": {func() error { _, err := Describe(nil, target); return err }, "the configuration is empty"},
	} {
		t.Run(name, func(t *testing.T) {
			if err := tc.do(); err == nil || err.Error() != tc.want {
				t.Fatalf("got  %v\nwant %s", err, tc.want)
			}
		})
	}
}

func TestRealFileIsEditedInTheFewestLines(t *testing.T) {
	doc := realFile(t)
	real := Target{Scheduler: "core_multi_pipeline", Environment: "binance_paper"}
	s, err := Describe(parsed(doc), real)
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Schedules) != 3 || len(SchedulesOf(s, "core_cross_exchange")) != 1 || s.Exchange != "binance_spot" {
		t.Fatalf("%+v", s)
	}
	disable, err := DisableSchedules(parsed(doc), real, []string{"cross_exchange_watch"}, "PnL: 3x", end)
	if err != nil {
		t.Fatal(err)
	}
	limits, err := SetResourceLimits(parsed(doc), ResourceLimits{CPUPercent: "70.0", IOWriteMBs: "60.0"})
	if err != nil {
		t.Fatal(err)
	}
	signals, err := SetSignalLimit(parsed(doc), real, "core_cross_exchange", "aggressive", 0, "PnL: 3x", end)
	if err != nil {
		t.Fatal(err)
	}
	allocate, err := SetAllocation(parsed(doc), "balanced", "cross_exchange", "0.0")
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		edits          []config.Edit
		added, removed int
	}{
		"a suspension only adds its lines": {disable, 4, 0},
		"an allocation changes one line":   {[]config.Edit{allocate}, 1, 1},
		"two resource limits change two":   {limits, 2, 2},
		"a signal limit adds one line":     {[]config.Edit{signals}, 1, 0},
		"all together":                     {append(append(disable, limits...), allocate, signals), 8, 3},
	} {
		t.Run(name, func(t *testing.T) {
			out := roundTrip(t, doc, tc.edits...)
			diff := config.UnifiedDiff("core.yaml", string(doc), string(out))
			if added, removed := strings.Count(diff, "\n+")-1, strings.Count("\n"+diff, "\n-")-1; added != tc.added || removed != tc.removed {
				t.Fatalf("%d lines added, %d removed:\n%s", added, removed, diff)
			}
		})
	}
}

func roundTrip(t *testing.T, doc []byte, edits ...config.Edit) []byte {
	t.Helper()
	out, records, err := parsed(doc).Apply(edits)
	if err != nil {
		t.Fatal(err)
	}
	back, conflicts, err := out.Undo(records)
	if err != nil || conflicts != nil || back.String() != string(doc) {
		t.Fatalf("undo is not exact: %v %v\n%s", conflicts, err, config.UnifiedDiff("doc", string(doc), back.String()))
	}
	return []byte(out.String())
}

func realFile(t *testing.T) []byte {
	t.Helper()
	dir := os.Getenv("UPSTREAM_DATA")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "..", "shared", "upstream")
	}
	doc, err := os.ReadFile(filepath.Join(dir, "core.yaml"))
	if err != nil {
		t.Skipf("the scheduler's own core.yaml is not here (set UPSTREAM_DATA to its folder): %v", err)
	}
	return doc
}
