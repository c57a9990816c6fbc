package samples_test

import (
	"testing"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/rules"
)

const (
	silent  = `{"cycles":3,"emitted_signals":{"cross_exchange_watch":0,"mean_reversion_intraday":0},"telemetry":{"cross_exchange_watch":{"signals":0},"mean_reversion_intraday":{"signals":0}}}`
	narrow  = `{"cycles":3,"emitted_signals":{"cross_exchange_watch":4,"mean_reversion_intraday":2},"telemetry":{"cross_exchange_watch":{"signals":4,"spread_capture_bps":2.5},"mean_reversion_intraday":{"signals":2}}}`
	healthy = `{"cycles":3,"emitted_signals":{"cross_exchange_watch":4,"mean_reversion_intraday":2},"telemetry":{"cross_exchange_watch":{"signals":4,"spread_capture_bps":9},"mean_reversion_intraday":{"signals":2}}}`
	stopped = `{"cycles":3,"emitted_signals":{"cross_exchange_watch":0,"mean_reversion_intraday":2},"telemetry":{"cross_exchange_watch":{"signals":0,"suspended":1},"mean_reversion_intraday":{"signals":2}}}`

	trading = `{"config_sha256":"0","suspensions":[],"signal_limits":{},"strategy_allocations":{"aggressive":{"cross_exchange":0.15}},"resource_limits":{"cpu_percent":65.0,"memory_mb":2048.0},"exchange":"binance_spot"}`
	changed = `{"config_sha256":"0","suspensions":[{"kind":"schedule","target":"cross_exchange_watch","until":"2026-11-23T14:15:00+00:00"}],"signal_limits":{"core_mean_reversion":{"balanced":{"limit":"0"}}},"strategy_allocations":{"aggressive":{"cross_exchange":0.0}},"resource_limits":{"cpu_percent":80,"memory_mb":3072},"exchange":"kraken_spot"}`
	tagged  = `{"config_sha256":"0","suspensions":[{"tag":"arbitrage"}],"signal_limits":{},"strategy_allocations":{},"resource_limits":{},"exchange":"binance_spot"}`
)

func about(kind, severity, schedule string) map[string]any {
	return map[string]any{
		"name": "incident-1", "type": kind, "severity": severity, "schedule": schedule, "strategy": "", "mode": "Live", "level": "L1",
		"alerts": []any{}, "alertCount": 0.0,
	}
}

// asked is a rollback that wants schedules suspended, with something else in force.
func asked(state string, schedules []any, more map[string]any) rules.Vars {
	wanted := map[string]any{
		"name": "stop", "state": state, "schedules": schedules, "allocations": []any{}, "feeds": []any{}, "exchange": "kraken_spot",
		"limits": map[string]any{}, "signalLimits": []any{},
	}
	for name, value := range more {
		wanted[name] = value
	}
	return rules.Vars{Rollback: wanted, Incident: map[string]any{"name": ""}}
}

func noRollback() rules.Vars { return rules.Vars{Incident: about("PnL", "Warning", "")} }

