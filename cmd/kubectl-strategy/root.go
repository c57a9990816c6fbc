package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
)

// app is what the commands share. Tests give it a clock and a cluster of their own.
type app struct {
	genericiooptions.IOStreams
	flags    *genericclioptions.ConfigFlags
	now      func() time.Time
	connect  func() (cluster, error)
	isPerson func() bool   // whether someone can be asked on the input
	pause    time.Duration // between two looks of status -w
	poll     time.Duration // between two looks for an answer
	ascii    bool
	utc      bool
}

func newApp(streams genericiooptions.IOStreams) *app {
	a := &app{IOStreams: streams, flags: genericclioptions.NewConfigFlags(true), pause: 2 * time.Second, poll: 200 * time.Millisecond}
	a.now = func() time.Time { // in the zone that times are shown in
		if a.utc {
			return time.Now().UTC()
		}
		return time.Now()
	}
	a.connect = func() (cluster, error) { return connect(a.flags, a.ErrOut) }
	a.isPerson = func() bool { return isTerminal(a.In) }
	return a
}

// run runs one command line and gives its exit code.
func run(ctx context.Context, a *app, args []string) int {
	root := newRoot(a)
	root.SetArgs(append([]string{}, args...)) // of nil cobra takes the arguments of the process
	root.SetIn(a.In)
	root.SetOut(a.Out)
	root.SetErr(a.ErrOut)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitDone
	}
	fmt.Fprintf(a.ErrOut, "error: %s\n", messageOf(err))
	return codeOf(err)
}

const exitCodes = `Exit codes: 0 done; 1 refused (by the rules of the operator, the state of the object, the API server or
you); 2 not understood or not reachable (usage, unreadable input, no such object, no cluster);
3 recorded, or waited for, and not answered in time.`

// shown are the flags of the cluster that help lists; the others of kubectl work as well.
var shown = []string{"kubeconfig", "context", "namespace", "as", "ascii", "utc"}

func newRoot(a *app) *cobra.Command {
	var inbox inboxFlags
	root := &cobra.Command{
		Use:           "kubectl-strategy",
		Annotations:   map[string]string{cobra.CommandDisplayNameAnnotation: "kubectl strategy"},
		Short:         "Incidents and rollbacks of a multi-strategy scheduler",
		Long:          "Show incidents as they run, see and decide on changes of the scheduler's configuration.\n\n" + inboxHelp + exitCodes,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return fmt.Errorf("unknown command %q%s; see %s --help", args[0], guess(args[0], verbsOf(cmd)), cmd.CommandPath())
			}
			return nil
		},
		Example: `  kubectl strategy -n trading
  kubectl strategy -A -w`,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.inbox(cmd.Context(), inbox) },
	}
	inbox.add(root)
	root.PersistentFlags().BoolVar(&a.ascii, "ascii", false, "draw with ASCII only (default where the terminal's language or type says so)")
	root.PersistentFlags().BoolVar(&a.utc, "utc", false, "show times in UTC, not in your zone")
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return fmt.Errorf("%w; see %s --help", err, cmd.CommandPath())
	})
	a.flags.AddFlags(root.PersistentFlags())
	root.PersistentFlags().VisitAll(func(flag *pflag.Flag) { flag.Hidden = !slices.Contains(shown, flag.Name) })
	const incident, rollback, playbook = strategyv1.KindIncident, strategyv1.KindRollback, strategyv1.KindPlaybook
	root.AddCommand(newReport(a), newPlan(a), newLint(a), newPostmortem(a), newVersion(a), newReference(a),
		a.completes(newStatus(a), false, incident, rollback, playbook), a.completes(newTimeline(a), false, incident, rollback), a.completes(newLogs(a), false, incident, rollback),
		a.completes(newWait(a), false, incident), a.completes(newPropose(a), false, incident),
		a.completes(newReview(a), false, playbook), a.completes(newOnCall(a), false, playbook), a.completes(newDoctor(a), false, playbook))
	root.AddCommand(newEvidence(a), newLog(a), a.completes(newBundle(a), false, incident, rollback))
	for _, verdict := range verdicts {
		if verdict.kind == rollback {
			root.AddCommand(a.completes(newDecide(a, verdict), false, rollback, incident))
		} else {
			root.AddCommand(a.completes(newDecide(a, verdict), false, incident))
		}
	}
	for _, verdict := range holds {
		root.AddCommand(a.completes(newEither(a, verdict, playbook, incident), true, playbook, incident))
	}
	root.AddCommand(a.completes(newEither(a, adoption, rollback, incident), true, rollback, incident))
	return root
}

func verbsOf(cmd *cobra.Command) (verbs []string) {
	for _, verb := range cmd.Commands() {
		verbs = append(verbs, verb.Name())
	}
	return verbs
}

// named takes exactly one name.
func named(what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != 1 {
			return fmt.Errorf("%s takes one %s, not %d arguments; see %s --help", cmd.CommandPath(), what, len(args), cmd.CommandPath())
		}
		return nil
	}
}
