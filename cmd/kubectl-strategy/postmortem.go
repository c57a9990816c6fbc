package main

import (
	"errors"
	"fmt"
	"os"
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
		Use:   "postmortem INCIDENT --from DIRECTORY",
		Short: "Write the report of an incident from a copy of its evidence",
		Long: `Write the report of an incident, from a copy of the evidence bucket and of nothing else: no cluster is asked. Made of the same files it is
the same page, byte for byte, so it can be compared with the one that the operator stored when the incident was closed (report-*.md, report-*.html).

The copy has the folders of the bucket as they are there: NAMESPACE/YYYY/MM/DD/NAME-UID/. Those of the incident and of its rollbacks are enough.
Without -n all namespaces of the copy are looked through. Of an incident that was made again under its name there are several folders: name one,
as in pnl-1-5f0e8a11. The report of an open incident says so on top.

What is not as it was written is marked on the page and nothing rests on it. That is checked without a key; signatures are checked with it.

Exit codes: 0 written; 1 written, and something in the folder is not as it was written; 2 usage, no such incident, or an unreadable folder.`,
		Example: `  kubectl strategy postmortem pnl-1 --from ./evidence > pnl-1.md
  kubectl strategy postmortem pnl-1 -n trading --from ./evidence -o html > pnl-1.html`,
		Args: named("incident"),
		RunE: func(_ *cobra.Command, args []string) error { return a.postmortem(args[0], flags) },
	}
	cmd.Flags().StringVar(&flags.from, "from", "", "Directory with a copy of the evidence bucket, or of the folders of the incident and its rollbacks")
	cmd.Flags().StringVarP(&flags.output, "output", "o", "md", "Form of the report: md or html")
	return cmd
}

func (a *app) postmortem(name string, flags postmortemFlags) error {
	if flags.from == "" {
		return errors.New("--from is missing: name a directory with a copy of the evidence bucket")
	}
	if !slices.Contains([]string{"md", "html"}, flags.output) {
		return fmt.Errorf("-o %s is not known; use md or html", show.Line(flags.output))
	}
	root, err := os.OpenRoot(flags.from) // no link in the copy leads out of it
	if err != nil {
		return fmt.Errorf("cannot read the copy: %w", err)
	}
	defer func() { _ = root.Close() }()
	source := report.Copy(root.FS())
	at, err := a.folderOf(source, name, flags.from)
	if err != nil {
		return err
	}
	folder, err := report.Read(source, at, objectName(at))
	if err != nil {
		return fmt.Errorf("cannot read the copy: %w", err)
	}
	if !folder.IsIncident() {
		return fmt.Errorf("folder %s is not that of an incident; name the incident of this rollback", show.Line(at))
	}
	if err := a.writeReport(report.Make(folder), flags.output); err != nil {
		return err
	}
	if wrong := folder.Unverified(); wrong > 0 {
		return refuse("%s in the evidence of %s not as written: it is marked on the page", count(wrong, "object"), show.Line(name))
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
