package offline_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/offline"
	"tradeops.dev/strategy-operator/internal/testkit"
)

// TestChangesNameEachField, and say nothing where nothing that people approve is changed.
func TestChangesNameEachField(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*strategyv1.StrategyPlaybookSpec)
		want   string
	}{
		"nothing":        {func(*strategyv1.StrategyPlaybookSpec) {}, ""},
		"on hold by Git": {func(s *strategyv1.StrategyPlaybookSpec) { s.Suspend = true }, ""},
		"nobody approves": {func(s *strategyv1.StrategyPlaybookSpec) {
			s.Remediations[0].Approval.Mode = strategyv1.ApprovalAutomatic
		}, `remediations[disable].approval.mode: "Required" -> "Automatic"`},
		"a number":            {func(s *strategyv1.StrategyPlaybookSpec) { s.Triage.RespondWithinSeconds = 60 }, `triage.respondWithinSeconds: 300 -> 60`},
		"a rule":              {func(s *strategyv1.StrategyPlaybookSpec) { s.Checks[0].Verdicts[0].When = "1 < 2 && true" }, `checks[audit].verdicts[0].when: "report.status == 'fail'" -> "1 < 2 && true"`},
		"a field comes":       {func(s *strategyv1.StrategyPlaybookSpec) { s.Guard = &strategyv1.GuardSpec{} }, `guard:  -> {}`},
		"a remedy goes":       {func(s *strategyv1.StrategyPlaybookSpec) { s.Triage.Escalate = s.Triage.Escalate[:1] }, `triage.escalate[lasts]: {"afterSeconds":240,"name":"lasts"} -> `},
		"the order of causes": {func(s *strategyv1.StrategyPlaybookSpec) { slices.Reverse(s.Diagnosis.Causes) }, `diagnosis.causes (order): SignalDegradation, Slow -> Slow, SignalDegradation`},
		"a cause comes first": {func(s *strategyv1.StrategyPlaybookSpec) {
			s.Diagnosis.Causes = append([]strategyv1.CauseRule{{Name: "Any", When: "true"}}, s.Diagnosis.Causes...)
		}, `diagnosis.causes[Any]:  -> {"name":"Any","when":"true"}; diagnosis.causes (order): SignalDegradation, Slow -> Any, SignalDegradation, Slow`},
		"a cause comes last": {func(s *strategyv1.StrategyPlaybookSpec) {
			s.Diagnosis.Causes = append(s.Diagnosis.Causes, strategyv1.CauseRule{Name: "Any", When: "true"})
		}, `diagnosis.causes[Any]:  -> {"name":"Any","when":"true"}`},
		"the first cause goes": {func(s *strategyv1.StrategyPlaybookSpec) { s.Diagnosis.Causes = s.Diagnosis.Causes[1:] }, `diagnosis.causes[SignalDegradation]: {"name":"SignalDegradation","remediation":"disable","when":"checks.exists(c, c.name == 'smoke' && c.verdict == 'Fail')"} -> `},
	} {
		spec := testkit.Playbook()
		c.change(&spec)
		changes, err := offline.Changes(testkit.Playbook(), spec)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, one := range changes {
			got = append(got, fmt.Sprintf("%s: %s -> %s", one.Path, one.From, one.To))
		}
		if strings.Join(got, "; ") != c.want {
			t.Errorf("%s: %s, not %s", name, strings.Join(got, "; "), c.want)
		}
	}
}

// A check that is new is read as it would be written.
func TestLines(t *testing.T) {
	for value, want := range map[string]string{
		"": "", `"Required"`: `"Required"`, "3": "3", `{"name":"audit","command":["/demo","x"]}`: "command:|- /demo|- x|name: audit", `[{"a":1}]`: "- a: 1", "{": "{",
	} {
		if got := strings.Join(offline.Lines(value), "|"); got != want {
			t.Errorf("%s: %s", value, got)
		}
	}
}
