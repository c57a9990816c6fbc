package signals

import (
	"context"
	"crypto/x509"
	"errors"
	"net/http"
	"sync"
	"time"

	"tradeops.dev/strategy-operator/internal/pauses"
)

const (
	// parallel is how many requests one server gets at once from one namespace.
	parallel = 4
	// perNamespace is how many servers are asked at once for the playbooks of one namespace: servers that hang hold up each other, and nobody
	// else, however many names they have.
	perNamespace = 4
)

// Options of a Sampler.
type Options struct {
	AllowLoopback bool           // for tests and local runs: in a cluster loopback is the operator's own pod
	Roots         *x509.CertPool // who may vouch for a server; nil: whom the system trusts
	Allow         Allow
	// Failed is told, for the operator's log, why a server gave no answer: a status has other readers, and would tell whoever writes playbooks
	// who listens where. Nil: nobody is told.
	Failed func(ctx context.Context, url string, err error)
	Pauses pauses.Pauses
}

// errNoAnswer is every failure between the operator and a server.
var errNoAnswer = errors.New("the server gives no answer that can be read; the operator's log says why")

// Sampler samples queries in the background and remembers the last sample of each. It is made once and shared by all incidents.
type Sampler struct {
	client *http.Client
	allow  Allow
	failed func(ctx context.Context, url string, err error)
	pauses pauses.Pauses

	mu     sync.Mutex // never held during a request
	memory memory
	// flights are the samplings under way; the channel is closed when the flight has landed. One at a time for each server and namespace: one
	// that hangs gets no more requests than that, and slow queries of one namespace do not delay those of another.
	flights map[route]chan struct{}
}

// route is who asks whom.
type route struct {
	namespace string
	server
}

// New makes a Sampler that remembers nothing.
func New(options Options) *Sampler {
	options.Pauses = options.Pauses.OrDefault()
	return &Sampler{client: NewClient(options), allow: options.Allow, failed: options.Failed, pauses: options.Pauses, memory: memory{}, flights: map[route]chan struct{}{}}
}

// Sample returns what is known of a source's signals. What is older than the interval is asked for in the background, and waited for
// briefly: a server that is well has answered by then, and of one that is not the last sample must do. Of a server that failed last
// nobody waits for anything. What goes wrong is not an error: it stands at each signal, as its Problem. It may be called from many
// goroutines at once.
func (s *Sampler) Sample(ctx context.Context, source Source, now time.Time) Snapshot {
	source = source.normal()
	if problem := source.problem(s.allow); problem != "" {
		return unusable(source, problem, now)
	}
	patience, enough := context.WithTimeout(ctx, s.pauses.QueryWait)
	defer enough()
	for patience.Err() == nil {
		landed := s.begin(ctx, source, now)
		if landed == nil {
			break
		}
		select {
		case <-landed:
		case <-patience.Done():
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.memory.snapshot(source, now, s.pauses)
}

// begin has the server asked for what is due, unless it is being asked already, and returns the flight to wait for; nil: there is none,
// or it is not worth it. A caller with no last sample waits for the flight of another one, too: its signals would be unknown merely
// because two incidents were opened at the same time.
func (s *Sampler) begin(ctx context.Context, source Source, now time.Time) (landed <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	due := s.memory.due(source, now, s.pauses)
	if len(due) == 0 {
		return nil
	}
	at := source.route()
	flight, busy := s.flights[at]
	if busy && s.memory.recent(source, now) || !busy && s.flying(source.Namespace) >= perNamespace {
		return nil
	}
	if !busy {
		flight = make(chan struct{})
		s.flights[at] = flight
		go s.fly(context.WithoutCancel(ctx), source, due, now) // whoever asked may go away; others wait for it, too
	}
	if s.memory.failing(at.server, due) {
		return nil
	}
	return flight
}

// flying is how many servers are being asked for a namespace.
func (s *Sampler) flying(namespace string) (flying int) {
	for at := range s.flights {
		if at.namespace == namespace {
			flying++
		}
	}
	return flying
}

// fly asks for the expressions in their order and remembers each answer as it comes: a slow one holds up no other. Whatever happens it
// lands: a flight that does not would leave the server unsampled until the operator restarts.
func (s *Sampler) fly(ctx context.Context, source Source, exprs []string, now time.Time) {
	ctx, cancel := context.WithTimeout(ctx, s.pauses.Query)
	defer cancel()
	at := source.route()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		close(s.flights[at])
		delete(s.flights, at)
	}()
	waiting := make(chan string, len(exprs))
	for _, expr := range exprs {
		waiting <- expr
	}
	close(waiting)
	var workers sync.WaitGroup
	for range min(parallel, len(exprs)) {
		workers.Go(func() {
			for expr := range waiting {
				answered := s.ask(ctx, source, expr, now)
				s.mu.Lock()
				s.memory.store(key{at.server, expr}, answered, now)
				s.mu.Unlock()
			}
		})
	}
	workers.Wait()
}

// ask turns one request into an answer.
func (s *Sampler) ask(ctx context.Context, source Source, expr string, now time.Time) answer {
	if ctx.Err() != nil {
		return answer{failure: "not reached within " + s.pauses.Query.String() + ": other queries were slower"}
	}
	value, err := request(ctx, s.client, source, expr, now)
	if none, answered := errors.AsType[noNumberError](err); answered {
		return answer{reached: true, unknown: plain(none.Error(), source.Token)}
	}
	if failed, inTransport := errors.AsType[transportError](err); inTransport {
		if s.failed != nil {
			s.failed(ctx, source.URL, failed)
		}
		err = errNoAnswer
	}
	if err != nil {
		return answer{reached: true, failure: plain(err.Error(), source.Token)}
	}
	return answer{reached: true, value: value}
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
