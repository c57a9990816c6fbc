package engine

import (
	"fmt"
	"math"
	"time"

	"tradeops.dev/strategy-operator/hack/demo/internal/exchange"
)

// meanReversion bets that a price far from its recent mean comes back: in at a high z-score, out near zero or after a
// number of bars.
type meanReversion struct {
	feeds       []feed
	windows     map[feed]*window
	heldBars    map[feed]int
	entry, exit float64
	maxHeldBars int
	maxVol      float64
	share       float64
}

func newMeanReversion(p plan) *meanReversion {
	s := &meanReversion{
		feeds:       p.ownFeeds(),
		windows:     map[feed]*window{},
		heldBars:    map[feed]int{},
		entry:       p.parameters.At("entry_zscore").NumberOr(2),
		exit:        p.parameters.At("exit_zscore").NumberOr(0.5),
		maxHeldBars: int(p.parameters.At("max_holding_period").NumberOr(16)),
		maxVol:      p.parameters.At("volatility_cap").NumberOr(1),
		share:       p.risk.At("max_position_pct").NumberOr(0.05),
	}
	size := int(math.Max(minSamples, p.parameters.At("lookback").NumberOr(96)))
	for _, at := range s.feeds {
		s.windows[at] = &window{size: size}
	}
	return s
}

func (s *meanReversion) reads() []feed { return s.feeds }

func (s *meanReversion) warm(at feed, mids []float64) {
	for _, mid := range mids {
		s.windows[at].add(mid)
	}
}

func (s *meanReversion) observe(now quotes) {
	for _, at := range s.feeds {
		s.windows[at].add(now[at].Mid())
		if s.heldBars[at] > 0 {
			s.heldBars[at]++
		}
	}
}

func (s *meanReversion) evaluate(book *ledger, now quotes, _ time.Time) []signal {
	var signals []signal
	for _, at := range s.feeds {
		z, held := s.windows[at].zscore(), book.held[at]
		switch {
		case held != 0 && s.due(at, z, held):
			signals = append(signals, s.signal("close", at, z, -held))
		case held == 0 && math.Abs(z) >= s.entry && s.calm(at):
			quantity := book.budget(s.share) / now[at].Mid()
			if quantity > 0 {
				signals = append(signals, s.signal("open", at, z, -math.Copysign(quantity, z)))
			}
		}
	}
	return signals
}

// due tells whether a position has done its work: back at the mean, beyond it, or too old.
func (s *meanReversion) due(at feed, z, held float64) bool {
	beyond := math.Signbit(z) == math.Signbit(held)
	return math.Abs(z) <= s.exit || beyond || s.heldBars[at] > s.maxHeldBars
}

func (s *meanReversion) calm(at feed) bool {
	volatility, known := s.windows[at].volatility()
	return known && volatility <= s.maxVol
}

func (s *meanReversion) signal(action string, at feed, z, quantity float64) signal {
	return signal{
		action: action, legs: []exchange.Order{order(at, quantity)},
		confidence: clamp(math.Abs(z)/(2*s.entry), 0, 1),
		extra:      map[string]string{"zscore": fmt.Sprintf("%.4f", z)},
	}
}

func (s *meanReversion) filled(done signal, fills []exchange.Fill, _ time.Time) {
	at := feed{fills[0].Exchange, fills[0].Symbol}
	s.heldBars[at] = 0
	if done.action == "open" {
		s.heldBars[at] = 1
	}
}

func (s *meanReversion) measures(*ledger, quotes) map[string]float64 {
	sum := 0.0
	for _, w := range s.windows {
		sum += math.Abs(w.zscore())
	}
	return map[string]float64{"avg_abs_zscore": sum / float64(len(s.windows))}
}
