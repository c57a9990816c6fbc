package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tradeops.dev/strategy-operator/hack/demo/internal/exchange"
)

// faultTimeout bounds one call; the exchange is near and its fault API is never delayed by a fault.
const faultTimeout = 10 * time.Second

func faultCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "fault", Short: "Switch the exchange's faults: " + strings.Join(exchange.FaultNames, ", ")}
	cmd.AddCommand(faultSetCommand(), faultClearCommand(), faultListCommand())
	return cmd
}

func faultSetCommand() *cobra.Command {
	var fault exchange.Fault
	cmd := &cobra.Command{Use: "set NAME", Short: "Switch a fault on and show it as it is in force", Args: cobra.ExactArgs(1)}
	address := exchangeFlag(cmd)
	cmd.Flags().StringVar(&fault.Exchange, "exchange", "", "feed it bites; default every feed, for lossy-cross the last one")
	cmd.Flags().IntVar(&fault.Milliseconds, "ms", 0, "delay of latency; default 500")
	cmd.Flags().Float64Var(&fault.BasisPoints, "bps", 0, "how much worse than the quote lossy-cross fills; default 160")
	cmd.Flags().IntVar(&fault.Kilobytes, "kb", 0, "order book that flood sends with each quote; default 4096")
	cmd.RunE = func(cmd *cobra.Command, names []string) error {
		set, err := exchange.NewClient(*address, faultTimeout).SetFault(cmd.Context(), names[0], fault)
		if err != nil {
			return exit{exitFailed, fmt.Errorf("set fault: %w", err)}
		}
		return printJSON(cmd, map[string]exchange.Fault{names[0]: set})
	}
	return cmd
}

func faultClearCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "clear NAME", Short: "Switch a fault off; show those that remain", Args: cobra.ExactArgs(1)}
	address := exchangeFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, names []string) error {
		client := exchange.NewClient(*address, faultTimeout)
		if err := client.ClearFault(cmd.Context(), names[0]); err != nil {
			return exit{exitFailed, fmt.Errorf("clear fault: %w", err)}
		}
		return printFaults(cmd, client)
	}
	return cmd
}

func faultListCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "list", Short: "Show the faults that are on", Args: cobra.NoArgs}
	address := exchangeFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return printFaults(cmd, exchange.NewClient(*address, faultTimeout))
	}
	return cmd
}

func printFaults(cmd *cobra.Command, client *exchange.Client) error {
	faults, err := client.Faults(cmd.Context())
	if err != nil {
		return exit{exitFailed, fmt.Errorf("list faults: %w", err)}
	}
	return printJSON(cmd, faults)
}
