package main

import (
	"context"
	"io"
	"slices"

	"github.com/spf13/cobra"
	"sigs.k8s.io/controller-runtime/pkg/client"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/show"
)

// shortTimeline is how many of the newest entries of a timeline are shown without --all.
const shortTimeline = 12

type statusFlags struct{ watch, all bool }

func newStatus(a *app) *cobra.Command {
	var flags statusFlags
	cmd := &cobra.Command{
		Use:     "status [incident/|rollback/]NAME",
		Aliases: []string{"get"},
		Short:   "Show an incident, or a rollback, as a tree",
		Long: `Show an incident with all that belongs to it, or one rollback, as a tree: deadlines, checks, cause, changes, proof, what happened
and what the next step is. A bare name is an incident, or else a rollback. Times are UTC.

With -w the tree is drawn again on each change until all is over; without a terminal only what is new is printed.

` + exitCodes,
		Example: `  kubectl strategy status pnl-cross-exchange -n trading -w
  kubectl strategy get rollback/pnl-cross-exchange-1a2b3c4d -n trading`,
		Args: named("incident or rollback"),
		RunE: func(cmd *cobra.Command, args []string) error { return a.status(cmd.Context(), flags, args[0]) },
	}
	cmd.Flags().BoolVarP(&flags.watch, "watch", "w", false, "follow until it is over")
	cmd.Flags().BoolVar(&flags.all, "all", false, "show whole messages, diffs and timelines")
	return cmd
}

func (a *app) status(ctx context.Context, flags statusFlags, argument string) error {
	c, err := a.connect()
	if err != nil {
		return err
	}
	ref, err := c.resolve(ctx, argument, strategyv1.KindIncident, strategyv1.KindRollback)
	if err != nil {
		return err
	}
	if flags.watch {
		return a.watch(ctx, c, ref, flags.all)
	}
	subject, err := c.subject(ctx, ref)
	if err != nil {
		return err
	}
	_, err = io.WriteString(a.Out, show.Tree(subject, a.now(), a.layout(flags.all)))
	return err
}

// subject reads what a reference names, an incident with its rollbacks.
func (c cluster) subject(ctx context.Context, ref reference) (show.Subject, error) {
	if ref.kind == strategyv1.KindRollback {
		rollback, err := c.rollback(ctx, ref.name)
		if err != nil {
			return show.Subject{}, err
		}
		return show.Subject{Rollbacks: []strategyv1.StrategyRollback{*rollback}}, nil
	}
	incident, err := c.incident(ctx, ref.name)
	if err != nil {
		return show.Subject{}, err
	}
	var list strategyv1.StrategyRollbackList
	if err := c.List(ctx, &list, client.InNamespace(c.namespace)); err != nil {
		return show.Subject{}, c.explain(err, strategyv1.KindRollback, ref.name)
	}
	subject := show.Subject{Incident: incident}
	for i := range list.Items {
		if belongs(&list.Items[i], incident) {
			subject.Rollbacks = append(subject.Rollbacks, list.Items[i])
		}
	}
	slices.SortStableFunc(subject.Rollbacks, func(x, y strategyv1.StrategyRollback) int {
		return x.CreationTimestamp.Compare(y.CreationTimestamp.Time)
	})
	return subject, nil
}

// belongs: by name, and by UID where the operator wrote one, since an earlier incident may have had the same name.
func belongs(rollback *strategyv1.StrategyRollback, incident *strategyv1.StrategyIncident) bool {
	uid := rollback.Spec.IncidentUID
	return rollback.Spec.IncidentName == incident.Name && (uid == "" || uid == string(incident.UID))
}