func TestVerdicts(t *testing.T) {
	incident := func(schedule string) rules.Vars { return rules.Vars{Incident: about("PnL", "Critical", schedule)} }
	after := func(before string, disabled ...any) rules.Vars {
		vars := asked("Applied", disabled, nil)
		vars.Before = decode(t, before)
		return vars
	}
	cross := []any{"cross_exchange_watch"}
	for _, test := range []struct {
		name, check, report string
		vars                rules.Vars
		want                strategyv1.Verdict
	}{
		{"the schedule of the incident is out of bounds", "smoke", narrow, incident("cross_exchange_watch"), "Fail"},
		{"another one is", "smoke", narrow, incident("mean_reversion_intraday"), "Inconclusive"},
		{"any one is, of an incident without a schedule", "smoke", narrow, incident(""), "Fail"},
		{"all is well", "smoke", healthy, incident("cross_exchange_watch"), "Pass"},
		{"the shipped data gives no signal", "smoke", silent, incident("cross_exchange_watch"), "Inconclusive"},
		{"a schedule that is not there", "smoke", healthy, incident("nope"), "Inconclusive"},
		{"no telemetry", "smoke", `{"cycles":3}`, incident(""), "Inconclusive"},
		{"after: the one that was stopped is silent", "smoke", stopped, after(narrow, "cross_exchange_watch"), "Pass"},
		{"after: another one became silent", "smoke", silent, after(narrow, "cross_exchange_watch"), "Fail"},
		{"after: silent as before", "smoke", silent, after(silent, "cross_exchange_watch"), "Pass"},
		{"after: a schedule is gone", "smoke", `{"emitted_signals":{},"telemetry":{}}`, after(silent), "Inconclusive"},
		{"after: a feed was switched, and a strategy is out of bounds", "smoke", narrow, after(healthy), "Fail"},

		{"the suspension is read", "running-plan", changed, asked("Applied", cross, nil), "Pass"},
		{"the suspension is not read", "running-plan", trading, asked("Applied", cross, nil), "Fail"},
		{"a tag suspends", "running-plan", tagged, asked("Applied", cross, nil), "Inconclusive"},
		{"by a key of its own", "running-plan", `{"suspensions":[{"schedule":"cross_exchange_watch"}],"exchange":"x"}`, asked("Applied", cross, nil), "Pass"},
		{"the restored one trades", "running-plan", trading, asked("Restored", cross, nil), "Pass"},
		{"the restored one is still suspended", "running-plan", changed, asked("Restored", cross, nil), "Fail"},
		{"the exchange is switched", "running-plan", changed, asked("Applied", []any{}, map[string]any{"feeds": []any{"kraken"}}), "Pass"},
		{"the exchange is not switched", "running-plan", trading, asked("Applied", []any{}, map[string]any{"feeds": []any{"kraken"}}), "Fail"},
		{"the limits are read", "running-plan", changed, asked("Applied", []any{}, map[string]any{"limits": map[string]any{"cpu_percent": "80", "memory_mb": "3072"}}), "Pass"},
		{"the limits are not read", "running-plan", trading, asked("Applied", []any{}, map[string]any{"limits": map[string]any{"cpu_percent": "80"}}), "Fail"},
		{"the allocation is read", "running-plan", changed, asked("Applied", cross, map[string]any{"allocations": []any{map[string]any{
			"riskProfile": "aggressive", "bucket": "cross_exchange", "allocation": "0.0"}}}), "Pass"},
		{"the signal limit is read", "running-plan", changed, asked("Applied", []any{}, map[string]any{"signalLimits": []any{map[string]any{
			"strategy": "core_mean_reversion", "riskProfile": "balanced", "limit": 0.0}}}), "Pass"},
		{"a signal limit that is not there", "running-plan", trading, asked("Applied", []any{}, map[string]any{"signalLimits": []any{map[string]any{
			"strategy": "core_mean_reversion", "riskProfile": "balanced", "limit": 0.0}}}), "Inconclusive"},
		{"the plan of something else", "running-plan", `{"scheduler":"x"}`, asked("Applied", cross, nil), "Inconclusive"},
	} {
		t.Run(test.check+": "+test.name, func(t *testing.T) {
			if got, message := judge(t, test.check, test.report, 0, test.vars); got != test.want {
				t.Errorf("%s (%s), want %s", got, message, test.want)
			}
		})
	}
}

// judged are checks with their verdicts: name, verdict, name, verdict, ...
func judged(verdicts ...string) []rules.Check {
	var made []rules.Check
	for i := 0; i < len(verdicts); i += 2 {
		made = append(made, rules.Check{Name: verdicts[i], Verdict: verdicts[i+1], ExitCode: new(int32)})
	}
	return made
}

// world is what signals say when all is well, changed by pairs of a name and a value; a nil value is an unknown signal.
func world(changes ...any) map[string]any {
	known := map[string]any{
		"cpu_percent": 40.0, "cpu_percent_min_10m": 30.0, "memory_mb": 900.0, "decisions_15m": 12.0, "exchange_requests_15m": 300.0,
		"primary_health_max_3m": 1.0, "pnl_divergence_pct": 0.4, "allocation_error_pct": 2.0, "avg_abs_zscore": 1.1,
		"spread_capture_bps": 8.0, "latency_ms_max_5m": 20.0, "alerts_firing": 0.0,
	}
	for i := 0; i < len(changes); i += 2 {
		delete(known, changes[i].(string))
		if changes[i+1] != nil {
			known[changes[i].(string)] = changes[i+1]
		}
	}
	return known
}

