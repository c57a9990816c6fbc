package engine

import (
	"context"
	"maps"
	"time"

	"tradeops.dev/strategy-operator/hack/demo/internal/coreconfig"
)

// Smoke is what some real cycles showed.
type Smoke struct {
	Cycles         int                           `json:"cycles"`
	Telemetry      map[string]map[string]float64 `json:"telemetry"`
	EmittedSignals map[string]int                `json:"emitted_signals"`
}

// suspendedFigures is what a suspended schedule tells instead of running. Its account stands still: nothing is read, so
// nothing is valued again.
func suspendedFigures(s *schedule, held *coreconfig.Suspension, now time.Time) map[string]float64 {
	figures := map[string]float64{
		"suspended": 1, "signals": 0, "active_max_signals": 0, "latency_ms": 0, "suspension_tag_indicator": 0,
		"base_max_signals": float64(s.MaxSignals), "consecutive_failures": 0, "failover_count": float64(s.failovers),
	}
	if held.Kind == coreconfig.KindTag {
		figures["suspension_tag_indicator"] = 1
	}
	if remaining, ends := held.Remaining(now); ends {
		figures["suspension_remaining_seconds"] = remaining.Seconds()
	}
	addAccount(figures, s.book)
	return figures
}

func addAccount(figures map[string]float64, book *ledger) {
	figures["pnl_drawdown_pct"] = book.drawdownPct()
	figures["pnl_pct"] = book.pnlPct()
}

// publish makes the figures of a run visible; they replace those of the run before as a whole, so that a figure which
// was not measured this time is gone and not old.
func (e *Engine) publish(s *schedule, figures map[string]float64, emitted int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.telemetry[s.Name] = figures
	e.emitted[s.Name] += emitted
	e.runs[s.Name]++
}

// Telemetry is what each schedule told last.
func (e *Engine) Telemetry() map[string]map[string]float64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	copied := make(map[string]map[string]float64, len(e.telemetry))
	for name, figures := range e.telemetry {
		copied[name] = maps.Clone(figures)
	}
	return copied
}

// Ready tells whether the first cycle is done.
func (e *Engine) Ready() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.ready
}

// Smoke watches until every schedule has run so many times more, and tells what came of it.
func (e *Engine) Smoke(ctx context.Context, cycles int) (Smoke, error) {
	emittedBefore, runsBefore, _ := e.counters()
	for {
		emitted, runs, cycled := e.counters()
		if e.ranMore(runs, runsBefore, cycles) {
			return Smoke{Cycles: cycles, Telemetry: e.Telemetry(), EmittedSignals: minus(emitted, emittedBefore)}, nil
		}
		select {
		case <-cycled:
		case <-ctx.Done():
			return Smoke{}, ctx.Err()
		}
	}
}

func (e *Engine) counters() (emitted, runs map[string]int, cycled <-chan struct{}) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return maps.Clone(e.emitted), maps.Clone(e.runs), e.cycled
}

func (e *Engine) ranMore(runs, before map[string]int, times int) bool {
	for _, s := range e.schedules {
		if runs[s.Name]-before[s.Name] < times {
			return false
		}
	}
	return true
}

// minus tells the signals since the counters were read, for every schedule that has run.
func minus(now, before map[string]int) map[string]int {
	difference := make(map[string]int, len(now))
	for name, count := range now {
		difference[name] = count - before[name]
	}
	return difference
}
