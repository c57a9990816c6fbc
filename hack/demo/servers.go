package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/spf13/cobra"

	"tradeops.dev/strategy-operator/hack/demo/internal/coreconfig"
	"tradeops.dev/strategy-operator/hack/demo/internal/engine"
	"tradeops.dev/strategy-operator/hack/demo/internal/exchange"
	"tradeops.dev/strategy-operator/hack/demo/internal/web"
)

func exchangeCommand() *cobra.Command {
	var listen, seed string
	var feeds []string
	cmd := &cobra.Command{
		Use:   "exchange",
		Short: "Serve the simulated feeds, paper fills and faults",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if len(feeds) == 0 {
				return exit{exitUsage, fmt.Errorf("--feeds must name at least one exchange")}
			}
			return serve(cmd.Context(), listen, exchange.Handler(exchange.NewMarket(feeds, seed), time.Now))
		},
	}
	cmd.Flags().StringVar(&listen, "listen", ":8080", "address to listen on")
	cmd.Flags().StringSliceVar(&feeds, "feeds", []string{"binance_spot", "kraken_spot"}, "exchanges to simulate; the first one carries the price")
	cmd.Flags().StringVar(&seed, "seed", "demo", "seed of the prices")
	return cmd
}

// schedulerFlags are the flags of the scheduler.
type schedulerFlags struct {
	config, environment, scheduler, exchangeURL, journal, listen string
	cycle, longest, timeout                                      time.Duration
	timeScale                                                    float64
	symbols                                                      int
}

func schedulerCommand() *cobra.Command {
	var f schedulerFlags
	cmd := &cobra.Command{
		Use:   "scheduler",
		Short: "Trade on paper by the configuration read at the start",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return runScheduler(cmd.Context(), f) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.config, "config", "/etc/bot-core/core.yaml", "configuration; read once")
	flags.StringVar(&f.environment, "environment", "binance_paper", "name under environments")
	flags.StringVar(&f.scheduler, "scheduler", "core_multi_pipeline", "name under runtime.multi_strategy_schedulers")
	flags.StringVar(&f.exchangeURL, "exchange-url", envOr("EXCHANGE_URL", "http://127.0.0.1:8080"), "address of the exchange ($EXCHANGE_URL)")
	flags.StringVar(&f.journal, "journal-dir", "journal", "directory of the trading journal")
	flags.StringVar(&f.listen, "listen", ":9177", "address to listen on")
	flags.DurationVar(&f.cycle, "cycle", time.Second, "how often due schedules are run")
	flags.Float64Var(&f.timeScale, "time-scale", 30, "how many times faster than the clock the market runs: cadences are divided by it")
	flags.DurationVar(&f.longest, "max-period", 2*time.Second, "longest time between two runs of a schedule, whatever its cadence")
	flags.IntVar(&f.symbols, "max-symbols", 2, "instruments that a schedule trades, the first of the universe by name")
	flags.DurationVar(&f.timeout, "timeout", 2*time.Second, "time-out of one request to the exchange")
	return cmd
}

func runScheduler(ctx context.Context, f schedulerFlags) error {
	if f.cycle <= 0 || f.timeScale <= 0 || f.longest <= 0 {
		return exit{exitUsage, fmt.Errorf("--cycle, --time-scale and --max-period must be above zero")}
	}
	config, err := coreconfig.Load(f.config)
	if err != nil {
		return exit{exitFailed, err}
	}
	journal, err := engine.OpenJournal(f.journal)
	if err != nil {
		return exit{exitFailed, err}
	}
	running, err := engine.New(engine.Options{
		Config: config, Scheduler: f.scheduler, Environment: f.environment, Journal: journal,
		Exchange:  exchange.NewClient(f.exchangeURL, f.timeout),
		StartedAt: time.Now(), Pod: podName(), Cycle: f.cycle,
		TimeScale: f.timeScale, LongestPeriod: f.longest, MaxSymbols: f.symbols,
	})
	if err != nil {
		return exit{exitFailed, fmt.Errorf("configuration %s: %w", f.config, err)}
	}
	slog.Info("configuration read", "path", f.config, "sha256", config.SHA256)
	go runCycles(ctx, running, f.cycle)
	return serve(ctx, f.listen, engine.Handler(running, time.Now))
}

func runCycles(ctx context.Context, running *engine.Engine, every time.Duration) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		running.Cycle(ctx, time.Now())
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

// podName names the process in its plan.
func podName() string {
	host, _ := os.Hostname()
	return envOr("POD_NAME", host)
}

func serve(ctx context.Context, address string, handler http.Handler) error {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return exit{exitFailed, err}
	}
	slog.Info("listening", "address", listener.Addr().String())
	if err := web.Serve(ctx, listener, handler); err != nil {
		return exit{exitFailed, err}
	}
	return nil
}