// bare are the signals that bot_core exports by itself, and the kubelet's.
func bare(changes ...any) map[string]any {
	return world(append([]any{"pnl_divergence_pct", nil, "allocation_error_pct", nil, "avg_abs_zscore", nil, "spread_capture_bps", nil, "latency_ms_max_5m", nil}, changes...)...)
}

func seen(incident map[string]any, signals map[string]any, judged []rules.Check) rules.Vars {
	return rules.Vars{
		Incident: incident, Signals: signals, Checks: judged,
		Limits: map[string]any{"cpu_percent": 65.0, "memory_mb": 2048.0}, Risk: map[string]any{"max_daily_loss_pct": 0.015},
	}
}

func withAlerts(incident map[string]any, count float64, states ...string) map[string]any {
	alerts := []any{}
	for _, state := range states {
		alerts = append(alerts, map[string]any{"name": "MultiStrategySchedulerLatencyHigh", "state": state})
	}
	incident["alerts"], incident["alertCount"] = alerts, count
	return incident
}

// holds evaluates a rule; an error is "error".
func holds(rule string, vars rules.Vars) string {
	held, err := rules.Eval(rule, vars)
	switch {
	case err != nil:
		return "error"
	case held:
		return "yes"
	}
	return "no"
}

func TestTriage(t *testing.T) {
	spec := botcore(t).Triage
	fine := judged("stage4-audit", "Warn", "security-baseline", "Pass", "load-test", "Pass")
	for _, test := range []struct {
		name       string
		vars       rules.Vars
		escalated  string
		falseAlarm string
	}{
		{"all is well and the alert is over", seen(withAlerts(about("Latency", "Warning", ""), 1, "Resolved"), world(), fine), "", "yes"},
		{"the same with what bot_core exports", seen(withAlerts(about("Latency", "Warning", ""), 1, "Resolved"), bare(), fine), "", "yes"},
		{"all is well and an alert still fires", seen(withAlerts(about("Latency", "Warning", ""), 2, "Resolved", "Firing"), world(), fine), "", "no"},
		{"a person reported it", seen(about("Latency", "Warning", ""), world(), fine), "", "no"},
		{"nothing was measured", seen(withAlerts(about("Latency", "Warning", ""), 1, "Resolved"), world(), nil), "", "no"},
		{"the audit found something new", seen(about("Latency", "Warning", ""), world(), judged("stage4-audit", "Fail")), "audit-failed", "no"},
		{"the log is not verified", seen(about("Compliance", "Warning", ""), world(), judged("stage4-audit", "Pass", "decision-log", "Fail")), "log-not-verified", "no"},
		{"the exchange does not answer", seen(about("AdapterFailure", "Critical", ""), world(), judged("stage4-audit", "Pass", "exchange-probe", "Fail")), "exchange-down", "no"},
		{"above the budget of CPU", seen(about("Latency", "Warning", ""), world("cpu_percent", 66.0), fine), "above-budget", "no"},
		{"above the budget of memory", seen(about("Latency", "Warning", ""), world("memory_mb", 2100.0), fine), "above-budget", "no"},
		{"nobody knows the CPU", seen(about("Latency", "Warning", ""), world("cpu_percent", nil), fine), "above-budget (error)", "no"},
		{"a critical loss waits for the audit", seen(about("PnL", "Critical", ""), world(), nil), "", "no"},
		{"a critical loss goes on to L2", seen(about("PnL", "Critical", ""), world(), fine), "critical-loss", "no"},
		{"the load test could not be measured", seen(withAlerts(about("Latency", "Warning", ""), 1, "Resolved"), world(), judged("stage4-audit", "Pass", "load-test", "Error")), "", "no"},
	} {
		t.Run(test.name, func(t *testing.T) {
			escalated := ""
			for _, rule := range spec.Escalate {
				if rule.When == "" || escalated != "" {
					continue
				}
				switch holds(rule.When, test.vars) {
				case "yes":
					escalated = rule.Name
				case "error":
					escalated = rule.Name + " (error)"
				}
			}
			if escalated != test.escalated {
				t.Errorf("escalated by %q, want %q", escalated, test.escalated)
			}
			if got := holds(spec.FalseAlarm.When, test.vars); got != test.falseAlarm {
				t.Errorf("false alarm: %s, want %s", got, test.falseAlarm)
			}
		})
	}
}

