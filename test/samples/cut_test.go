package samples_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"sigs.k8s.io/yaml"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/checks"
	"tradeops.dev/strategy-operator/internal/rules"
)

// reportsOf are all reports that the shipped playbooks and their tests know.
func reportsOf(t *testing.T) []string {
	all := []string{
		silent, narrow, healthy, stopped, trading, changed, tagged, quickFeed, busyFeed, slowFeed, lossyFeed, deadFeed,
		lightLoad, slowLoad, floodedLoad, raisedLoad, runs, fails, loses, halted,
	}
	files, err := filepath.Glob("../../config/samples/*/playbook.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no playbooks: %v", err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var playbook strategyv1.StrategyPlaybook
		if err := yaml.Unmarshal(data, &playbook); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		for _, check := range playbook.Spec.Checks {
			for _, sample := range check.Samples {
				all = append(all, sample.Report)
			}
		}
	}
	return all
}

// layouts are the ways in which a check may print a report.
func layouts(t *testing.T, report string) map[string]string {
	compact, indented := &bytes.Buffer{}, &bytes.Buffer{}
	if json.Compact(compact, []byte(report)) != nil || json.Indent(indented, []byte(report), "", "  ") != nil {
		t.Fatalf("not JSON: %s", report)
	}
	return map[string]string{
		"on a line":                 compact.String() + "\n",
		"indented":                  indented.String() + "\n",
		"among log lines":           "INFO begins with [a] and {b}\n" + compact.String() + "\nINFO done in 3 s\n",
		"behind a prefix":           "2026-11-23 report: " + compact.String(),
		"indented, among log lines": "WARNING low on {memory}\n" + indented.String() + "\nbye\n",
	}
}

// Half a report is none: a log that is cut at any byte, at its end or at its beginning, gives the whole report or none. So nothing that is cut
// is judged better than the whole.
func TestAReportThatIsCutIsNone(t *testing.T) {
	for _, report := range reportsOf(t) {
		for layout, log := range layouts(t, report) {
			whole := found(log)
			if whole == "" {
				t.Fatalf("%s: there is no report in\n%s", layout, log)
			}
			for at := range len(log) {
				for what, cut := range map[string]string{"end": log[:at], "beginning": log[at:]} {
					if got := found(cut); got != "" && got != whole {
						t.Errorf("%s, its %s cut at byte %d: judged by %s, which is part of %s", layout, what, at, got, whole)
					}
				}
			}
		}
	}
}

// found is the report that a check with this log is judged by; empty: there is none.
func found(log string) string {
	outcome := checks.WithReport(checks.Outcome{Reason: checks.ReasonExited, ExitCode: new(int32)}, strategyv1.CheckSpec{}, rules.Vars{}, []byte(log), "")
	return outcome.Report.String()
}
