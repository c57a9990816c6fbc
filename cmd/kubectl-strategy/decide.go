package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/show"
)

// maxPrefix is how much of a generated name a client can choose: the API server makes names of 63 characters at most, the
// last 5 of them at random.
const maxPrefix = 58

type decideFlags struct {
	reason string
	yes    bool
	valid  time.Duration // of an acknowledgement
	wait   time.Duration // for the answer
}

// add puts the flags that every verdict has on a command.
func (f *decideFlags) add(cmd *cobra.Command, v verdict) {
	why := "why, for the decision log"
	if v.value.NeedsReason() {
		why += " (needed; on a terminal you are asked)"
	}
	cmd.Flags().StringVar(&f.reason, "reason", "", why)
	cmd.Flags().DurationVar(&f.wait, "wait", 10*time.Second, "how long to wait for the answer; 0: not at all")
}

func newDecide(a *app, v verdict) *cobra.Command {
	var flags decideFlags
	long := v.long + "\n\n"
	switch {
	case v.agrees():
		long += asks
	case v.question != "":
		long += shows
	}
	use := v.word + " INCIDENT"
	if v.kind == strategyv1.KindRollback {
		use = v.word + " ROLLBACK | INCIDENT"
		long += byIncident
	}
	if v.ofPlaybooks() {
		use += " | " + ofPlaybook + "NAME"
	}
	cmd := &cobra.Command{
		Use:   use,
		Short: v.short,
		Long:  long + recorded + exitCodes,
		Args:  named(v.kind),
		RunE:  func(cmd *cobra.Command, args []string) error { return a.decide(cmd.Context(), v, flags, args[0]) },
	}
	flags.add(cmd, v)
	if v.value == strategyv1.DecisionAcknowledge {
		cmd.Flags().DurationVar(&flags.valid, "for", 10*time.Minute, "how long it holds, from 1m to 4h")
	}
	if v.question != "" {
		cmd.Flags().BoolVar(&flags.yes, "yes", false, "do not ask")
	}
	return cmd
}

// How long an acknowledgement may hold, as the API server has it.
const (
	shortestHold = time.Minute
	longestHold  = 4 * time.Hour
)

func (a *app) decide(ctx context.Context, v verdict, flags decideFlags, name string) error {
	if v.value == strategyv1.DecisionAcknowledge && (flags.valid < shortestHold || flags.valid > longestHold) {
		return fmt.Errorf("an acknowledgement cannot hold for %s; give --for a time from 1m to 4h", flags.valid)
	}
	if err := a.needsReason(v, &flags); err != nil {
		return err
	}
	c, err := a.connect()
	if err != nil {
		return err
	}
	if book, err := parse(name, strategyv1.KindPlaybook); err == nil && book.kind != "" && v.ofPlaybooks() {
		return a.decidePlaybook(ctx, c, v, flags, book.name)
	}
	if v.kind == strategyv1.KindRollback {
		return a.decideRollback(ctx, c, v, flags, name)
	}
	ref, err := c.resolve(ctx, name, strategyv1.KindIncident)
	if err != nil {
		return err
	}
	incident, err := c.incident(ctx, ref.name)
	if err != nil {
		return err
	}
	if why := incidentRefusal(incident, v.value); why != "" {
		return refuse("%s", why)
	}
	reason, err := a.reasonFor(ctx, v, flags.reason)
	if err != nil {
		return err
	}
	decision := newDecision(c.namespace, v, incident.Name, "", reason)
	decision.Spec.ValidSeconds = int32(flags.valid / time.Second) //nolint:gosec // at most longestHold
	return a.record(ctx, c, decision, incident.Name, flags.wait)
}

// needsReason refuses at once where one is needed and nobody can be asked.
func (a *app) needsReason(v verdict, flags *decideFlags) error {
	flags.reason = strings.TrimSpace(flags.reason)
	if flags.reason == "" && v.value.NeedsReason() && !a.isPerson() {
		return fmt.Errorf("%s needs a reason, for the decision log, and the input is no terminal where you could be asked; add --reason TEXT", v.word)
	}
	return nil
}

func (a *app) decideRollback(ctx context.Context, c cluster, v verdict, flags decideFlags, name string) error {
	rollback, err := c.theRollback(ctx, name, v)
	if err != nil {
		return err
	}
	digest, sheet := "", ""
	switch {
	case v.agrees():
		digest, sheet = rollback.Status.Plan.Digest, show.Sheet(rollback, a.now(), a.layout(true))
	case v.question != "":
		sheet = show.UndoSheet(c.undoing(ctx, rollback), a.now(), a.layout(true))
	}
	if _, err := io.WriteString(a.Out, sheet); err != nil {
		return err
	}
	reason, err := a.reasonFor(ctx, v, flags.reason)
	if err != nil {
		return err
	}
	if v.question != "" && !flags.yes {
		if err := a.ask(ctx, v.question); err != nil {
			return err
		}
	}
	return a.record(ctx, c, newDecision(c.namespace, v, rollback.Name, digest, reason), watchName(rollback), flags.wait)
}