func TestCauses(t *testing.T) {
	spec := botcore(t).Diagnosis
	fine := judged("security-baseline", "Warn", "decision-log", "Pass", "load-test", "Pass", "smoke", "Inconclusive")
	for _, test := range []struct {
		name               string
		vars               rules.Vars
		cause, remediation string
	}{
		{"fatigue", seen(about("AlertFatigue", "Warning", ""), bare(), judged("decision-log", "Pass", "alert-audit", "Warn")), "AlertFatigue", "tune-alerts"},
		{"many alerts and nothing else", seen(withAlerts(about("Latency", "Warning", ""), 21, "Firing"), bare(), judged("decision-log", "Pass", "load-test", "Pass")), "AlertFatigue", "tune-alerts"},
		{"many alerts of a dead exchange", seen(withAlerts(about("Latency", "Warning", ""), 21, "Firing"), bare("primary_health_max_3m", 0.0), judged("decision-log", "Pass")), "AdapterFailure", "fallback-feed"},
		{"many alerts and a bad check", seen(withAlerts(about("Latency", "Warning", ""), 21, "Firing"), bare(), judged("load-test", "Fail")), "SlowNode", ""},
		{"an adapter's alert", seen(about("AdapterFailure", "Critical", ""), bare(), judged("exchange-probe", "Pass")), "AdapterFailure", "fallback-feed"},
		{"the exchange does not answer", seen(about("NoSignals", "Warning", ""), bare(), judged("exchange-probe", "Fail", "smoke", "Fail")), "AdapterFailure", "fallback-feed"},
		{"a strategy is out of bounds", seen(about("PnL", "Warning", ""), bare(), judged("smoke", "Fail")), "SignalDegradation", "disable-schedule"},
		{"the z-score is out of bounds", seen(about("PnL", "Warning", ""), world("avg_abs_zscore", 3.4), fine), "SignalDegradation", "disable-schedule"},
		{"the spread is", seen(about("PnL", "Warning", ""), world("spread_capture_bps", 2.0), fine), "SignalDegradation", "disable-schedule"},
		{"a loss of cross exchange", seen(about("PnL", "Critical", "cross_exchange_watch"), bare(), fine), "CrossExchangeRisk", "stop-cross-exchange"},
		{"a loss above the budget", seen(about("PnL", "Critical", "mean_reversion_intraday"), world("pnl_divergence_pct", 4.6), fine), "LossAboveBudget", "disable-schedule"},
		{"a loss within the budget", seen(about("PnL", "Critical", "mean_reversion_intraday"), world("pnl_divergence_pct", 4.4), fine), "", ""},
		{"a loss that nobody knows", seen(about("PnL", "Critical", "mean_reversion_intraday"), bare(), fine), "", ""},
		{"above the budget of resources", seen(about("ResourceBudget", "Warning", ""), bare("cpu_percent", 70.0), fine), "ResourceBudget", "raise-limits"},
		{"resources that nobody knows", seen(about("ResourceBudget", "Warning", ""), bare("cpu_percent", nil), fine), "ResourceBudget (error)", ""},
		{"a slow node", seen(about("Latency", "Warning", ""), bare(), judged("load-test", "Fail")), "SlowNode", ""},
		{"a slow scheduler", seen(about("Latency", "Warning", ""), world("latency_ms_max_5m", 260.0), fine), "SchedulerLatency", ""},
		{"an exposure", seen(about("Risk", "Warning", ""), world("allocation_error_pct", 25.0), fine), "RiskExposure", ""},
		{"silent strategies", seen(about("NoSignals", "Warning", ""), bare("decisions_15m", 0.0), fine), "StrategiesSilent", ""},
		{"silent strategies without data", seen(about("NoSignals", "Warning", ""), bare("decisions_15m", 0.0, "exchange_requests_15m", 0.0), fine), "", ""},
		{"not compliant", seen(about("Compliance", "Warning", ""), bare(), judged("stage4-audit", "Fail", "decision-log", "Pass")), "NotCompliant", ""},
		{"compliant", seen(about("Compliance", "Warning", ""), bare(), judged("stage4-audit", "Warn", "decision-log", "Pass")), "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			cause, remediation := "", ""
			for _, rule := range spec.Causes {
				got := holds(rule.When, test.vars)
				if got == "no" {
					continue
				}
				if cause, remediation = rule.Name, rule.Remediation; got == "error" {
					cause, remediation = rule.Name+" (error)", ""
				}
				break
			}
			if cause != test.cause || remediation != test.remediation {
				t.Errorf("%q with %q, want %q with %q", cause, remediation, test.cause, test.remediation)
			}
		})
	}
}

