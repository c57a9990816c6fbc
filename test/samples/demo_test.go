package samples_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/checks"
	"tradeops.dev/strategy-operator/internal/rules"
)

// Reports as the demo's tools print them, shortened: what they say in a healthy world and in one with a fault.
const (
	quickFeed = `{"status":"ok","symbols":{"BTC_USDT":{"latency_ms":0.8},"ETH_USDT":{"latency_ms":0.1}},"fill_slippage_bps":0,"errors":[]}`
	busyFeed  = `{"status":"ok","symbols":{"BTC_USDT":{"latency_ms":628.3},"ETH_USDT":{"latency_ms":27.6}},"fill_slippage_bps":0,"errors":[]}`
	slowFeed  = `{"status":"ok","symbols":{"BTC_USDT":{"latency_ms":502.7},"ETH_USDT":{"latency_ms":501.2}},"fill_slippage_bps":0,"errors":[]}`
	lossyFeed = `{"status":"fail","symbols":{"BTC_USDT":{"latency_ms":2.6},"ETH_USDT":{"latency_ms":0.1}},"fill_slippage_bps":160,"errors":["BTC_USDT: filled 160 bps worse than quoted, more than 50"]}`
	deadFeed  = `{"status":"fail","symbols":{},"errors":["503 Service Unavailable: feed is down"]}`

	lightLoad   = `{"avg_latency_ms":0.6,"resource_status":"ok","resources":{"cpu_percent":3.4,"memory_mb":13.8}}`
	slowLoad    = `{"avg_latency_ms":505.4,"resource_status":"ok","resources":{"cpu_percent":0.1,"memory_mb":16.0}}`
	floodedLoad = `{"avg_latency_ms":297.4,"resource_status":"error","resources":{"cpu_percent":20.4,"memory_mb":44.7}}`
	raisedLoad  = `{"avg_latency_ms":310.0,"resource_status":"ok","resources":{"cpu_percent":21.0,"memory_mb":44.7}}` // the same flood, with the budget that the remedy sets
	nothing     = ""

	runs   = `{"telemetry":{"cross_exchange_watch":{"suspended":0,"pnl_drawdown_pct":-0.01,"consecutive_failures":0}}}`
	fails  = `{"telemetry":{"cross_exchange_watch":{"suspended":0,"pnl_drawdown_pct":-0.01,"consecutive_failures":10}}}`
	loses  = `{"telemetry":{"cross_exchange_watch":{"suspended":0,"pnl_drawdown_pct":-14.2,"consecutive_failures":0}}}`
	halted = `{"telemetry":{"cross_exchange_watch":{"suspended":1,"pnl_drawdown_pct":0,"consecutive_failures":0}}}`
)

// demoWorld is what the demo's tools and Prometheus say at one moment.
type demoWorld struct {
	primary, kraken, load, smoke string
	signals                      map[string]any
}

// become is this world, changed by a fault.
func (w demoWorld) become(change func(*demoWorld)) demoWorld {
	w.signals = maps.Clone(w.signals)
	change(&w)
	return w
}

func healthyDemo() demoWorld {
	return demoWorld{quickFeed, quickFeed, lightLoad, runs, map[string]any{
		"cpu_percent_min_1m": 0.1, "signals_1m": 9.0, "schedule_signals_1m": 7.0, "active_feeds": 2.0, "exchange_health": 1.0, "drawdown_pct": -0.1, "secondary_delay_ms": 1.0,
	}}
}

