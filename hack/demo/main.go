// Demo is the world around the operator for demonstrations and end-to-end tests: a simulated exchange, a paper-trading
// scheduler that reads the real configuration format, and the tools whose reports the operator judges.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

// Exit codes that several subcommands share.
const (
	exitFailed = 1
	exitUsage  = 2
)

// exit is an error that says with which code the program ends; without an error inside, everything was said already.
type exit struct {
	code int
	err  error
}

func (e exit) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit code %d", e.code)
	}
	return e.err.Error()
}

func (e exit) Unwrap() error { return e.err }

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run is main without the process.
func run(ctx context.Context, arguments []string, stdout, stderr io.Writer) int {
	root := newRoot()
	root.SetArgs(arguments)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	var ended exit
	if !errors.As(err, &ended) {
		// Everything that our own code refuses carries a code, so this came from reading the flags.
		ended = exit{code: exitUsage, err: err}
	}
	if ended.err != nil {
		fmt.Fprintln(stderr, "error:", ended.err)
	}
	return ended.code
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:           "demo",
		Short:         "The demo world of the strategy operator: an exchange, a scheduler and their tools",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.AddCommand(
		exchangeCommand(), schedulerCommand(), sinksCommand(),
		auditStage4Command(), securityBaselineCommand(),
		loadTestCommand(), smokeCommand(), runningPlanCommand(), journalCheckCommand(),
		feedProbeCommand(), faultCommand(), misbehaveCommand(),
	)
	return root
}

// printJSON writes the one report of a tool.
func printJSON(cmd *cobra.Command, report any) error {
	encoder := json.NewEncoder(cmd.OutOrStdout())
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(report); err != nil {
		return exit{exitFailed, err}
	}
	return nil
}

// envOr is a flag's default from the environment.
func envOr(name, fallback string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return fallback
}
