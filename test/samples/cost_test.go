package samples_test

import (
	"os"
	"path/filepath"
	"testing"

	"sigs.k8s.io/yaml"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/playbook"
	"tradeops.dev/strategy-operator/internal/rules"
)

// The limit of what a rule may cost is for rules that go wrong. What the shipped playbooks ask is far below it, on each of their samples,
// though no branch of theirs stops early.
func TestTheShippedRulesAreFarBelowTheLimit(t *testing.T) {
	const limit = 200_000
	for _, name := range []string{"demo", "botcore"} {
		text, err := os.ReadFile(filepath.Join("..", "..", "config", "samples", name, "playbook.yaml"))
		if err != nil {
			t.Fatal(err)
		}
		var book strategyv1.StrategyPlaybook
		if err := yaml.Unmarshal(text, &book); err != nil {
			t.Fatal(err)
		}
		most, evaluations := uint64(0), 0
		for _, check := range book.Spec.Checks {
			for _, sample := range check.Samples {
				report, err := rules.Decode([]byte(sample.Report))
				if err != nil {
					t.Fatal(err)
				}
				for _, verdict := range check.Verdicts {
					spent := uint64(0)
					_, _ = rules.Eval(verdict.When, rules.Vars{Report: report, Before: report, Spent: &spent}) // a sample may be one that cannot be judged
					most, evaluations = max(most, spent), evaluations+1
				}
			}
		}
		for _, rule := range playbook.Rules(book.Spec) {
			spent := uint64(0)
			if _, err := rules.Eval(rule.When, rules.Vars{Spent: &spent}); err != nil && spent == 0 {
				t.Errorf("%s: %s: %v", name, rule.Where, err)
			}
			most, evaluations = max(most, spent), evaluations+1
		}
		if most == 0 || most*1000 > limit {
			t.Errorf("%s: a rule costs %d units, more than a thousandth of the limit", name, most)
		}
		t.Logf("%s: %d units at most in %d evaluations, a %dth of the limit", name, most, evaluations, limit/max(most, 1))
	}
}