// demoFaults is how each fault of the exchange looks; the name before the slash is the exchange's.
func demoFaults() map[string]demoWorld {
	healthy := healthyDemo()
	return map[string]demoWorld{
		"none":                healthy,
		"lossy-cross":         healthy.become(func(w *demoWorld) { w.kraken, w.smoke, w.signals["drawdown_pct"] = lossyFeed, loses, -14.2 }),
		"lossy-cross/primary": healthy.become(func(w *demoWorld) { w.primary, w.smoke, w.signals["drawdown_pct"] = lossyFeed, loses, -14.2 }),
		"feed-down": healthy.become(func(w *demoWorld) {
			w.primary, w.kraken, w.load, w.smoke, w.signals["active_feeds"], w.signals["signals_1m"], w.signals["schedule_signals_1m"] = deadFeed, deadFeed, nothing, fails, 0.0, 0.0, 0.0
		}),
		"feed-down/binance_spot": healthy.become(func(w *demoWorld) {
			w.primary, w.load, w.smoke, w.signals["exchange_health"], w.signals["signals_1m"], w.signals["schedule_signals_1m"] = deadFeed, nothing, fails, 0.0, 0.0, 0.0
		}),
		"feed-down/kraken_spot": healthy.become(func(w *demoWorld) { w.kraken, w.smoke, w.signals["active_feeds"] = deadFeed, fails, 1.0 }),
		"latency":               healthy.become(func(w *demoWorld) { w.primary, w.kraken, w.load = slowFeed, slowFeed, slowLoad }),
		"latency/binance_spot":  healthy.become(func(w *demoWorld) { w.primary, w.load = slowFeed, slowLoad }),
		"latency/kraken_spot":   healthy.become(func(w *demoWorld) { w.kraken = slowFeed }),
		"flat":                  healthy.become(func(w *demoWorld) { w.signals["signals_1m"], w.signals["schedule_signals_1m"] = 0.0, 0.0 }),
		"flood": healthy.become(func(w *demoWorld) {
			w.primary, w.kraken, w.load, w.signals["cpu_percent_min_1m"] = busyFeed, quickFeed, floodedLoad, 9.5
		}),
	}
}

// judged runs checks in this world.
func (w demoWorld) judged(t *testing.T, uses []strategyv1.CheckUse, incident map[string]any, without []string) []rules.Check {
	t.Helper()
	var all []rules.Check
	for _, use := range uses {
		report, exit := map[string]string{
			"stage4-audit": `{"status":"ok"}`, "security-baseline": `{"status":"ok"}`, "journal": `{"status":"ok"}`,
			"primary-probe": w.primary, "kraken-probe": w.kraken, "load-test": w.load, "smoke": w.smoke,
		}[use.Name], int32(0)
		if report == nothing || report == fails || strings.Contains(report, `"status":"fail"`) {
			exit = 1
		}
		spec, found := checks.Find(demoSpec(t).Checks, use.Name)
		if !found {
			t.Fatalf("the playbook has no check %s", use.Name)
		}
		outcome := checks.Outcome{Reason: checks.ReasonExited, ExitCode: &exit, Report: checks.NewReport([]byte(report))}
		verdict, _ := checks.Judge(spec, outcome, rules.Vars{Incident: incident})
		if verdict == strategyv1.VerdictError && slices.Contains(without, use.Name) {
			continue
		}
		all = append(all, rules.Check{Name: use.Name, Verdict: string(verdict), ExitCode: &exit, Report: outcome.Report.Value()})
	}
	return all
}

func (w demoWorld) vars(incident map[string]any, judged []rules.Check) rules.Vars {
	return rules.Vars{
		Incident: incident, Signals: w.signals, Checks: judged,
		Limits: map[string]any{"cpu_percent": 12.0, "memory_mb": 512.0}, Risk: map[string]any{"max_daily_loss_pct": 0.03},
	}
}

func demoSpec(t *testing.T) strategyv1.StrategyPlaybookSpec {
	t.Helper()
	var book strategyv1.StrategyPlaybook
	if err := yaml.UnmarshalStrict(read(t, folder+"/demo/playbook.yaml"), &book); err != nil {
		t.Fatal(err)
	}
	return book.Spec
}

// first is the first of the rules that holds; an error stops the search.
func first(t *testing.T, named [][2]string, vars rules.Vars) string {
	t.Helper()
	for _, rule := range named {
		switch holds(rule[1], vars) {
		case "yes":
			return rule[0]
		case "error":
			return rule[0] + " (error)"
		}
	}
	return ""
}

