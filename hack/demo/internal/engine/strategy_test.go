package engine

import (
	"math"
	"testing"
	"time"

	"tradeops.dev/strategy-operator/hack/demo/internal/coreconfig"
	"tradeops.dev/strategy-operator/hack/demo/internal/exchange"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

var (
	near = feed{"near", "BTC_USDT"}
	far  = feed{"far", "BTC_USDT"}
)

func quoted(prices map[feed]float64) quotes {
	q := quotes{}
	for at, price := range prices {
		q[at] = exchange.Ticker{Exchange: at.exchange, Symbol: at.symbol, Bid: price, Ask: price}
	}
	return q
}

// testPlan is a plan on one symbol at two exchanges.
func testPlan(t *testing.T, parameters string) plan {
	t.Helper()
	config, err := coreconfig.Parse([]byte("p: " + parameters + "\nrisk: {max_position_pct: 0.1, max_leverage: 5}\n"))
	if err != nil {
		t.Fatal(err)
	}
	return plan{
		parameters: config.Root.At("p"), risk: config.Root.At("risk"), exchange: "near", timeScale: 30, period: time.Second,
		instruments: []coreconfig.Instrument{{Symbol: "BTC_USDT", Exchanges: []string{"near", "far"}}},
	}
}

// settle fills every leg at its price and tells book and strategy.
func settle(s strategy, book *ledger, wanted signal, prices map[feed]float64, at time.Time) {
	var fills []exchange.Fill
	for _, leg := range wanted.legs {
		price := prices[feed{leg.Exchange, leg.Symbol}]
		fill := exchange.Fill{Order: leg, QuotedPrice: price, FillPrice: price}
		book.book(fill)
		fills = append(fills, fill)
	}
	s.filled(wanted, fills, at)
}

func TestZScore(t *testing.T) {
	w := &window{size: 100}
	for i := range minSamples - 1 {
		w.add(float64(100 + i%2))
	}
	if z := w.zscore(); z != 0 {
		t.Errorf("z is %g with too few samples", z)
	}
	w.prices = nil
	for range minSamples {
		w.add(100)
	}
	if z := w.zscore(); z != 0 {
		t.Errorf("z is %g of prices that do not move", z)
	}
	w.prices = nil
	for i := range 20 {
		w.add([]float64{99, 101}[i%2])
	}
	if z := w.zscore(); math.Abs(z-1) > 1e-9 {
		t.Errorf("z is %g, want 1", z)
	}
}

func TestMeanReversionSellsHighAndClosesAtTheMean(t *testing.T) {
	s := newMeanReversion(testPlan(t, "{lookback: 40, entry_zscore: 2, exit_zscore: 0.5}"))
	book := newLedger(1000)
	var history []float64
	for i := range 40 {
		history = append(history, []float64{99.9, 100.1}[i%2])
	}
	s.warm(near, history)

	high := map[feed]float64{near: 101}
	s.observe(quoted(high))
	signals := s.evaluate(book, quoted(high), noon)
	if len(signals) != 1 || signals[0].action != "open" || signals[0].legs[0].Side != exchange.Sell {
		t.Fatalf("at a high price: %+v", signals)
	}
	settle(s, book, signals[0], high, noon)

	mean := map[feed]float64{near: 100}
	s.observe(quoted(mean))
	signals = s.evaluate(book, quoted(mean), noon)
	if len(signals) != 1 || signals[0].action != "close" || signals[0].legs[0].Side != exchange.Buy {
		t.Fatalf("back at the mean: %+v", signals)
	}
	settle(s, book, signals[0], mean, noon)
	book.mark(quoted(mean))
	if book.pnlPct() <= 0 || len(book.held) != 0 {
		t.Errorf("profit %g %%, holding %v", book.pnlPct(), book.held)
	}
}

func TestVolatilityTargetHoldsLessWhenTheMarketIsWild(t *testing.T) {
	calm := newVolatilityTarget(testPlan(t, "{target_volatility: 0.1, lookback: 30, rebalance_threshold: 0.05, max_allocation: 0.9, floor_volatility: 0.01}"))
	wild := newVolatilityTarget(testPlan(t, "{target_volatility: 0.1, lookback: 30, rebalance_threshold: 0.05, max_allocation: 0.9, floor_volatility: 0.01}"))
	for i := range 30 {
		calm.warm(near, []float64{100 + 0.001*float64(i%2)})
		wild.warm(near, []float64{100 + float64(i%2)})
	}
	calmShare, _, _ := calm.wanted(near)
	wildShare, realised, _ := wild.wanted(near)
	if calmShare != 0.9 || wildShare >= 0.1 {
		t.Errorf("calm %g, wild %g", calmShare, wildShare)
	}
	// Returns of about one percent per bar, a bar being 30 s of market time.
	if want := 0.01 * math.Sqrt(365*24*120); math.Abs(realised/want-1) > 0.02 {
		t.Errorf("realised volatility is %g, want about %g", realised, want)
	}

	price, book := map[feed]float64{near: 100}, newLedger(1000)
	signals := calm.evaluate(book, quoted(price), noon)
	if len(signals) != 1 {
		t.Fatalf("signals %+v", signals)
	}
	settle(calm, book, signals[0], price, noon)
	if again := calm.evaluate(book, quoted(price), noon); len(again) != 0 {
		t.Errorf("it trades again at once: %+v", again)
	}
	if off := calm.measures(book, quoted(price))["allocation_error_pct"]; off > 1e-6 {
		t.Errorf("allocation error %g after rebalancing", off)
	}
}

func TestCrossExchangeBuysCheapSellsDearAndClosesWhenPricesMeet(t *testing.T) {
	s, err := newCrossExchange(testPlan(t, "{primary_exchange: near, secondary_exchange: far, spread_entry: 0.002, spread_exit: 0.0005, max_notional: 100, max_open_seconds: 180}"))
	if err != nil {
		t.Fatal(err)
	}
	book := newLedger(1000)
	if signals := s.evaluate(book, quoted(map[feed]float64{near: 100, far: 100.1}), noon); len(signals) != 0 {
		t.Fatalf("a spread below the entry was traded: %+v", signals)
	}
	apart := map[feed]float64{near: 100, far: 100.5}
	signals := s.evaluate(book, quoted(apart), noon)
	if len(signals) != 1 || signals[0].legs[0] != order(near, 1) || signals[0].legs[1] != order(far, -1) {
		t.Fatalf("signals %+v", signals)
	}
	settle(s, book, signals[0], apart, noon)
	if got := s.measures(book, nil)["spread_capture_bps"]; math.Abs(got-50) > 1e-6 {
		t.Errorf("captured %g bps, want 50", got)
	}
	if signals := s.evaluate(book, quoted(apart), noon.Add(time.Second)); len(signals) != 0 {
		t.Errorf("while apart: %+v", signals)
	}
	if signals := s.evaluate(book, quoted(apart), noon.Add(6*time.Second)); len(signals) != 1 {
		t.Error("180 s of market time have passed and it is still open")
	}
	met := map[feed]float64{near: 100.2, far: 100.2}
	signals = s.evaluate(book, quoted(met), noon.Add(2*time.Second))
	if len(signals) != 1 || signals[0].action != "close" || len(signals[0].legs) != 2 {
		t.Fatalf("when the prices met: %+v", signals)
	}
	settle(s, book, signals[0], met, noon)
	book.mark(quoted(met))
	if want := 0.05; math.Abs(book.pnlPct()-want) > 1e-9 {
		t.Errorf("profit %g %%, want %g %%", book.pnlPct(), want)
	}
}

func TestALoneLegIsClosed(t *testing.T) {
	s, err := newCrossExchange(testPlan(t, "{primary_exchange: near, secondary_exchange: far}"))
	if err != nil {
		t.Fatal(err)
	}
	book := newLedger(1000)
	book.book(exchange.Fill{Order: order(far, -2), FillPrice: 100, QuotedPrice: 100})
	signals := s.evaluate(book, quoted(map[feed]float64{near: 100, far: 100}), noon)
	if len(signals) != 1 || len(signals[0].legs) != 1 || signals[0].legs[0] != order(far, 2) {
		t.Errorf("signals %+v", signals)
	}
}

func TestDrawdownIsMeasuredFromTheBestAgainstTheStart(t *testing.T) {
	book := newLedger(1000)
	book.book(exchange.Fill{Order: order(near, 1), FillPrice: 100, QuotedPrice: 100})
	for _, step := range []struct{ price, drawdown float64 }{{150, 0}, {140, -1}, {90, -6}, {160, 0}} {
		book.mark(quoted(map[feed]float64{near: step.price}))
		if got := book.drawdownPct(); math.Abs(got-step.drawdown) > 1e-9 {
			t.Errorf("at %g: %g %%, want %g %%", step.price, got, step.drawdown)
		}
	}
}

func TestResourcesAreJudgedAsTheSchedulerDoes(t *testing.T) {
	budget := coreconfig.ResourceLimits{CPUPercent: 60, MemoryMB: 100, WarningRatio: 0.1}
	for status, used := range map[string]Resources{
		"ok":      {CPUPercent: 50, MemoryMB: 84},
		"warning": {CPUPercent: 51, MemoryMB: 10},
		"error":   {CPUPercent: 60, MemoryMB: 90},
	} {
		if got := judge(used, budget, 0, 0); got.Status != status {
			t.Errorf("%+v: want %s", got, status)
		}
	}
	if got := judge(Resources{CPUPercent: 900}, coreconfig.ResourceLimits{}, 0, 0); got.Status != "ok" {
		t.Errorf("without limits: %+v", got)
	}
	if got := judge(Resources{}, budget, 30, 20); got.Status != "error" || got.Breaches["latency_ms"] != 1.5 {
		t.Errorf("above the latency budget: %+v", got)
	}
}