// undoing is what there is to see of a rollback that is to be undone. Who may not read its incident, or the playbook, sees less of it.
func (c cluster) undoing(ctx context.Context, rollback *strategyv1.StrategyRollback) show.Undoing {
	seen, spec := show.Undoing{Rollback: rollback}, rollback.Spec
	if spec.IncidentName != "" {
		if incident, err := c.incident(ctx, spec.IncidentName); err == nil {
			seen.Incident = incident
		}
	}
	var book strategyv1.StrategyPlaybook
	if err := c.get(ctx, strategyv1.KindPlaybook, spec.PlaybookName, &book); err == nil {
		for _, remedy := range book.Spec.Remediations {
			if remedy.Name == spec.RemediationName {
				seen.Gate = remedy.Restore
			}
		}
	}
	return seen
}

// newDecision is the record of a decision, without who decided.
func newDecision(namespace string, v verdict, name, digest, reason string) *strategyv1.StrategyDecision {
	return &strategyv1.StrategyDecision{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, GenerateName: prefixOf(v.word, name)},
		Spec: strategyv1.StrategyDecisionSpec{
			Target: strategyv1.DecisionTarget{Kind: v.kind, Name: name}, Verdict: v.value, Digest: digest, Reason: reason,
		},
	}
}

// prefixOf is word-target-, cut so that it ends in a dash and is a part of a valid name.
func prefixOf(word, target string) string {
	prefix := word + "-" + target
	if len(prefix) > maxPrefix-1 {
		prefix = prefix[:maxPrefix-1]
	}
	return strings.TrimRight(prefix, "-.") + "-"
}

// record creates a decision in the name of whoever runs the command and says what came of it. watch is what to look at then; empty: nothing.
func (a *app) record(ctx context.Context, c cluster, decision *strategyv1.StrategyDecision, watch string, wait time.Duration) error {
	var err error
	if decision.Spec.By, err = a.user(ctx, c); err != nil {
		return err
	}
	if err := c.Create(ctx, decision); err != nil {
		return c.explainCreate(err, decision)
	}
	by := show.Line(decision.Spec.By)
	if by == "" { // only where nobody says who one is, and neither stamps nor checks are installed
		fmt.Fprintln(a.ErrOut, "Warning: nobody stamped who decided, so the operator will not honour it; install its admission policies")
		by = "an unknown person"
	}
	if _, err = fmt.Fprintf(a.Out, "strategydecision/%s created: %s of %s by %s\n", decision.Name, decision.Spec.Verdict, decision.Spec.Target.Name, by); err != nil {
		return err
	}
	if wait > 0 {
		if err = a.await(ctx, c, decision, wait); err != nil {
			return err
		}
	}
	if watch == "" {
		return nil
	}
	_, err = fmt.Fprintf(a.Out, "to watch what happens: kubectl strategy status %s -n %s -w\n", watch, c.namespace)
	return err
}

func (c cluster) explainCreate(err error, decision *strategyv1.StrategyDecision) error {
	if meta.IsNoMatchError(err) {
		return c.explain(err, strategyv1.KindDecision, decision.Spec.Target.Name)
	}
	return err
}

// watchName is what to look at after a decision about a rollback: its incident, if there is one.
func watchName(rollback *strategyv1.StrategyRollback) string {
	if rollback.Spec.IncidentName != "" {
		return rollback.Spec.IncidentName
	}
	return "rollback/" + rollback.Name
}

func (c cluster) incident(ctx context.Context, name string) (*strategyv1.StrategyIncident, error) {
	var incident strategyv1.StrategyIncident
	return &incident, c.get(ctx, strategyv1.KindIncident, name, &incident)
}

func (c cluster) rollback(ctx context.Context, name string) (*strategyv1.StrategyRollback, error) {
	var rollback strategyv1.StrategyRollback
	return &rollback, c.get(ctx, strategyv1.KindRollback, name, &rollback)
}

func (c cluster) get(ctx context.Context, kind, name string, into client.Object) error {
	if err := c.Get(ctx, types.NamespacedName{Namespace: c.namespace, Name: name}, into); err != nil {
		return c.explain(err, kind, name)
	}
	return nil
}
