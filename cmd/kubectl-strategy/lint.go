package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"tradeops.dev/strategy-operator/internal/offline"
	"tradeops.dev/strategy-operator/internal/show"
)

func newLint(a *app) *cobra.Command {
	var alerts string
	cmd := &cobra.Command{
		Use:   "lint FILE...",
		Short: "Check playbooks, without a cluster",
		Long: `Check StrategyPlaybooks, without a cluster: fields and their values as the API server does, then names, edits, rules and
the samples of checks as the operator does. A file may be "-" for the standard input, and may hold objects of other kinds,
which are skipped. A warning is about what is often a trap; it does not fail the playbook.

What needs a cluster is not checked: whether the ConfigMaps, Deployment, PodTemplates and Secrets are there and labelled,
whether the configuration has the scheduler and the instruments of the feeds, and what admission policies say.

With --alerts it says what each alert of a file would become, by the routes of these playbooks: a message of Alertmanager's webhook, what
"amtool alert query -o json" prints, or rules of Prometheus, of which only the labels that stand in them are known.

Exit codes: 0 all playbooks are sound, and all alerts have a route; 1 one is not, or has none; 2 usage, an unreadable file, or no playbook in any file.`,
		Example: `  kubectl strategy lint playbook.yaml
  kubectl kustomize overlays/live | kubectl strategy lint -
  kubectl strategy lint playbook.yaml --alerts rules.yaml`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return fmt.Errorf("%s takes at least one file; see %s --help", cmd.CommandPath(), cmd.CommandPath())
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error { return a.lint(args, alerts) },
	}
	cmd.Flags().StringVar(&alerts, "alerts", "", "File with alerts, of which it is said what each would become")
	return cmd
}

func (a *app) lint(files []string, alerts string) error {
	if err := oneStdin(append([]string{alerts}, files...)); err != nil {
		return err
	}
	texts := make([]offline.Text, len(files))
	for i, file := range files {
		texts[i].Name = file
	}
	for i := range texts { // all of them, before anything is said
		if err := a.read(&texts[i]); err != nil {
			return err
		}
	}
	playbooks, problems := 0, 0
	for _, text := range texts {
		findings, err := offline.Lint(text)
		if err != nil {
			return err
		}
		if len(findings) == 0 {
			fmt.Fprintf(a.Out, "%s: skipped: it is empty\n", show.Line(text.Name))
		}
		for _, finding := range findings {
			if !finding.Skipped {
				playbooks++
			}
			problems += len(finding.Problems)
			a.printFinding(text.Name, finding)
		}
	}
	if alerts != "" {
		unplaced, err := a.routeAlerts(alerts, texts)
		if err != nil {
			return err
		}
		problems += unplaced
	}
	if problems > 0 {
		return refuse("%d %s; fix them and lint again", problems, plural(problems, "problem"))
	}
	if playbooks == 0 {
		return errors.New("no file holds a StrategyPlaybook; name one that does")
	}
	return nil
}

// oneStdin refuses to read the standard input twice: the second time there is nothing left.
func oneStdin(files []string) error {
	stdin := 0
	for _, file := range files {
		if file == "-" {
			stdin++
		}
	}
	if stdin > 1 {
		return errors.New("the standard input (-) can be one file only; name the others")
	}
	return nil
}

// routeAlerts says what the alerts of a file would become, and how many have no route.
func (a *app) routeAlerts(file string, playbooks []offline.Text) (unplaced int, err error) {
	text := offline.Text{Name: file}
	if err := a.read(&text); err != nil {
		return 0, err
	}
	all, err := offline.Route(text, playbooks)
	if err != nil {
		return 0, err
	}
	for _, one := range all {
		if !one.Placed {
			unplaced++
		}
		fmt.Fprintf(a.Out, "%s: %s: %s\n", show.Line(file), show.Line(one.Alert), show.Line(one.Line))
	}
	return unplaced, nil
}

func (a *app) printFinding(file string, finding offline.Finding) {
	where := show.Line(file + ": " + finding.What)
	switch {
	case finding.Skipped:
		fmt.Fprintf(a.Out, "%s: skipped: it is no StrategyPlaybook\n", where)
	case len(finding.Problems) == 0:
		fmt.Fprintf(a.Out, "%s: ok, %s, %s, %s\n", where,
			count(finding.Checks, "check"), count(finding.Samples, "sample"), count(finding.Rules, "rule"))
	}
	for _, problem := range finding.Problems {
		fmt.Fprintf(a.Out, "%s: %s\n", where, show.Line(problem))
	}
	for _, warning := range finding.Warnings {
		fmt.Fprintf(a.Out, "%s: warning: %s\n", where, show.Line(warning))
	}
}

func count(n int, what string) string { return fmt.Sprintf("%d %s", n, plural(n, what)) }

func plural(n int, what string) string {
	if n == 1 {
		return what
	}
	return what + "s"
}