// TestEachFaultOfTheDemoHasAnAnswer: whatever kind of incident is reported, a fault is no false alarm, goes to L2 by a rule, and has a cause
// that is its own; without one nothing is found.
func TestEachFaultOfTheDemoHasAnAnswer(t *testing.T) {
	wants := map[string]struct{ escalated, cause, remedy string }{
		"none":                   {"", "", ""},
		"lossy-cross":            {"loss", "SignalDegradation", "disable-schedule"},
		"lossy-cross/primary":    {"exchange", "ExchangeDown", "fallback-feed"},
		"feed-down":              {"exchange", "NoFeed", ""},
		"feed-down/binance_spot": {"exchange", "ExchangeDown", "fallback-feed"},
		"feed-down/kraken_spot":  {"", "AdapterFailure", "fallback-feed"}, // and when its probe fails, disable-schedule
		"latency":                {"exchange", "Slow", ""},
		"latency/binance_spot":   {"exchange", "ExchangeSlow", "fallback-feed"},
		"latency/kraken_spot":    {"", "", ""}, // within what the playbook allows
		"flat":                   {"silent", "Silent", ""},
		"flood":                  {"overload", "ResourceBudget", "adjust-limits"},
	}
	spec := demoSpec(t)
	escalate, causes, remedies := [][2]string{}, [][2]string{}, map[string]string{}
	for _, rule := range spec.Triage.Escalate {
		if rule.When != "" {
			escalate = append(escalate, [2]string{rule.Name, rule.When})
		}
	}
	for _, cause := range spec.Diagnosis.Causes {
		causes, remedies[cause.Name] = append(causes, [2]string{cause.Name, cause.When}), cause.Remediation
	}
	for name, world := range demoFaults() {
		for _, kind := range []strategyv1.IncidentType{"PnL", "NoSignals", "Latency", "ResourceBudget"} {
			t.Run(fmt.Sprintf("%s/%s", name, kind), func(t *testing.T) {
				want := wants[name]
				incident := withAlerts(about(string(kind), "Warning", ""), 1, "Resolved")
				uses, optional := checks.Branch(spec.Triage.Checks, kind, "Warning")
				vars := world.vars(incident, world.judged(t, uses, incident, optional))
				if got := first(t, escalate, vars); got != want.escalated {
					t.Errorf("escalated by %q, want %q", got, want.escalated)
				}
				if got := holds(spec.Triage.FalseAlarm.When, vars); want.escalated != "" && got != "no" {
					t.Errorf("a false alarm: %s", got)
				}
				uses, _ = checks.Branch(spec.Diagnosis.Checks, kind, "Warning")
				cause := first(t, causes, world.vars(incident, world.judged(t, uses, incident, nil)))
				if cause != want.cause || remedies[cause] != want.remedy {
					t.Errorf("the cause is %q with %q, want %q with %q", cause, remedies[cause], want.cause, want.remedy)
				}
			})
		}
	}
}

// TestWhatAnAuditFindsIsItsOwnCause: whatever else is wrong at that time. It was called a silent market once.
func TestWhatAnAuditFindsIsItsOwnCause(t *testing.T) {
	spec := demoSpec(t)
	var causes [][2]string
	for _, cause := range spec.Diagnosis.Causes {
		causes = append(causes, [2]string{cause.Name, cause.When})
	}
	incident := about("Compliance", "Warning", "")
	uses, _ := checks.Branch(spec.Diagnosis.Checks, "Compliance", "Warning")
	for name, world := range demoFaults() {
		vars := world.vars(incident, world.judged(t, uses, incident, nil))
		for i := range vars.Checks {
			if vars.Checks[i].Name == "stage4-audit" {
				vars.Checks[i].Verdict = "Fail"
			}
		}
		if got := first(t, causes, vars); got != "NotCompliant" {
			t.Errorf("beside %s the cause is %q", name, got)
		}
	}
}

