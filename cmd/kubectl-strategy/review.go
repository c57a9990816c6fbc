package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/conditions"
	"tradeops.dev/strategy-operator/internal/offline"
	"tradeops.dev/strategy-operator/internal/playbook"
	"tradeops.dev/strategy-operator/internal/show"
)

// ofPlaybook is before the name of a playbook, where a command is about others, too.
const ofPlaybook = "playbook/"

func newReview(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "review [PLAYBOOK]",
		Short: "Show what a changed playbook changes, before somebody approves it",
		Long: `Show what is different in a playbook as it is now from the version that was approved last, field by field, and which of the recorded
sample reports the two judge differently. Without a name: all playbooks of the namespace, and which wait for a second person.

To approve or deny what is shown: kubectl strategy approve playbook/NAME, or deny playbook/NAME. Whoever may write playbooks may
not approve them. In a namespace with the label ` + strategyv1.LabelPlaybookReview + ` nothing new runs on a version that nobody
approved.

` + exitCodes,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.connect()
			if err != nil {
				return err
			}
			if len(args) == 0 {
				return a.reviewAll(cmd.Context(), c)
			}
			ref, err := c.resolve(cmd.Context(), args[0], strategyv1.KindPlaybook)
			if err != nil {
				return err
			}
			_, sheet, err := c.reviewed(cmd.Context(), ref.name)
			if err != nil {
				return err
			}
			_, err = io.WriteString(a.Out, sheet)
			return err
		},
	}
}

// reviewAll is a line for each playbook.
func (a *app) reviewAll(ctx context.Context, c cluster) error {
	var list strategyv1.StrategyPlaybookList
	if err := c.List(ctx, &list, client.InNamespace(c.namespace)); err != nil {
		return c.explain(err, strategyv1.KindPlaybook, "")
	}
	if len(list.Items) == 0 {
		fmt.Fprintf(a.ErrOut, "no playbooks in namespace %s\n", show.Line(c.namespace))
	}
	for i := range list.Items {
		book := &list.Items[i]
		said := conditions.Message(book.Status.Conditions, strategyv1.ConditionReviewed)
		if said == "" {
			said = "the namespace asks for no second person" + approvedBy(book.Status.Approved)
		}
		if _, err := fmt.Fprintf(a.Out, "%s%s: %s\n", ofPlaybook, show.Line(book.Name), show.Line(said)); err != nil {
			return err
		}
	}
	return nil
}

func approvedBy(approved *strategyv1.ApprovedRevision) string {
	if approved == nil {
		return ""
	}
	return fmt.Sprintf("; revision %s was approved by %s", approved.Revision, approved.Decision.By)
}

// reviewed is a playbook that the operator has looked at as it is now, and what there is to see of it.
func (c cluster) reviewed(ctx context.Context, name string) (*strategyv1.StrategyPlaybook, string, error) {
	var book strategyv1.StrategyPlaybook
	if err := c.get(ctx, strategyv1.KindPlaybook, name, &book); err != nil {
		return nil, "", err
	}
	if book.Status.ObservedGeneration != book.Generation || book.Status.Digest == "" {
		return nil, "", refuse("the operator has not looked at playbook %s yet as it is now; try again in a moment", name)
	}
	var sheet strings.Builder
	fmt.Fprintf(&sheet, "Playbook %s/%s, revision %s, %s\n", book.Namespace, book.Name, show.Line(book.Status.Revision), book.Status.Digest)
	if ready := conditions.Message(book.Status.Conditions, strategyv1.ConditionReady); ready != "" {
		fmt.Fprintf(&sheet, "%s: %s\n", show.Line(conditions.Reason(book.Status.Conditions, strategyv1.ConditionReady)), show.Line(ready))
	}
	approved := book.Status.Approved
	switch {
	case approved == nil:
		sheet.WriteString("\nNo version was approved before, so all of it is new:\n")
		err := writeChanges(&sheet, strategyv1.StrategyPlaybookSpec{}, book.Spec)
		return &book, sheet.String(), err
	case approved.Digest == book.Status.Digest:
		fmt.Fprintf(&sheet, "\nThis version was approved by %s (StrategyDecision %s).\n", show.Line(approved.Decision.By), show.Line(approved.Decision.Name))
		return &book, sheet.String(), nil
	}
	before, err := c.approvedSpec(ctx, book.Namespace, *approved)
	if err != nil {
		return nil, "", err
	}
	fmt.Fprintf(&sheet, "\nChanged since revision %s, which %s approved (StrategyDecision %s):\n", show.Line(approved.Revision), show.Line(approved.Decision.By), show.Line(approved.Decision.Name))
	if err := writeChanges(&sheet, before, book.Spec); err != nil {
		return nil, "", err
	}
	writeJudged(&sheet, before, book.Spec)
	return &book, sheet.String(), nil
}

