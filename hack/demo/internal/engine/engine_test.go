package engine

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tradeops.dev/strategy-operator/hack/demo/internal/coreconfig"
	"tradeops.dev/strategy-operator/hack/demo/internal/exchange"
)

// world is an exchange and a scheduler on loopback, with one clock that the test steps.
type world struct {
	t      *testing.T
	clock  atomic.Int64
	client *exchange.Client
	engine *Engine
	config []byte
	url    string
}

// newWorld starts both on the demo's own configuration, changed by the replacements.
func newWorld(t *testing.T, replacements ...string) *world {
	t.Helper()
	w := startExchange(t)
	w.restart(replacements...)
	return w
}

// restart begins the scheduler anew with a changed configuration; the exchange and its faults stay.
func (w *world) restart(replacements ...string) {
	w.t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", "world", "core.yaml"))
	if err != nil {
		w.t.Fatal(err)
	}
	w.start([]byte(strings.NewReplacer(replacements...).Replace(string(data))))
}

func startExchange(t *testing.T) *world {
	t.Helper()
	w := &world{t: t}
	w.clock.Store(noon.UnixNano())
	market := exchange.NewMarket([]string{feedBinance, feedKraken}, "demo")
	server := httptest.NewServer(exchange.Handler(market, w.now))
	t.Cleanup(server.Close)
	w.client = exchange.NewClient(server.URL, time.Minute)
	return w
}

