package engine

import (
	"fmt"
	"math"
	"time"

	"tradeops.dev/strategy-operator/hack/demo/internal/coreconfig"
	"tradeops.dev/strategy-operator/hack/demo/internal/exchange"
)

// signal is one decision of a strategy: the orders it wants and what the journal shall say about it.
type signal struct {
	action     string
	legs       []exchange.Order
	confidence float64
	secondary  string
	extra      map[string]string
}

// strategy decides; it reads and sends nothing itself. Evaluate must leave everything as it was, because the load test
// calls it without acting on the result.
type strategy interface {
	// reads are the quotes that it needs in each run.
	reads() []feed
	// warm takes past prices before the first run, oldest first; strategies without memory want none.
	warm(at feed, mids []float64)
	// observe takes the quotes of a run into memory.
	observe(now quotes)
	// evaluate gives the signals for these quotes.
	evaluate(book *ledger, now quotes, at time.Time) []signal
	// filled tells that a signal's orders were executed, in their order.
	filled(s signal, fills []exchange.Fill, at time.Time)
	// measures are the strategy's own figures after a run; a figure that could not be measured is absent.
	measures(book *ledger, now quotes) map[string]float64
}

// plan is what a strategy is made from.
type plan struct {
	parameters  coreconfig.Node
	risk        coreconfig.Node
	exchange    string
	instruments []coreconfig.Instrument
	period      time.Duration
	timeScale   float64
}

func newStrategy(engine coreconfig.Engine, p plan) (strategy, error) {
	switch engine {
	case coreconfig.MeanReversion:
		return newMeanReversion(p), nil
	case coreconfig.VolatilityTarget:
		return newVolatilityTarget(p), nil
	case coreconfig.CrossExchange:
		return newCrossExchange(p)
	}
	return nil, fmt.Errorf("engine %q is not part of the demo", engine)
}

// ownFeeds are the plan's instruments at the environment's exchange.
func (p plan) ownFeeds() []feed {
	feeds := make([]feed, len(p.instruments))
	for i, instrument := range p.instruments {
		feeds[i] = feed{p.exchange, instrument.Symbol}
	}
	return feeds
}

// window keeps the last prices of a feed.
type window struct {
	size   int
	prices []float64
}

func (w *window) add(price float64) {
	w.prices = append(w.prices, price)
	if extra := len(w.prices) - w.size; extra > 0 {
		w.prices = w.prices[extra:]
	}
}

// zscore is how unusual the last price is against the window; zero while there is too little to say.
func (w *window) zscore() float64 {
	if len(w.prices) < minSamples {
		return 0
	}
	mean, deviation := meanAndDeviation(w.prices)
	if deviation < mean*1e-9 {
		return 0
	}
	return (w.prices[len(w.prices)-1] - mean) / deviation
}

// volatility is the deviation of the returns from one price to the next.
func (w *window) volatility() (float64, bool) {
	if len(w.prices) < minSamples {
		return 0, false
	}
	returns := make([]float64, len(w.prices)-1)
	for i := range returns {
		returns[i] = w.prices[i+1]/w.prices[i] - 1
	}
	_, deviation := meanAndDeviation(returns)
	return deviation, true
}

// minSamples is how many prices a window needs before anything is concluded from it.
const minSamples = 20

func meanAndDeviation(values []float64) (mean, deviation float64) {
	for _, v := range values {
		mean += v
	}
	mean /= float64(len(values))
	for _, v := range values {
		deviation += (v - mean) * (v - mean)
	}
	return mean, math.Sqrt(deviation / float64(len(values)))
}

func order(at feed, quantity float64) exchange.Order {
	o := exchange.Order{Exchange: at.exchange, Symbol: at.symbol, Side: exchange.Buy, Quantity: quantity}
	if quantity < 0 {
		o.Side, o.Quantity = exchange.Sell, -quantity
	}
	return o
}

func clamp(v, low, high float64) float64 { return math.Max(low, math.Min(high, v)) }
