package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/show"
)

type approveFlags struct {
	reason string
	yes    bool
}

func newApprove(a *app) *cobra.Command {
	var flags approveFlags
	cmd := &cobra.Command{
		Use:   "approve NAME",
		Short: "Approve the plan of a rollback",
		Long: `Show the plan of a rollback, ask, and record your approval of exactly this plan: the StrategyDecision names the digest that
was shown, so if the plan changes meanwhile the approval is not honoured.

Without a terminal nobody can be asked, so --yes is needed. You need the right to create strategydecisions and the verb
approve on strategyrollbacks; whoever asked for a rollback may not approve it unless the playbook says so.

` + exitCodes,
		Args: named(strategyv1.KindRollback),
		RunE: func(cmd *cobra.Command, args []string) error { return a.approve(cmd.Context(), flags, args[0]) },
	}
	cmd.Flags().StringVar(&flags.reason, "reason", "", "why, for the decision log")
	cmd.Flags().BoolVar(&flags.yes, "yes", false, "do not ask")
	return cmd
}

func (a *app) approve(ctx context.Context, flags approveFlags, name string) error {
	c, err := a.connect()
	if err != nil {
		return err
	}
	rollback, err := c.rollback(ctx, strings.TrimPrefix(name, "rollback/"))
	if err != nil {
		return err
	}
	if why := rollbackRefusal(rollback, strategyv1.DecisionApprove); why != "" {
		return refuse("%s", why)
	}
	if _, err := io.WriteString(a.Out, show.Sheet(rollback, a.now(), a.layout(true))); err != nil {
		return err
	}
	if !flags.yes {
		if err := a.ask(ctx, "Approve?"); err != nil {
			return err
		}
	}
	decision := newDecision(c.namespace, strategyv1.KindRollback, rollback.Name, strategyv1.DecisionApprove, rollback.Status.Plan.Digest, flags.reason)
	return a.record(ctx, c, decision, watchName(rollback))
}

// ask returns nil if the person says yes.
func (a *app) ask(ctx context.Context, question string) error {
	if !a.isPerson() {
		return refuse("the input is no terminal, so nobody can be asked; look at the plan and add --yes")
	}
	fmt.Fprintf(a.Out, "%s [y/N] ", question)
	answers := make(chan string, 1)
	go func() { // reading cannot be interrupted
		line, err := bufio.NewReader(a.In).ReadString('\n')
		if err != nil && line == "" {
			line = "no"
		}
		answers <- line
	}()
	select {
	case <-ctx.Done():
		fmt.Fprintln(a.Out)
		return refuse("interrupted; nothing was recorded")
	case answer := <-answers:
		if answer = strings.ToLower(strings.TrimSpace(answer)); answer == "y" || answer == "yes" {
			return nil
		}
	}
	return refuse("not approved; nothing was recorded")
}
