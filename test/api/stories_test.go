package api_test

import (
	"testing"

	"tradeops.dev/strategy-operator/test/scenarios"
)

// TestStoriesOnTheRealServer plays the stories of the simulated cluster once on the real API server: the same must happen.
func TestStoriesOnTheRealServer(t *testing.T) {
	for _, file := range scenarios.Stories(t) {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			scenarios.Tell(t, file, onRealServer(t, nil))
		})
	}
}
