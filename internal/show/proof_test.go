package show

import (
	"strings"
	"testing"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
)

func TestTheProofSaysOfWhatItSpeaks(t *testing.T) {
	for name, c := range map[string]struct {
		proof strategyv1.ProofStatus
		says  string
	}{
		"the running scheduler has it":         {strategyv1.ProofStatus{Edited: "a", Stored: "a", Running: "a"}, "running a: all three are equal"},
		"the running scheduler has another":    {strategyv1.ProofStatus{Edited: "a", Stored: "a", Running: "b"}, "running b: the running scheduler has another configuration"},
		"its loader reads it":                  {strategyv1.ProofStatus{Edited: "a", Stored: "a", Loaded: "a"}, "loaded a: all three are equal; the running scheduler was not asked"},
		"the check's pod has another":          {strategyv1.ProofStatus{Edited: "a", Stored: "a", Loaded: "b"}, "loaded b: the check of the proof read another configuration"},
		"the stored one was changed meanwhile": {strategyv1.ProofStatus{Edited: "a", Stored: "b", Loaded: "b"}, "the stored configuration was changed after the edit"},
		"nobody said anything":                 {strategyv1.ProofStatus{Edited: "a", Stored: "a"}, "running -: the scheduler has not said what it runs"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := proofNode(&c.proof)[0].text; !strings.HasSuffix(got, c.says) {
				t.Errorf("it says %q", got)
			}
		})
	}
}

func TestTheSeverityThatCountsIsShown(t *testing.T) {
	incident := &strategyv1.StrategyIncident{Spec: strategyv1.StrategyIncidentSpec{Severity: strategyv1.SeverityWarning}}
	for counts, says := range map[strategyv1.Severity]string{"": "Warning", "Warning": "Warning", "Critical": "Critical (reported as Warning)"} {
		incident.Status.Severity = counts
		if got := severityOf(incident); got != says {
			t.Errorf("%q: it says %q", counts, got)
		}
	}
}
