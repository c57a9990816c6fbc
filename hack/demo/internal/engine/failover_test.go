package engine

import (
	"encoding/json"
	"testing"
	"time"

	"tradeops.dev/strategy-operator/hack/demo/internal/coreconfig"
	"tradeops.dev/strategy-operator/hack/demo/internal/exchange"
	"tradeops.dev/strategy-operator/internal/config"
	"tradeops.dev/strategy-operator/internal/config/botcore"
)

// failing makes the mean reversion schedule one with a fallback, suspended in the given way.
func failing(suspensions string) []string {
	return []string{
		"  core_daily_trend:\n", `  reverting:
    engine: mean_reversion
    metadata: {fallback_schedules: [volatility_target_daily, nobody], tags: [Own]}
  core_daily_trend:
`,
		"strategy: core_mean_reversion", "strategy: reverting",
		"      schedules:", "      initial_suspensions: " + suspensions + "\n      schedules:",
	}
}

const (
	reversion  = "mean_reversion_intraday"
	volatility = "volatility_target_daily"
)

func (w *world) plan() map[string]PlanItem {
	w.t.Helper()
	var plan Plan
	if err := json.Unmarshal([]byte(w.get("/v1/plan")), &plan); err != nil {
		w.t.Fatal(err)
	}
	items := map[string]PlanItem{}
	for _, item := range plan.Schedules {
		items[item.Name] = item
	}
	return items
}

func TestFailoverResumesWhatASuspensionOfTheScheduleHeld(t *testing.T) {
	for name, test := range map[string]struct {
		suspensions string
		resumed     bool
	}{
		"its schedule":                            {"[{schedule: volatility_target_daily, reason: INC-1}]", true},
		"its schedule, in other words":            {"[{target: volatility_target_daily, reason: INC-1}]", true},
		"its tag":                                 {"[{tag: volatility, reason: INC-1}]", false},
		"its schedule and its tag":                {"[{tag: risk, reason: INC-1}, {schedule: volatility_target_daily}]", false},
		"its schedule, but none fails over to it": {"[{schedule: volatility_target_daily, reason: INC-1}, {tag: own}]", false},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, failing(test.suspensions)...)
			w.step(3)
			if !w.plan()[volatility].Suspended {
				t.Fatal("it is not suspended at the start")
			}
			w.fault(exchange.FaultFeedDown, exchange.Fault{Exchange: feedBinance})
			w.step(3)
			if got := w.plan()[volatility]; got.Suspended == test.resumed {
				t.Errorf("after the failure: %+v", got)
			}
		})
	}
}

func TestAFailedScheduleIsSuspendedForAQuarterOfAnHour(t *testing.T) {
	w := newWorld(t, failing("[]")...)
	w.fault(exchange.FaultFeedDown, exchange.Fault{Exchange: feedBinance})
	w.step(3)
	held := w.plan()[reversion]
	if !held.Suspended || held.Suspension.Kind != "schedule" || held.Suspension.Reason != "failover to volatility_target_daily" {
		t.Fatalf("the plan says %+v", held)
	}
	if w.figure(reversion, "failover_count") != 1 || w.figure(volatility, "failover_count") != 0 {
		t.Errorf("telemetry %v", w.engine.Telemetry())
	}
	if w.plan()[volatility].Suspended {
		t.Error("a schedule without fallback is suspended")
	}
	if _, err := w.client.SetFault(t.Context(), exchange.FaultFeedDown, exchange.Fault{Exchange: feedKraken}); err != nil {
		t.Fatal(err)
	}
	w.step(894)
	if !w.plan()[reversion].Suspended {
		t.Error("it is back too early")
	}
	w.step(6)
	if w.plan()[reversion].Suspended || w.figure(reversion, "consecutive_failures") != 0 {
		t.Errorf("it is not back: %+v", w.plan()[reversion])
	}
}

