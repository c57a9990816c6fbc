package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tradeops.dev/strategy-operator/internal/offline"
	"tradeops.dev/strategy-operator/internal/show"
)

// maxFile bounds what is read: objects and ConfigMaps are smaller than that.
const maxFile = 4 << 20

type planFlags struct {
	playbook, config, until, output string
}

func newPlan(a *app) *cobra.Command {
	var flags planFlags
	cmd := &cobra.Command{
		Use:   "plan --playbook FILE --config FILE ROLLBACK-FILE",
		Short: "Show what a rollback would change, without a cluster",
		Long: `Show what a rollback would change, without a cluster: from a StrategyPlaybook, the scheduler's configuration document
and a StrategyRollback, by the operator's own code. Fields that the API does not know are errors. A file may be "-" for the
standard input, one of them at most. Files may hold objects of other kinds as well.

The end of the time box is part of the change. The operator pins it when it plans; here it is --until, or the time box of
the rollback (or of its remediation) counted from now.

` + exitCodes,
		Example: `  kubectl strategy plan --playbook playbook.yaml --config core.yaml rollback.yaml
  kubectl strategy plan --playbook playbook.yaml --config core.yaml -o yaml rollback.yaml > edited.yaml`,
		Args: named("file with a StrategyRollback"),
		RunE: func(_ *cobra.Command, args []string) error { return a.plan(flags, args[0]) },
	}
	cmd.Flags().StringVar(&flags.playbook, "playbook", "", "file with the StrategyPlaybook")
	cmd.Flags().StringVar(&flags.config, "config", "", "file with the scheduler's configuration document, like core.yaml")
	cmd.Flags().StringVar(&flags.until, "until", "", "end of the time box, RFC 3339 like 2026-11-23T14:15:00Z")
	cmd.Flags().StringVarP(&flags.output, "output", "o", "diff", "what to print: diff (unified) or yaml (the edited document)")
	return cmd
}

func (a *app) plan(flags planFlags, rollbackFile string) error {
	if flags.playbook == "" || flags.config == "" {
		return errors.New("plan needs --playbook and --config; see kubectl strategy plan --help")
	}
	if flags.output != "diff" && flags.output != "yaml" {
		return fmt.Errorf("unknown output %q; use -o diff or -o yaml", flags.output)
	}
	in := offline.Input{Now: a.now()}
	if flags.until != "" {
		until, err := time.Parse(time.RFC3339, flags.until)
		if err != nil {
			return fmt.Errorf("--until %q is not a time; write it like 2026-11-23T14:15:00Z", flags.until)
		}
		in.Until = &until
	}
	if err := oneStdin([]string{flags.playbook, flags.config, rollbackFile}); err != nil {
		return err
	}
	for file, into := range map[*string]*offline.Text{&flags.playbook: &in.Playbook, &flags.config: &in.Config, &rollbackFile: &in.Rollback} {
		into.Name = *file
	}
	for _, text := range []*offline.Text{&in.Playbook, &in.Config, &in.Rollback} {
		if err := a.read(text); err != nil {
			return err
		}
	}
	plan, err := offline.Compute(in)
	if err != nil {
		return err
	}
	return a.printPlan(plan, flags, in.Until != nil)
}

func (a *app) printPlan(plan offline.Plan, flags planFlags, pinned bool) error {
	if plan.Diff == "" {
		fmt.Fprintln(a.ErrOut, "nothing would change: the configuration holds every edit already")
	}
	if !pinned && !plan.Until.IsZero() {
		fmt.Fprintf(a.ErrOut, "time box until %s, counted from now; the operator pins it at its own plan\n", plan.Until.Format(time.RFC3339))
	}
	text := plan.Diff
	switch {
	case flags.output == "yaml":
		text = plan.After.String()
	case isTerminal(a.Out) && text != "":
		text = strings.Join(show.Lines(text), "\n") + "\n"
	}
	_, err := io.WriteString(a.Out, text)
	return err
}

// read fills in a text. Its name is the file's.
func (a *app) read(text *offline.Text) error {
	from := a.In
	if text.Name == "-" {
		text.Name = "standard input"
	} else {
		file, err := os.Open(text.Name)
		if err != nil {
			return fmt.Errorf("cannot read a file: %w", err)
		}
		defer file.Close()
		from = file
	}
	data, err := io.ReadAll(io.LimitReader(from, maxFile+1))
	if err != nil {
		return fmt.Errorf("cannot read %s: %w", text.Name, err)
	}
	if len(data) > maxFile {
		return fmt.Errorf("%s has more than %d bytes; is it the right file?", text.Name, maxFile)
	}
	text.Data = data
	return nil
}
