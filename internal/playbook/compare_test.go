package playbook_test

import (
	"fmt"
	"strings"
	"testing"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/playbook"
	"tradeops.dev/strategy-operator/internal/testkit"
)

// TestSamplesOfBothVersionsAreJudgedByBoth, each once.
func TestSamplesOfBothVersionsAreJudgedByBoth(t *testing.T) {
	sample := func(report string, verdict strategyv1.Verdict) strategyv1.ReportSample {
		return strategyv1.ReportSample{Report: report, Verdict: verdict}
	}
	before, after := testkit.Playbook(), testkit.Playbook()
	bad, good := sample(`{"status":"fail"}`, strategyv1.VerdictFail), sample(`{"status":"ok"}`, strategyv1.VerdictPass)
	before.Checks[0].Samples = []strategyv1.ReportSample{bad, sample("no report", strategyv1.VerdictFail)}
	after.Checks[0].Samples = []strategyv1.ReportSample{good, bad}
	if differ, compared, left := playbook.JudgedElse(before, after); len(differ) > 0 || compared != 2 || left != "" {
		t.Errorf("the same rules: %+v, %d, %s", differ, compared, left)
	}
	after.Checks[0].Verdicts = []strategyv1.VerdictRule{{When: "true", Verdict: strategyv1.VerdictPass, Message: "never mind"}}
	differ, compared, left := playbook.JudgedElse(before, after)
	if got := fmt.Sprint(differ); compared != 2 || left != "" || len(differ) != 1 || !strings.Contains(got, "sample 1 of the approved version") ||
		!strings.Contains(got, "Fail (rule 1: audit failed)") || !strings.Contains(got, "Pass (rule 1: never mind)") {
		t.Errorf("%s, %d, %s", got, compared, left)
	}
}