func TestLeadAndQuiet(t *testing.T) {
	spec := botcore(t)
	for _, test := range []struct {
		name                         string
		signals                      map[string]any
		silent, cpu, pnl, quietAgain string
	}{
		{"all is well", world(), "no", "no", "no", "yes"},
		{"with what bot_core exports", bare(), "no", "no", "error", "yes"},
		{"no decision with live data", world("decisions_15m", 0.0), "yes", "no", "no", "yes"},
		{"no decision, and nobody knows the data", world("decisions_15m", 0.0, "exchange_requests_15m", nil), "error", "no", "no", "yes"},
		{"the CPU at 120 %", world("cpu_percent_min_10m", 78.0), "no", "no", "no", "yes"},
		{"the CPU above 120 %", world("cpu_percent_min_10m", 78.5), "no", "yes", "no", "yes"},
		{"the loss above three budgets", world("pnl_divergence_pct", 4.51), "no", "no", "yes", "yes"},
		{"an alert fires", world("alerts_firing", 1.0), "no", "no", "no", "no"},
		{"the exchange is down", world("primary_health_max_3m", 0.0), "no", "no", "no", "no"},
		{"nobody knows the memory", world("memory_mb", nil), "no", "no", "no", "error"},
	} {
		t.Run(test.name, func(t *testing.T) {
			vars := seen(about("PnL", "Warning", ""), test.signals, nil)
			for i, want := range []string{test.silent, test.cpu, test.pnl} {
				rule := spec.Escalation.Levels[0].Rules[i]
				if got := holds(rule.When, vars); got != want {
					t.Errorf("lead rule %s: %s, want %s", rule.Name, got, want)
				}
			}
			if got := holds(spec.Recovery.Quiet, vars); got != test.quietAgain {
				t.Errorf("quiet: %s, want %s", got, test.quietAgain)
			}
		})
	}
}

// TestBackToNormal: the gates before a change is undone.
func TestBackToNormal(t *testing.T) {
	load := func(verdict, status string) rules.Check {
		return rules.Check{Name: "load-test", Verdict: verdict, Report: decode(t, `{"resource_status":"`+status+`"}`)}
	}
	gates := 0
	for _, remediation := range botcore(t).Remediations {
		if remediation.Restore == nil {
			continue
		}
		gates++
		for _, test := range []struct {
			name   string
			checks []rules.Check
			want   string
		}{
			{"all is well", append(judged("smoke", "Pass", "exchange-probe", "Pass"), load("Pass", "ok")), "yes"},
			{"close to a budget", append(judged("smoke", "Pass"), load("Warn", "warning")), "no"},
			{"the smoke test fails", append(judged("smoke", "Fail"), load("Pass", "ok")), "no"},
			{"the smoke test says nothing", append(judged("smoke", "Inconclusive"), load("Pass", "ok")), "no"},
			{"the load test could not be measured", append(judged("smoke", "Pass"), rules.Check{Name: "load-test", Verdict: "Error"}), "no"},
		} {
			if got := holds(remediation.Restore.When, rules.Vars{Checks: test.checks}); got != test.want {
				t.Errorf("%s: %s: %s, want %s", remediation.Name, test.name, got, test.want)
			}
		}
	}
	if gates != 4 {
		t.Errorf("%d gates, want one for each remedy that changes something", gates)
	}
}
