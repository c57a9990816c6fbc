package tool

import (
	"context"
	"fmt"
	"time"

	"tradeops.dev/strategy-operator/hack/demo/internal/exchange"
)

// ProbeReport says whether a feed can be used.
type ProbeReport struct {
	Exchange string           `json:"exchange"`
	Status   string           `json:"status"`
	Symbols  map[string]Quote `json:"symbols"`
	// FillSlippageBps is how much worse than its quote the feed filled a small paper order, in basis points; absent if none was sent.
	FillSlippageBps *float64 `json:"fill_slippage_bps,omitempty"`
	Errors          []string `json:"errors"`
}

// ProbeLimits are what a feed must keep.
type ProbeLimits struct {
	// MaxAge is the oldest quote that counts.
	MaxAge time.Duration
	// MaxSlippageBps is how much worse than its quote a fill may be; zero sends no order.
	MaxSlippageBps float64
}

// probeQuantity is too little to matter.
const probeQuantity = 0.0001

// Quote is what the feed said about a symbol.
type Quote struct {
	Bid float64 `json:"bid"`
	Ask float64 `json:"ask"`
	// AgeMS is how old the quote was when it arrived, by the two clocks.
	AgeMS float64 `json:"age_ms"`
	// LatencyMS is how long the read took, by this clock alone.
	LatencyMS float64 `json:"latency_ms"`
}

// Probe reads each symbol once, and buys a little of the first one on paper: quotes alone do not show that they are filled. A feed that
// does not answer is a finding, not an error of the probe.
func Probe(ctx context.Context, client *exchange.Client, name string, symbols []string, limits ProbeLimits) ProbeReport {
	report := ProbeReport{Exchange: name, Status: "ok", Symbols: map[string]Quote{}, Errors: []string{}}
	for _, symbol := range symbols {
		started := time.Now()
		ticker, err := client.Ticker(ctx, name, symbol)
		if err != nil {
			report.fail(err.Error())
			continue
		}
		arrived := time.Now()
		report.Symbols[symbol] = Quote{
			Bid: ticker.Bid, Ask: ticker.Ask,
			AgeMS:     max(0, float64(arrived.Sub(ticker.Timestamp))/float64(time.Millisecond)),
			LatencyMS: float64(arrived.Sub(started)) / float64(time.Millisecond),
		}
		if ticker.Bid <= 0 || ticker.Ask < ticker.Bid {
			report.fail(fmt.Sprintf("%s: bid %g and ask %g make no market", symbol, ticker.Bid, ticker.Ask))
		}
		if age := arrived.Sub(ticker.Timestamp); age > limits.MaxAge {
			report.fail(fmt.Sprintf("%s: the quote is %s old, more than %s", symbol, age.Round(time.Second), limits.MaxAge))
		}
	}
	if len(symbols) == 0 {
		report.fail("no symbols were asked for")
	}
	if report.Status == "ok" && limits.MaxSlippageBps > 0 {
		report.tryFill(ctx, client, symbols[0], limits.MaxSlippageBps)
	}
	return report
}

func (r *ProbeReport) tryFill(ctx context.Context, client *exchange.Client, symbol string, maxBps float64) {
	fill, err := client.Send(ctx, exchange.Order{Exchange: r.Exchange, Symbol: symbol, Side: exchange.Buy, Quantity: probeQuantity})
	if err != nil {
		r.fail(err.Error())
		return
	}
	slippage := (fill.FillPrice/fill.QuotedPrice - 1) * 1e4
	r.FillSlippageBps = &slippage
	if slippage > maxBps {
		r.fail(fmt.Sprintf("%s: filled %.0f bps worse than quoted, more than %.0f", symbol, slippage, maxBps))
	}
}

func (r *ProbeReport) fail(message string) {
	r.Status = "fail"
	r.Errors = append(r.Errors, message)
}
