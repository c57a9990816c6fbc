package routes

import (
	"fmt"
	"strings"

	"github.com/prometheus/alertmanager/pkg/labels"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/rules"
)

// Table is the routes of one playbook, ready to be asked. Nil has none.
type Table struct{ routes []route }

type route struct {
	strategyv1.AlertRoute
	matchers []*labels.Matcher
}

// Compile makes a table of what a playbook says, nil if it says nothing. The errors name every matcher that cannot be read; a route that has one is left
// out of the table.
func Compile(spec *strategyv1.AlertsSpec) (*Table, []error) {
	if spec == nil {
		return nil, nil
	}
	var table Table
	var problems []error
	for _, one := range spec.Routes {
		made := route{AlertRoute: one}
		broken := false
		for _, text := range one.Matchers {
			matcher, err := compile(text)
			if err != nil {
				problems, broken = append(problems, fmt.Errorf("alerts, route %s, matcher %s: %w", one.Name, text, err)), true
				continue
			}
			made.matchers = append(made.matchers, matcher)
		}
		if !broken {
			table.routes = append(table.routes, made)
		}
	}
	return &table, problems
}

// compile refuses a pattern that would be too large before it is made.
func compile(text string) (*labels.Matcher, error) {
	if _, pattern, found := cutPattern(text); found {
		if err := rules.PatternFits(strings.Trim(pattern, `" `)); err != nil {
			return nil, err
		}
	}
	return labels.ParseMatcher(text)
}

// cutPattern finds the regular expression of a matcher.
func cutPattern(text string) (label, pattern string, found bool) {
	for _, operator := range []string{"=~", "!~"} {
		if label, pattern, found = strings.Cut(text, operator); found {
			return label, pattern, true
		}
	}
	return "", "", false
}