// start begins a scheduler's process; one that ran before is forgotten with its account.
func (w *world) start(config []byte) {
	w.t.Helper()
	w.config = config
	parsed, err := coreconfig.Parse(config)
	if err != nil {
		w.t.Fatal(err)
	}
	journal, err := OpenJournal(w.t.TempDir())
	if err != nil {
		w.t.Fatal(err)
	}
	w.engine, err = New(Options{
		Config: parsed, Scheduler: "core_multi_pipeline", Environment: "binance_paper", Exchange: w.client, Journal: journal,
		StartedAt: w.now(), Pod: "test", Cycle: time.Second, TimeScale: 30, LongestPeriod: 2 * time.Second, MaxSymbols: 2,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	server := httptest.NewServer(Handler(w.engine, w.now))
	w.t.Cleanup(server.Close)
	w.url = server.URL
}

func (w *world) now() time.Time { return time.Unix(0, w.clock.Load()).UTC() }

func (w *world) step(cycles int) {
	for range cycles {
		w.engine.Cycle(context.Background(), w.now())
		w.clock.Add(int64(time.Second))
	}
}

func (w *world) fault(name string, fault exchange.Fault) {
	w.t.Helper()
	if _, err := w.client.SetFault(context.Background(), name, fault); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) figure(schedule, name string) float64 {
	w.t.Helper()
	value, measured := w.engine.Telemetry()[schedule][name]
	if !measured {
		w.t.Fatalf("%s of %s was not measured: %v", name, schedule, w.engine.Telemetry()[schedule])
	}
	return value
}

func (w *world) get(path string) string {
	w.t.Helper()
	response, err := http.Get(w.url + path)
	if err != nil {
		w.t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return string(body)
}

const crossWatch = "cross_exchange_watch"

func TestAHealthyMarketCostsNothing(t *testing.T) {
	w := newWorld(t)
	for range 600 {
		w.step(1)
		for schedule, figures := range w.engine.Telemetry() {
			if figures["pnl_drawdown_pct"] < -1 {
				t.Fatalf("%s is at %g %%", schedule, figures["pnl_drawdown_pct"])
			}
		}
	}
	emitted, _, _ := w.engine.counters()
	for schedule, count := range emitted {
		if count == 0 {
			t.Errorf("%s traded nothing in ten minutes", schedule)
		}
		if w.figure(schedule, "consecutive_failures") != 0 {
			t.Errorf("%s fails", schedule)
		}
	}
	if profit := w.figure(crossWatch, "pnl_pct"); profit < 0 {
		t.Errorf("the cross exchange strategy lost %g %%", profit)
	}
	if capture := w.figure(crossWatch, "spread_capture_bps"); capture <= 0 {
		t.Errorf("it captured %g bps", capture)
	}
}

func TestLossyCrossDrawsTheScheduleDownUntilItIsSuspended(t *testing.T) {
	w := newWorld(t)
	w.step(10)
	w.fault(exchange.FaultLossyCross, exchange.Fault{})
	w.step(20)
	if drawdown := w.figure(crossWatch, "pnl_drawdown_pct"); drawdown >= -4 {
		t.Fatalf("after 20 s the drawdown is %g %%", drawdown)
	}
	if capture := w.figure(crossWatch, "spread_capture_bps"); capture >= 0 {
		t.Errorf("the captured spread is %g bps", capture)
	}
	for _, other := range []string{"mean_reversion_intraday", "volatility_target_daily"} {
		if drawdown := w.figure(other, "pnl_drawdown_pct"); drawdown < -1 {
			t.Errorf("%s is drawn down too: %g %%", other, drawdown)
		}
	}

	w.restart(`      schedules:`, `      initial_suspensions:
      - {schedule: cross_exchange_watch, reason: INC-1, duration: 30s}
      schedules:`)
	w.step(25)
	if got := w.engine.Telemetry()[crossWatch]; got["suspended"] != 1 || got["signals"] != 0 || got["active_max_signals"] != 0 ||
		got["suspension_remaining_seconds"] != 6 || got["pnl_drawdown_pct"] != 0 {
		t.Errorf("suspended telemetry is %v", got)
	}
	plan := w.engine.Plan(w.now())
	if !plan.Schedules[0].Suspended || plan.Schedules[0].Suspension.Reason != "INC-1" {
		t.Errorf("the plan says %+v", plan.Schedules[0])
	}
	w.step(10)
	if w.figure(crossWatch, "suspended") != 0 {
		t.Error("it does not resume by itself")
	}
}

func TestAFeedThatIsDownIsSeenAndItsSchedulesRecover(t *testing.T) {
	w := newWorld(t)
	w.step(3)
	w.fault(exchange.FaultFeedDown, exchange.Fault{Exchange: feedBinance})
	w.step(4)
	if got := w.figure("mean_reversion_intraday", "consecutive_failures"); got != 2 {
		t.Errorf("%g failures, want 2", got)
	}
	if metrics := w.get("/metrics"); !strings.Contains(metrics, `bot_exchange_health_status{exchange="binance_spot"} 0`) ||
		!strings.Contains(metrics, `bot_exchange_health_status{exchange="kraken_spot"} 1`) {
		t.Error("the metrics do not tell which feed is down")
	}
	w.restart("exchange: binance_spot ", "exchange: kraken_spot ")
	w.step(3)
	if w.figure("mean_reversion_intraday", "consecutive_failures") != 0 || w.figure("volatility_target_daily", "consecutive_failures") != 0 {
		t.Error("the schedules of the environment's feed still fail on the fallback")
	}
	report, err := w.engine.LoadTest(context.Background(), LoadRequest{Iterations: 2, Schedules: 3}, w.now)
	if err != nil || report.FailedEvaluations != 2 || report.AvgLatencyMS <= 0 {
		t.Errorf("the load test says %+v, %v", report, err)
	}
	if w.figure(crossWatch, "consecutive_failures") == 0 {
		t.Error("the strategy that needs both feeds runs on one")
	}
}

func TestAFlatMarketGivesNoSignals(t *testing.T) {
	w := startExchange(t)
	w.fault(exchange.FaultFlat, exchange.Fault{})
	w.restart()
	// The volatility target takes its position once and then has nothing to do.
	w.step(4)
	before, _, _ := w.engine.counters()
	w.step(30)
	after, _, _ := w.engine.counters()
	for schedule, count := range minus(after, before) {
		if count != 0 {
			t.Errorf("%s emitted %d signals", schedule, count)
		}
	}
}

func TestTheTextZeroStopsSignalsAndTheScheduleStillRuns(t *testing.T) {
	w := newWorld(t, "      schedules:", "      initial_signal_limits: {core_cross_exchange: {aggressive: {limit: \"0\"}}}\n      schedules:")
	w.fault(exchange.FaultLossyCross, exchange.Fault{})
	w.step(20)
	if emitted, _, _ := w.engine.counters(); emitted[crossWatch] != 0 {
		t.Errorf("%d signals", emitted[crossWatch])
	}
	if w.figure(crossWatch, "latency_ms") <= 0 || w.figure(crossWatch, "active_max_signals") != 0 {
		t.Errorf("telemetry %v", w.engine.Telemetry()[crossWatch])
	}
}

func TestSmokeWaitsForRealCycles(t *testing.T) {
	w := newWorld(t)
	w.step(1)
	done := make(chan Smoke)
	go func() {
		report, err := w.engine.Smoke(context.Background(), 3)
		if err != nil {
			t.Error(err)
		}
		done <- report
	}()
	for {
		select {
		case report := <-done:
			if report.Cycles != 3 || len(report.Telemetry) != 3 || len(report.EmittedSignals) != 3 {
				t.Errorf("report %+v", report)
			}
			return
		default:
			w.step(1)
		}
	}
}

func TestTheLoadTestMeasuresWithoutTrading(t *testing.T) {
	w := newWorld(t)
	w.step(2)
	before := w.engine.counts()
	report, err := w.engine.LoadTest(context.Background(), LoadRequest{Iterations: 2, Schedules: 9}, w.now)
	if err != nil {
		t.Fatal(err)
	}
	if report.Schedules != 3 || report.AvgLatencyMS <= 0 || report.MaxLatencyMS < report.AvgLatencyMS || report.ResourceStatus == "" {
		t.Errorf("report %+v", report)
	}
	if after := w.engine.counts(); after != before {
		t.Errorf("%d signals were traded", after-before)
	}
}

// counts is the sum of all signals so far.
func (e *Engine) counts() int {
	emitted, _, _ := e.counters()
	sum := 0
	for _, count := range emitted {
		sum += count
	}
	return sum
}

func TestTheJournalHasFlatLinesWithTheEvidenceFields(t *testing.T) {
	w := newWorld(t)
	w.fault(exchange.FaultLossyCross, exchange.Fault{})
	w.step(10)
	var lines []map[string]string
	if err := json.Unmarshal([]byte(w.get("/v1/journal?limit=4")), &lines); err != nil {
		t.Fatal(err)
	}
	if len(lines) != 4 {
		t.Fatalf("%d lines", len(lines))
	}
	for _, line := range lines {
		for _, field := range []string{"event", "timestamp", "environment", "portfolio", "risk_profile", "schedule_run_id", "primary_exchange", "risk_budget_bucket"} {
			if line[field] == "" {
				t.Errorf("no %s in %v", field, line)
			}
		}
	}
	if lines[0]["timestamp"] < lines[3]["timestamp"] {
		t.Error("the newest line is not the first")
	}
}

func TestHealthWaitsForTheFirstCycle(t *testing.T) {
	w := newWorld(t)
	if body := w.get("/healthz"); strings.Contains(body, "ok") {
		t.Error("ready before the first cycle")
	}
	w.step(1)
	if body := w.get("/healthz"); !strings.Contains(body, "ok") {
		t.Errorf("after the first cycle: %s", body)
	}
}

func TestWhatTheRealSchedulerRefusesAtItsStartIsRefused(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("..", "..", "world", "core.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string][2]string{
		"an unknown strategy":                  {"strategy: core_cross_exchange", "strategy: nobody"},
		"an unknown risk profile":              {"risk_profile: aggressive", "risk_profile: reckless"},
		"a feed that no instrument maps to":    {"exchange: binance_spot ", "exchange: zonda_spot "},
		"an environment of another name":       {"binance_paper:\n", "binance_live:\n"},
		"a scheduler of another name":          {"core_multi_pipeline:", "other:"},
		"legs at an exchange nobody quotes on": {"secondary_exchange: kraken_spot", "secondary_exchange: zonda_spot"},
	} {
		t.Run(name, func(t *testing.T) {
			config, err := coreconfig.Parse([]byte(strings.Replace(string(data), change[0], change[1], 1)))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := New(Options{
				Config: config, Scheduler: "core_multi_pipeline", Environment: "binance_paper", TimeScale: 30, LongestPeriod: time.Second, MaxSymbols: 2,
			}); err == nil {
				t.Error("it was accepted")
			}
		})
	}
}

func TestTheRealConfigurationRuns(t *testing.T) {
	directory := os.Getenv("UPSTREAM_DATA")
	if directory == "" {
		directory = filepath.Join("..", "..", "..", "..", "..", "shared", "upstream")
	}
	data, err := os.ReadFile(filepath.Join(directory, "core.yaml"))
	if err != nil {
		t.Skip("the scheduler's real data is not here: ", err)
	}
	w := startExchange(t)
	w.start(data)
	w.step(60)
	for schedule, figures := range w.engine.Telemetry() {
		if figures["consecutive_failures"] != 0 || figures["pnl_drawdown_pct"] < -1 {
			t.Errorf("%s: %v", schedule, figures)
		}
	}
}
