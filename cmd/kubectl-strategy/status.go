package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"
	"sigs.k8s.io/controller-runtime/pkg/client"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/show"
)

// shortTimeline is how many of the newest entries of a timeline are shown without --all.
const shortTimeline = 12

type statusFlags struct {
	watch, all bool
	output     string
}

func newStatus(a *app) *cobra.Command {
	var flags statusFlags
	cmd := &cobra.Command{
		Use:     "status [incident/|rollback/|playbook/]NAME",
		Aliases: []string{"get"},
		Short:   "Show an incident, a rollback or a playbook: what to do first",
		Long: `Show an incident with its rollbacks, or one rollback, on one screen: whose turn it is and what to do first, then what happened, the
cause, the change with its diff, how far it is, and what runs now. With --all it is a tree of everything that is known.

A bare name is an incident, or else a rollback, or else a playbook. Times are in your zone, or with --utc in UTC; those within messages of the operator
are UTC.

With -w it is shown again on each change until all is over; without a terminal only what is new is printed.

` + exitCodes,
		Example: `  kubectl strategy status pnl-cross-exchange -n trading -w
  kubectl strategy get rollback/pnl-cross-exchange-1a2b3c4d -n trading`,
		Args: named("incident, rollback or playbook"),
		RunE: func(cmd *cobra.Command, args []string) error { return a.status(cmd.Context(), flags, args[0]) },
	}
	cmd.Flags().BoolVarP(&flags.watch, "watch", "w", false, "follow until it is over")
	cmd.Flags().BoolVar(&flags.all, "all", false, "show all that is known, as a tree")
	addOutput(cmd, &flags.output)
	return cmd
}

func (a *app) status(ctx context.Context, flags statusFlags, argument string) error {
	if err := knownOutput(flags.output); err != nil {
		return err
	}
	if flags.watch && flags.output != "" {
		return errors.New("-w shows an object to people; for programs: kubectl get -w -o json, or leave out -w")
	}
	c, err := a.connect()
	if err != nil {
		return err
	}
	ref, err := c.resolve(ctx, argument, strategyv1.KindIncident, strategyv1.KindRollback, strategyv1.KindPlaybook)
	if err != nil {
		return err
	}
	if ref.kind == strategyv1.KindPlaybook {
		return a.playbookStatus(ctx, c, flags, ref.name)
	}
	if flags.watch {
		return a.watch(ctx, c, ref, flags.all)
	}
	subject, err := c.subject(ctx, ref)
	if err != nil {
		return err
	}
	if flags.output != "" {
		return a.printSubject(subject, flags.output)
	}
	view := show.Brief
	if flags.all {
		view = show.Tree
	}
	_, err = io.WriteString(a.Out, view(subject, a.now(), a.layout(flags.all)))
	return err
}

// playbookStatus shows a playbook as it is now.
func (a *app) playbookStatus(ctx context.Context, c cluster, flags statusFlags, name string) error {
	if flags.watch {
		return errors.New("a playbook is never over, so there is nothing to wait for; leave out -w")
	}
	var book strategyv1.StrategyPlaybook
	if err := c.get(ctx, strategyv1.KindPlaybook, name, &book); err != nil {
		return err
	}
	switch flags.output {
	case "":
		_, err := io.WriteString(a.Out, show.Playbook(&book, a.now(), a.layout(flags.all)))
		return err
	case "name":
		_, err := fmt.Fprintf(a.Out, "%s/%s\n", singular(strategyv1.KindPlaybook), book.Name)
		return err
	}
	book.APIVersion, book.Kind = strategyv1.GroupVersion.String(), strategyv1.KindPlaybook
	return a.printAs(flags.output, &book)
}

// printSubject prints the objects as the API has them, the incident first.
func (a *app) printSubject(subject show.Subject, output string) error {
	var objects []any
	var names []string
	if subject.Incident != nil {
		subject.Incident.APIVersion, subject.Incident.Kind = strategyv1.GroupVersion.String(), strategyv1.KindIncident
		objects, names = append(objects, subject.Incident), append(names, singular(strategyv1.KindIncident)+"/"+subject.Incident.Name)
	}
	for i := range subject.Rollbacks {
		subject.Rollbacks[i].APIVersion, subject.Rollbacks[i].Kind = strategyv1.GroupVersion.String(), strategyv1.KindRollback
		objects, names = append(objects, &subject.Rollbacks[i]), append(names, singular(strategyv1.KindRollback)+"/"+subject.Rollbacks[i].Name)
	}
	if output != "name" {
		return a.printAs(output, map[string]any{"apiVersion": "v1", "kind": "List", "items": objects})
	}
	for _, name := range names {
		fmt.Fprintln(a.Out, name)
	}
	return nil
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
