package exchange

import (
	"fmt"
	"regexp"
	"slices"
	"sync/atomic"
	"time"
)

// Ticker is a feed's quote.
type Ticker struct {
	Exchange  string    `json:"exchange"`
	Symbol    string    `json:"symbol"`
	Bid       float64   `json:"bid"`
	Ask       float64   `json:"ask"`
	Timestamp time.Time `json:"timestamp"`
}

// Mid is the middle of the quote.
func (t Ticker) Mid() float64 { return (t.Bid + t.Ask) / 2 }

// Order asks for a paper fill.
type Order struct {
	Exchange string  `json:"exchange"`
	Symbol   string  `json:"symbol"`
	Side     Side    `json:"side"`
	Quantity float64 `json:"quantity"`
}

// Side is the direction of an order.
type Side string

// The two sides.
const (
	Buy  Side = "buy"
	Sell Side = "sell"
)

// Fill is what an order got.
type Fill struct {
	Order
	ID          string    `json:"order_id"`
	QuotedPrice float64   `json:"quoted_price"`
	FillPrice   float64   `json:"fill_price"`
	Timestamp   time.Time `json:"timestamp"`
}

var symbolPattern = regexp.MustCompile(`^[A-Z0-9]{1,12}_[A-Z0-9]{1,12}$`)

// Market answers for quotes and fills at a time; everything is in memory and gone when the process ends.
type Market struct {
	feeds  []string
	model  Model
	faults *faults
	orders atomic.Int64
}

// NewMarket makes a market of the feeds; the first one carries the price that the others stray from.
func NewMarket(feeds []string, seed string) *Market {
	return &Market{feeds: feeds, model: Model{Seed: seed}, faults: &faults{feeds: feeds, on: map[string]Fault{}}}
}

func (m *Market) check(exchange, symbol string) error {
	if !slices.Contains(m.feeds, exchange) {
		return fmt.Errorf("unknown exchange %q; known are %v", exchange, m.feeds)
	}
	if !symbolPattern.MatchString(symbol) {
		return fmt.Errorf("symbol %q must look like BTC_USDT", symbol)
	}
	return nil
}

// quote is the ticker of a feed at a time, with the faults that shape prices.
func (m *Market) quote(exchange, symbol string, at time.Time) Ticker {
	ticker := Ticker{Exchange: exchange, Symbol: symbol, Timestamp: at.UTC()}
	if _, flat := m.faults.biting(FaultFlat, exchange); flat {
		ticker.Bid = m.model.base(symbol)
		ticker.Ask = ticker.Bid
		return ticker
	}
	mid := m.model.market(symbol, at) * (1 + m.stray(exchange, symbol, at) + m.model.noise(exchange, symbol, at))
	ticker.Bid, ticker.Ask = mid*(1-halfSpread), mid*(1+halfSpread)
	return ticker
}

// stray is how far the feed's quotes are from the shared price: its honest gap, or the one lossy-cross pretends.
func (m *Market) stray(exchange, symbol string, at time.Time) float64 {
	if _, lossy := m.faults.biting(FaultLossyCross, exchange); lossy {
		if at.UnixNano()%int64(phantomPeriod) < int64(phantomPeriod)/2 {
			return phantomGap
		}
		return 0
	}
	if exchange == m.feeds[0] {
		return 0
	}
	return m.model.gap(exchange, symbol, at)
}

// fill executes an order at the quote, or far worse than it on a feed with lossy-cross: there the quote was never real.
func (m *Market) fill(order Order, at time.Time) Fill {
	ticker := m.quote(order.Exchange, order.Symbol, at)
	price, worse := ticker.Ask, 1.0
	if order.Side == Sell {
		price, worse = ticker.Bid, -1.0
	}
	fill := Fill{Order: order, QuotedPrice: price, FillPrice: price, Timestamp: at.UTC()}
	fill.ID = fmt.Sprintf("paper-%d", m.orders.Add(1))
	if fault, lossy := m.faults.biting(FaultLossyCross, order.Exchange); lossy {
		fill.FillPrice = price * (1 + worse*fault.BasisPoints/1e4)
	}
	return fill
}
