package engine

import (
	"context"
	"fmt"
	"maps"
	"sync"
	"time"

	"tradeops.dev/strategy-operator/hack/demo/internal/exchange"
)

// feedState is what is known about an exchange from the reads so far.
type feedState struct {
	healthy    bool
	ok, failed int
}

// read gets all quotes at once, because one slow feed must not add to the others, and how long the slowest read of each
// exchange took. All must succeed: a strategy that decides on half its quotes is worse than one that waits.
func (e *Engine) read(ctx context.Context, feeds []feed) (quotes, map[string]time.Duration, error) {
	type answer struct {
		ticker exchange.Ticker
		took   time.Duration
		err    error
	}
	answers := make([]answer, len(feeds))
	var wait sync.WaitGroup
	for i, at := range feeds {
		wait.Go(func() {
			started := time.Now()
			ticker, err := e.options.Exchange.Ticker(ctx, at.exchange, at.symbol)
			answers[i] = answer{ticker: ticker, took: time.Since(started), err: err}
		})
	}
	wait.Wait()
	read, delays := quotes{}, map[string]time.Duration{}
	var failure error
	for i, at := range feeds {
		e.sawFeed(at.exchange, answers[i].err == nil)
		if answers[i].err != nil {
			failure = fmt.Errorf("feed %s %s: %w", at.exchange, at.symbol, answers[i].err)
			continue
		}
		read[at] = answers[i].ticker
		delays[at.exchange] = max(delays[at.exchange], answers[i].took)
	}
	return read, delays, failure
}

// warmUp fills the strategy's memory from the feeds' history, once it can be had.
func (e *Engine) warmUp(ctx context.Context, s *schedule) error {
	if s.warm || s.WarmupBars == 0 {
		return nil
	}
	for _, at := range s.strategy.reads() {
		history, err := e.options.Exchange.History(ctx, at.exchange, at.symbol, s.WarmupBars, s.period)
		e.sawFeed(at.exchange, err == nil)
		if err != nil {
			return err
		}
		mids := make([]float64, len(history))
		for i, ticker := range history {
			mids[i] = ticker.Mid()
		}
		s.strategy.warm(at, mids)
	}
	s.warm = true
	return nil
}

func (e *Engine) sawFeed(name string, ok bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	state := e.feeds[name]
	state.healthy = ok
	if ok {
		state.ok++
	} else {
		state.failed++
	}
	e.feeds[name] = state
}

func (e *Engine) feedStates() map[string]feedState {
	e.mu.Lock()
	defer e.mu.Unlock()
	return maps.Clone(e.feeds)
}
