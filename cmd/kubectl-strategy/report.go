package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/conditions"
	"tradeops.dev/strategy-operator/internal/lifecycle"
	"tradeops.dev/strategy-operator/internal/show"
)

// maxSummary is how long the text of a report may be, as the API server has it.
const maxSummary = 512

type reportFlags struct {
	playbook, schedule, strategy, severity, dryRun string
	drill, yes, watch                              bool
}

func newReport(a *app) *cobra.Command {
	var flags reportFlags
	cmd := &cobra.Command{
		Use:   `report TYPE ["what you see"]`,
		Short: "Report an incident",
		Long: `Report an incident: the procedure of a playbook starts, its clocks run, and L1 is called. TYPE is one of ` + listed(incidentTypes()) + `.
Upper and lower case do not matter. A schedule or strategy must be one that the scheduler has, as the playbook says.

If an incident about the same is open already, it is shown and you are asked. Without a terminal nobody can be asked, so --yes is
needed. The report is in your name: a change that follows from it is for somebody else to approve.

` + exitCodes,
		Example: `  kubectl strategy report PnL --schedule cross_exchange_watch --severity Critical "loses since 10:00" -n trading -w
  kubectl strategy report latency --drill -n trading`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) < 1 || len(args) > 2 {
				return fmt.Errorf("%s takes a type and, in quotes, a text, not %d arguments; see %s --help", cmd.CommandPath(), len(args), cmd.CommandPath())
			}
			return nil
		},
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return incidentTypes(), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error { return a.report(cmd.Context(), flags, args) },
	}
	set := cmd.Flags()
	set.StringVar(&flags.playbook, "playbook", "", "the procedure to run (default: the only playbook of the namespace)")
	set.StringVar(&flags.schedule, "schedule", "", "the schedule that is concerned")
	set.StringVar(&flags.strategy, "strategy", "", "the strategy that is concerned: all schedules that use it")
	set.StringVar(&flags.severity, "severity", string(strategyv1.SeverityWarning), "how bad it is: "+listed(severities()))
	set.BoolVar(&flags.drill, "drill", false, "an exercise: the whole procedure on a copy of the configuration that no scheduler reads")
	set.BoolVar(&flags.yes, "yes", false, "do not ask")
	set.BoolVarP(&flags.watch, "watch", "w", false, "follow until it is over")
	set.StringVar(&flags.dryRun, "dry-run", "", `"server": let the API server check the report, and record nothing`)
	set.Lookup("dry-run").NoOptDefVal = "server"
	cmd.MarkFlagsMutuallyExclusive("schedule", "strategy")
	a.completeReport(cmd, &flags)
	return cmd
}

// report records an incident, and says who is called.
func (a *app) report(ctx context.Context, flags reportFlags, args []string) error {
	incident, err := newReported(flags, args)
	if err != nil {
		return err
	}
	c, err := a.connect()
	if err != nil {
		return err
	}
	book, err := c.reportTo(ctx, flags.playbook)
	if err != nil {
		return err
	}
	incident.Namespace, incident.Spec.PlaybookName = c.namespace, book.Name
	if err := a.target(incident, book); err != nil {
		return err
	}
	word := dashed(string(incident.Spec.Type))
	if incident.Spec.Mode == strategyv1.IncidentDrill { // so nobody takes it for a real one, whichever columns they see
		word = "drill-" + word
	}
	incident.GenerateName = prefixOf(word, dashed(incident.Spec.Schedule+incident.Spec.Strategy))
	if err := a.known(ctx, c, incident, flags.yes || flags.dryRun != ""); err != nil {
		return err
	}
	if incident.Spec.RequestedBy, err = a.user(ctx, c); err != nil {
		return err
	}
	var options []client.CreateOption
	if flags.dryRun != "" {
		options = append(options, client.DryRunAll)
	}
	if err := c.Create(ctx, incident, options...); err != nil {
		if apierrors.IsForbidden(err) {
			return err
		}
		return c.explain(err, strategyv1.KindIncident, incident.GenerateName)
	}
	if flags.dryRun != "" {
		_, err = fmt.Fprintf(a.Out, "the API server accepts the report (dry run: nothing was recorded, nobody is called); playbook %s\n", book.Name)
		return err
	}
	if err := a.reported(incident, book); err != nil {
		return err
	}
	if flags.watch {
		return a.watch(ctx, c, reference{strategyv1.KindIncident, incident.Name}, false)
	}
	_, err = fmt.Fprintf(a.Out, "to watch what happens: kubectl strategy status %s -n %s -w\n", incident.Name, c.namespace)
	return err
}

