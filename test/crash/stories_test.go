package crash

import (
	"os"
	"testing"

	"tradeops.dev/strategy-operator/internal/sim"
	"tradeops.dev/strategy-operator/test/scenarios"
)

// TestStories plays the stories line by line, and then as scenarios with their cuts. -rewrite writes what the lines lead to.
func TestStories(t *testing.T) {
	for i, file := range scenarios.Stories(t) {
		t.Run(file, func(t *testing.T) {
			scenario := scenarios.Tell(t, file, sim.New(t, nil))
			if !t.Failed() {
				cutScenario(t, scenario, chosen(os.Getenv("CRASH"), i))
			}
		})
	}
}
