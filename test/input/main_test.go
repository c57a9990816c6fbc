// Package input proves what the operator does with bad input: it says what is wrong, where, and what to do, changes
// nothing, and goes on by itself once the input is mended. The API server is real; the rest is played, see package world.
// One test runs the main story with a manager, its cache and its watches.
package input

import (
	"os"
	"testing"

	"tradeops.dev/strategy-operator/test/world"
)

var cluster *world.Cluster

func TestMain(m *testing.M) {
	os.Exit(world.Run(m, &cluster))
}
