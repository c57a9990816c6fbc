package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/change"
	"tradeops.dev/strategy-operator/internal/conditions"
	"tradeops.dev/strategy-operator/internal/lifecycle"
	"tradeops.dev/strategy-operator/internal/show"
)

// longestBox is how long a time box may be, as the API server has it.
const longestBox = 30 * 24 * time.Hour

type proposeFlags struct {
	remedy, disable, reason string
	box, wait               time.Duration
	dryRun                  bool
}

func newPropose(a *app) *cobra.Command {
	var flags proposeFlags
	cmd := &cobra.Command{
		Use:   "propose INCIDENT (--remedy NAME | --disable SCHEDULE [--for 4h])",
		Short: "Ask for a remedy of your own for an incident",
		Long: `Ask for a remedy of your own for an incident: one that its playbook has, or to disable one schedule for a time. It is a rollback in
your name, so somebody else approves it: nothing is changed before. The plan is shown as soon as the operator has made it. It needs
the right to create strategyrollbacks (see the shipped roles).

With --dry-run it is planned, probed and measured, needs no approval, and changes nothing.

` + exitCodes,
		Example: `  kubectl strategy propose pnl-1 --disable cross_exchange_watch --for 4h --reason "loses since 10:00"
  kubectl strategy propose pnl-1 --remedy switch-feed --reason "binance is down" --dry-run`,
		Args: named("incident"),
		RunE: func(cmd *cobra.Command, args []string) error { return a.propose(cmd.Context(), flags, args[0]) },
	}
	set := cmd.Flags()
	set.StringVar(&flags.remedy, "remedy", "", "the remedy of the playbook")
	set.StringVar(&flags.disable, "disable", "", "the schedule to disable")
	set.DurationVar(&flags.box, "for", 4*time.Hour, "how long the schedule is disabled, to 720h")
	set.StringVar(&flags.reason, "reason", "", "why; it is written into the scheduler's configuration, too (needed; on a terminal you are asked)")
	set.BoolVar(&flags.dryRun, "dry-run", false, "plan, probe and measure, and change nothing")
	set.DurationVar(&flags.wait, "wait", 10*time.Second, "how long to wait for the plan; 0: not at all")
	cmd.MarkFlagsMutuallyExclusive("remedy", "disable")
	cmd.MarkFlagsOneRequired("remedy", "disable")
	cmd.MarkFlagsMutuallyExclusive("remedy", "for")
	a.completesFlag(cmd, "remedy", ofItsPlaybook(remediesOf))
	a.completesFlag(cmd, "disable", ofItsPlaybook(schedulesOf))
	return cmd
}

// ofItsPlaybook are names of the playbook of the incident that is named.
func ofItsPlaybook(names func(*strategyv1.StrategyPlaybook) []string) func(context.Context, cluster, []string) []string {
	return func(ctx context.Context, c cluster, args []string) []string {
		if len(args) != 1 {
			return nil
		}
		ref, err := c.resolve(ctx, args[0], strategyv1.KindIncident)
		if err != nil {
			return nil
		}
		incident, err := c.incident(ctx, ref.name)
		if err != nil {
			return nil
		}
		var book strategyv1.StrategyPlaybook
		if err := c.get(ctx, strategyv1.KindPlaybook, incident.Spec.PlaybookName, &book); err != nil {
			return nil
		}
		return names(&book)
	}
}

// remediesOf are those that change something.
func remediesOf(book *strategyv1.StrategyPlaybook) (names []string) {
	for _, remedy := range book.Spec.Remediations {
		if len(remedy.Actions) > 0 {
			names = append(names, remedy.Name)
		}
	}
	return names
}

func (a *app) propose(ctx context.Context, flags proposeFlags, argument string) error {
	if flags.box < time.Minute || flags.box > longestBox {
		return fmt.Errorf("a schedule cannot be disabled for %s; give --for a time from 1m to 720h", flags.box)
	}
	flags.reason = strings.TrimSpace(flags.reason)
	if flags.reason == "" && !a.isPerson() {
		return errors.New("propose needs a reason, and the input is no terminal where you could be asked; add --reason TEXT")
	}
	c, err := a.connect()
	if err != nil {
		return err
	}
	ref, err := c.resolve(ctx, argument, strategyv1.KindIncident)
	if err != nil {
		return err
	}
	incident, err := c.incident(ctx, ref.name)
	if err != nil {
		return err
	}
	if !lifecycle.Open(incident) {
		return refuse("incident %s is not open (%s), so there is nothing to remedy", incident.Name, conditions.Reason(incident.Status.Conditions, strategyv1.ConditionReady))
	}
	var book strategyv1.StrategyPlaybook
	if err := c.get(ctx, strategyv1.KindPlaybook, incident.Spec.PlaybookName, &book); err != nil {
		return err
	}
	rollback, err := a.proposed(flags, incident, &book)
	if err != nil {
		return err
	}
	if rollback.Spec.Reason, err = a.whyPropose(ctx, flags.reason); err != nil {
		return err
	}
	return a.recordProposal(ctx, c, rollback, flags)
}

// whyPropose is the reason that was given, or that the person gives now.
func (a *app) whyPropose(ctx context.Context, given string) (string, error) {
	if given != "" {
		return given, nil
	}
	reason, err := a.answer(ctx, "Reason, for the decision log and the configuration: ")
	if err == nil && reason == "" {
		err = refuse("propose needs a reason and you gave none; nothing was recorded")
	}
	return reason, err
}

