package botcore

import (
	"fmt"
	"slices"
	"strings"
)

// defaultTags are what the scheduler's catalog gives the strategies of an engine.
var defaultTags = map[string][]string{
	"mean_reversion":           {"mean_reversion", "stat_arbitrage"},
	"volatility_target":        {"volatility", "risk"},
	"cross_exchange_arbitrage": {"arbitrage", "liquidity"},
	"daily_trend_momentum":     {"trend", "momentum"},
}

// engineSections are the sections of the file that hold the strategies of one engine. The loader drops their metadata.
var engineSections = map[string]string{
	"mean_reversion_strategies":           "mean_reversion",
	"volatility_target_strategies":        "volatility_target",
	"cross_exchange_arbitrage_strategies": "cross_exchange_arbitrage",
}

// strategy is what one strategy of the file brings to its schedules.
type strategy struct {
	// tags it has for certain, in the spelling that a suspension must use.
	tags []string
	// mayHave are tags it may have, in lower case; with anyTag it may have every tag.
	mayHave []string
	anyTag  bool
	// fallbacks are the schedules that the scheduler resumes when a schedule of this strategy fails.
	fallbacks []string
}

// others is what the schedules that go on running can do to the ones to disable.
type others struct {
	// resumes is, by the name of a fallback, a schedule whose failure resumes it.
	resumes map[string]Schedule
	// tags would reach further than the schedules to disable; with anyTag every tag might.
	tags   map[string]bool
	anyTag bool
}

// tagsAgainstFailover is the tag that stands for a target's own suspension, for each target that needs one or shares one.
func tagsAgainstFailover(root view, all []Schedule, targets []string) (map[string]string, error) {
	strategies := strategiesOf(root)
	running := othersThan(targets, all, strategies)
	tagsOf := map[string][]string{}
	for _, schedule := range all {
		if slices.Contains(targets, schedule.Name) {
			tagsOf[schedule.Name] = strategies[schedule.Strategy].tags
		}
	}
	covered := map[string]string{}
	for _, target := range targets {
		by, endangered := running.resumes[target]
		if !endangered || covered[target] != "" {
			continue
		}
		i := slices.IndexFunc(tagsOf[target], func(tag string) bool { return !running.anyTag && !running.tags[tag] })
		if i < 0 {
			return nil, fmt.Errorf("schedule %q would not stay disabled: it is a fallback of schedule %q (%s.%s.%s), so a failure there resumes it, "+
				"and no tag is known that only the schedules to disable have; disable %q and the other schedules with that fallback too, "+
				"or use SetSignalLimit 0, which failover does not clear",
				target, by.Name, keyStrategies, by.Strategy, keyMetadata, by.Name)
		}
		tag := tagsOf[target][i]
		for _, other := range targets {
			if covered[other] == "" && slices.Contains(tagsOf[other], tag) {
				covered[other] = tag
			}
		}
	}
	return covered, nil
}

// othersThan looks at the schedules that are not targets: a disabled one does not run, so it cannot fail over.
func othersThan(targets []string, all []Schedule, strategies map[string]strategy) others {
	running := others{resumes: map[string]Schedule{}, tags: map[string]bool{}}
	seen := map[string]bool{}
	for _, schedule := range all {
		if seen[schedule.Strategy] || slices.Contains(targets, schedule.Name) {
			continue
		}
		seen[schedule.Strategy] = true
		uses, known := strategies[schedule.Strategy]
		running.anyTag = running.anyTag || !known || uses.anyTag
		for _, tag := range uses.mayHave {
			running.tags[tag] = true
		}
		for _, fallback := range uses.fallbacks {
			if _, twice := running.resumes[fallback]; !twice {
				running.resumes[fallback] = schedule
			}
		}
	}
	return running
}

// strategiesOf are the strategies of the file by name. Where a name stands in several sections, it may be any of them.
func strategiesOf(root view) map[string]strategy {
	all := map[string]strategy{}
	add := func(name string, s strategy) {
		if other, twice := all[name]; twice {
			s = strategy{anyTag: true, fallbacks: append(s.fallbacks, other.fallbacks...)}
		}
		all[name] = s
	}
	for section, engine := range engineSections {
		for _, e := range root.get(section).entries() {
			add(e.key, strategy{tags: defaultTags[engine], mayHave: defaultTags[engine]})
		}
	}
	for _, e := range root.get(keyStrategies).entries() {
		engine := e.value.get(keyEngine).text()
		if engine == "" {
			continue // as the loader does
		}
		add(e.key, ofEngine(engine, e.value.get(keyMetadata)))
	}
	return all
}

// ofEngine is a strategy with an engine and metadata. Whether its own tags replace the catalog's or add to them is left open:
// only its own count as certain.
func ofEngine(engine string, metadata view) strategy {
	catalog, known := defaultTags[engine]
	s := strategy{tags: catalog, mayHave: slices.Clone(catalog), anyTag: !known}
	for _, key := range fallbackKeys {
		s.fallbacks = append(s.fallbacks, metadata.get(key).texts()...)
	}
	own := metadata.get(keyTags).texts()
	if len(own) == 0 {
		return s
	}
	s.tags = nil
	for _, tag := range own {
		lower := strings.ToLower(tag)
		s.mayHave = append(s.mayHave, lower)
		if tag == lower { // else it is unclear how the scheduler compares it
			s.tags = append(s.tags, tag)
		}
	}
	return s
}