// TestADemoRestoreWaitsForTheEndOfTheFault: as long as a fault lasts, neither the gate of its remedy nor its cause lets the change be undone;
// when it is over, both do. With the remedy in force the world looks better than it is.
func TestADemoRestoreWaitsForTheEndOfTheFault(t *testing.T) {
	spec := demoSpec(t)
	faults := demoFaults()
	for name, test := range map[string]struct {
		cause string
		world demoWorld // while the remedy is in force
	}{
		"lossy-cross":            {"SignalDegradation", faults["lossy-cross"].become(func(w *demoWorld) { w.smoke = halted })},
		"feed-down/binance_spot": {"ExchangeDown", faults["feed-down/binance_spot"].become(func(w *demoWorld) { w.load = lightLoad })},
		"latency/binance_spot":   {"ExchangeSlow", faults["latency/binance_spot"].become(func(w *demoWorld) { w.load = lightLoad })},
		"flood":                  {"ResourceBudget", faults["flood"].become(func(w *demoWorld) { w.load = raisedLoad })},
	} {
		t.Run(name, func(t *testing.T) {
			var cause strategyv1.CauseRule
			for _, rule := range spec.Diagnosis.Causes {
				if rule.Name == test.cause {
					cause = rule
				}
			}
			var gate *strategyv1.RestoreGate
			for _, remediation := range spec.Remediations {
				if remediation.Name == cause.Remediation {
					gate = remediation.Restore
				}
			}
			incident := about("PnL", "Critical", "cross_exchange_watch")
			open := func(w demoWorld) bool {
				uses, _ := checks.Branch(spec.Diagnosis.Checks, "PnL", "Critical")
				gone := holds(cause.When, w.vars(incident, w.judged(t, uses, incident, nil))) == "no"
				return gone && (gate == nil || holds(gate.When, rules.Vars{Checks: w.judged(t, gate.Checks, incident, nil)}) == "yes")
			}
			if open(test.world) {
				t.Error("it may be undone while the fault lasts")
			}
			if !open(healthyDemo()) {
				t.Error("it may not be undone when the fault is over")
			}
		})
	}
}

// TestARemedyIsNotBlamedForAFaultThatLasts: the load test after a change fails only for what the change made worse.
func TestARemedyIsNotBlamedForAFaultThatLasts(t *testing.T) {
	spec, found := checks.Find(demoSpec(t).Checks, "load-test")
	if !found {
		t.Fatal("the playbook has no load-test")
	}
	for _, test := range []struct {
		name, before, after string
		want                strategyv1.Verdict
	}{
		{"the budget was raised, the flood goes on", floodedLoad, raisedLoad, "Warn"},
		{"still above the budget", floodedLoad, floodedLoad, "Warn"},
		{"above the budget since the change", lightLoad, floodedLoad, "Fail"},
		{"slow since the change", lightLoad, slowLoad, "Fail"},
		{"as slow as before", slowLoad, slowLoad, "Warn"},
		{"slower in a flood, by noise", `{"avg_latency_ms":243.1,"resource_status":"error"}`, raisedLoad, "Warn"},
		{"nothing could be measured before", nothing, slowLoad, "Fail"},
		{"better", slowLoad, lightLoad, "Pass"},
	} {
		t.Run(test.name, func(t *testing.T) {
			outcome := checks.Outcome{Reason: checks.ReasonExited, ExitCode: new(int32), Report: checks.NewReport([]byte(test.after))}
			vars := rules.Vars{}
			if test.before != nothing {
				vars.Before = decode(t, test.before)
			}
			if got, message := checks.Judge(spec, outcome, vars); got != test.want {
				t.Errorf("%s (%s), want %s", got, message, test.want)
			}
		})
	}
}

// TestEveryFaultOfTheExchangeIsPlayed: a fault that is added to the demo needs an answer here, and a story with real pods.
func TestEveryFaultOfTheExchangeIsPlayed(t *testing.T) {
	names := regexp.MustCompile(`(?m)^\tFault\w+\s*= "([a-z-]+)"$`).FindAllSubmatch(read(t, "../../hack/demo/internal/exchange/faults.go"), -1)
	if len(names) < 5 {
		t.Fatalf("the exchange has %d faults", len(names))
	}
	stories, err := os.ReadFile(filepath.Join("../e2e", "faults_story_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		fault := string(name[1])
		if _, played := demoFaults()[fault]; !played {
			t.Errorf("%s has no answer of the demo's playbook", fault)
		}
		if !strings.Contains(string(stories), `fault: "`+fault+`"`) {
			t.Errorf("no story plays %s", fault)
		}
	}
}
