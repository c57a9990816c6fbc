// Package engine is the scheduler of the demo: it runs each schedule's strategy on the exchange's feeds, books paper fills,
// honours the suspensions and limits of the configuration it was started with, and tells what it measures.
//
// Cycle takes the time as an argument, so that a test can step it; only latencies are measured with the real clock.
package engine

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"tradeops.dev/strategy-operator/hack/demo/internal/coreconfig"
	"tradeops.dev/strategy-operator/hack/demo/internal/exchange"
)

// Options say what an engine runs.
type Options struct {
	Config      *coreconfig.Config
	Scheduler   string
	Environment string
	Exchange    *exchange.Client
	Journal     *Journal
	// StartedAt is when the process started: durations of suspensions count from it.
	StartedAt time.Time
	// Pod names the process in the plan.
	Pod string
	// Cycle is how often Cycle is called; schedules cannot run more often.
	Cycle time.Duration
	// TimeScale says how many times faster than the clock the demo's market runs.
	TimeScale float64
	// LongestPeriod caps the scaled cadence, so that a daily schedule shows something during a demo.
	LongestPeriod time.Duration
	// MaxSymbols is how many instruments a schedule trades.
	MaxSymbols int
}

// shortestPeriod bounds the scaled cadence from below.
const shortestPeriod = 200 * time.Millisecond

// Engine runs the schedules of one scheduler.
type Engine struct {
	options     Options
	environment coreconfig.Node
	exchange    string
	suspensions []coreconfig.Suspension
	limits      []coreconfig.SignalLimit
	allocations map[string]map[string]float64
	budget      coreconfig.ResourceLimits
	policy      string

	// running serialises runs with the load test: both use the strategies' memory.
	running   sync.Mutex
	schedules []*schedule
	usage     *usage

	// mu guards what is published for readers.
	mu sync.Mutex
	// inForce are the suspensions of the configuration as failovers have changed them.
	inForce   []coreconfig.Suspension
	telemetry map[string]map[string]float64
	emitted   map[string]int
	runs      map[string]int
	feeds     map[string]feedState
	cycled    chan struct{}
	ready     bool
}

// schedule is one schedule with its strategy and account.
type schedule struct {
	coreconfig.Schedule
	tags     []string
	strategy strategy
	book     *ledger
	period   time.Duration
	next     time.Time
	warm     bool
	failures int
	// fallbacks are resumed when this schedule fails.
	fallbacks []string
	failovers int
}

// New makes an engine from a configuration; what the real scheduler refuses at its start is refused here.
func New(options Options) (*Engine, error) {
	section, err := options.Config.SchedulerNode(options.Scheduler)
	if err != nil {
		return nil, err
	}
	environment, err := options.Config.Environment(options.Environment)
	if err != nil {
		return nil, err
	}
	instruments, err := options.Config.Instruments(environment)
	if err != nil {
		return nil, fmt.Errorf("environment %q: %w", options.Environment, err)
	}
	instruments = instruments[:min(len(instruments), max(1, options.MaxSymbols))]
	limits, _ := options.Config.Limits()
	suspensions := coreconfig.Suspensions(section, options.StartedAt)
	e := &Engine{
		options:     options,
		environment: environment,
		exchange:    environment.At("exchange").Text(),
		suspensions: suspensions,
		inForce:     suspensions,
		limits:      coreconfig.SignalLimits(section, options.StartedAt),
		allocations: options.Config.Allocations(),
		budget:      limits,
		policy:      capitalPolicy(section.At("capital_policy")),
		usage:       newUsage(),
		telemetry:   map[string]map[string]float64{},
		emitted:     map[string]int{},
		runs:        map[string]int{},
		feeds:       map[string]feedState{},
		cycled:      make(chan struct{}),
	}
	entries := coreconfig.Schedules(section)
	for _, entry := range entries {
		s, err := e.newSchedule(entry, instruments)
		if err != nil {
			return nil, fmt.Errorf("schedule %q: %w", entry.Name, err)
		}
		s.fallbacks = existing(options.Config.Fallbacks(entry.Strategy), entries)
		e.schedules = append(e.schedules, s)
	}
	return e, nil
}

// capitalPolicy is the policy's name; the real default is equal weights.
func capitalPolicy(node coreconfig.Node) string {
	if node.IsMap() {
		node = node.First("name", "policy", "type")
	}
	return node.TextOr("equal_weight")
}

