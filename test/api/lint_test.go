package api_test

import (
	"regexp"
	"strings"
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"tradeops.dev/strategy-operator/internal/offline"
)

// TestLintAgreesWithTheAPIServer: what the API server says to each row of TestSchemas, `kubectl strategy lint` says without it.
func TestLintAgreesWithTheAPIServer(t *testing.T) {
	for _, row := range playbookRows() {
		t.Run(row.name, func(t *testing.T) {
			object := parse(t, validPlaybook)
			apply(t, object, row.edits)
			data, err := yaml.Marshal(object.Object)
			must(t, err)
			findings, err := offline.Lint(offline.Text{Name: "playbook.yaml", Data: data})
			must(t, err)
			if len(findings) != 1 {
				t.Fatalf("%d findings, want one", len(findings))
			}
			var refused []string
			for _, problem := range findings[0].Problems {
				if !operators.MatchString(problem) {
					refused = append(refused, strings.TrimSuffix(problem, "; correct its name, or leave it out"))
				}
			}
			refusal := admin.Create(t.Context(), object, client.DryRunAll)
			if refusal == nil && len(refused) > 0 {
				t.Errorf("the API server accepts it, lint says %q", refused)
			}
			if refusal != nil && len(refused) == 0 {
				t.Errorf("lint accepts it, the API server says %v", refusal)
			}
			for _, problem := range refused {
				if refusal != nil && !strings.Contains(asOlder(refusal.Error()), asOlder(problem)) {
					t.Errorf("lint says %q, the API server %v", problem, refusal)
				}
			}
		})
	}
}

// operators are what the operator finds, not the API server: they end with the reason of a condition.
var operators = regexp.MustCompile(` \((ReferenceInvalid|EditRefused|RuleInvalid|SampleMisjudged)\)$`)

// asOlder leaves out the value that is wrong where an API server before 1.36 says its type instead.
func asOlder(text string) string {
	if stamps() {
		return text
	}
	return wrongValue.ReplaceAllString(text, "Invalid value: ")
}

var wrongValue = regexp.MustCompile(`Invalid value: "[^"]*": `)
