package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"tradeops.dev/strategy-operator/hack/demo/internal/audit"
	"tradeops.dev/strategy-operator/hack/demo/internal/coreconfig"
)

const defaultConfig = "/etc/bot-core/core.yaml"

func auditStage4Command() *cobra.Command {
	var path string
	var options audit.Stage4Options
	cmd := &cobra.Command{
		Use:   "audit-stage4",
		Short: "Check the configuration for compliance; exit 0 ok or warn, 1 fail, 2 not readable as a mapping",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			config, err := loadWithin(cmd.Context(), path)
			if err != nil {
				return exit{exitUsage, err}
			}
			options.LookupEnv, options.Now = os.LookupEnv, time.Now()
			report := audit.Stage4(config, options)
			if err := printJSON(cmd, report); err != nil {
				return err
			}
			if report.Status == "fail" {
				return exit{code: exitFailed}
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&path, "config", defaultConfig, "configuration to check")
	cmd.Flags().StringVar(&options.MTLSBundle, "mtls-bundle-name", "", "name that the files of execution.mtls must carry")
	cmd.Flags().BoolVar(&options.AllowMissingEnv, "allow-missing-env", false, "accept tokens whose environment variable is not set")
	cmd.Flags().BoolVar(&options.CheckPaths, "check-paths", false, "want the files of execution.mtls to exist")
	timeoutFlag(cmd)
	return cmd
}

// loadWithin reads the configuration unless the context ends first: a volume that hangs must not hang the audit.
func loadWithin(ctx context.Context, path string) (*coreconfig.Config, error) {
	type answer struct {
		config *coreconfig.Config
		err    error
	}
	read := make(chan answer, 1)
	go func() {
		config, err := coreconfig.Load(path)
		read <- answer{config, err}
	}()
	select {
	case a := <-read:
		return a.config, a.err
	case <-ctx.Done():
		return nil, fmt.Errorf("read configuration %s: %w", path, ctx.Err())
	}
}

func securityBaselineCommand() *cobra.Command {
	var path string
	var scopes []string
	var failOnError, failOnWarning bool
	cmd := &cobra.Command{
		Use:   "security-baseline",
		Short: "Check encryption and tokens; exit 0 even with errors, unless --fail-on-error (2) or --fail-on-warning (1)",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			config, err := loadWithin(cmd.Context(), path)
			if err != nil {
				return exit{exitUsage, err}
			}
			report := audit.Baseline(config, audit.BaselineOptions{Scopes: scopes, LookupEnv: os.LookupEnv, Now: time.Now()})
			if err := json.NewEncoder(cmd.OutOrStdout()).Encode(report); err != nil {
				return exit{exitFailed, err}
			}
			if failOnError && len(report.Errors) > 0 {
				return exit{code: exitUsage}
			}
			if failOnWarning && report.Status != "ok" {
				return exit{code: exitFailed}
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&path, "config", defaultConfig, "configuration to check")
	cmd.Flags().StringArrayVar(&scopes, "scheduler-required-scope", nil, "scope, or scheduler:scope, that a usable token must grant; may be repeated")
	cmd.Flags().BoolVar(&failOnError, "fail-on-error", false, "exit 2 with errors")
	cmd.Flags().BoolVar(&failOnWarning, "fail-on-warning", false, "exit 1 with warnings")
	timeoutFlag(cmd)
	return cmd
}