func (e *Engine) newSchedule(entry coreconfig.Schedule, instruments []coreconfig.Instrument) (*schedule, error) {
	kind, parameters, err := e.options.Config.EngineOf(entry.Strategy)
	if err != nil {
		return nil, err
	}
	risk, err := e.options.Config.RiskProfile(entry.RiskProfile)
	if err != nil {
		return nil, err
	}
	period := min(max(time.Duration(float64(entry.Cadence)/e.options.TimeScale), shortestPeriod), e.options.LongestPeriod)
	built, err := newStrategy(kind, plan{
		parameters: parameters, risk: risk, exchange: e.exchange,
		instruments: instruments, period: period, timeScale: e.options.TimeScale,
	})
	if err != nil {
		return nil, err
	}
	return &schedule{
		Schedule: entry, tags: e.options.Config.Tags(entry.Strategy, kind), strategy: built, period: period, book: newLedger(e.startingEquity()),
		// A strategy without memory has nothing to warm up.
		warm: kind == coreconfig.CrossExchange,
	}, nil
}

// startingEquity is the environment's paper balance in its valuation asset.
func (e *Engine) startingEquity() float64 {
	paper := e.environment.At("adapter_settings", "paper_trading")
	asset := paper.At("valuation_asset").TextOr("USDT")
	if balance := paper.At("initial_balances", asset).NumberOr(0); balance > 0 {
		return balance
	}
	return 100_000
}

// Cycle runs every schedule that is due at the time. A schedule that fails is told in its telemetry and tried again.
func (e *Engine) Cycle(ctx context.Context, now time.Time) {
	for _, s := range e.schedules {
		// Half a cycle of tolerance: a tick that comes a little early must not cost a whole period.
		if ctx.Err() != nil || now.Add(e.options.Cycle/2).Before(s.next) {
			continue
		}
		s.next = now.Add(s.period)
		e.run(ctx, s, now)
	}
	e.usage.sample()
	e.mu.Lock()
	defer e.mu.Unlock()
	e.ready = true
	close(e.cycled)
	e.cycled = make(chan struct{})
}

// run is one run of a schedule: suspended, failed or done, it always leaves fresh telemetry.
func (e *Engine) run(ctx context.Context, s *schedule, now time.Time) {
	e.running.Lock()
	defer e.running.Unlock()
	if held := e.held(s, now); held != nil {
		e.publish(s, suspendedFigures(s, held, now), 0)
		return
	}
	started := time.Now()
	figures, emitted, err := e.trade(ctx, s, now, started)
	if figures == nil {
		figures = map[string]float64{}
	}
	s.failures++
	if err == nil {
		s.failures = 0
	} else {
		slog.Warn("schedule failed", "schedule", s.Name, "error", err)
		e.failOver(s, now)
	}
	figures["signals"] = float64(emitted)
	figures["suspended"] = 0
	figures["latency_ms"] = milliseconds(time.Since(started))
	figures["consecutive_failures"] = float64(s.failures)
	figures["failover_count"] = float64(s.failovers)
	figures["base_max_signals"] = float64(s.MaxSignals)
	figures["active_max_signals"] = float64(coreconfig.MaxSignals(s.Schedule, e.limits, now))
	addAccount(figures, s.book)
	e.publish(s, figures, emitted)
}

// trade reads the feeds, lets the strategy decide, executes what the limits allow and values the account.
func (e *Engine) trade(ctx context.Context, s *schedule, now, started time.Time) (figures map[string]float64, emitted int, err error) {
	if err := e.warmUp(ctx, s); err != nil {
		return nil, 0, fmt.Errorf("warm-up: %w", err)
	}
	read, delays, err := e.read(ctx, s.strategy.reads())
	if err != nil {
		return nil, 0, err
	}
	s.strategy.observe(read)
	s.book.mark(read)
	signals := s.strategy.evaluate(s.book, read, now)
	signals = signals[:min(len(signals), coreconfig.MaxSignals(s.Schedule, e.limits, now))]
	for i, wanted := range signals {
		fills, err := e.execute(ctx, s, wanted)
		if len(fills) > 0 {
			s.strategy.filled(wanted, fills, now)
			emitted++
			e.record(s, wanted, fills, i, now, time.Since(started))
		}
		if err != nil {
			return nil, emitted, err
		}
	}
	s.book.mark(read)
	figures = s.strategy.measures(s.book, read)
	if figures == nil {
		figures = map[string]float64{}
	}
	if cross, ok := s.strategy.(*crossExchange); ok {
		figures["secondary_delay_ms"] = milliseconds(delays[cross.secondary])
	}
	return figures, emitted, nil
}

// execute sends a signal's orders one after the other; what was filled before a failure is booked and returned with it.
func (e *Engine) execute(ctx context.Context, s *schedule, wanted signal) ([]exchange.Fill, error) {
	var fills []exchange.Fill
	for _, leg := range wanted.legs {
		fill, err := e.options.Exchange.Send(ctx, leg)
		if err != nil {
			return fills, fmt.Errorf("order: %w", err)
		}
		s.book.book(fill)
		fills = append(fills, fill)
	}
	return fills, nil
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
