package coreconfig

import (
	"strconv"
	"time"
)

// SignalLimit caps the signals of the schedules that run a strategy under a risk profile.
type SignalLimit struct {
	Strategy    string     `json:"strategy"`
	RiskProfile string     `json:"risk_profile"`
	Limit       int        `json:"limit"`
	Reason      string     `json:"reason,omitempty"`
	Until       *time.Time `json:"until"`
}

// SignalLimits reads signal_limits and initial_signal_limits for a process started at the given time; the initial ones
// come later, so they win.
func SignalLimits(scheduler Node, startedAt time.Time) []SignalLimit {
	sections := []Node{
		scheduler.At("signal_limits"),
		scheduler.First("initial_signal_limits", "signal_limit_overrides", "initial_signal_limit_overrides"),
	}
	var limits []SignalLimit
	for _, section := range sections {
		for _, strategy := range section.Keys() {
			for _, profile := range section.At(strategy).Keys() {
				node := section.At(strategy, profile)
				limit, ok := signalLimit(node)
				if !ok {
					continue
				}
				limits = append(limits, SignalLimit{
					Strategy: strategy, RiskProfile: profile, Limit: limit, Reason: node.At("reason").Text(),
					Until: until(node, startedAt, []string{"until", "expires_at"}, []string{"duration_seconds", "duration"}),
				})
			}
		}
	}
	return limits
}

// signalLimit drops the integer 0 and keeps the text "0": the real scheduler takes the number for "not set", and an edit
// that relies on it must be seen to have no effect here too.
func signalLimit(node Node) (int, bool) {
	if node.IsMap() {
		node = node.First("limit", "value")
	}
	n, ok := node.Number()
	if !ok || n < 0 {
		return 0, false
	}
	if _, text := node.value.(string); n == 0 && !text {
		return 0, false
	}
	limit, err := strconv.Atoi(strconv.FormatFloat(n, 'f', 0, 64))
	return limit, err == nil
}

// LimitInForce is the limit that holds for the schedule at the time, nil if there is none: of several the last one.
func LimitInForce(schedule Schedule, limits []SignalLimit, now time.Time) *SignalLimit {
	for i := len(limits) - 1; i >= 0; i-- {
		l := &limits[i]
		if l.Strategy == schedule.Strategy && l.RiskProfile == schedule.RiskProfile && (l.Until == nil || now.Before(*l.Until)) {
			return l
		}
	}
	return nil
}

// MaxSignals is how many signals a schedule may emit at the time.
func MaxSignals(schedule Schedule, limits []SignalLimit, now time.Time) int {
	if limit := LimitInForce(schedule, limits, now); limit != nil {
		return min(schedule.MaxSignals, limit.Limit)
	}
	return schedule.MaxSignals
}
