package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tradeops.dev/strategy-operator/hack/demo/internal/engine"
	"tradeops.dev/strategy-operator/hack/demo/internal/exchange"
	"tradeops.dev/strategy-operator/hack/demo/internal/tool"
)

// Exit codes of tools that look at something: 1 is a bad finding, 2 means that nothing could be found out.
const exitNotMeasured = 2

// timeoutFlag gives a tool its --timeout, after which its context ends.
func timeoutFlag(cmd *cobra.Command) {
	timeout := cmd.Flags().Duration("timeout", 60*time.Second, "give up after this time")
	cmd.PreRun = func(cmd *cobra.Command, _ []string) {
		ctx, cancel := context.WithTimeout(cmd.Context(), *timeout)
		cmd.SetContext(ctx)
		cmd.PostRun = func(*cobra.Command, []string) { cancel() }
	}
}

func schedulerFlag(cmd *cobra.Command) *string {
	timeoutFlag(cmd)
	return cmd.Flags().String("scheduler-url", envOr("SCHEDULER_URL", "http://127.0.0.1:9177"), "address of the scheduler ($SCHEDULER_URL)")
}

func exchangeFlag(cmd *cobra.Command) *string {
	timeoutFlag(cmd)
	return cmd.Flags().String("exchange-url", envOr("EXCHANGE_URL", "http://127.0.0.1:8080"), "address of the exchange ($EXCHANGE_URL)")
}

func loadTestCommand() *cobra.Command {
	var request engine.LoadRequest
	cmd := &cobra.Command{
		Use:   "load-test",
		Short: "Measure the running scheduler at work; exit 0 whatever was measured, 1 if nothing was",
		Args:  cobra.NoArgs,
	}
	address := schedulerFlag(cmd)
	cmd.Flags().IntVar(&request.Iterations, "iterations", 5, "how often each schedule is evaluated")
	cmd.Flags().IntVar(&request.Schedules, "schedules", 3, "how many schedules, at most; suspended ones are left out")
	cmd.Flags().Float64Var(&request.LatencyBudgetMS, "latency-budget-ms", 0, "budget that counts like a resource limit; 0 is none")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		report, err := tool.NewScheduler(*address).LoadTest(cmd.Context(), request)
		if err != nil {
			return exit{exitFailed, fmt.Errorf("load test: %w", err)}
		}
		return printJSON(cmd, report)
	}
	return cmd
}

func smokeCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "smoke",
		Short: "Watch the running scheduler for some cycles; exit 1 if a schedule fails or nothing could be watched",
		Args:  cobra.NoArgs,
	}
	address := schedulerFlag(cmd)
	cycles := cmd.Flags().Int("cycles", 3, "runs of every schedule to wait for")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		report, err := tool.NewScheduler(*address).Smoke(cmd.Context(), *cycles)
		if err != nil {
			return exit{exitFailed, fmt.Errorf("smoke: %w", err)}
		}
		if err := printJSON(cmd, report); err != nil {
			return err
		}
		if failing := tool.Failing(report); len(failing) > 0 {
			return exit{exitFailed, fmt.Errorf("smoke: failing schedules: %s", strings.Join(failing, ", "))}
		}
		return nil
	}
	return cmd
}

func runningPlanCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "running-plan",
		Short: "Show what the running scheduler has in force, once it runs a configuration; exit 1 if it cannot be reached",
		Args:  cobra.NoArgs,
	}
	address := schedulerFlag(cmd)
	config := cmd.Flags().String("config", "", "configuration that the scheduler shall run; with --wait")
	wait := cmd.Flags().Duration("wait", 0, "how long to ask again until the scheduler runs --config; then what it has in force is shown as it is")
	pause := cmd.Flags().Duration("pause", time.Second, "time between two questions")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		wanted, err := hashOf(*config)
		if err != nil {
			return exit{exitNotMeasured, fmt.Errorf("running plan: %w", err)}
		}
		plan, err := tool.NewScheduler(*address).AwaitPlan(cmd.Context(), wanted, *wait, *pause)
		if err != nil {
			return exit{exitFailed, fmt.Errorf("running plan: %w", err)}
		}
		return printJSON(cmd, plan)
	}
	return cmd
}

// hashOf is the SHA-256 of a file, in hex; empty for none.
func hashOf(path string) (string, error) {
	if path == "" {
		return "", nil
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%x", sha256.Sum256(data)), nil
}

func journalCheckCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "journal-check",
		Short: "Check the newest lines of the trading journal; exit 0 ok or warn, 1 fail, 2 not readable",
		Args:  cobra.NoArgs,
	}
	address := schedulerFlag(cmd)
	limit := cmd.Flags().Int("limit", 50, "how many lines")
	maxAge := cmd.Flags().Duration("max-age", 10*time.Minute, "warn if the newest line is older; 0 for any age")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		report, err := tool.NewScheduler(*address).CheckJournal(cmd.Context(), *limit, *maxAge, time.Now())
		if err != nil {
			return exit{exitNotMeasured, fmt.Errorf("journal: %w", err)}
		}
		return finding(cmd, report, report.Status)
	}
	return cmd
}

func feedProbeCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "feed-probe",
		Short: "Read a feed once per symbol and try a small paper order; exit 0 ok, 1 fail",
		Args:  cobra.NoArgs,
	}
	address := exchangeFlag(cmd)
	name := cmd.Flags().String("exchange", "kraken_spot", "exchange whose feed is read")
	symbols := cmd.Flags().StringSlice("symbols", []string{"BTC_USDT", "ETH_USDT", "SOL_USDT"}, "symbols to read")
	var limits tool.ProbeLimits
	cmd.Flags().DurationVar(&limits.MaxAge, "max-age", 30*time.Second, "oldest quote that counts")
	cmd.Flags().Float64Var(&limits.MaxSlippageBps, "max-slippage-bps", 50, "how much worse than its quote a paper order may be filled; 0 sends none")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		report := tool.Probe(cmd.Context(), exchange.NewClient(*address, 0), *name, *symbols, limits)
		return finding(cmd, report, report.Status)
	}
	return cmd
}

// finding prints a report and turns its status into the exit code.
func finding(cmd *cobra.Command, report any, status string) error {
	if err := printJSON(cmd, report); err != nil {
		return err
	}
	if status == "fail" {
		return exit{code: exitFailed}
	}
	return nil
}

func misbehaveCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "misbehave",
		Short: "Be the program that a check should never have run; for tests of the operator",
		Args:  cobra.NoArgs,
	}
	how := cmd.Flags().String("how", "", "one of: "+strings.Join(tool.Misbehaviours(), ", "))
	bytes := cmd.Flags().Int("bytes", 50<<20, "size of the large ones")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		code, err := tool.Misbehave(*how, tool.Output{
			Stdout: cmd.OutOrStdout(), Stderr: cmd.ErrOrStderr(), Bytes: *bytes,
			Hang: func() { <-cmd.Context().Done() },
		})
		if err != nil {
			return exit{exitUsage, err}
		}
		if code != 0 {
			return exit{code: code}
		}
		return nil
	}
	return cmd
}