// What the operator writes must hold in a scheduler, through a failover too.
func TestTheOperatorsEditsAreInForce(t *testing.T) {
	w := newWorld(t, failing("[]")...)
	target := botcore.Target{Scheduler: "core_multi_pipeline", Environment: "binance_paper"}
	document, err := config.Parse(string(w.config))
	if err != nil {
		t.Fatal(err)
	}
	apply := func(edits []config.Edit, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		if document, _, err = document.Apply(edits); err != nil {
			t.Fatal(err)
		}
	}
	apply(botcore.DisableSchedules(document, target, []string{volatility, crossWatch}, "INC-1", w.now().Add(time.Hour)))
	apply(botcore.SetResourceLimits(document, botcore.ResourceLimits{CPUPercent: "70.5", IOReadMBs: "0"}))
	limit, err := botcore.SetSignalLimit(document, target, "reverting", "balanced", 0, "INC-1", w.now().Add(time.Minute))
	apply([]config.Edit{limit}, err)
	if err := botcore.FeedCovers(document, target, feedKraken); err != nil {
		t.Fatal(err)
	}
	w.start([]byte(document.String()))
	w.fault(exchange.FaultFeedDown, exchange.Fault{Exchange: feedBinance})
	w.step(5)
	if plan := w.engine.Plan(w.now()); plan.ResourceLimits.CPUPercent != 70.5 || plan.ResourceLimits.IOReadMBs != 0 || plan.ResourceLimits.MemoryMB != 512 {
		t.Errorf("resource limits %+v", plan.ResourceLimits)
	}
	if got := w.plan()[volatility]; !got.Suspended || got.Suspension.Kind != coreconfig.KindTag || got.Suspension.Reason != "INC-1" {
		t.Errorf("the fallback after the failover: %+v", got)
	}
	if got := w.plan()[crossWatch]; !got.Suspended || got.Suspension.Kind != coreconfig.KindSchedule || got.Suspension.Reason != "INC-1" {
		t.Errorf("the other schedule: %+v", got)
	}
	if got := w.plan()[reversion]; got.SignalLimit == nil || *got.SignalLimit != 0 {
		t.Errorf("the limited schedule: %+v", got)
	}
	w.step(3600)
	for name, item := range w.plan() {
		if item.SignalLimit != nil || item.Suspension != nil && item.Suspension.Reason == "INC-1" {
			t.Errorf("%s does not come back by itself: %+v", name, item)
		}
	}
}

func TestThePlanTellsWhatIsInForce(t *testing.T) {
	w := newWorld(t,
		"exchange: binance_spot ", "exchange: kraken_spot ", "cpu_percent: 12.0", "cpu: 70.5",
		"      schedules:", `      initial_suspensions: [{tag: arbitrage, reason: INC-1}]
      signal_limits: {core_mean_reversion: {balanced: 3}}
      initial_signal_limits:
        core_mean_reversion: {balanced: {limit: "0", reason: INC-2}, aggressive: 1}
        core_volatility_target: {conservative: {limit: 1, duration: 1s}}
        core_cross_exchange: {aggressive: {limit: 0}}
      schedules:`)
	w.step(2)
	var plan Plan
	if err := json.Unmarshal([]byte(w.get("/v1/plan")), &plan); err != nil {
		t.Fatal(err)
	}
	if plan.Exchange != "kraken_spot" || plan.ResourceLimits.CPUPercent != 70.5 || plan.ResourceLimits.MemoryMB != 512 ||
		plan.StrategyAllocations["balanced"]["cross_exchange"] != 0.2 || len(plan.ConfigSHA256) != 64 {
		t.Errorf("plan %+v", plan)
	}
	items := w.plan()
	if got := items[crossWatch]; !got.Suspended || got.Suspension.Kind != "tag" || got.Suspension.Target != "arbitrage" ||
		got.SignalLimit != nil || got.ActiveMaxSignals != 0 {
		t.Errorf("suspended by tag, with the number 0 as a limit: %+v", got)
	}
	if got := items[reversion]; got.SignalLimit == nil || *got.SignalLimit != 0 || got.ActiveMaxSignals != 0 || got.Suspended || got.Suspension != nil {
		t.Errorf("limited to the text 0: %+v", got)
	}
	if got := items[volatility]; got.SignalLimit != nil || got.ActiveMaxSignals != 2 {
		t.Errorf("its limit has ended: %+v", got)
	}
}