// recordProposal creates the rollback in the name of whoever runs the command.
func (a *app) recordProposal(ctx context.Context, c cluster, rollback *strategyv1.StrategyRollback, flags proposeFlags) error {
	var err error
	if rollback.Spec.RequestedBy, err = a.user(ctx, c); err != nil {
		return err
	}
	if err := c.Create(ctx, rollback); err != nil {
		if apierrors.IsForbidden(err) {
			return err
		}
		return c.explain(err, strategyv1.KindRollback, rollback.GenerateName)
	}
	return a.afterProposal(ctx, c, rollback, flags)
}

// proposed is the rollback, as far as the command line says it.
func (a *app) proposed(flags proposeFlags, incident *strategyv1.StrategyIncident, book *strategyv1.StrategyPlaybook) (*strategyv1.StrategyRollback, error) {
	rollback := &strategyv1.StrategyRollback{
		ObjectMeta: metav1.ObjectMeta{Namespace: incident.Namespace, GenerateName: prefixOf("own", incident.Name)},
		Spec: strategyv1.StrategyRollbackSpec{
			PlaybookName: book.Name, IncidentName: incident.Name, DesiredState: strategyv1.StateApplied, Mode: modeOf(incident, flags.dryRun),
		},
	}
	if flags.disable != "" {
		asked := &strategyv1.StrategyIncident{Spec: strategyv1.StrategyIncidentSpec{Schedule: flags.disable}}
		if err := a.target(asked, book); err != nil {
			return nil, err
		}
		rollback.Spec.MaxDurationSeconds = new(int32(flags.box / time.Second)) //nolint:gosec // at most longestBox
		rollback.Spec.Actions = []strategyv1.RollbackAction{{Type: strategyv1.ActionDisableSchedule, Schedule: asked.Spec.Schedule}}
		return rollback, nil
	}
	var names []string
	for _, remedy := range book.Spec.Remediations {
		names = append(names, remedy.Name)
		if remedy.Name != flags.remedy {
			continue
		}
		if len(remedy.Actions) == 0 {
			return nil, refuse("remedy %s of playbook %s is a proposal for people, and changes nothing by itself: see kubectl strategy status %s -n %s --all", remedy.Name, book.Name, incident.Name, incident.Namespace)
		}
		rollback.Spec.RemediationName = remedy.Name
		actions, fits := change.ForIncident(remedy.Actions, schedulesConcerned(incident), incident.Spec.Strategy)
		if !fits {
			return nil, refuse("remedy %s disables the schedules of the incident, and it is not known which those are; name one: --disable SCHEDULE", remedy.Name)
		}
		rollback.Spec.Actions = actions
		return rollback, nil
	}
	return nil, refuse("playbook %s has no remedy %q%s; it has: %s", book.Name, show.Line(flags.remedy), guess(flags.remedy, names), or(listed(names), "none"))
}

// modeOf a rollback for an incident: a drill changes a copy only.
func modeOf(incident *strategyv1.StrategyIncident, dryRun bool) strategyv1.RollbackMode {
	switch {
	case dryRun:
		return strategyv1.ModeDryRun
	case incident.Spec.Mode == strategyv1.IncidentDrill:
		return strategyv1.ModeDrill
	}
	return strategyv1.ModeLive
}

// schedulesConcerned are those of the cause, or the one that was reported.
func schedulesConcerned(incident *strategyv1.StrategyIncident) []string {
	if cause := incident.Status.Cause; cause != nil && len(cause.Schedules) > 0 {
		return cause.Schedules
	}
	if incident.Spec.Schedule != "" {
		return []string{incident.Spec.Schedule}
	}
	return nil
}

// afterProposal shows the plan, once there is one, and says who goes on.
func (a *app) afterProposal(ctx context.Context, c cluster, rollback *strategyv1.StrategyRollback, flags proposeFlags) error {
	if _, err := fmt.Fprintf(a.Out, "strategyrollback/%s created: %s, asked for by %s\n", rollback.Name, show.Change(rollback.Spec.Actions), or(show.Line(rollback.Spec.RequestedBy), "an unknown person")); err != nil {
		return err
	}
	if flags.wait > 0 {
		seen := rollback
		err := a.until(ctx, flags.wait, func(ctx context.Context) (done bool, err error) {
			seen, err = c.rollback(ctx, rollback.Name)
			return err == nil && (planned(seen) || lifecycle.Ended(seen.Status) || conditions.True(seen.Status.Conditions, strategyv1.ConditionStalled)), err
		})
		if err != nil {
			return c.late(err, flags.wait, fmt.Sprintf("strategyrollback/%s is recorded, and the operator has not planned it", rollback.Name),
				fmt.Sprintf(". It stands all the same: kubectl strategy status rollback/%s -n %s", rollback.Name, c.namespace))
		}
		if _, err := io.WriteString(a.Out, show.Sheet(seen, a.now(), a.layout(true))); err != nil {
			return err
		}
		if !planned(seen) {
			return refuse("rollback %s cannot be planned (%s)", rollback.Name, readyOf(seen))
		}
	}
	if flags.dryRun {
		return nil
	}
	_, err := fmt.Fprintf(a.Out, "somebody else decides: kubectl strategy approve %s -n %s (or deny)\n", rollback.Name, c.namespace)
	return err
}
