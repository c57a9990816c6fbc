package coreconfig

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func parsed(t *testing.T, text string) *Config {
	t.Helper()
	config, err := Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return config
}

func TestOfAKeyGivenTwiceTheLastOneCountsAsAWhole(t *testing.T) {
	config := parsed(t, "environments:\n  a: {exchange: x, risk_profile: balanced}\n  a: {exchange: y}\n")
	node, err := config.Environment("a")
	if err != nil {
		t.Fatal(err)
	}
	if got := node.At("exchange").Text(); got != "y" {
		t.Errorf("exchange is %q, want y", got)
	}
	if node.At("risk_profile").Exists() {
		t.Error("the first mapping was merged into the second")
	}
	if !strings.Contains(config.DuplicateKey, `"a"`) {
		t.Errorf("the duplicate is described as %q", config.DuplicateKey)
	}
}

func TestWhatTheSchedulerCannotParseIsRefused(t *testing.T) {
	for name, text := range map[string]string{
		"an open list":      "a: [1",
		"bad indentation":   "a: 1\n b: 2\n",
		"a second document": "a: 1\n---\nb: 2\n",
		"a list":            "- 1\n",
		"nothing":           "",
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := Parse([]byte(text)); err == nil {
				t.Error("it was accepted")
			}
		})
	}
}

func TestSchedulesHaveTheSchedulersDefaults(t *testing.T) {
	config := parsed(t, `
multi_strategy_schedulers:
  s:
    schedules:
      plain: {}
      zero: {strategy: x, max_signals: 0, cadence: 60, risk_profile: aggressive, warmup_bars: 5}
      skipped: text
`)
	section, err := config.SchedulerNode("s")
	if err != nil {
		t.Fatal(err)
	}
	want := []Schedule{
		{Name: "plain", Strategy: "plain", RiskProfile: "balanced", Cadence: 300 * time.Second, MaxSignals: 10},
		{Name: "zero", Strategy: "x", RiskProfile: "aggressive", Cadence: time.Minute, MaxSignals: 1, WarmupBars: 5},
	}
	if diff := cmp.Diff(want, Schedules(section)); diff != "" {
		t.Error(diff)
	}
}

func TestTheSchedulerUnderRuntimeWins(t *testing.T) {
	config := parsed(t, "multi_strategy_schedulers: {s: {capital_policy: a}}\nruntime: {multi_strategy_schedulers: {s: {capital_policy: b}}}\n")
	section, err := config.SchedulerNode("s")
	if err != nil {
		t.Fatal(err)
	}
	if got := section.At("capital_policy").Text(); got != "b" {
		t.Errorf("got the one with policy %q", got)
	}
}

func TestUnknownNamesAreRefusedAndTheKnownOnesNamed(t *testing.T) {
	config := parsed(t, "environments: {paper: {exchange: x}}\n")
	_, err := config.Environment("live")
	if err == nil || !strings.Contains(err.Error(), "paper") {
		t.Errorf("environment: %v", err)
	}
	if _, err := config.SchedulerNode("s"); err == nil {
		t.Error("an unknown scheduler was accepted")
	}
}

func TestTheRealConfigurationLoads(t *testing.T) {
	path := filepath.Join(upstream(t), "core.yaml")
	config, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	if config.DuplicateKey == "" {
		t.Error("its duplicate keys went unnoticed")
	}
	section, err := config.SchedulerNode("core_multi_pipeline")
	if err != nil {
		t.Fatal(err)
	}
	schedules := Schedules(section)
	if len(schedules) != 3 {
		t.Fatalf("%d schedules", len(schedules))
	}
	for _, s := range schedules {
		if _, _, err := config.EngineOf(s.Strategy); err != nil {
			t.Error(err)
		}
	}
	environment, err := config.Environment("binance_paper")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := config.Instruments(environment); err != nil {
		t.Error(err)
	}
}

// upstream is the folder of the scheduler's real data; it is not part of the project.
func upstream(t *testing.T) string {
	t.Helper()
	directory := os.Getenv("UPSTREAM_DATA")
	if directory == "" {
		directory = filepath.Join("..", "..", "..", "..", "..", "shared", "upstream")
	}
	if _, err := os.Stat(directory); err != nil {
		t.Skip("the scheduler's real data is not here: ", err)
	}
	return directory
}
