package engine

import (
	"github.com/prometheus/client_golang/prometheus"
)

const metricPrefix = "bot_core_multi_strategy_"

// scheduleMetrics are the figures of a schedule that its alert rules and dashboards read, by their names in the telemetry.
// A figure that the last run did not measure is not exported.
var scheduleMetrics = func() map[string]*prometheus.Desc {
	help := map[string]string{
		"latency_ms":                   "Duration of the schedule's last run in milliseconds.",
		"signals":                      "Signals of the schedule's last run.",
		"pnl_drawdown_pct":             "Distance of the paper account from its best since the process started, percent of the starting equity.",
		"pnl_pct":                      "Profit or loss of the paper account since the process started, percent of the starting equity.",
		"allocation_error_pct":         "Mean distance from the wanted allocation, percentage points.",
		"realized_vs_target_vol_pct":   "Realised volatility against its target, percent.",
		"secondary_delay_ms":           "Time until the secondary exchange's quotes were there in the last run, milliseconds.",
		"spread_capture_bps":           "Mean spread captured by the last entries, by the prices of their fills.",
		"avg_abs_zscore":               "Mean absolute z-score of the last prices.",
		"suspended":                    "1 while a suspension holds the schedule.",
		"suspension_remaining_seconds": "Time until the suspension ends; absent if it has no end.",
		"active_max_signals":           "Signals that the schedule may emit in a run.",
		"consecutive_failures":         "Failed runs since the last good one.",
	}
	descriptions := make(map[string]*prometheus.Desc, len(help))
	for name, text := range help {
		descriptions[name] = prometheus.NewDesc(metricPrefix+name, text, []string{"schedule", "strategy"}, nil)
	}
	return descriptions
}()

var (
	feedHealth = prometheus.NewDesc("bot_exchange_health_status",
		"1 if the last read of the exchange succeeded.", []string{"exchange"}, nil)
	feedRequests = prometheus.NewDesc("bot_exchange_requests_total",
		"Reads of the exchange.", []string{"exchange", "status", "severity"}, nil)
	decisions = prometheus.NewDesc("bot_strategy_decisions_total",
		"Signals emitted.", []string{"schedule", "strategy", "outcome", "severity"}, nil)
	processCPU = prometheus.NewDesc("bot_core_process_cpu_percent",
		"CPU of the scheduler's process over the last second, percent of one processor.", nil, nil)
	processMemory = prometheus.NewDesc("bot_core_process_memory_mb",
		"Resident memory of the scheduler's process.", nil, nil)
)

// collector reads the engine when it is scraped.
type collector struct{ engine *Engine }

// Describe sends nothing: which figures exist depends on what the last runs measured.
func (c collector) Describe(chan<- *prometheus.Desc) {}

// Collect sends what the engine knows now.
func (c collector) Collect(metrics chan<- prometheus.Metric) {
	telemetry := c.engine.Telemetry()
	emitted, _, _ := c.engine.counters()
	for _, s := range c.engine.schedules {
		metrics <- counter(decisions, float64(emitted[s.Name]), s.Name, s.Strategy, "signal", "info")
		for name, description := range scheduleMetrics {
			if value, measured := telemetry[s.Name][name]; measured {
				metrics <- gauge(description, value, s.Name, s.Strategy)
			}
		}
	}
	for name, state := range c.engine.feedStates() {
		healthy := 0.0
		if state.healthy {
			healthy = 1
		}
		metrics <- gauge(feedHealth, healthy, name)
		metrics <- counter(feedRequests, float64(state.ok), name, "ok", "info")
		metrics <- counter(feedRequests, float64(state.failed), name, "error", "error")
	}
	used := c.engine.usage.latest()
	metrics <- gauge(processCPU, used.CPUPercent)
	metrics <- gauge(processMemory, used.MemoryMB)
}

func gauge(description *prometheus.Desc, value float64, labels ...string) prometheus.Metric {
	return prometheus.MustNewConstMetric(description, prometheus.GaugeValue, value, labels...)
}

func counter(description *prometheus.Desc, value float64, labels ...string) prometheus.Metric {
	return prometheus.MustNewConstMetric(description, prometheus.CounterValue, value, labels...)
}
