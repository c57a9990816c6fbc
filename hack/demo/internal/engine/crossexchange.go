package engine

import (
	"fmt"
	"math"
	"time"

	"tradeops.dev/strategy-operator/hack/demo/internal/coreconfig"
	"tradeops.dev/strategy-operator/hack/demo/internal/exchange"
)

// The demo's two feeds, for a strategy that names none.
const (
	feedBinance = "binance_spot"
	feedKraken  = "kraken_spot"
)

// captures is over how many entries the captured spread is averaged.
const captures = 20

// crossExchange buys where a symbol is cheap and sells where it is dear, and closes both legs when the prices meet or
// the position is too old.
type crossExchange struct {
	primary, secondary string
	symbols            []string
	entry, exit        float64
	maxNotional        float64
	share              float64
	maxAge             time.Duration
	openedAt           map[string]time.Time
	captured           []float64
}

func newCrossExchange(p plan) (*crossExchange, error) {
	other := feedKraken
	if p.exchange == feedKraken {
		other = feedBinance
	}
	s := &crossExchange{
		primary:     p.parameters.At("primary_exchange").TextOr(p.exchange),
		secondary:   p.parameters.At("secondary_exchange").TextOr(other),
		entry:       p.parameters.At("spread_entry").NumberOr(0.002),
		exit:        p.parameters.At("spread_exit").NumberOr(0.0005),
		maxNotional: p.parameters.At("max_notional").NumberOr(50000),
		share:       p.risk.At("max_position_pct").NumberOr(0.1) * p.risk.At("max_leverage").NumberOr(1),
		openedAt:    map[string]time.Time{},
	}
	age := p.parameters.At("max_open_seconds").NumberOr(180) / p.timeScale
	s.maxAge = time.Duration(age * float64(time.Second))
	s.symbols = symbolsOnBoth(p.instruments, s.primary, s.secondary)
	if len(s.symbols) == 0 {
		return nil, fmt.Errorf("no instrument is quoted at both %q and %q", s.primary, s.secondary)
	}
	return s, nil
}

func symbolsOnBoth(instruments []coreconfig.Instrument, primary, secondary string) []string {
	var symbols []string
	for _, instrument := range instruments {
		if instrument.On(primary) && instrument.On(secondary) {
			symbols = append(symbols, instrument.Symbol)
		}
	}
	return symbols
}

func (s *crossExchange) reads() []feed {
	var feeds []feed
	for _, symbol := range s.symbols {
		feeds = append(feeds, feed{s.primary, symbol}, feed{s.secondary, symbol})
	}
	return feeds
}

func (s *crossExchange) warm(feed, []float64) {}

func (s *crossExchange) observe(quotes) {}

func (s *crossExchange) evaluate(book *ledger, now quotes, at time.Time) []signal {
	var signals []signal
	for _, symbol := range s.symbols {
		if closing := s.closing(book, symbol); len(closing) > 0 {
			if s.over(symbol, now, at) {
				signals = append(signals, s.signal("close", 1, nil, closing...))
			}
			continue
		}
		if opened, ok := s.open(book, symbol, now); ok {
			signals = append(signals, opened)
		}
	}
	return signals
}

// open pairs the cheap ask with the dear bid if what lies between is worth it.
func (s *crossExchange) open(book *ledger, symbol string, now quotes) (signal, bool) {
	primary, secondary := now[feed{s.primary, symbol}], now[feed{s.secondary, symbol}]
	cheap, dear := primary, secondary
	if secondary.Mid() < primary.Mid() {
		cheap, dear = secondary, primary
	}
	spread := dear.Bid/cheap.Ask - 1
	notional := math.Min(s.maxNotional, book.budget(s.share)) / float64(len(s.symbols))
	if spread < s.entry || notional <= 0 {
		return signal{}, false
	}
	quantity := notional / cheap.Ask
	return s.signal("open", clamp(spread/(2*s.entry), 0, 1), map[string]string{"quoted_spread_bps": fmt.Sprintf("%.4f", spread*1e4)},
		order(feed{cheap.Exchange, symbol}, quantity), order(feed{dear.Exchange, symbol}, -quantity)), true
}

// closing are the orders that end what is held of the symbol; one of the two may be missing, if its partner's order failed.
func (s *crossExchange) closing(book *ledger, symbol string) []exchange.Order {
	var legs []exchange.Order
	for _, at := range []feed{{s.primary, symbol}, {s.secondary, symbol}} {
		if held := book.held[at]; held != 0 {
			legs = append(legs, order(at, -held))
		}
	}
	return legs
}

func (s *crossExchange) signal(action string, confidence float64, extra map[string]string, legs ...exchange.Order) signal {
	return signal{action: action, legs: legs, confidence: confidence, secondary: s.secondary, extra: extra}
}

// over tells whether the gap has closed or the position is too old.
func (s *crossExchange) over(symbol string, now quotes, at time.Time) bool {
	gap := now[feed{s.secondary, symbol}].Mid()/now[feed{s.primary, symbol}].Mid() - 1
	return math.Abs(gap) <= s.exit || at.Sub(s.openedAt[symbol]) >= s.maxAge
}

// filled remembers when a position was opened and what was really captured, by the prices of the fills.
func (s *crossExchange) filled(done signal, fills []exchange.Fill, at time.Time) {
	symbol := fills[0].Symbol
	if done.action != "open" {
		delete(s.openedAt, symbol)
		return
	}
	s.openedAt[symbol] = at
	if len(fills) < 2 {
		return
	}
	bought, sold := fills[0].FillPrice, fills[1].FillPrice
	s.captured = append(s.captured, (sold/bought-1)*1e4)
	if extra := len(s.captured) - captures; extra > 0 {
		s.captured = s.captured[extra:]
	}
}

func (s *crossExchange) measures(*ledger, quotes) map[string]float64 {
	if len(s.captured) == 0 {
		return nil
	}
	mean, _ := meanAndDeviation(s.captured)
	return map[string]float64{"spread_capture_bps": mean}
}
