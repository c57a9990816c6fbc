package engine

import (
	"context"
	"errors"
	"math"
	"time"

	"tradeops.dev/strategy-operator/hack/demo/internal/coreconfig"
)

// LoadRequest asks for extra measured evaluations.
type LoadRequest struct {
	Iterations      int     `json:"iterations"`
	Schedules       int     `json:"schedules"`
	LatencyBudgetMS float64 `json:"latency_budget_ms,omitempty"`
}

// LoadReport has the shape of the real load test's report; failed_evaluations and resources are more than that has.
type LoadReport struct {
	Schedules      int     `json:"schedules"`
	Iterations     int     `json:"iterations"`
	AvgLatencyMS   float64 `json:"avg_latency_ms"`
	MaxLatencyMS   float64 `json:"max_latency_ms"`
	JitterMS       float64 `json:"jitter_ms"`
	SignalsEmitted int     `json:"signals_emitted"`
	// FailedEvaluations are those whose quotes could not be read; they count in no latency.
	FailedEvaluations int            `json:"failed_evaluations"`
	ResourceStatus    string         `json:"resource_status"`
	Resources         Resources      `json:"resources"`
	Settings          map[string]any `json:"settings"`
}

// pause lies between iterations: the load test shall show how the scheduler does at work, not how fast it can spin.
// With five iterations that is most of a second: over less, one scrape of the metrics or a busy neighbour is a tenth of a processor.
const pause = 150 * time.Millisecond

// What makes a load test say nothing at all.
var (
	errNothingToMeasure = errors.New("every schedule is suspended: there is nothing to measure")
	errAllFailed        = errors.New("no schedule could be evaluated")
)

// LoadTest evaluates schedules that are not suspended again and again on fresh quotes, without orders, and measures how
// long each evaluation takes and what the process uses meanwhile.
func (e *Engine) LoadTest(ctx context.Context, request LoadRequest, now func() time.Time) (LoadReport, error) {
	chosen := e.runnable(now(), request.Schedules)
	if len(chosen) == 0 {
		return LoadReport{}, errNothingToMeasure
	}
	report := LoadReport{Schedules: len(chosen), Iterations: request.Iterations, Settings: e.loadSettings(request)}
	before := processUsage()
	var latencies []float64
	var failure error
	for range request.Iterations {
		for _, s := range chosen {
			took, signals, err := e.evaluateOnly(ctx, s, now())
			if err != nil {
				report.FailedEvaluations++
				failure = err
				continue
			}
			latencies = append(latencies, milliseconds(took))
			report.SignalsEmitted += signals
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return LoadReport{}, ctx.Err()
		}
	}
	if len(latencies) == 0 {
		return LoadReport{}, errors.Join(errAllFailed, failure)
	}
	least := math.Inf(1)
	for _, l := range latencies {
		report.AvgLatencyMS += l / float64(len(latencies))
		report.MaxLatencyMS = math.Max(report.MaxLatencyMS, l)
		least = math.Min(least, l)
	}
	report.JitterMS = report.MaxLatencyMS - least
	report.Resources = judge(processUsage().since(before), e.budget, report.AvgLatencyMS, request.LatencyBudgetMS)
	report.ResourceStatus = report.Resources.Status
	return report, nil
}

func (e *Engine) loadSettings(request LoadRequest) map[string]any {
	return map[string]any{
		"iterations":         request.Iterations,
		"schedules":          request.Schedules,
		"latency_budget_ms":  request.LatencyBudgetMS,
		"cpu_budget_percent": e.budget.CPUPercent,
		"memory_budget_mb":   e.budget.MemoryMB,
		"scheduler":          e.options.Scheduler,
		"config_sha256":      e.options.Config.SHA256,
	}
}

// runnable are the first schedules that no suspension holds.
func (e *Engine) runnable(now time.Time, wanted int) []*schedule {
	var chosen []*schedule
	for _, s := range e.schedules {
		if len(chosen) < wanted && e.held(s, now) == nil {
			chosen = append(chosen, s)
		}
	}
	return chosen
}

func (e *Engine) evaluateOnly(ctx context.Context, s *schedule, now time.Time) (time.Duration, int, error) {
	e.running.Lock()
	defer e.running.Unlock()
	started := time.Now()
	read, _, err := e.read(ctx, s.strategy.reads())
	if err != nil {
		return 0, 0, err
	}
	signals := s.strategy.evaluate(s.book, read, now)
	allowed := min(len(signals), coreconfig.MaxSignals(s.Schedule, e.limits, now))
	return time.Since(started), allowed, nil
}
