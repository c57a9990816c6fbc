package main

import (
	"context"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/spf13/cobra"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/evidence"
	"tradeops.dev/strategy-operator/internal/show"
)

// evidenceHelp is how evidence is reached.
const evidenceHelp = `The operator serves it, through the API server's proxy: that takes Role strategy-operator-evidence-reach in the operator's
namespace, ClusterRole strategy-operator-evidence-reader in that of the incident, and a token (a client certificate is not passed on; give
--token). What was read by whom is in the operator's log. With --from it is read from a folder, without a cluster: a copy of the bucket, or
what export or bundle wrote. One that was deleted is found by its name, or named by its folder, as ls shows it.`

// addFrom adds the flag of a copy.
func addFrom(cmd *cobra.Command, from *string) {
	cmd.Flags().StringVar(from, "from", "", "folder to read from, without a cluster: a copy of the bucket, or what export or bundle wrote")
}

func newEvidence(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use: "evidence", Short: "List, print, copy and verify the evidence of an incident or a rollback", Args: cobra.NoArgs,
		Long: "List, print and copy the evidence of an incident with its rollbacks, or of one rollback.\n\n" + evidenceHelp + "\n\n" + exitCodes,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	for _, one := range []*cobra.Command{newEvidenceList(a), newEvidenceGet(a), newEvidenceExport(a), newEvidenceVerify(a)} {
		cmd.AddCommand(a.completes(one, false, strategyv1.KindIncident, strategyv1.KindRollback))
	}
	return cmd
}

func newEvidenceList(a *app) *cobra.Command {
	var from, output string
	cmd := &cobra.Command{
		Use: "ls INCIDENT|ROLLBACK", Short: "List the evidence",
		Long: "List the evidence of an incident with its rollbacks, or of one rollback: the bytes and the key of each object.\n\n" + evidenceHelp + "\n\n" + exitCodes,
		Example: `  kubectl strategy evidence ls pnl-1 -n trading
  kubectl strategy evidence ls pnl-1 --from ./copy-of-the-bucket`,
		Args: named("incident or rollback"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.listEvidence(cmd.Context(), args[0], from, output)
		},
	}
	addFrom(cmd, &from)
	addOutput(cmd, &output)
	return cmd
}

func (a *app) listEvidence(ctx context.Context, argument, from, output string) error {
	if err := knownOutput(output); err != nil {
		return err
	}
	found, err := a.recordOf(ctx, argument, from)
	if err != nil {
		return err
	}
	objects, err := found.objects(ctx)
	if err != nil {
		return err
	}
	if output == "json" || output == "yaml" {
		return a.printAs(output, map[string]any{"items": objects})
	}
	for _, one := range objects {
		line := show.Line(one.Key)
		if output == "" {
			line = fmt.Sprintf("%9d  %s", one.Bytes, line)
		}
		if _, err := fmt.Fprintln(a.Out, line); err != nil {
			return err
		}
	}
	return nil
}

func newEvidenceGet(a *app) *cobra.Command {
	var from string
	cmd := &cobra.Command{
		Use: "get INCIDENT|ROLLBACK NAME", Short: "Print one object of the evidence, as it is stored",
		Long: `Print one object of the evidence, byte for byte, by its key as ls shows it, or by its end. It may hold anything that a check printed: look
at it with a pager that shows no control characters.

` + evidenceHelp + "\n\n" + exitCodes,
		Example: `  kubectl strategy evidence get pnl-1 checks/triage-smoke-1.json -n trading`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 2 {
				return fmt.Errorf("%s takes an incident or rollback and the name of an object, not %d arguments; see %s --help", cmd.CommandPath(), len(args), cmd.CommandPath())
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.getEvidence(cmd.Context(), args[0], args[1], from)
		},
	}
	addFrom(cmd, &from)
	return cmd
}

func (a *app) getEvidence(ctx context.Context, argument, name, from string) error {
	found, err := a.recordOf(ctx, argument, from)
	if err != nil {
		return err
	}
	objects, err := found.objects(ctx)
	if err != nil {
		return err
	}
	key, err := theObject(objects, name, argument)
	if err != nil {
		return err
	}
	data, err := found.get(ctx, key)
	if err != nil {
		return err
	}
	_, err = a.Out.Write(data)
	return err
}

// theObject is the one that a name means: a key, or the end of one.
func theObject(objects []evidence.Object, name, of string) (string, error) {
	var fit, names []string
	for _, one := range objects {
		names = append(names, path.Base(one.Key))
		if one.Key == name {
			return name, nil
		}
		if strings.HasSuffix(one.Key, "/"+strings.TrimPrefix(name, "/")) {
			fit = append(fit, one.Key)
		}
	}
	switch {
	case len(fit) == 0:
		return "", refuse("no object of the evidence of %s is called %q%s; list them: kubectl strategy evidence ls %s", show.Line(of), show.Line(name), guess(path.Base(name), names), show.Line(of))
	case len(fit) > 1:
		return "", refuse("%d objects of the evidence of %s are called %q; name one: %s", len(fit), show.Line(of), show.Line(name), strings.Join(fit, ", "))
	}
	return fit[0], nil
}

func newEvidenceExport(a *app) *cobra.Command {
	var from, to string
	cmd := &cobra.Command{
		Use: "export INCIDENT|ROLLBACK --to DIR", Short: "Copy the evidence into a folder",
		Long: `Copy the evidence of an incident with its rollbacks, or of one rollback, into a folder, under the keys that it has in the bucket, so that
--from can read it there. A file that is there already is left as it is; one with other bytes is refused, before anything is written over it.

` + evidenceHelp + "\n\n" + exitCodes,
		Example: `  kubectl strategy evidence export pnl-1 --to ./evidence -n trading`,
		Args:    named("incident or rollback"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.exportEvidence(cmd.Context(), args[0], from, to)
		},
	}
	addFrom(cmd, &from)
	cmd.Flags().StringVar(&to, "to", "", "folder to write to, which is made if it is not there (required)")
	return cmd
}

func (a *app) exportEvidence(ctx context.Context, argument, from, to string) error {
	if to == "" {
		return fmt.Errorf("where to? add --to DIR")
	}
	found, err := a.recordOf(ctx, argument, from)
	if err != nil {
		return err
	}
	objects, err := found.objects(ctx)
	if err != nil {
		return err
	}
	into, err := newFolder(to)
	if err != nil {
		return err
	}
	defer into.Close()
	for _, one := range objects {
		data, err := found.get(ctx, one.Key)
		if err != nil {
			return err
		}
		if err := writeOnce(into, one.Key, data); err != nil {
			return err
		}
	}
	_, err = io.WriteString(a.Out, fmt.Sprintf("%s of evidence of %s in %s\n", count(len(objects), "object"), show.Line(argument), to))
	return err
}
