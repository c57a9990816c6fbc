package playbook_test

import (
	"strings"
	"testing"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/config/crd"
	"tradeops.dev/strategy-operator/internal/playbook"
	"tradeops.dev/strategy-operator/internal/testkit"
)

func TestWarnings(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*strategyv1.StrategyPlaybookSpec)
		want   []string
	}{
		"all over what may be nothing": {func(*strategyv1.StrategyPlaybookSpec) {}, []string{"triage.falseAlarm: .all() holds over an empty list"}},
		"all over something": {func(s *strategyv1.StrategyPlaybookSpec) {
			s.Triage.FalseAlarm.When = "size(checks) > 0 && checks.all(c, c.verdict == 'Pass')"
		}, nil},
		"all of a list that is written down": {func(s *strategyv1.StrategyPlaybookSpec) {
			s.Triage.FalseAlarm.When = "['audit', 'load'].all(name, checks.exists(c, c.name == name))"
		}, nil},
		"a gate has its checks": {func(s *strategyv1.StrategyPlaybookSpec) {
			s.Triage.FalseAlarm, s.Remediations[0].Restore.When = nil, "checks.all(c, c.verdict == 'Pass')"
		}, nil},
		"types without a branch": {func(s *strategyv1.StrategyPlaybookSpec) {
			s.Triage.FalseAlarm = nil
			s.Triage.Checks[0].Types = []strategyv1.IncidentType{"PnL", "Risk", "Latency"}
			s.Diagnosis.Causes[0].When = `incident.type in ['NoSignals', "AdapterFailure"]`
			s.Triage.Escalate[0].When = "incident.type == 'Compliance'"
		}, []string{"incidents of type AlertFatigue, ResourceBudget: no check"}},
		"no branches at all": {func(s *strategyv1.StrategyPlaybookSpec) { s.Triage.FalseAlarm = nil }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			spec := testkit.Playbook()
			c.change(&spec)
			got := playbook.Warnings(spec)
			if len(got) != len(c.want) {
				t.Fatalf("%q, want %q", got, c.want)
			}
			for i := range got {
				if !strings.HasPrefix(got[i], c.want[i]) {
					t.Errorf("%q, want %q", got[i], c.want[i])
				}
			}
		})
	}
}

// TestTheTypesAreThoseOfTheAPI: a type that is added there is not forgotten here.
func TestTheTypesAreThoseOfTheAPI(t *testing.T) {
	_, after, _ := strings.Cut(string(crd.Incident), "description: type of the incident.")
	enum, _, _ := strings.Cut(after, "type: string")
	for _, kind := range strategyv1.IncidentTypes() {
		if !strings.Contains(enum, "- "+string(kind)+"\n") {
			t.Errorf("the API has no type %s:\n%s", kind, enum)
		}
	}
	if n := strings.Count(enum, "\n                - "); n != len(strategyv1.IncidentTypes()) {
		t.Errorf("the API has %d types:\n%s", n, enum)
	}
}
