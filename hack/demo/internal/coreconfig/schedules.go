package coreconfig

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// Engine is the kind of strategy, by the scheduler's own names.
type Engine string

// The engines that the demo can run.
const (
	MeanReversion    Engine = "mean_reversion"
	VolatilityTarget Engine = "volatility_target"
	CrossExchange    Engine = "cross_exchange_arbitrage"
)

// engineSections says in which section of the file strategies of an engine stand.
var engineSections = map[Engine]string{
	MeanReversion:    "mean_reversion_strategies",
	VolatilityTarget: "volatility_target_strategies",
	CrossExchange:    "cross_exchange_arbitrage_strategies",
}

// engineTags are the tags a strategy has from its engine; a suspension may name one.
var engineTags = map[Engine][]string{
	MeanReversion:    {"mean_reversion", "stat_arbitrage"},
	VolatilityTarget: {"volatility", "risk"},
	CrossExchange:    {"arbitrage", "liquidity"},
}

// EngineOf finds a strategy by name, with its parameters.
func (c *Config) EngineOf(strategy string) (Engine, Node, error) {
	for engine, section := range engineSections {
		if node := c.Root.At(section, strategy); node.IsMap() {
			return engine, node.At("parameters"), nil
		}
	}
	node := c.Root.At("strategies", strategy)
	if !node.IsMap() {
		return "", Node{}, fmt.Errorf("unknown strategy %q", strategy)
	}
	engine := Engine(node.At("engine").Text())
	if _, known := engineSections[engine]; !known {
		return "", Node{}, fmt.Errorf("strategy %q: engine %q is not part of the demo", strategy, engine)
	}
	return engine, node.At("parameters"), nil
}

// HasStrategy tells whether any section defines the strategy, whatever its engine.
func (c *Config) HasStrategy(strategy string) bool {
	for _, section := range engineSections {
		if c.Root.At(section, strategy).IsMap() {
			return true
		}
	}
	return c.Root.At("strategies", strategy).IsMap()
}

// Schedule is one entry of a scheduler's schedules, with the scheduler's defaults.
type Schedule struct {
	Name        string
	Strategy    string
	RiskProfile string
	Cadence     time.Duration
	WarmupBars  int
	MaxSignals  int
}

// Schedules reads the schedules of a scheduler's section; entries that are not mappings are skipped.
func Schedules(scheduler Node) []Schedule {
	var schedules []Schedule
	section := scheduler.At("schedules")
	for _, name := range section.Keys() {
		node := section.At(name)
		if !node.IsMap() {
			continue
		}
		schedules = append(schedules, Schedule{
			Name:        name,
			Strategy:    node.At("strategy").TextOr(name),
			RiskProfile: node.At("risk_profile").TextOr("balanced"),
			Cadence:     seconds(node.First("cadence_seconds", "cadence").NumberOr(300)),
			WarmupBars:  int(math.Max(0, node.At("warmup_bars").NumberOr(0))),
			// The scheduler never takes less than one here, which is why max_signals: 0 disables nothing.
			MaxSignals: int(math.Max(1, node.At("max_signals").NumberOr(10))),
		})
	}
	return schedules
}

// Tags are the names by which a tag suspension reaches the schedules of a strategy: its engine's and its own, in lower case.
func (c *Config) Tags(strategy string, engine Engine) []string {
	tags := slices.Clone(engineTags[engine])
	for _, tag := range c.metadata(strategy).At("tags").Texts() {
		tags = append(tags, strings.ToLower(tag))
	}
	return tags
}

// Fallbacks are the schedules that are resumed when a schedule of the strategy fails.
func (c *Config) Fallbacks(strategy string) []string {
	return c.metadata(strategy).First("fallback_schedules", "schedule_fallbacks").Texts()
}

// metadata is read for strategies of the common section only: the sections of one engine drop it.
func (c *Config) metadata(strategy string) Node {
	for _, section := range engineSections {
		if c.Root.At(section, strategy).IsMap() {
			return Node{}
		}
	}
	return c.Root.At("strategies", strategy, "metadata")
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
