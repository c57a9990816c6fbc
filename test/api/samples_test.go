package api_test

import (
	"maps"
	"os"
	"path/filepath"
	"testing"

	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/checks"
	"tradeops.dev/strategy-operator/internal/playbook"
	"tradeops.dev/strategy-operator/internal/rules"
)

const samples = "config/samples/demo"

// TestSamples: every sample is accepted as it stands.
func TestSamples(t *testing.T) {
	paths, err := filepath.Glob(filepath.Join(repository, "config/samples/*/*.yaml"))
	must(t, err)
	accepted := 0
	for _, path := range paths {
		if filepath.Base(path) == "kustomization.yaml" {
			continue
		}
		data, err := os.ReadFile(path)
		must(t, err)
		objects, err := decode(data)
		must(t, err)
		for _, object := range objects {
			if object.GetKind() == "Secret" {
				t.Errorf("%s: a Secret does not belong in Git", path)
			}
			if object.GetGenerateName() == "" && object.GetKind() == "RoleBinding" {
				object.SetName(object.GetName() + "-again") // TestMain has created them
			}
			if err := admin.Create(t.Context(), object, client.DryRunAll); err != nil {
				t.Errorf("%s: %v", path, err)
			}
			accepted++
		}
	}
	if accepted < 9 {
		t.Errorf("%d samples, want at least the demo's playbook, incident, rollback and two bindings, and the real bot_core's playbook, pods and rotation", accepted)
	}
}

// demo is the demo's playbook with the API server's defaults.
func demo(t *testing.T) strategyv1.StrategyPlaybookSpec {
	t.Helper()
	objects, err := fromFile(samples + "/playbook.yaml")
	must(t, err)
	must(t, admin.Create(t.Context(), objects[0], client.DryRunAll))
	var procedure strategyv1.StrategyPlaybook
	must(t, runtime.DefaultUnstructuredConverter.FromUnstructured(objects[0].Object, &procedure))
	return procedure.Spec
}

func TestDemoPlaybookIsSound(t *testing.T) {
	if problem := playbook.References("", demo(t)); problem != nil {
		t.Errorf("%s: %s", problem.Reason, problem.Message)
	}
}

