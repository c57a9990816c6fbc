package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
)

// holds are the commands that stop what is automatic, and let it go on.
var holds = []verdict{
	{
		word: "hold", value: strategyv1.DecisionHold, short: "Start nothing new: of a playbook, or of one incident",
		long: "Put a playbook or an incident on hold. Of a playbook nothing new is started for anything that runs on it: no Job, no edit, no\n" +
			"restart, no restore; of an incident no Job and no remedy. What is in force stays in force, and THE STRATEGIES GO ON TRADING:\n" +
			"to stop one, disable its schedule. Deadlines, records and calls go on.",
	},
	{
		word: "release", value: strategyv1.DecisionRelease, short: "End a hold",
		long: "Let a playbook or an incident go on that somebody put on hold. What was held back goes on where it was.",
	},
}

func newHold(a *app, v verdict) *cobra.Command {
	var flags decideFlags
	cmd := &cobra.Command{
		Use: v.word + " playbook/NAME | incident/NAME", Short: v.short,
		Long: v.long + "\n\n" + recorded + exitCodes,
		Args: named("playbook/NAME or incident/NAME"),
		RunE: func(cmd *cobra.Command, args []string) error { return a.hold(cmd.Context(), v, flags, args[0]) },
	}
	flags.add(cmd, v)
	return cmd
}

// hold records a decision about a playbook or an incident.
func (a *app) hold(ctx context.Context, v verdict, flags decideFlags, argument string) error {
	word, name, _ := strings.Cut(argument, "/")
	if name == "" || word != "playbook" && word != "incident" {
		return fmt.Errorf("%q is neither playbook/NAME nor incident/NAME", argument)
	}
	if err := a.needsReason(v, &flags); err != nil {
		return err
	}
	c, err := a.connect()
	if err != nil {
		return err
	}
	watch := name
	if word == "playbook" {
		v.kind, watch = strategyv1.KindPlaybook, ""
		err = c.get(ctx, v.kind, name, &strategyv1.StrategyPlaybook{})
	} else {
		v.kind = strategyv1.KindIncident
		_, err = c.incident(ctx, name)
	}
	if err != nil {
		return err
	}
	if flags.reason, err = a.reasonFor(ctx, v, flags.reason); err != nil {
		return err
	}
	return a.record(ctx, c, newDecision(c.namespace, v, name, "", flags.reason), watch, flags.wait)
}
