package scenarios

import (
	"testing/fstest"

	"tradeops.dev/strategy-operator/internal/audit"
	"tradeops.dev/strategy-operator/internal/decisionlog"
	"tradeops.dev/strategy-operator/internal/sim"
)

// seals: whatever the operator stored has the seal and the hashes that an auditor checks, and a name that they know.
func (e *End) seals(w *sim.World) {
	files := fstest.MapFS{}
	for key, data := range w.Bucket.Objects() {
		files[key] = &fstest.MapFile{Data: data}
	}
	found, err := audit.CheckObjects(files, []string{"."}, decisionlog.Keys{{Secret: sim.SigningKey}, NextKey})
	if err != nil {
		e.Problem("the evidence cannot be checked: %v", err)
	}
	for _, kind := range [][]audit.Finding{found.Findings, found.Unproved, found.Strange} {
		for _, one := range kind {
			e.Problem("evidence: %s", one)
		}
	}
}
