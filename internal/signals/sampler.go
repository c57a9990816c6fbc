package signals

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"tradeops.dev/strategy-operator/internal/pauses"
)

// parallel is how many requests one server gets at once.
const parallel = 4

// Options of a Sampler.
type Options struct {
	AllowLoopback bool // for tests and local runs: in a cluster loopback is the operator's own pod
	Pauses        pauses.Pauses
}

// Sampler samples queries and remembers the last sample of each. It is made once and shared by all incidents.
type Sampler struct {
	client *http.Client
	pauses pauses.Pauses

	mu     sync.Mutex // never held during a request
	memory memory
	// flights are the samplings under way; the channel is closed when the flight has landed. One at a time for each server:
	// a server that hangs must hold one caller, not all workers.
	flights map[server]chan struct{}
}

// New makes a Sampler that remembers nothing.
func New(options Options) *Sampler {
	options.Pauses = options.Pauses.OrDefault()
	return &Sampler{client: newClient(options), pauses: options.Pauses, memory: memory{}, flights: map[server]chan struct{}{}}
}

// Sample returns what is known of a source's signals. What is older than the interval is asked for first, unless another
// call is just asking this server; then the last sample must do. Only a call that has no last sample waits for the other
// one: its signals would be unknown merely because two incidents were opened at the same time. It takes no longer than a query may. What goes wrong
// is not an error: it stands at each signal, as its Problem. It may be called from many goroutines at once.
func (s *Sampler) Sample(ctx context.Context, source Source, now time.Time) Snapshot {
	source = source.normal()
	if problem := source.problem(); problem != "" {
		return unusable(source, problem, now)
	}
	ctx, cancel := context.WithTimeout(ctx, s.pauses.Query)
	defer cancel()
	for ctx.Err() == nil {
		due, landed := s.begin(source, now)
		if len(due) > 0 {
			s.fly(ctx, source, due, now)
			break
		}
		if landed == nil {
			break
		}
		select {
		case <-landed:
		case <-ctx.Done():
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.memory.snapshot(source, now, s.pauses.QueryRetry)
}

// begin says what this call must ask for, which is then its flight; or the flight of another call that it must wait for.
func (s *Sampler) begin(source Source, now time.Time) (due []string, landed <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	due = s.memory.due(source, now)
	if len(due) == 0 {
		return nil, nil
	}
	at := source.server()
	if flight, busy := s.flights[at]; busy {
		if s.memory.recent(source, now) {
			return nil, nil
		}
		return nil, flight
	}
	s.flights[at] = make(chan struct{})
	return due, nil
}

// fly asks for the expressions in their order and remembers the answers. Whatever happens it lands: a flight that does not
// would leave the server unsampled until the operator restarts.
func (s *Sampler) fly(ctx context.Context, source Source, exprs []string, now time.Time) {
	answers := make([]answer, len(exprs))
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		at := source.server()
		for i, expr := range exprs {
			s.memory.store(key{at, expr}, answers[i], now)
		}
		close(s.flights[at])
		delete(s.flights, at)
	}()
	waiting := make(chan int, len(exprs))
	for i := range exprs {
		waiting <- i
	}
	close(waiting)
	var workers sync.WaitGroup
	for range min(parallel, len(exprs)) {
		workers.Go(func() {
			for i := range waiting {
				answers[i] = s.ask(ctx, source, exprs[i], now)
			}
		})
	}
	workers.Wait()
}

// ask turns one request into an answer.
func (s *Sampler) ask(ctx context.Context, source Source, expr string, now time.Time) answer {
	if ctx.Err() != nil {
		return ended(ctx, answer{failure: "not reached within " + s.pauses.Query.String() + ": other queries were slower"})
	}
	value, err := request(ctx, s.client, source, expr, now)
	if none, answered := errors.AsType[noNumberError](err); answered {
		return answer{reached: true, unknown: plain(none.Error(), source.Token)}
	}
	if ctx.Err() != nil && err != nil {
		return ended(ctx, answer{reached: true, failure: "no answer in time (" + s.pauses.Query.String() + " at most)"})
	}
	if err != nil {
		return answer{reached: true, failure: plain(err.Error(), source.Token)}
	}
	return answer{reached: true, value: value}
}

// ended is what to remember of a request that was cut off: nothing if the caller went away, since that says nothing about
// Prometheus, and another caller may be waiting for this flight.
func ended(ctx context.Context, late answer) answer {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return late
	}
	return answer{}
}

// unusable is the snapshot of a source that cannot be asked at all.
func unusable(source Source, problem string, now time.Time) Snapshot {
	snapshot := Snapshot{Time: now, Readings: map[string]Reading{}}
	for _, query := range source.Queries {
		snapshot.Readings[query.Name] = Reading{Problem: problem}
		snapshot.NextAt = now.Add(source.Interval)
	}
	return snapshot
}
