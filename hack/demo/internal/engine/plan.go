package engine

import (
	"time"

	"tradeops.dev/strategy-operator/hack/demo/internal/coreconfig"
)

// Plan is what the running process has in force: it comes from the bytes read at the start, and from the failovers since, so
// it proves what an edit of the file did not change yet.
type Plan struct {
	ConfigSHA256  string     `json:"config_sha256"`
	ConfigPath    string     `json:"config_path"`
	Scheduler     string     `json:"scheduler"`
	Environment   string     `json:"environment"`
	Exchange      string     `json:"exchange"`
	StartedAt     time.Time  `json:"started_at"`
	Pod           string     `json:"pod"`
	CapitalPolicy string     `json:"capital_policy"`
	Schedules     []PlanItem `json:"schedules"`
	// InitialSuspensions lists every item of the configuration, expired ones and those with unknown targets too; what holds a
	// schedule now stands there. The same goes for InitialSignalLimits.
	InitialSuspensions  []coreconfig.Suspension       `json:"initial_suspensions"`
	InitialSignalLimits []coreconfig.SignalLimit      `json:"initial_signal_limits"`
	ResourceLimits      coreconfig.ResourceLimits     `json:"resource_limits"`
	StrategyAllocations map[string]map[string]float64 `json:"strategy_allocations"`
}

// PlanItem is one schedule of the plan.
type PlanItem struct {
	Name             string `json:"name"`
	Strategy         string `json:"strategy"`
	RiskProfile      string `json:"risk_profile"`
	ActiveMaxSignals int    `json:"active_max_signals"`
	// SignalLimit is the limit in force for the schedule's strategy and risk profile, suspended or not; null without one.
	SignalLimit   *int                   `json:"signal_limit"`
	PeriodSeconds float64                `json:"period_seconds"`
	Suspended     bool                   `json:"suspended"`
	Suspension    *coreconfig.Suspension `json:"suspension"`
}

// Plan tells what is in force at the time.
func (e *Engine) Plan(now time.Time) Plan {
	p := Plan{
		ConfigSHA256:        e.options.Config.SHA256,
		ConfigPath:          e.options.Config.Path,
		Scheduler:           e.options.Scheduler,
		Environment:         e.options.Environment,
		Exchange:            e.exchange,
		StartedAt:           e.options.StartedAt.UTC(),
		Pod:                 e.options.Pod,
		CapitalPolicy:       e.policy,
		Schedules:           make([]PlanItem, 0, len(e.schedules)),
		InitialSuspensions:  append([]coreconfig.Suspension{}, e.suspensions...),
		InitialSignalLimits: append([]coreconfig.SignalLimit{}, e.limits...),
		ResourceLimits:      e.budget,
		StrategyAllocations: e.allocations,
	}
	for _, s := range e.schedules {
		held := e.held(s, now)
		item := PlanItem{
			Name: s.Name, Strategy: s.Strategy, RiskProfile: s.RiskProfile, PeriodSeconds: s.period.Seconds(),
			Suspended: held != nil, Suspension: held,
		}
		if limit := coreconfig.LimitInForce(s.Schedule, e.limits, now); limit != nil {
			item.SignalLimit = &limit.Limit
		}
		if held == nil {
			item.ActiveMaxSignals = coreconfig.MaxSignals(s.Schedule, e.limits, now)
		}
		p.Schedules = append(p.Schedules, item)
	}
	return p
}
