package exchange

import (
	"fmt"
	"slices"
	"sync"
	"time"
)

// The faults that the exchange knows.
const (
	FaultLossyCross = "lossy-cross"
	FaultFeedDown   = "feed-down"
	FaultLatency    = "latency"
	FaultFlat       = "flat"
	FaultFlood      = "flood"
)

// FaultNames lists them for messages and help.
var FaultNames = []string{FaultLossyCross, FaultFeedDown, FaultLatency, FaultFlat, FaultFlood}

// Fault is one fault that is on, with its parameters.
type Fault struct {
	// Exchange is the feed it bites; empty means every feed, for lossy-cross the last one.
	Exchange string `json:"exchange,omitempty"`
	// Milliseconds is the delay of latency.
	Milliseconds int `json:"ms,omitempty"`
	// BasisPoints is how much worse than the quote lossy-cross fills.
	BasisPoints float64 `json:"bps,omitempty"`
	// Kilobytes is how much order book flood sends with each quote.
	Kilobytes int `json:"kb,omitempty"`
}

const (
	defaultLatencyMS = 500
	defaultLossyBps  = 160.0
	defaultFloodKB   = 4096
	maxFloodKB       = 6144 // a reader takes 8 MiB at most
	// phantomGap is the profitable looking quote of lossy-cross, shown for half of each period. The period has no common
	// divisor with usual cadences, so that every strategy meets both halves.
	phantomGap    = 0.006
	phantomPeriod = 2600 * time.Millisecond
)

// faults is the set of faults that are on.
type faults struct {
	mu    sync.RWMutex
	feeds []string
	on    map[string]Fault
}

// set switches a fault on, filling in defaults.
func (f *faults) set(name string, fault Fault) (Fault, error) {
	if !slices.Contains(FaultNames, name) {
		return Fault{}, fmt.Errorf("unknown fault %q; known are %v", name, FaultNames)
	}
	if fault.Exchange != "" && !slices.Contains(f.feeds, fault.Exchange) {
		return Fault{}, fmt.Errorf("unknown exchange %q; known are %v", fault.Exchange, f.feeds)
	}
	if name == FaultLossyCross && fault.Exchange == "" {
		fault.Exchange = f.feeds[len(f.feeds)-1]
	}
	if name == FaultLossyCross && fault.BasisPoints == 0 {
		fault.BasisPoints = defaultLossyBps
	}
	if name == FaultLatency && fault.Milliseconds == 0 {
		fault.Milliseconds = defaultLatencyMS
	}
	if name == FaultFlood && fault.Kilobytes == 0 {
		fault.Kilobytes = defaultFloodKB
	}
	if fault.Kilobytes < 0 || fault.Kilobytes > maxFloodKB {
		return Fault{}, fmt.Errorf("%d kB of order book; it must be from 0 to %d", fault.Kilobytes, maxFloodKB)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.on[name] = fault
	return fault, nil
}

func (f *faults) clear(name string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.on, name)
}

func (f *faults) list() map[string]Fault {
	f.mu.RLock()
	defer f.mu.RUnlock()
	copied := make(map[string]Fault, len(f.on))
	for name, fault := range f.on {
		copied[name] = fault
	}
	return copied
}

// biting gives the fault if it is on and concerns the feed.
func (f *faults) biting(name, exchange string) (Fault, bool) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	fault, on := f.on[name]
	return fault, on && (fault.Exchange == "" || fault.Exchange == exchange)
}
