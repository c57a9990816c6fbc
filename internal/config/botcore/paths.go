package botcore

import "tradeops.dev/strategy-operator/internal/config"

// The keys of core.yaml, in one place.
const (
	keyRuntime     = "runtime"
	keySchedulers  = "multi_strategy_schedulers"
	keySchedules   = "schedules"
	keySuspensions = "initial_suspensions"
	// keySuspensionsAlias is the loader's other name of initial_suspensions.
	keySuspensionsAlias = "suspensions"
	keyStrategy         = "strategy"
	keyRiskProfile      = "risk_profile"
	keyEnvironments     = "environments"
	keyExchange         = "exchange"
	keyResourceLimits   = "resource_limits"
	keyRiskProfiles     = "risk_profiles"
	keyMaxDailyLoss     = "max_daily_loss_pct"
	keyAllocations      = "strategy_allocations"

	keySchedule = "schedule"
	keyTag      = "tag"
	keyTarget   = "target"
	keyKind     = "kind"
	keyReason   = "reason"
	keyUntil    = "until"
)

// The loader reads the first of these that is set.
var (
	untilKeys    = []string{keyUntil, "resume_at"}
	durationKeys = []string{"duration_seconds", "duration", "resume_in"}
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

func allocationPath(riskProfile, bucket string) string {
	return config.JoinPath(keyRiskProfiles, riskProfile, keyAllocations, bucket)
}

func suspensionPath(schedulerPath []string, listKey, schedule string) string {
	segments := append(append([]string{}, schedulerPath...), listKey, config.Item(keySchedule, schedule))
	return config.JoinPath(segments...)
}
