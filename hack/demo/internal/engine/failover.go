package engine

import (
	"log/slog"
	"slices"
	"strings"
	"time"

	"tradeops.dev/strategy-operator/hack/demo/internal/coreconfig"
)

// failoverPause is how long a failed schedule is suspended in favour of its fallbacks.
const failoverPause = 900 * time.Second

// held is the suspension that holds the schedule at the time, nil if there is none.
func (e *Engine) held(s *schedule, now time.Time) *coreconfig.Suspension {
	e.mu.Lock()
	defer e.mu.Unlock()
	return coreconfig.InForce(e.inForce, s.Name, s.tags, now)
}

// failOver resumes the fallbacks of a schedule that failed and suspends the schedule. As in the real scheduler that forgets
// whatever suspension names a fallback, one that a person made too; the suspension of a tag stays.
func (e *Engine) failOver(s *schedule, now time.Time) {
	if len(s.fallbacks) == 0 {
		return
	}
	end := now.Add(failoverPause).UTC()
	e.mu.Lock()
	defer e.mu.Unlock()
	e.inForce = slices.DeleteFunc(slices.Clone(e.inForce), func(held coreconfig.Suspension) bool {
		return held.Kind == coreconfig.KindSchedule && slices.Contains(s.fallbacks, held.Target)
	})
	e.inForce = append(e.inForce, coreconfig.Suspension{
		Kind: coreconfig.KindSchedule, Target: s.Name, Reason: "failover to " + strings.Join(s.fallbacks, ", "), Until: &end,
	})
	s.failovers++
	slog.Warn("schedule failed over", "schedule", s.Name, "fallbacks", s.fallbacks)
}

// existing are the fallbacks that are schedules of this scheduler.
func existing(fallbacks []string, schedules []coreconfig.Schedule) []string {
	return slices.DeleteFunc(fallbacks, func(name string) bool {
		return !slices.ContainsFunc(schedules, func(s coreconfig.Schedule) bool { return s.Name == name })
	})
}
