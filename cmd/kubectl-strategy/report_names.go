package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"sigs.k8s.io/controller-runtime/pkg/client"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/show"
)

// maxListed is how many schedules a playbook publishes: with so many there may be more.
const maxListed = 64

// toComplete is how long a shell waits for names at most.
const toComplete = 3 * time.Second

func incidentTypes() (types []string) {
	for _, one := range strategyv1.IncidentTypes() {
		types = append(types, string(one))
	}
	return types
}

func severities() []string {
	return []string{string(strategyv1.SeverityInfo), string(strategyv1.SeverityWarning), string(strategyv1.SeverityCritical)}
}

// oneOf is a word as it is spelt in the API, whatever its case.
func oneOf(what, word string, words []string) (string, error) {
	if found := spelt(word, words); found != "" {
		return found, nil
	}
	return "", fmt.Errorf("there is no %s %q%s; there are: %s", what, word, guess(word, words), listed(words))
}

func spelt(word string, words []string) string {
	at := slices.IndexFunc(words, func(one string) bool { return strings.EqualFold(one, word) })
	if at < 0 {
		return ""
	}
	return words[at]
}

func listed(words []string) string { return strings.Join(words, ", ") }

// guess is the one that may have been meant.
func guess(word string, words []string) string {
	best, least := "", max(2, len(word)/3)+1
	for _, one := range words {
		if away := distance(strings.ToLower(word), strings.ToLower(one)); away < least {
			best, least = one, away
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf(" (did you mean %s?)", best)
}

// distance is how many bytes have to be put in, left out or changed to make one word of the other.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		corner := row[0]
		row[0] = i + 1
		for j := range len(b) {
			changed := corner
			if a[i] != b[j] {
				changed++
			}
			corner = row[j+1]
			row[j+1] = min(changed, row[j]+1, corner+1)
		}
	}
	return row[len(b)]
}

// dashed is a word as a part of an object's name.
func dashed(word string) string {
	return strings.Trim(strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, strings.ToLower(word)), "-")
}

// reportTo reads the playbook that an incident runs on; without a name it is the only one that there is.
func (c cluster) reportTo(ctx context.Context, name string) (*strategyv1.StrategyPlaybook, error) {
	if name != "" {
		var book strategyv1.StrategyPlaybook
		return &book, unreadable(c.get(ctx, strategyv1.KindPlaybook, name, &book))
	}
	var list strategyv1.StrategyPlaybookList
	if err := c.List(ctx, &list, client.InNamespace(c.namespace)); err != nil {
		return nil, unreadable(c.explain(err, strategyv1.KindPlaybook, ""))
	}
	switch len(list.Items) {
	case 0:
		return nil, refuse("namespace %s has no playbook, so nothing would become of a report; choose another namespace with -n", c.namespace)
	case 1:
		return &list.Items[0], nil
	}
	var names []string
	for i := range list.Items {
		names = append(names, list.Items[i].Name)
	}
	return nil, refuse("namespace %s has %d playbooks; say which with --playbook: %s", c.namespace, len(names), listed(names))
}

func unreadable(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("cannot read the playbook: %w; nothing was reported. Ask somebody with the role strategy-operator-responder to report it, and call L1 yourself", err)
}

// target checks the name of what is concerned against what the playbook says of the scheduler.
func (a *app) target(incident *strategyv1.StrategyIncident, book *strategyv1.StrategyPlaybook) error {
	what, name, names := "schedule", &incident.Spec.Schedule, schedulesOf(book)
	if incident.Spec.Strategy != "" {
		what, name, names = "strategy", &incident.Spec.Strategy, strategiesOf(book)
	}
	if *name == "" {
		return nil
	}
	if found := spelt(*name, names); found != "" && !slices.Contains(names, *name) {
		*name = found
	}
	if slices.Contains(names, *name) {
		return nil
	}
	if book.Status.Config == nil || len(book.Status.Config.Schedules) >= maxListed {
		// Not known is no reason to keep an incident from people: the operator says on the incident if there is no such name.
		fmt.Fprintf(a.ErrOut, "Warning: playbook %s does not say all that its scheduler has, so nobody has checked that there is a %s %q\n", book.Name, what, show.Line(*name))
		return nil
	}
	if len(names) == 0 {
		return refuse("the scheduler of playbook %s has no %s %q; it has none at all", book.Name, what, show.Line(*name))
	}
	return refuse("the scheduler of playbook %s has no %s %q%s; it has: %s", book.Name, what, show.Line(*name), guess(*name, names), show.Line(listed(names)))
}

func schedulesOf(book *strategyv1.StrategyPlaybook) (names []string) {
	if book.Status.Config == nil {
		return nil
	}
	for _, schedule := range book.Status.Config.Schedules {
		names = append(names, schedule.Name)
	}
	return names
}

func strategiesOf(book *strategyv1.StrategyPlaybook) (names []string) {
	if book.Status.Config == nil {
		return nil
	}
	for _, schedule := range book.Status.Config.Schedules {
		if schedule.Strategy != "" && !slices.Contains(names, schedule.Strategy) {
			names = append(names, schedule.Strategy)
		}
	}
	return names
}

// completeReport lets a shell complete the names; one that cannot be read is not offered.
func (a *app) completeReport(cmd *cobra.Command, flags *reportFlags) {
	of := func(names func(*strategyv1.StrategyPlaybook) []string) func(context.Context, cluster, []string) []string {
		return func(ctx context.Context, c cluster, _ []string) []string {
			book, err := c.reportTo(ctx, flags.playbook)
			if err != nil {
				return nil
			}
			return names(book)
		}
	}
	a.completesFlag(cmd, "schedule", of(schedulesOf))
	a.completesFlag(cmd, "strategy", of(strategiesOf))
	a.completesFlag(cmd, "playbook", func(ctx context.Context, c cluster, _ []string) (names []string) {
		var list strategyv1.StrategyPlaybookList
		if c.List(ctx, &list, client.InNamespace(c.namespace)) != nil {
			return nil
		}
		for i := range list.Items {
			names = append(names, list.Items[i].Name)
		}
		return names
	})
	for flag, words := range map[string][]string{"severity": severities(), "dry-run": {"server"}} {
		if err := cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp)); err != nil {
			panic(err) // no such flag
		}
	}
}
