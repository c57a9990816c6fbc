package main

import (
	"context"
	"fmt"

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

// adoption is the command that takes over the checks of the playbook as it is now.
var adoption = verdict{
	word: "adopt-checks", value: strategyv1.DecisionAdoptChecks, short: "Take over the checks of the playbook as it is now",
	long: "Take over the checks and the proof of the playbook's newest revision for a rollback or an incident that runs on an earlier one: what\n" +
		"they could not tell, or told wrongly, is asked again. For a check that is broken: fix the playbook first. All else stays as it\n" +
		"was when the object started: rules, remedies, times.",
}

// newEither is a command about an object of one of two kinds, which its argument names: "playbook/NAME | incident/NAME".
func newEither(a *app, v verdict, kinds ...string) *cobra.Command {
	var flags decideFlags
	words := firstWords(kinds)
	cmd := &cobra.Command{
		Use: fmt.Sprintf("%s %s/NAME | %s/NAME", v.word, words[0], words[1]), Short: v.short,
		Long: v.long + "\n\n" + recorded + exitCodes,
		Args: named(fmt.Sprintf("%s/NAME or %s/NAME", words[0], words[1])),
		RunE: func(cmd *cobra.Command, args []string) error {
			ref, err := parse(args[0], kinds...)
			if err != nil {
				return err
			}
			if ref.kind == "" { // a hold of a playbook is far more than one of an incident: nobody is to guess
				return fmt.Errorf("say of which kind %q is: %s", args[0], forms(kinds))
			}
			return a.decideEither(cmd.Context(), v, flags, ref)
		},
	}
	flags.add(cmd, v)
	return cmd
}

// decideEither records a decision about an object of the kind that was said.
func (a *app) decideEither(ctx context.Context, v verdict, flags decideFlags, ref reference) error {
	if err := a.needsReason(v, &flags); err != nil {
		return err
	}
	c, err := a.connect()
	if err != nil {
		return err
	}
	if ref, err = c.resolve(ctx, kindWords[ref.kind][0]+"/"+ref.name, ref.kind); err != nil {
		return err
	}
	v.kind = ref.kind
	watch, why := ref.name, ""
	switch ref.kind {
	case strategyv1.KindPlaybook:
		watch = ""
	case strategyv1.KindRollback:
		var rollback *strategyv1.StrategyRollback
		if rollback, err = c.rollback(ctx, ref.name); err == nil {
			watch, why = watchName(rollback), rollbackRefusal(rollback, v.value)
		}
	default:
		var incident *strategyv1.StrategyIncident
		if incident, err = c.incident(ctx, ref.name); err == nil && v.value == strategyv1.DecisionAdoptChecks {
			why = incidentRefusal(incident, v.value)
		}
	}
	if err != nil {
		return err
	}
	if why != "" {
		return refuse("%s", why)
	}
	if flags.reason, err = a.reasonFor(ctx, v, flags.reason); err != nil {
		return err
	}
	return a.record(ctx, c, newDecision(c.namespace, v, ref.name, "", flags.reason), watch, flags.wait)
}
