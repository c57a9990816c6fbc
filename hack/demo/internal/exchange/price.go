// Package exchange is the market of the demo world: two or more feeds whose prices are a function of time, paper fills,
// and faults that can be switched on. It also has the client with which the scheduler and the tools read it.
package exchange

import (
	"hash/fnv"
	"math"
	"strconv"
	"strings"
	"time"
)

// The shapes below decide whether the strategies of the demo earn or lose, so their sizes are named: shares of the price.
const (
	halfSpread  = 0.0002  // each side of the quote
	noiseSize   = 0.00003 // jitter of each feed, new twice a second
	slowSwing   = 0.0006  // the tide below the spikes
	spikeSize   = 0.0012  // short moves that revert: what mean reversion lives on
	gapSize     = 0.0026  // how far later feeds stray from the first one, briefly: what arbitrage lives on
	noisePeriod = 500 * time.Millisecond
)

// Periods in seconds; without a common divisor, so that the picture does not repeat soon.
const (
	slowPeriod  = 211.0
	swellPeriod = 173.0
	spikePeriod = 29.0
	gapPeriod   = 61.0
)

var basePrices = map[string]float64{"BTC": 64000, "ETH": 3200, "SOL": 150}

// Model gives the undisturbed price of a symbol at any time.
type Model struct{ Seed string }

// base is the price around which the symbol moves; unknown assets get one from their name.
func (m Model) base(symbol string) float64 {
	asset, _, _ := strings.Cut(symbol, "_")
	if price, ok := basePrices[asset]; ok {
		return price
	}
	return 1 + math.Floor(500*m.random("base", asset))
}

// market is the price that all feeds share.
func (m Model) market(symbol string, at time.Time) float64 {
	t, phase := unixSeconds(at), 2*math.Pi*m.random("phase", symbol)
	swell := 1 + 0.5*math.Sin(turn(t, swellPeriod)+2*phase)
	slow := slowSwing * math.Sin(turn(t, slowPeriod)+phase)
	spike := spikeSize * swell * spiky(turn(t, spikePeriod)+phase)
	return m.base(symbol) * (1 + slow + spike)
}

// gap is how far a feed strays from the first feed, as a share of the price.
func (m Model) gap(exchange, symbol string, at time.Time) float64 {
	phase := 2 * math.Pi * m.random("gap", exchange, symbol)
	return gapSize * spiky(turn(unixSeconds(at), gapPeriod)+phase)
}

// noise is the feed's own jitter, as a share of the price.
func (m Model) noise(exchange, symbol string, at time.Time) float64 {
	step := strconv.FormatInt(at.UnixNano()/int64(noisePeriod), 10)
	return noiseSize * (2*m.random("noise", exchange, symbol, step) - 1)
}

// random is a number in [0, 1) that depends on the seed and the words alone.
func (m Model) random(words ...string) float64 {
	h := fnv.New64a()
	for _, word := range append([]string{m.Seed}, words...) {
		_, _ = h.Write([]byte(word))
		_, _ = h.Write([]byte{0})
	}
	// The low bits of FNV change most between similar words; the multiplication brings them up.
	return float64((h.Sum64()*0x9E3779B97F4A7C15)>>11) / (1 << 53)
}

// spiky is a sine whose peaks are narrow: a price that mostly rests, jumps and comes back.
func spiky(angle float64) float64 { return math.Pow(math.Sin(angle), 7) }

func turn(t, period float64) float64 { return 2 * math.Pi * t / period }

func unixSeconds(at time.Time) float64 { return float64(at.UnixNano()) / 1e9 }
