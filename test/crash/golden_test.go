package crash

import (
	"testing"

	"tradeops.dev/strategy-operator/internal/sim"
	"tradeops.dev/strategy-operator/test/scenarios"
)

// TestTheSimulatedServerIsLikeTheRealOne: everything that the operator does and tells, and what is left, is what the golden
// files say. They were recorded on the real API server, and test/api compares it with them.
func TestTheSimulatedServerIsLikeTheRealOne(t *testing.T) {
	for _, scenario := range scenarios.All {
		t.Run(scenario.Name, func(t *testing.T) {
			t.Parallel()
			story, wrong := scenario.Play(sim.New(t, scenario.Playbook))
			for _, what := range wrong {
				t.Error(what)
			}
			if difference := scenario.Differs(story); difference != "" {
				t.Error(difference)
			}
		})
	}
}

// TestTheSimulatedServerKeepsTheContract that test/api finds the real one to keep.
func TestTheSimulatedServerKeepsTheContract(t *testing.T) { scenarios.Contract(t, sim.New(t, nil)) }