// newReported is the incident, as far as the command line says it.
func newReported(flags reportFlags, args []string) (*strategyv1.StrategyIncident, error) {
	kind, err := oneOf("type of incident", args[0], incidentTypes())
	if err != nil {
		return nil, err
	}
	severity, err := oneOf("severity", flags.severity, severities())
	if err != nil {
		return nil, err
	}
	if flags.dryRun != "" && flags.dryRun != "server" {
		return nil, fmt.Errorf("--dry-run is server, not %q", flags.dryRun)
	}
	incident := &strategyv1.StrategyIncident{Spec: strategyv1.StrategyIncidentSpec{
		Type: strategyv1.IncidentType(kind), Severity: strategyv1.Severity(severity), Schedule: flags.schedule, Strategy: flags.strategy, Mode: strategyv1.IncidentLive,
	}}
	if flags.drill {
		incident.Spec.Mode = strategyv1.IncidentDrill
	}
	if len(args) > 1 {
		incident.Spec.Summary = strings.TrimSpace(args[1])
	}
	if long := len([]rune(incident.Spec.Summary)); long > maxSummary {
		return nil, fmt.Errorf("the text has %d characters; an incident takes %d", long, maxSummary)
	}
	return incident, nil
}

// known: a second report of an open incident is rarely meant. A dry run records none, so it asks nobody.
func (a *app) known(ctx context.Context, c cluster, incident *strategyv1.StrategyIncident, yes bool) error {
	var list strategyv1.StrategyIncidentList
	if err := c.List(ctx, &list, client.InNamespace(c.namespace)); err != nil {
		return c.explain(err, strategyv1.KindIncident, "")
	}
	found := false
	for i := range list.Items {
		other := &list.Items[i]
		if !lifecycle.Open(other) || !sameFault(other.Spec, incident.Spec) {
			continue
		}
		found = true
		fmt.Fprintf(a.Out, "strategyincident/%s is about the same, and open since %s (%s, severity %s): kubectl strategy status %s -n %s\n",
			show.Line(other.Name), other.CreationTimestamp.UTC().Format(time.DateTime), or(string(other.Status.Level), "not started"), lifecycle.Severity(other), other.Name, c.namespace)
	}
	if !found || yes {
		return nil
	}
	return a.ask(ctx, "A second report is closed as a duplicate, or raises the severity of the first. Report it all the same?")
}

// sameFault: what the operator takes for the same fault.
func sameFault(a, b strategyv1.StrategyIncidentSpec) bool {
	return a.PlaybookName == b.PlaybookName && a.Type == b.Type && a.Schedule == b.Schedule && a.Strategy == b.Strategy && a.Mode == b.Mode
}

// reported says what was recorded, and who is called for it now.
func (a *app) reported(incident *strategyv1.StrategyIncident, book *strategyv1.StrategyPlaybook) error {
	by := or(show.Line(incident.Spec.RequestedBy), "an unknown person")
	drill := ""
	if incident.Spec.Mode == strategyv1.IncidentDrill {
		drill = ", a drill"
	}
	_, err := fmt.Fprintf(a.Out, "strategyincident/%s created%s: %s, %s, by %s; playbook %s\n%s\n", incident.Name, drill, incident.Spec.Type, incident.Spec.Severity, by, book.Name, onCallNow(book))
	if !conditions.True(book.Status.Conditions, strategyv1.ConditionReady) {
		fmt.Fprintf(a.ErrOut, "Warning: playbook %s is not ready (%s), so the operator may start nothing for it: %s\n", book.Name,
			or(conditions.Reason(book.Status.Conditions, strategyv1.ConditionReady), "not looked at yet"), show.Line(conditions.Message(book.Status.Conditions, strategyv1.ConditionReady)))
	}
	if conditions.True(book.Status.Conditions, strategyv1.ConditionOnHold) {
		fmt.Fprintf(a.ErrOut, "Warning: playbook %s is on hold: clocks run, and nothing is started: %s\n", book.Name, show.Line(conditions.Message(book.Status.Conditions, strategyv1.ConditionOnHold)))
	}
	return err
}

// onCallNow is who is called for L1, as the playbook's rotation has it.
func onCallNow(book *strategyv1.StrategyPlaybook) string {
	for _, shift := range book.Status.OnCall {
		if shift.Level != strategyv1.LevelL1 {
			continue
		}
		if shift.Name == "" {
			return "on call for L1: nobody; call somebody yourself"
		}
		if shift.Contact == "" {
			return "on call for L1: " + show.Line(shift.Name)
		}
		return fmt.Sprintf("on call for L1: %s (%s)", show.Line(shift.Name), show.Line(shift.Contact))
	}
	return "on call for L1: not known, since the playbook has no rotation for it; call somebody yourself"
}

func or(text, instead string) string {
	if text == "" {
		return instead
	}
	return text
}
