package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"tradeops.dev/strategy-operator/internal/report"
	"tradeops.dev/strategy-operator/internal/show"
)

type postmortemFlags struct{ from, output string }

func newPostmortem(a *app) *cobra.Command {
	var flags postmortemFlags
	cmd := &cobra.Command{
		Use:   "postmortem INCIDENT",
		Short: "Write the report of an incident from its evidence",
		Long: `Write the report of an incident, from its evidence and of nothing else. Made of the same files it is the same page, byte for byte, so it can be
compared with the one that the operator stored when the incident was closed (report-*.md, report-*.html).

` + evidenceHelp + `

A copy has the folders of the bucket as they are there: NAMESPACE/YYYY/MM/DD/NAME-UID/. Those of the incident and of its rollbacks are enough.
Without -n all namespaces of the copy are looked through. Of an incident that was made again under its name there are several folders: name one,
as in pnl-1-5f0e8a11. The report of an open incident says so on top.

What is not as it was written is marked on the page and nothing rests on it. That is checked without a key; signatures are checked with it.

Exit codes: 0 written; 1 written, and something in the folder is not as it was written; 2 not written (usage, no such incident, evidence that
cannot be read, or that you may not read).`,
		Example: `  kubectl strategy postmortem pnl-1 -n trading > pnl-1.md
  kubectl strategy postmortem pnl-1 --from ./evidence > pnl-1.md
  kubectl strategy postmortem pnl-1 -n trading --from ./evidence -o html > pnl-1.html`,
		Args: named("incident"),
		RunE: func(cmd *cobra.Command, args []string) error { return a.postmortem(cmd.Context(), args[0], flags) },
	}
	addFrom(cmd, &flags.from)
	cmd.Flags().StringVarP(&flags.output, "output", "o", "md", "Form of the report: md or html")
	return cmd
}

func (a *app) postmortem(ctx context.Context, name string, flags postmortemFlags) error {
	if !slices.Contains([]string{"md", "html"}, flags.output) {
		return fmt.Errorf("-o %s is not known; use md or html", show.Line(flags.output))
	}
	source, at, err := a.evidenceOf(ctx, name, flags.from)
	if err != nil { // as a text: a refusal must not look like a report that was written
		return errors.New(err.Error())
	}
	folder, err := report.Read(source, at, objectName(at))
	if err != nil {
		return fmt.Errorf("cannot read the evidence: %s", err.Error())
	}
	if !folder.IsIncident() {
		return fmt.Errorf("folder %s is not that of an incident; name the incident of this rollback", show.Line(at))
	}
	if err := a.writeReport(report.Make(folder), flags.output); err != nil {
		return err
	}
	if wrong := folder.Unverified(); wrong > 0 {
		return refuse("the evidence of %[2]s has %[1]s with something not as written: it is marked on the page", count(wrong, "object"), show.Line(name))
	}
	return nil
}

func (a *app) writeReport(made report.Report, form string) error {
	page := made.Markdown()
	if form == "html" {
		var err error
		if page, err = made.HTML(); err != nil {
			return err
		}
	}
	_, err := a.Out.Write(page)
	return err
}

// evidenceOf is where the evidence of an incident is read from, and its folder there.
func (a *app) evidenceOf(ctx context.Context, name, from string) (report.Source, string, error) {
	if from != "" {
		copied, err := openFolder(from)
		if err != nil {
			return nil, "", err
		}
		source := report.Copy(copied.FS)
		at, err := a.folderOf(source, name, from)
		return source, at, err
	}
	found, err := a.recordOf(ctx, name, "")
	if err != nil {
		return nil, "", err
	}
	namespace, _, _ := strings.Cut(found.folders[0], "/")
	files, err := filesOf(ctx, found.source, namespace)
	return report.Copy(files), found.folders[0] + "/", err
}

// objectName is the name of the object in a folder: what stands before the beginning of its UID.
func objectName(folder string) string {
	parts := strings.Split(strings.TrimSuffix(folder, "/"), "/")
	last := parts[len(parts)-1]
	return last[:strings.LastIndex(last, "-")]
}

// folderOf is the one folder of an incident in a copy.
func (a *app) folderOf(source report.Source, name, from string) (string, error) {
	namespaces := []string{*a.flags.Namespace}
	if namespaces[0] == "" {
		var err error
		if namespaces, err = source.Names("."); err != nil {
			return "", fmt.Errorf("cannot read the copy: %w", err)
		}
		slices.Sort(namespaces)
	}
	var found []string
	for _, namespace := range namespaces {
		if strings.HasPrefix(namespace, ".") {
			continue // of the bucket's own
		}
		folders, err := report.Find(source, namespace, name)
		if err != nil {
			return "", fmt.Errorf("cannot read the copy: %w", err)
		}
		found = append(found, folders...)
	}
	switch len(found) {
	case 0:
		return "", fmt.Errorf("%s has no folder NAMESPACE/YYYY/MM/DD/%s-UID/; name the directory that has the namespaces in it", show.Line(from), show.Line(name))
	case 1:
		return found[0], nil
	}
	return "", fmt.Errorf("%s has %d folders of %s: %s; name one, by its last part or with -n", show.Line(from), len(found), show.Line(name), show.Line(strings.Join(found[:min(len(found), 8)], ", ")))
}
