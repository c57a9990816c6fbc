package rollback_test

import (
	"fmt"
	"strings"
	"testing"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/config"
	"tradeops.dev/strategy-operator/internal/rollback"
	"tradeops.dev/strategy-operator/internal/testkit"
)

// realSize is testkit.Document among as much else as a production configuration has: about 84 kB.
func realSize() string {
	var b strings.Builder
	b.WriteString(testkit.Document)
	for i := range 400 {
		fmt.Fprintf(&b, "section_%d:\n  name: section number %d\n  enabled: true\n  limits: {low: 0.25, high: 12.5}\n  tags: [one, two]\n", i, i)
		fmt.Fprintf(&b, "  nested:\n    path: var/data/section_%d.json\n    items:\n      - key: value\n        note: \"quoted text\"\n", i)
	}
	return b.String()
}

// fourEdits is a rollback with three actions that waits for its approval: two schedules, an allocation and a budget.
func fourEdits(t testkit.T, document string) *story {
	s := newStory(t)
	s.rollback.Spec.Actions = []strategyv1.RollbackAction{
		testkit.DisableAll("arb"), {Type: strategyv1.ActionSetAllocation, RiskProfile: "bold", Bucket: "trend", Allocation: "0.5"}, testkit.LimitResources("70", "2048"),
	}
	s.Content, s.Running = document, document
	s.quiet()
	return s
}

// BenchmarkPlanRealSize is one pass of a plan before its claim, beside one parse of the same configuration: docs/benchmark.md.
func BenchmarkPlanRealSize(b *testing.B) {
	text := realSize()
	s := fourEdits(b, text)
	b.Run("parse", func(b *testing.B) {
		for b.Loop() {
			if _, err := config.Parse(text); err != nil {
				b.Fatal(err)
			}
		}
	})
	observed := s.observed()
	if edits := observed.Rollback.Status.Plan.Edits; len(edits) != 4 {
		b.Fatalf("%d edits", len(edits))
	}
	b.Run("observed and planned", func(b *testing.B) {
		for b.Loop() {
			observed := observed
			observed.Config.Document = testkit.Parsed(b, text)
			rollback.Plan(observed, s.Now)
		}
	})
	b.Run("planned again", func(b *testing.B) {
		for b.Loop() {
			rollback.Plan(observed, s.Now)
		}
	})
}