// TestDemoVerdicts judges reports in the shapes of hack/demo.
func TestDemoVerdicts(t *testing.T) {
	spec := demo(t)
	const (
		losing  = `{"telemetry":{"cross_exchange_watch":{"suspended":0,"pnl_drawdown_pct":-5.2},"mean_reversion_intraday":{"suspended":0,"pnl_drawdown_pct":-0.1}}}`
		limit   = `{"telemetry":{"cross_exchange_watch":{"suspended":0,"pnl_drawdown_pct":-4}}}`
		stopped = `{"telemetry":{"cross_exchange_watch":{"suspended":1,"pnl_drawdown_pct":-5.2},"mean_reversion_intraday":{"suspended":0,"pnl_drawdown_pct":-0.1}}}`
		other   = `{"telemetry":{"cross_exchange_watch":{"suspended":0,"pnl_drawdown_pct":0},"mean_reversion_intraday":{"suspended":0,"pnl_drawdown_pct":-9}}}`
		plan    = `{"schedules":[{"name":"cross_exchange_watch","strategy":"core_cross_exchange","risk_profile":"aggressive","suspended":true,"signal_limit":null},{"name":"mean_reversion_intraday","strategy":"core_mean_reversion","risk_profile":"balanced","suspended":false,"signal_limit":2}],` +
			`"strategy_allocations":{"aggressive":{"cross_exchange":0.1}},"exchange":"kraken_spot","resource_limits":{"cpu_percent":80,"memory_mb":3072}}`
		trading = `{"schedules":[{"name":"cross_exchange_watch","strategy":"core_cross_exchange","risk_profile":"aggressive","suspended":false,"signal_limit":null}],"strategy_allocations":{"aggressive":{"cross_exchange":0.5}},` +
			`"exchange":"binance_paper","resource_limits":{"cpu_percent":60,"memory_mb":2048}}`
	)
	about := map[string]any{"name": "loss", "type": "PnL", "severity": "Critical", "schedule": "cross_exchange_watch", "strategy": ""}
	byStrategy := map[string]any{"name": "loss", "type": "PnL", "severity": "Critical", "schedule": "", "strategy": "core_cross_exchange"}
	nobodys := map[string]any{"name": ""}
	// asked is what a rollback wants in force; rollback.state and so on, see docs/rules.md.
	asked := func(state string, schedules []any, allocations ...any) map[string]any {
		return map[string]any{
			"name": "pause", "state": state, "schedules": schedules, "allocations": append([]any{}, allocations...), "feeds": []any{},
			"limits": map[string]any{}, "signalLimits": []any{}, "exchange": "kraken_spot",
		}
	}
	besides := func(what string, value any) map[string]any {
		wanted := asked("Applied", []any{})
		wanted[what] = value
		return wanted
	}
	before := func(report string) rules.Value { return checks.NewReport([]byte(report)).Value() }
	budget := map[string]any{"cpu_percent": "80", "memory_mb": "3072.0"}
	few := []any{map[string]any{"strategy": "core_mean_reversion", "riskProfile": "balanced", "limit": 2.0}}
	pause := []any{"cross_exchange_watch"}
	tenth := map[string]any{"riskProfile": "aggressive", "bucket": "cross_exchange", "allocation": "0.1"}
	half := map[string]any{"riskProfile": "aggressive", "bucket": "cross_exchange", "allocation": "0.5"}
	unknown := map[string]any{"riskProfile": "aggressive", "bucket": "none", "allocation": "0.1"}

	tests := []struct {
		name, check, report string
		exit                int32
		vars                rules.Vars
		want                strategyv1.Verdict
	}{
		{"the audit's findings fail", "stage4-audit", `{"status":"fail"}`, 1, rules.Vars{}, "Fail"},
		{"the audit's warnings warn", "stage4-audit", `{"status":"warn"}`, 0, rules.Vars{}, "Warn"},
		{"a clean audit passes", "stage4-audit", `{"status":"ok"}`, 0, rules.Vars{}, "Pass"},
		{"another audit is no audit", "stage4-audit", `{"status":"fine"}`, 0, rules.Vars{}, "Inconclusive"},
		{"no status is no audit", "stage4-audit", `{}`, 0, rules.Vars{}, "Inconclusive"},
		{"the baseline's errors fail", "security-baseline", `{"status":"error"}`, 0, rules.Vars{}, "Fail"},
		{"the baseline's warnings warn", "security-baseline", `{"status":"warning"}`, 0, rules.Vars{}, "Warn"},
		{"a clean baseline passes", "security-baseline", `{"status":"ok"}`, 0, rules.Vars{}, "Pass"},

		{"within budgets", "load-test", `{"avg_latency_ms":3.5,"resource_status":"ok"}`, 0, rules.Vars{}, "Pass"},
		{"above a budget", "load-test", `{"avg_latency_ms":3.5,"resource_status":"error"}`, 0, rules.Vars{}, "Fail"},
		{"close to a budget", "load-test", `{"avg_latency_ms":3.5,"resource_status":"warning"}`, 0, rules.Vars{}, "Warn"},
		{"too slow", "load-test", `{"avg_latency_ms":250.5,"resource_status":"ok"}`, 0, rules.Vars{}, "Fail"},
		{"slower than before", "load-test", `{"avg_latency_ms":100,"resource_status":"ok"}`, 0, rules.Vars{Before: before(`{"avg_latency_ms":70.0}`)}, "Warn"},
		{"slower by noise", "load-test", `{"avg_latency_ms":4,"resource_status":"ok"}`, 0, rules.Vars{Before: before(`{"avg_latency_ms":1.0}`)}, "Pass"},
		{"nothing measured", "load-test", ``, 1, rules.Vars{}, "Error"},

		{"the incident's schedule loses", "smoke", losing, 0, rules.Vars{Incident: about}, "Fail"},
		{"it loses just as much as is allowed", "smoke", limit, 0, rules.Vars{Incident: about}, "Pass"},
		{"it is suspended", "smoke", stopped, 0, rules.Vars{Incident: about}, "Pass"},
		{"it is suspended by the rollback", "smoke", stopped, 0, rules.Vars{Incident: about, Rollback: asked("Applied", pause)}, "Pass"},
		{"another schedule loses", "smoke", other, 0, rules.Vars{Incident: about}, "Pass"},
		{"no schedule is named, one loses", "smoke", losing, 0, rules.Vars{Incident: byStrategy}, "Fail"},
		{"no schedule is named, the disabled one is quiet", "smoke", stopped, 0, rules.Vars{Incident: byStrategy, Rollback: asked("Applied", pause)}, "Pass"},
		{"no schedule is named, another one loses", "smoke", other, 0, rules.Vars{Incident: byStrategy, Rollback: asked("Applied", pause)}, "Pass"},
		{"no incident, the disabled one still trades", "smoke", losing, 0, rules.Vars{Incident: nobodys, Rollback: asked("Applied", pause)}, "Fail"},
		{"no incident, no schedule", "smoke", losing, 0, rules.Vars{Incident: nobodys, Rollback: asked("Applied", []any{}, tenth)}, "Pass"},
		{"a schedule cannot run", "smoke", limit, 1, rules.Vars{Incident: about}, "Warn"},
		{"the schedule is not there", "smoke", `{"telemetry":{}}`, 0, rules.Vars{Incident: about}, "Inconclusive"},
		{"no telemetry", "smoke", `{}`, 0, rules.Vars{Incident: about}, "Inconclusive"},

		{"the journal is complete", "journal", `{"status":"ok"}`, 0, rules.Vars{}, "Pass"},
		{"the journal is old", "journal", `{"status":"warn"}`, 0, rules.Vars{}, "Warn"},
		{"the journal lacks fields", "journal", `{"status":"fail"}`, 1, rules.Vars{}, "Fail"},

		{"applied and suspended", "running-plan", plan, 0, rules.Vars{Rollback: asked("Applied", pause)}, "Pass"},
		{"applied, suspended and allocated", "running-plan", plan, 0, rules.Vars{Rollback: asked("Applied", pause, tenth)}, "Pass"},
		{"applied, not suspended", "running-plan", trading, 0, rules.Vars{Rollback: asked("Applied", pause)}, "Fail"},
		{"applied, not allocated", "running-plan", trading, 0, rules.Vars{Rollback: asked("Applied", []any{}, tenth)}, "Fail"},
		{"applied to a bucket that is not there", "running-plan", plan, 0, rules.Vars{Rollback: asked("Applied", []any{}, unknown)}, "Inconclusive"},
		{"applied to a schedule that is not there", "running-plan", plan, 0, rules.Vars{Rollback: asked("Applied", []any{"none"})}, "Fail"},
		{"applied, fed from there", "running-plan", plan, 0, rules.Vars{Rollback: besides("feeds", []any{"kraken"})}, "Pass"},
		{"applied, fed from elsewhere", "running-plan", trading, 0, rules.Vars{Rollback: besides("feeds", []any{"kraken"})}, "Fail"},
		{"applied, with its budgets", "running-plan", plan, 0, rules.Vars{Rollback: besides("limits", budget)}, "Pass"},
		{"applied, with other budgets", "running-plan", trading, 0, rules.Vars{Rollback: besides("limits", budget)}, "Fail"},
		{"applied, few signals", "running-plan", plan, 0, rules.Vars{Rollback: besides("signalLimits", few)}, "Pass"},
		{"applied, any number of signals", "running-plan", trading, 0, rules.Vars{Rollback: besides("signalLimits", few)}, "Fail"},
		{"restored and trading", "running-plan", trading, 0, rules.Vars{Rollback: asked("Restored", pause, half)}, "Pass"},
		{"restored, with another allocation", "running-plan", trading, 0, rules.Vars{Rollback: asked("Restored", pause, tenth)}, "Fail"},
		{"restored, still suspended", "running-plan", plan, 0, rules.Vars{Rollback: asked("Restored", pause)}, "Fail"},

		{"above a budget, as before the change", "load-test", `{"avg_latency_ms":3.5,"resource_status":"error"}`, 0, rules.Vars{Before: before(`{"avg_latency_ms":3.0,"resource_status":"error"}`)}, "Warn"},
		{"the feed in use is slow", "primary-probe", `{"status":"ok","symbols":{"A":{"latency_ms":501.0}}}`, 0, rules.Vars{}, "Warn"},
		{"the feed is alive", "kraken-probe", `{"status":"ok"}`, 0, rules.Vars{}, "Pass"},
		{"the feed is not", "kraken-probe", `{"status":"fail"}`, 1, rules.Vars{}, "Fail"},
		{"the feed says nothing", "kraken-probe", ``, 1, rules.Vars{}, "Error"},
	}
	for _, test := range tests {
		t.Run(test.check+": "+test.name, func(t *testing.T) {
			check, found := checks.Find(spec.Checks, test.check)
			if !found {
				t.Fatal("the playbook has no such check")
			}
			outcome := checks.Outcome{Reason: checks.ReasonExited, ExitCode: &test.exit, Report: checks.NewReport([]byte(test.report))}
			if got, message := checks.Judge(check, outcome, test.vars); got != test.want {
				t.Errorf("%s (%s), want %s", got, message, test.want)
			}
		})
	}
}

