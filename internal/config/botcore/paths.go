package botcore

import (
	"slices"

	"tradeops.dev/strategy-operator/internal/config"
)

// The keys of core.yaml, in one place.
const (
	keyRuntime     = "runtime"
	keySchedulers  = "multi_strategy_schedulers"
	keySchedules   = "schedules"
	keySuspensions = "initial_suspensions"
	// keySuspensionsAlias is the loader's other name of initial_suspensions.
	keySuspensionsAlias = "suspensions"
	keySignalLimits     = "initial_signal_limits"
	keyStrategy         = "strategy"
	keyRiskProfile      = "risk_profile"
	keyEnvironments     = "environments"
	keyExchange         = "exchange"
	keyResourceLimits   = "resource_limits"
	keyRiskProfiles     = "risk_profiles"
	keyMaxDailyLoss     = "max_daily_loss_pct"
	keyAllocations      = "strategy_allocations"
	keyUniverse         = "instrument_universe"
	keyUniverses        = "instrument_universes"
	keyInstruments      = "instruments"
	keyExchanges        = "exchanges"
	keyStrategies       = "strategies"
	keyEngine           = "engine"
	keyMetadata         = "metadata"
	keyTags             = "tags"

	keySchedule = "schedule"
	keyTag      = "tag"
	keyTarget   = "target"
	keyKind     = "kind"
	keyReason   = "reason"
	keyUntil    = "until"
	keyLimit    = "limit"
	keyValue    = "value" // the loader's other name of limit
)

// The loader reads the first of these that is set.
var (
	untilKeys    = []string{keyUntil, "resume_at"}
	durationKeys = []string{"duration_seconds", "duration", "resume_in"}
)

// The same of signal limits.
var (
	limitUntilKeys    = []string{keyUntil, "expires_at"}
	limitDurationKeys = []string{"duration_seconds", "duration"}
)

// The loader's names of one key each, the main one first.
var (
	signalLimitsKeys = []string{keySignalLimits, "signal_limit_overrides", "initial_signal_limit_overrides"}
	fallbackKeys     = []string{"fallback_schedules", "schedule_fallbacks"}
)

// limitKeys are the keys of runtime.resource_limits with the loader's other name for each.
var limitKeys = [][]string{
	{"cpu_percent", "cpu"},
	{"memory_mb", "memory"},
	{"io_read_mb_s", "io_read"},
	{"io_write_mb_s", "io_write"},
	{"headroom_warning_threshold", "warning_threshold"},
}

// defaultRiskProfile is what the loader gives a schedule that names none.
const defaultRiskProfile = "balanced"

// AllocationPath is where a risk profile keeps the share of a bucket.
func AllocationPath(riskProfile, bucket string) string {
	return config.JoinPath(keyRiskProfiles, riskProfile, keyAllocations, bucket)
}

func suspensionPath(schedulerPath []string, listKey, kind, target string) string {
	return under(schedulerPath, listKey, config.Item(kind, target))
}

// under is the path of something in the scheduler.
func under(schedulerPath []string, segments ...string) string {
	return config.JoinPath(slices.Concat(schedulerPath, segments)...)
}
