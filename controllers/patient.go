package controllers

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"k8s.io/utils/clock"

	"tradeops.dev/strategy-operator/internal/pauses"
)

// patient is a bucket that may hang. A call without an answer in time is given up. From then on, until one gets through, all calls fail
// at once, but one in a while that tries: each of them would hold a worker, and with it the deadlines of everything that waits for one.
type patient struct {
	bucket Evidence
	clock  clock.PassiveClock
	pauses pauses.Pauses

	mu      sync.Mutex // never held during a call
	since   time.Time  // of the first call without an answer; zero: it answers
	retryAt time.Time
	pause   time.Duration
	trying  bool
}

// Patient makes a bucket that may hang one that fails in time.
func Patient(bucket Evidence, clock clock.PassiveClock, pauses pauses.Pauses) Evidence {
	return &patient{bucket: bucket, clock: clock, pauses: pauses.OrDefault()}
}

// Get implements Evidence.
func (p *patient) Get(ctx context.Context, key string) ([]byte, error) {
	return answer(ctx, p, func(ctx context.Context) ([]byte, error) { return p.bucket.Get(ctx, key) })
}

// Names implements Evidence.
func (p *patient) Names(ctx context.Context, folder string) ([]string, error) {
	return answer(ctx, p, func(ctx context.Context) ([]string, error) { return p.bucket.Names(ctx, folder) })
}

// Create implements Evidence.
func (p *patient) Create(ctx context.Context, key string, data []byte) error {
	_, err := answer(ctx, p, func(ctx context.Context) (struct{}, error) { return struct{}{}, p.bucket.Create(ctx, key, data) })
	return err
}

// answer calls the bucket, on a goroutine that is left behind if it does not return: a volume that hangs heeds no context. There is one
// of them for each trial at most.
func answer[T any](ctx context.Context, p *patient, call func(context.Context) (T, error)) (T, error) {
	var none T
	if err := p.begin(); err != nil {
		return none, err
	}
	limited, cancel := context.WithTimeout(ctx, p.pauses.EvidenceCall)
	defer cancel()
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		value, err := call(limited)
		done <- result{value, err}
	}()
	var got result
	select {
	case got = <-done:
	case <-limited.Done():
		got.err = limited.Err()
	}
	if ctx.Err() != nil { // whoever asked went away, which says nothing about the bucket
		p.leave()
		return none, ctx.Err()
	}
	if errors.Is(got.err, context.DeadlineExceeded) {
		return none, p.hung()
	}
	p.answered()
	return got.value, got.err
}

func (p *patient) begin() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.since.IsZero():
		return nil
	case p.trying || p.clock.Now().Before(p.retryAt):
		return p.problem()
	}
	p.trying = true
	return nil
}

func (p *patient) leave() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.trying = false
}

func (p *patient) answered() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.since, p.pause, p.trying = time.Time{}, 0, false
}

func (p *patient) hung() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.clock.Now()
	if p.since.IsZero() {
		p.since = now
	}
	p.pause = min(max(2*p.pause, p.pauses.Evidence), p.pauses.EvidenceHangs)
	p.retryAt, p.trying = now.Add(p.pause), false
	return p.problem()
}

// problem is the same text as long as it hangs: it stands in conditions.
func (p *patient) problem() error {
	return fmt.Errorf("the evidence bucket gives no answer since %s", p.since.UTC().Format(time.RFC3339))
}