// TestDemoDecisions follows the rules over judged checks.
func TestDemoDecisions(t *testing.T) {
	spec := demo(t)
	judged := func(verdicts ...string) []rules.Check { // name, verdict, name, verdict, ...
		var made []rules.Check
		for i := 0; i < len(verdicts); i += 2 {
			made = append(made, rules.Check{Name: verdicts[i], Verdict: verdicts[i+1], ExitCode: new(int32)})
		}
		return made
	}
	incident := func(kind, severity string) map[string]any {
		return map[string]any{
			"name": "loss", "type": kind, "severity": severity, "schedule": "cross_exchange_watch", "strategy": "",
			"alerts": []any{map[string]any{"name": "Loss", "state": "Resolved"}}, "alertCount": 1.0,
		}
	}
	noisy := incident("Other", "Warning")
	noisy["alertCount"] = 21.0
	// measured are the rules' variables with numbers that trouble nobody, apart from those given.
	measured := func(incident map[string]any, judged []rules.Check, numbers map[string]any) rules.Vars {
		signals := map[string]any{"cpu_percent_min_1m": 40.0, "exchange_health": 1.0, "drawdown_pct": 0.0, "signals_1m": 9.0, "schedule_signals_1m": 7.0, "active_feeds": 2.0}
		maps.Copy(signals, numbers)
		return rules.Vars{
			Incident: incident, Checks: judged, Signals: signals,
			Limits: map[string]any{"cpu_percent": 85.0, "memory_mb": 512.0}, Risk: map[string]any{"max_daily_loss_pct": 0.02},
		}
	}
	busy := map[string]any{"cpu_percent_min_1m": 95.0}
	fine := judged("stage4-audit", "Pass", "security-baseline", "Warn", "primary-probe", "Pass", "load-test", "Pass")
	unreported := incident("Latency", "Warning")
	unreported["alerts"] = []any{}
	overloaded := judged("load-test", "Fail")
	overloaded[0].Report = checks.NewReport([]byte(`{"resources":{"cpu_percent":95,"memory_mb":40}}`)).Value()
	failing := rules.Check{Name: "smoke", Verdict: "Warn", ExitCode: new(int32(1))}

	triage := []struct {
		name       string
		vars       rules.Vars
		escalated  string
		falseAlarm bool
	}{
		{"a warning with clean checks is a false alarm", measured(incident("Latency", "Warning"), fine, nil), "", true},
		{"a failed audit escalates at once", measured(incident("Latency", "Warning"), judged("stage4-audit", "Fail"), nil), "audit-failed", false},
		{"more than the budget escalates", measured(incident("ResourceBudget", "Warning"), fine, busy), "budget", true},
		{"no alert was there", measured(unreported, fine, nil), "", false},
		{"nothing was measured", measured(incident("Latency", "Warning"), nil, nil), "", false},
		{"a dead exchange escalates at once", measured(incident("Latency", "Warning"), judged("primary-probe", "Fail"), nil), "exchange", false},
		{"a loss goes to L2", measured(incident("PnL", "Warning"), fine, map[string]any{"drawdown_pct": -4.5}), "loss", false},
		{"a schedule that stands still is no false alarm", measured(incident("NoSignals", "Warning"), fine, map[string]any{"schedule_signals_1m": 0.0}), "", false},
		{"silence goes to L2", measured(incident("PnL", "Warning"), fine, map[string]any{"signals_1m": 0.0, "schedule_signals_1m": 0.0}), "silent", false},
		{"a critical loss waits for L1's evidence", measured(incident("PnL", "Critical"), judged("stage4-audit", "Pass"), nil), "", true},
		{"a critical loss goes to L2", measured(incident("PnL", "Critical"), fine, nil), "drawdown", true},
		{"what could not be measured is no false alarm", measured(incident("Latency", "Warning"), judged("stage4-audit", "Pass", "load-test", "Error"), nil), "", false},
	}
	for _, test := range triage {
		t.Run(test.name, func(t *testing.T) {
			escalated := ""
			for _, rule := range spec.Triage.Escalate {
				if rule.When != "" && escalated == "" && holds(t, rule.When, test.vars) {
					escalated = rule.Name
				}
			}
			if escalated != test.escalated {
				t.Errorf("escalated by %q, want %q", escalated, test.escalated)
			}
			if got := holds(t, spec.Triage.FalseAlarm.When, test.vars); got != test.falseAlarm {
				t.Errorf("false alarm: %v, want %v", got, test.falseAlarm)
			}
		})
	}

	diagnosis := []struct {
		name               string
		vars               rules.Vars
		cause, remediation string
	}{
		{"money is lost", measured(incident("PnL", "Critical"), judged("load-test", "Pass", "journal", "Pass", "smoke", "Fail"), nil), "SignalDegradation", "disable-schedule"},
		{"a risk budget", measured(incident("Risk", "Warning"), judged("load-test", "Pass", "smoke", "Pass"), nil), "RiskBudget", "reduce-allocation"},
		{"a feed is down", measured(incident("PnL", "Warning"), append(judged("load-test", "Pass"), failing), nil), "AdapterFailure", "fallback-feed"},
		{"too slow", measured(incident("Latency", "Warning"), judged("load-test", "Fail", "smoke", "Pass"), nil), "Slow", ""},
		{"more than the budget", measured(incident("ResourceBudget", "Warning"), overloaded, nil), "ResourceBudget", "adjust-limits"},
		{"the exchange is dead", measured(incident("PnL", "Warning"), judged("primary-probe", "Fail", "kraken-probe", "Pass"), nil), "ExchangeDown", "fallback-feed"},
		{"the configuration is not compliant", measured(incident("Compliance", "Warning"), judged("load-test", "Pass", "stage4-audit", "Fail"), nil), "NotCompliant", ""},
		{"too many alerts", measured(noisy, judged("load-test", "Pass", "journal", "Pass"), nil), "AlertFatigue", "tune-alerts"},
		{"nothing is found", measured(incident("PnL", "Critical"), judged("load-test", "Pass", "smoke", "Pass"), nil), "", ""},
	}
	for _, test := range diagnosis {
		t.Run(test.name, func(t *testing.T) {
			var found strategyv1.CauseRule
			for _, rule := range spec.Diagnosis.Causes {
				if found.Name == "" && holds(t, rule.When, test.vars) {
					found = rule
				}
			}
			if found.Name != test.cause || found.Remediation != test.remediation {
				t.Errorf("cause %q with remediation %q, want %q with %q", found.Name, found.Remediation, test.cause, test.remediation)
			}
		})
	}
}

func holds(t *testing.T, rule string, vars rules.Vars) bool {
	t.Helper()
	held, err := rules.Eval(rule, vars)
	must(t, err)
	return held
}
