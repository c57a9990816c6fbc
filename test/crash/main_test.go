// Package crash proves that the operator ends in the same state wherever it is stopped.
//
// For each scenario a reference run on the simulated cluster records every side effect (API writes and bucket writes). Then,
// for each side effect k, the operator is stopped right before it, right after it, or told that it failed although it took
// effect; a new operator with an empty memory goes on until nothing happens any more. The world is copied right before and
// right after each effect, so that only the rest is played again.
package crash

import (
	"fmt"
	"os"
	"testing"
	"time"
)

func TestMain(m *testing.M) {
	began := time.Now()
	code := m.Run()
	fmt.Printf("%d scenarios and stories, %d side effects, %d cuts, %d violations, %d known ones, %d of %d seeded bugs found, %.0f s\n",
		played.Load(), effects.Load(), cuts.Load(), violations.Load(), known.Load(), found.Load(), seeded.Load(), time.Since(began).Seconds())
	os.Exit(code)
}
