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
	Errors   []string         `json:"errors"`
}

// Quote is what the feed said about a symbol.
type Quote struct {
	Bid float64 `json:"bid"`
	Ask float64 `json:"ask"`
	// AgeMS is how old the quote was when it arrived, by the two clocks.
	AgeMS float64 `json:"age_ms"`
	// LatencyMS is how long the read took, by this clock alone.
	LatencyMS float64 `json:"latency_ms"`
}

// Probe reads each symbol once; a quote older than maxAge is no quote. A feed that does not answer is a finding, not an error
// of the probe.
func Probe(ctx context.Context, client *exchange.Client, name string, symbols []string, maxAge time.Duration) ProbeReport {
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
		if age := arrived.Sub(ticker.Timestamp); age > maxAge {
			report.fail(fmt.Sprintf("%s: the quote is %s old, more than %s", symbol, age.Round(time.Second), maxAge))
		}
	}
	if len(symbols) == 0 {
		report.fail("no symbols were asked for")
	}
	return report
}

func (r *ProbeReport) fail(message string) {
	r.Status = "fail"
	r.Errors = append(r.Errors, message)
}
