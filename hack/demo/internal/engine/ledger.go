package engine

import (
	"math"

	"tradeops.dev/strategy-operator/hack/demo/internal/exchange"
)

// feed is one stream of quotes.
type feed struct{ exchange, symbol string }

// quotes is what one run read.
type quotes map[feed]exchange.Ticker

// ledger is the paper account of one schedule: it starts anew with the process, so profit and loss start at zero.
type ledger struct {
	start, cash, equity, peak float64
	held                      map[feed]float64
	marks                     map[feed]float64
}

func newLedger(start float64) *ledger {
	return &ledger{start: start, cash: start, equity: start, peak: start, held: map[feed]float64{}, marks: map[feed]float64{}}
}

// book takes a fill at its price, not at the quote it was sent for.
func (l *ledger) book(fill exchange.Fill) {
	quantity := fill.Quantity
	if fill.Side == exchange.Sell {
		quantity = -quantity
	}
	at := feed{fill.Exchange, fill.Symbol}
	l.cash -= quantity * fill.FillPrice
	l.held[at] += quantity
	// What a closing order leaves behind is rounding, and a strategy must see it as flat.
	if math.Abs(l.held[at])*fill.FillPrice < 1e-6 {
		delete(l.held, at)
	}
	if _, marked := l.marks[at]; !marked {
		l.marks[at] = fill.QuotedPrice
	}
}

// mark values the holdings at the quotes.
func (l *ledger) mark(now quotes) {
	for at, quote := range now {
		l.marks[at] = quote.Mid()
	}
	l.equity = l.cash
	for at, quantity := range l.held {
		l.equity += quantity * l.marks[at]
	}
	l.peak = math.Max(l.peak, l.equity)
}

// drawdownPct is how far the account is below its best, in percent of what it started with: zero or negative.
func (l *ledger) drawdownPct() float64 { return (l.equity - l.peak) / l.start * 100 }

// pnlPct is the profit or loss since the start of the process in percent.
func (l *ledger) pnlPct() float64 { return (l.equity - l.start) / l.start * 100 }

// budget is the money that one entry may use; it shrinks with the account, which therefore never falls below zero.
func (l *ledger) budget(share float64) float64 { return math.Max(0, l.equity) * share }
