package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"
	"sigs.k8s.io/controller-runtime/pkg/client"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/conditions"
	"tradeops.dev/strategy-operator/internal/show"
)

func newTimeline(a *app) *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use:   "timeline INCIDENT | ROLLBACK",
		Short: "Show what happened, in order",
		Long: `Show what happened to an incident and its rollbacks, or to one rollback, the newest last, by whom, in whole. An object keeps the newest
48 entries; all of them, signed, are in the decision log.

` + exitCodes,
		Args: named("incident or rollback"),
		RunE: func(cmd *cobra.Command, args []string) error { return a.timeline(cmd.Context(), args[0], output) },
	}
	addOutput(cmd, &output)
	return cmd
}

func (a *app) timeline(ctx context.Context, argument, output string) error {
	if err := knownOutput(output); err != nil {
		return err
	}
	c, err := a.connect()
	if err != nil {
		return err
	}
	ref, err := c.resolve(ctx, argument, strategyv1.KindIncident, strategyv1.KindRollback)
	if err != nil {
		return err
	}
	subject, err := c.subject(ctx, ref)
	if err != nil {
		return err
	}
	moments := show.Moments(subject)
	switch output {
	case "":
		_, err = io.WriteString(a.Out, show.Timeline(moments, a.now(), a.layout(true)))
		return err
	case "name":
		for _, one := range moments {
			fmt.Fprintln(a.Out, one.Of)
		}
		return nil
	}
	return a.printAs(output, map[string]any{"items": moments})
}

func newOnCall(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "oncall [PLAYBOOK]",
		Short: "Show who is on call now",
		Long: `Show who is on call now, by level and until when, as the rotation of each playbook has it, and how to reach them. That nobody is, or that
it is not known, is said.

` + exitCodes,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return a.onCall(cmd.Context(), args) },
	}
}

func (a *app) onCall(ctx context.Context, args []string) error {
	c, err := a.connect()
	if err != nil {
		return err
	}
	books, err := c.playbooks(ctx, args)
	if err != nil {
		return err
	}
	for i := range books {
		book := &books[i]
		text := show.OnCall(book, a.now())
		if text == "" {
			text = "not known: " + or(show.Line(conditions.Message(book.Status.Conditions, strategyv1.ConditionOnCallKnown)), "the playbook has no rotation")
		}
		if _, err := fmt.Fprintf(a.Out, "%s: %s\n", show.Line(book.Name), text); err != nil {
			return err
		}
	}
	return nil
}

// playbooks are the one that is named, or all of the namespace.
func (c cluster) playbooks(ctx context.Context, args []string) ([]strategyv1.StrategyPlaybook, error) {
	var list strategyv1.StrategyPlaybookList
	if len(args) > 0 {
		ref, err := c.resolve(ctx, args[0], strategyv1.KindPlaybook)
		if err != nil {
			return nil, err
		}
		var book strategyv1.StrategyPlaybook
		if err := c.get(ctx, ref.kind, ref.name, &book); err != nil {
			return nil, err
		}
		return []strategyv1.StrategyPlaybook{book}, nil
	}
	if err := c.List(ctx, &list, client.InNamespace(c.namespace)); err != nil {
		return nil, c.explain(err, strategyv1.KindPlaybook, "")
	}
	if len(list.Items) == 0 {
		return nil, refuse("namespace %s has no playbook; choose another namespace with -n", c.namespace)
	}
	return list.Items, nil
}