// approvedSpec is the version that was approved last, as it was approved.
func (c cluster) approvedSpec(ctx context.Context, namespace string, approved strategyv1.ApprovedRevision) (strategyv1.StrategyPlaybookSpec, error) {
	var revision appsv1.ControllerRevision
	if err := c.Get(ctx, types.NamespacedName{Namespace: namespace, Name: approved.Revision}, &revision); err != nil {
		return strategyv1.StrategyPlaybookSpec{}, fmt.Errorf("the version that was approved last cannot be read, so nobody can say what is changed: %w", err)
	}
	spec, digest, err := playbook.ThawDigest(&revision)
	if err != nil || digest != approved.Digest {
		return spec, refuse("ControllerRevision %s does not hold what was approved; look at the playbook in Git, and find out who wrote that", approved.Revision)
	}
	return spec, nil
}

func writeChanges(sheet *strings.Builder, before, after strategyv1.StrategyPlaybookSpec) error {
	changes, err := offline.Changes(before, after)
	for _, change := range changes {
		fmt.Fprintf(sheet, "  %s\n", show.Line(change.Path))
		for _, line := range offline.Lines(change.From) {
			fmt.Fprintf(sheet, "    - %s\n", show.Line(line))
		}
		for _, line := range offline.Lines(change.To) {
			fmt.Fprintf(sheet, "    + %s\n", show.Line(line))
		}
	}
	return err
}

func writeJudged(sheet *strings.Builder, before, after strategyv1.StrategyPlaybookSpec) {
	differ, compared, left := playbook.JudgedElse(before, after)
	fmt.Fprintf(sheet, "\nOf %s, judged by both versions, %d get another verdict.\n", count(compared, "sample report"), len(differ))
	for _, one := range differ {
		fmt.Fprintf(sheet, "  check %s, %s\n    - %s\n    + %s\n", show.Line(one.Check), one.Sample, show.Line(one.Before), show.Line(one.After))
	}
	if left != "" {
		fmt.Fprintf(sheet, "Not all were compared: %s.\n", show.Line(left))
	}
}

// decidePlaybook approves or denies a version of a playbook: the one that was shown.
func (a *app) decidePlaybook(ctx context.Context, c cluster, v verdict, flags decideFlags, name string) error {
	v.kind = strategyv1.KindPlaybook
	book, sheet, err := c.reviewed(ctx, name)
	if err != nil {
		return err
	}
	approved := book.Status.Approved
	if v.value == strategyv1.DecisionApprove && approved != nil && approved.Digest == book.Status.Digest {
		return refuse("playbook %s is approved as it is, by %s (StrategyDecision %s)", name, show.Line(approved.Decision.By), show.Line(approved.Decision.Name))
	}
	if _, err := io.WriteString(a.Out, sheet+"\n"); err != nil {
		return err
	}
	if flags.reason, err = a.reasonFor(ctx, v, flags.reason); err != nil {
		return err
	}
	if v.question != "" && !flags.yes {
		if err := a.ask(ctx, v.question); err != nil {
			return err
		}
	}
	return a.record(ctx, c, newDecision(c.namespace, v, name, book.Status.Digest, flags.reason), "", flags.wait)
}
