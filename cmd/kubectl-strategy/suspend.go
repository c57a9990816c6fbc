package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
)

// holdable are the kinds that can be suspended: how they are written, and what that means.
var holdable = map[string]struct {
	kind             string
	object           func(metav1.ObjectMeta) client.Object
	suspend, resumed string
}{
	"playbook": {
		strategyv1.KindPlaybook,
		func(meta metav1.ObjectMeta) client.Object { return &strategyv1.StrategyPlaybook{ObjectMeta: meta} },
		"nothing new is started for anything that runs on it: no Job, no edit, no restart, no restore; what is in force stays in force",
		"whatever was held back goes on now",
	},
	"incident": {
		strategyv1.KindIncident,
		func(meta metav1.ObjectMeta) client.Object { return &strategyv1.StrategyIncident{ObjectMeta: meta} },
		"it starts no Job and asks for no remedy; its rollbacks and its deadlines go on",
		"it goes on where it was",
	},
}

func newSuspend(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "suspend playbook/NAME | incident/NAME",
		Short: "Hold back new effects: the kill switch of a playbook, or one incident",
		Long: "Set spec.suspend. Of a playbook it is the kill switch, which acts at once on everything that runs on it. Deadlines, records\n" +
			"and calls go on. It needs the right to patch the object; of a playbook nothing else can be changed with it.\n\n" + exitCodes,
		Args: named("playbook/NAME or incident/NAME"),
		RunE: func(cmd *cobra.Command, args []string) error { return a.hold(cmd.Context(), args[0], true) },
	}
}

func newResume(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "resume playbook/NAME | incident/NAME",
		Short: "Allow new effects again",
		Long:  "Take spec.suspend back.\n\n" + exitCodes,
		Args:  named("playbook/NAME or incident/NAME"),
		RunE:  func(cmd *cobra.Command, args []string) error { return a.hold(cmd.Context(), args[0], false) },
	}
}

// hold sets spec.suspend and says what that means.
func (a *app) hold(ctx context.Context, argument string, on bool) error {
	word, name, _ := strings.Cut(argument, "/")
	target, known := holdable[word]
	if !known || name == "" {
		return fmt.Errorf("%q is neither playbook/NAME nor incident/NAME", argument)
	}
	c, err := a.connect()
	if err != nil {
		return err
	}
	object := target.object(metav1.ObjectMeta{Namespace: c.namespace, Name: name})
	patch := fmt.Sprintf(`{"spec":{"suspend":%t}}`, on)
	if err := c.Patch(ctx, object, client.RawPatch(types.MergePatchType, []byte(patch))); err != nil {
		return c.explain(err, target.kind, name)
	}
	did, means := "resumed", target.resumed
	if on {
		did, means = "suspended", target.suspend
	}
	_, err = fmt.Fprintf(a.Out, "%s %s: %s\n", argument, did, means)
	return err
}
