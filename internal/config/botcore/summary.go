package botcore

import (
	"fmt"

	"tradeops.dev/strategy-operator/internal/config"
)

// Target names the part of core.yaml that one playbook looks after.
type Target struct {
	// Scheduler is a key of runtime.multi_strategy_schedulers.
	Scheduler string
	// Environment is a key of environments.
	Environment string
}

// Schedule is one schedule of the scheduler, with the loader's defaults filled in.
type Schedule struct {
	Name string
	// Strategy defaults to the schedule's name.
	Strategy string
	// RiskProfile defaults to "balanced".
	RiskProfile string
}

// Suspension is one entry of the scheduler's initial suspensions.
type Suspension struct {
	// Kind is "schedule" or "tag".
	Kind string
	// Target is the name of the schedule or tag.
	Target string
	Reason string
	// Until is the time as written, empty if there is none. The scheduler takes a time it cannot parse for "for ever".
	Until string
	// Duration is the duration as written (seconds, or 15m, 2h, 1d), empty if there is none or Until wins. It starts anew with
	// each start of the scheduler.
	Duration string
}

// RiskProfile is the part of one risk profile that incidents look at.
type RiskProfile struct {
	Name string
	// MaxDailyLossPct is a fraction as written: 0.015 is 1.5 %.
	MaxDailyLossPct string
	Allocations     []Allocation
}

// Allocation is the share of a risk profile that a bucket of strategies gets, as written.
type Allocation struct {
	Bucket, Share string
}

// Limit is one entry of runtime.resource_limits, under the loader's main name, as written.
type Limit struct {
	Name, Value string
}

// Summary is what core.yaml says about a target, in file order.
type Summary struct {
	Schedules   []Schedule
	Suspensions []Suspension
	// Exchange is the environment's exchange: the feed in use.
	Exchange string
	// RiskProfile is the environment's risk profile.
	RiskProfile string
	// RiskProfiles are all risk profiles of the file.
	RiskProfiles []RiskProfile
	// ResourceLimits are the limits that are set.
	ResourceLimits []Limit
}

// Describe reads the target's part of core.yaml as the scheduler's loader would. The error says what is missing and what there
// is instead, or is a *config.RefusedError if its aliases stand for too much.
func Describe(doc *config.Document, t Target) (Summary, error) {
	root, err := read(doc)
	if err != nil {
		return Summary{}, err
	}
	scheduler, _, err := findScheduler(root, t.Scheduler)
	if err != nil {
		return Summary{}, err
	}
	environment, err := findEnvironment(root, t.Environment)
	if err != nil {
		return Summary{}, err
	}
	return Summary{
		Schedules:      schedules(scheduler),
		Suspensions:    suspensions(scheduler),
		Exchange:       environment.get(keyExchange).text(),
		RiskProfile:    environment.get(keyRiskProfile).text(),
		RiskProfiles:   riskProfiles(root.get(keyRiskProfiles)),
		ResourceLimits: resourceLimits(root.get(keyRuntime).get(keyResourceLimits)),
	}, nil
}

// SchedulesOf are the names of the strategy's schedules, in file order. Suspending a strategy means suspending all of them.
func SchedulesOf(s Summary, strategy string) []string {
	var names []string
	for _, schedule := range s.Schedules {
		if schedule.Strategy == strategy {
			names = append(names, schedule.Name)
		}
	}
	return names
}

// SchedulesWith are the names of the strategy's schedules with a risk profile, in file order: those that one signal limit is for.
func SchedulesWith(s Summary, strategy, riskProfile string) []string {
	var names []string
	for _, schedule := range s.Schedules {
		if schedule.Strategy == strategy && schedule.RiskProfile == riskProfile {
			names = append(names, schedule.Name)
		}
	}
	return names
}

func findEnvironment(root view, name string) (view, error) {
	environments := root.get(keyEnvironments)
	environment := environments.get(name)
	if !environment.isMap() {
		return view{}, fmt.Errorf("%s has no environment %q (%s)", keyEnvironments, name, environments.holds())
	}
	return environment, nil
}

// findScheduler is the scheduler and the segments of its path. The one under runtime wins over the one at top level.
func findScheduler(root view, name string) (view, []string, error) {
	var known []string
	for _, path := range [][]string{{keyRuntime, keySchedulers}, {keySchedulers}} {
		all := root
		for _, key := range path {
			all = all.get(key)
		}
		if scheduler := all.get(name); scheduler.isMap() {
			return scheduler, append(path, name), nil
		}
		known = append(known, all.keys()...)
	}
	return view{}, nil, fmt.Errorf("%s.%s has no scheduler %q (%s)", keyRuntime, keySchedulers, name, has(known))
}

func schedules(scheduler view) []Schedule {
	all := scheduler.get(keySchedules)
	var list []Schedule
	for _, e := range all.entries() {
		if !e.value.isMap() {
			continue // as the loader does
		}
		s := Schedule{Name: e.key, Strategy: e.value.get(keyStrategy).text(), RiskProfile: e.value.get(keyRiskProfile).text()}
		if s.Strategy == "" {
			s.Strategy = e.key
		}
		if s.RiskProfile == "" {
			s.RiskProfile = defaultRiskProfile
		}
		list = append(list, s)
	}
	return list
}

func suspensions(scheduler view) []Suspension {
	entries := scheduler.get(keySuspensions)
	if !entries.isMap() && !entries.isList() {
		entries = scheduler.get(keySuspensionsAlias)
	}
	var list []Suspension
	for _, item := range entries.items() {
		if s, ok := suspension(item); ok {
			list = append(list, s)
		}
	}
	return list
}

func suspension(entry view) (Suspension, bool) {
	s := Suspension{Reason: entry.get(keyReason).text(), Until: entry.first(untilKeys...)}
	if s.Until == "" {
		s.Duration = entry.first(durationKeys...)
	}
	switch {
	case entry.get(keySchedule).text() != "":
		s.Kind, s.Target = keySchedule, entry.get(keySchedule).text()
	case entry.get(keyTag).text() != "":
		s.Kind, s.Target = keyTag, entry.get(keyTag).text()
	default:
		s.Kind, s.Target = entry.get(keyKind).text(), entry.get(keyTarget).text()
		if s.Kind == "" {
			s.Kind = keySchedule
		}
	}
	return s, s.Target != "" && (s.Kind == keySchedule || s.Kind == keyTag)
}

func riskProfiles(all view) []RiskProfile {
	var list []RiskProfile
	for _, e := range all.entries() {
		profile := RiskProfile{Name: e.key, MaxDailyLossPct: e.value.get(keyMaxDailyLoss).text()}
		for _, a := range e.value.get(keyAllocations).entries() {
			profile.Allocations = append(profile.Allocations, Allocation{Bucket: a.key, Share: a.value.text()})
		}
		list = append(list, profile)
	}
	return list
}

func resourceLimits(limits view) []Limit {
	var list []Limit
	for _, names := range limitKeys {
		if value := limits.first(names...); value != "" {
			list = append(list, Limit{Name: names[0], Value: value})
		}
	}
	return list
}
