package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/evidence"
	"tradeops.dev/strategy-operator/internal/show"
)

func newLog(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use: "log", Short: "Read signed decision logs, and verify copies of them", Args: cobra.NoArgs,
		Long: "Read the signed decision log of an incident or a rollback, or verify copies of logs without a cluster and without their secret keys.",
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	for _, one := range []*cobra.Command{newLogShow(a), newLogExport(a)} {
		cmd.AddCommand(a.completes(one, false, strategyv1.KindIncident, strategyv1.KindRollback))
	}
	cmd.AddCommand(verifies(newLogVerify(a)), verifies(newLogProve(a)))
	return cmd
}

func newLogShow(a *app) *cobra.Command {
	var from string
	cmd := &cobra.Command{
		Use: "show INCIDENT|ROLLBACK", Short: "Show all entries of the decision log",
		Long: `Show all entries of the decision log of an incident or a rollback, also those that its timeline has no more. It shows what is stored, and
proves nothing: who may write to the bucket may have written it.

` + evidenceHelp + "\n\n" + exitCodes,
		Args: named("incident or rollback"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.eachEntry(cmd.Context(), args[0], from, a.showEntry)
		},
	}
	addFrom(cmd, &from)
	return cmd
}

func newLogExport(a *app) *cobra.Command {
	var from string
	cmd := &cobra.Command{
		Use: "export INCIDENT|ROLLBACK", Short: "Print the decision log as it is stored, an entry in each line",
		Long: `Print the decision log of an incident or a rollback as it is stored: an entry in each line, byte for byte, as the scheduler's own tools
read one.

` + evidenceHelp + "\n\n" + exitCodes,
		Example: `  kubectl strategy log export pnl-1 -n trading >decision_log.jsonl`,
		Args:    named("incident or rollback"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.eachEntry(cmd.Context(), args[0], from, func(line []byte) error {
				_, err := a.Out.Write(append(bytes.TrimRight(line, "\n"), '\n'))
				return err
			})
		},
	}
	addFrom(cmd, &from)
	return cmd
}

// eachEntry does something with each entry of a log, in order, up to the first that is not there.
func (a *app) eachEntry(ctx context.Context, argument, from string, do func(line []byte) error) error {
	found, err := a.recordOf(ctx, argument, from)
	if err != nil {
		return err
	}
	for n := int64(1); ; n++ {
		line, err := found.get(ctx, evidence.LogKey(found.folders[0]+"/", n))
		if errors.Is(err, evidence.ErrNotFound) || apierrors.IsNotFound(err) {
			if n == 1 {
				return refuse("%s has no entry in the decision log (%s)", show.Line(argument), found.folders[0])
			}
			return nil
		}
		if err != nil {
			return err
		}
		if err := do(line); err != nil {
			return err
		}
	}
}

func (a *app) showEntry(line []byte) error {
	var entry struct {
		Seq       int64     `json:"seq"`
		Timestamp time.Time `json:"timestamp"`
		Event     string    `json:"event"`
		Artefacts struct {
			By      string `json:"by"`
			Message string `json:"message"`
		} `json:"artefacts"`
	}
	if err := json.Unmarshal(line, &entry); err != nil {
		return fmt.Errorf("an entry of the decision log cannot be read: %w", err)
	}
	at := entry.Timestamp.Local()
	if a.utc {
		at = at.UTC()
	}
	by := ""
	if entry.Artefacts.By != "" {
		by = " (" + entry.Artefacts.By + ")"
	}
	_, err := fmt.Fprintln(a.Out, show.Line(fmt.Sprintf("%4d  %s  %-18s  %s%s", entry.Seq, at.Format("2006-01-02 15:04:05 MST"), entry.Event, entry.Artefacts.Message, by)))
	return err
}
