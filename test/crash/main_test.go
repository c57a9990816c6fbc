// Package crash proves that the operator ends in the same state wherever it is stopped.
//
// For each scenario a reference run records every side effect (API writes and bucket writes). Then, for each side effect k,
// the operator is stopped right before it, right after it, or told that it failed although it took effect; a new operator
// with an empty memory goes on until nothing happens any more. The API server is real; the rest is played, see package world.
package crash

import (
	"os"
	"testing"

	"tradeops.dev/strategy-operator/test/world"
)

var cluster *world.Cluster

func TestMain(m *testing.M) {
	os.Exit(world.Run(m, &cluster))
}
