package engine

import (
	"fmt"
	"math"
	"time"

	"tradeops.dev/strategy-operator/hack/demo/internal/exchange"
)

const year = 365 * 24 * time.Hour

// volatilityTarget holds as much of each instrument as keeps the account's volatility at a target: less when the market
// is wild, more when it is calm. It trades only when it is off by more than a threshold.
type volatilityTarget struct {
	feeds             []feed
	windows           map[feed]*window
	target, floor     float64
	least, most       float64
	threshold         float64
	annualisingFactor float64
}

func newVolatilityTarget(p plan) *volatilityTarget {
	// The demo's market runs timeScale times faster than the clock, so a bar stands for that much more time.
	barsPerYear := float64(year) / (float64(p.period) * p.timeScale)
	s := &volatilityTarget{
		feeds:             p.ownFeeds(),
		windows:           map[feed]*window{},
		target:            p.parameters.At("target_volatility").NumberOr(0.1),
		floor:             math.Max(1e-6, p.parameters.At("floor_volatility").NumberOr(0.01)),
		least:             p.parameters.At("min_allocation").NumberOr(0),
		most:              p.parameters.At("max_allocation").NumberOr(1),
		threshold:         p.parameters.At("rebalance_threshold").NumberOr(0.1),
		annualisingFactor: math.Sqrt(barsPerYear),
	}
	size := int(math.Max(minSamples, p.parameters.At("lookback").NumberOr(60)))
	for _, at := range s.feeds {
		s.windows[at] = &window{size: size}
	}
	return s
}

func (s *volatilityTarget) reads() []feed { return s.feeds }

func (s *volatilityTarget) warm(at feed, mids []float64) {
	for _, mid := range mids {
		s.windows[at].add(mid)
	}
}

func (s *volatilityTarget) observe(now quotes) {
	for _, at := range s.feeds {
		s.windows[at].add(now[at].Mid())
	}
}

// wanted is the share of its part of the account that an instrument should have, and the realised volatility behind it.
func (s *volatilityTarget) wanted(at feed) (share, realised float64, known bool) {
	perBar, known := s.windows[at].volatility()
	realised = perBar * s.annualisingFactor
	return clamp(s.target/math.Max(realised, s.floor), s.least, s.most), realised, known
}

// part is the money that stands behind one instrument.
func (s *volatilityTarget) part(book *ledger) float64 { return book.budget(1 / float64(len(s.feeds))) }

func (s *volatilityTarget) share(book *ledger, at feed, mid float64) float64 {
	part := s.part(book)
	if part == 0 {
		return 0
	}
	return book.held[at] * mid / part
}

func (s *volatilityTarget) evaluate(book *ledger, now quotes, _ time.Time) []signal {
	var signals []signal
	for _, at := range s.feeds {
		wanted, realised, known := s.wanted(at)
		mid := now[at].Mid()
		off := wanted - s.share(book, at, mid)
		if !known || math.Abs(off) <= s.threshold {
			continue
		}
		signals = append(signals, signal{
			action: "rebalance", legs: []exchange.Order{order(at, off*s.part(book)/mid)},
			confidence: clamp(math.Abs(off), 0, 1),
			extra: map[string]string{
				"realized_volatility": fmt.Sprintf("%.6f", realised),
				"target_allocation":   fmt.Sprintf("%.6f", wanted),
			},
		})
	}
	return signals
}

func (s *volatilityTarget) filled(signal, []exchange.Fill, time.Time) {}

func (s *volatilityTarget) measures(book *ledger, now quotes) map[string]float64 {
	var off, volatility float64
	for _, at := range s.feeds {
		wanted, realised, known := s.wanted(at)
		if !known {
			return nil
		}
		off += math.Abs(wanted - s.share(book, at, now[at].Mid()))
		volatility += realised
	}
	n := float64(len(s.feeds))
	return map[string]float64{
		"allocation_error_pct":       off / n * 100,
		"avg_realized_volatility":    volatility / n,
		"realized_vs_target_vol_pct": (volatility/n/s.target - 1) * 100,
	}
}
