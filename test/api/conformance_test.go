package api_test

import (
	"os"
	"testing"

	"tradeops.dev/strategy-operator/test/scenarios"
)

// TestScenariosOnTheRealServer plays every scenario once on the real API server: everything that the operator does and
// tells, and what is left, must be what the golden file says, which the simulated server is compared with, too. RECORD=1
// writes the golden files.
func TestScenariosOnTheRealServer(t *testing.T) {
	for _, scenario := range scenarios.All {
		t.Run(scenario.Name, func(t *testing.T) {
			t.Parallel()
			story, wrong := scenario.Play(onRealServer(t, scenario.Playbook))
			for _, what := range wrong {
				t.Error(what)
			}
			if os.Getenv("RECORD") != "" {
				must(t, scenario.Record(story))
				return
			}
			if difference := scenario.Differs(story); difference != "" {
				t.Error(difference)
			}
		})
	}
}

// TestTheRealServerKeepsTheContract that the simulated one must keep, too.
func TestTheRealServerKeepsTheContract(t *testing.T) { scenarios.Contract(t, onRealServer(t, nil)) }
