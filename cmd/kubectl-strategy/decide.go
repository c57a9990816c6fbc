package main

import (
	"context"
	"fmt"
	"strings"

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

// verdict is a command that records a decision without asking first.
type verdict struct {
	word  string // the command
	value strategyv1.DecisionVerdict
	kind  string // of the target
	short string
	long  string
}

// verdicts are these commands; approve is one of its own.
var verdicts = []verdict{
	{"deny", strategyv1.DecisionDeny, strategyv1.KindRollback, "Deny a rollback before it is applied",
		"Deny a rollback: nothing is changed, and it cannot be approved any more. A rollback that is applied is undone by restore."},
	{"restore", strategyv1.DecisionRestore, strategyv1.KindRollback, "Undo a rollback",
		"Ask the operator to undo exactly what a rollback changed. The playbook's gate is checked first; the scheduler is restarted, and\n" +
			"what was disabled trades again. A rollback that is not applied yet is withdrawn."},
	{"escalate", strategyv1.DecisionEscalate, strategyv1.KindIncident, "Hand an incident over to L2",
		"Hand an incident over from L1 to L2 now."},
	{"false-alarm", strategyv1.DecisionFalseAlarm, strategyv1.KindIncident, "Close an incident as a false alarm",
		"Close an incident as a false alarm. An incident with a rollback is none: restore or deny that one, then resolve."},
	{"resolve", strategyv1.DecisionResolve, strategyv1.KindIncident, "Close an incident as resolved",
		"Close an incident as resolved. A rollback that is applied stays applied until it is restored."},
}

func newDecide(a *app, v verdict) *cobra.Command {
	var reason string
	cmd := &cobra.Command{
		Use:   v.word + " NAME",
		Short: v.short,
		Long: v.long + "\n\nThe decision is a StrategyDecision, recorded in your name. It needs the right to create strategydecisions and the\n" +
			"verb for it on the target (see the shipped roles).\n\n" + exitCodes,
		Args: named(v.kind),
		RunE: func(cmd *cobra.Command, args []string) error { return a.decide(cmd.Context(), v, args[0], reason) },
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why, for the decision log")
	return cmd
}

func (a *app) decide(ctx context.Context, v verdict, name, reason string) error {
	c, err := a.connect()
	if err != nil {
		return err
	}
	watch := ""
	if v.kind == strategyv1.KindIncident {
		name = strings.TrimPrefix(name, "incident/")
		incident, err := c.incident(ctx, name)
		if err != nil {
			return err
		}
		if why := incidentRefusal(incident, v.value); why != "" {
			return refuse("%s", why)
		}
		watch = incident.Name
	} else {
		name = strings.TrimPrefix(name, "rollback/")
		rollback, err := c.rollback(ctx, name)
		if err != nil {
			return err
		}
		if why := rollbackRefusal(rollback, v.value); why != "" {
			return refuse("%s", why)
		}
		watch = watchName(rollback)
	}
	return a.record(ctx, c, newDecision(c.namespace, v.kind, name, v.value, "", reason), watch)
}

// newDecision is the record of a decision. Who decided is stamped by the API server.
func newDecision(namespace, kind, name string, value strategyv1.DecisionVerdict, digest, reason string) *strategyv1.StrategyDecision {
	return &strategyv1.StrategyDecision{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, GenerateName: prefixOf(value, name)},
		Spec: strategyv1.StrategyDecisionSpec{
			Target: strategyv1.DecisionTarget{Kind: kind, Name: name}, Verdict: value, PlanDigest: digest, Reason: reason,
		},
	}
}

var words = map[strategyv1.DecisionVerdict]string{
	strategyv1.DecisionApprove: "approve", strategyv1.DecisionDeny: "deny", strategyv1.DecisionRestore: "restore",
	strategyv1.DecisionEscalate: "escalate", strategyv1.DecisionFalseAlarm: "false-alarm", strategyv1.DecisionResolve: "resolve",
}

// prefixOf is verdict-target-, cut so that it ends in a dash and is a part of a valid name.
func prefixOf(value strategyv1.DecisionVerdict, target string) string {
	prefix := words[value] + "-" + target
	if len(prefix) > maxPrefix-1 {
		prefix = prefix[:maxPrefix-1]
	}
	return strings.TrimRight(prefix, "-.") + "-"
}

// record creates a decision and says what came of it. watch is what to look at then.
func (a *app) record(ctx context.Context, c cluster, decision *strategyv1.StrategyDecision, watch string) error {
	if err := c.Create(ctx, decision); err != nil {
		return c.explainCreate(err, decision)
	}
	by := show.Line(decision.Spec.By)
	if by == "" {
		fmt.Fprintln(a.ErrOut, "Warning: nobody stamped who decided, so the operator will not honour it; install its admission policies")
		by = "an unknown person"
	}
	_, err := fmt.Fprintf(a.Out, "strategydecision/%s created: %s of %s by %s\nto watch what happens: kubectl strategy status %s -n %s -w\n",
		decision.Name, decision.Spec.Verdict, decision.Spec.Target.Name, by, watch, c.namespace)
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
