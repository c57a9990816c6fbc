package crash

import (
	"context"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"tradeops.dev/strategy-operator/internal/sim"
	"tradeops.dev/strategy-operator/test/scenarios"
)

// rotate has another key sign from now on. kept: the one before stays beside it, under its id.
func rotate(w *sim.World, kept bool) {
	sim.Change(w, sim.Secret, &corev1.Secret{}, func(s *corev1.Secret) {
		if kept {
			s.Data["hmac-key.k1"] = s.Data["hmac-key"]
		}
		s.Data["hmac-key"], s.Data["key-id"] = scenarios.NextKey.Secret, []byte(scenarios.NextKey.ID)
	})
}

// rotatedAt plays a story whose operator stops at a point, and whose key is another one when it starts again.
func rotatedAt(t *testing.T, scenario scenarios.Scenario, point Point, kept bool) (*run, *scenarios.End) {
	t.Helper()
	r := begin(t, scenario, Mutant{}, &Cut{Point: point})
	sim.Change(r.World, sim.Secret, &corev1.Secret{}, func(s *corev1.Secret) { s.Data["key-id"] = []byte("k1") })
	for range maxSteps {
		more := r.Next(context.Background(), r.operator)
		if r.cut.Stopped {
			rotate(r.World, kept)
			r.start(&Cut{})
		} else if !more {
			break
		}
	}
	return r, scenarios.EndOf(r.World, r.operator.LastError())
}

// TestAKeyIsReplacedWhileSomethingIsOpen: at whatever effect of an incident with its rollback the signing key is replaced, both go on to the same
// end, and the log verifies with both keys. Without the key before, somewhere entries cannot be verified, and that says which key is missing.
func TestAKeyIsReplacedWhileSomethingIsOpen(t *testing.T) {
	scenario := treeStory(t)
	reference, effects := uncut(t, scenario, nil)
	said := 0
	for at, effect := range effects {
		if !strings.HasPrefix(effect, "put ") {
			continue
		}
		for _, mode := range []Mode{Before, After} {
			_, end := rotatedAt(t, scenario, Point{at + 1, mode}, true)
			for _, wrong := range end.Violations(reference) {
				t.Errorf("replaced %s %s: %s", mode, effect, wrong)
			}
		}
		r, _ := rotatedAt(t, scenario, Point{at + 1, After}, false)
		for _, line := range r.Trace {
			if strings.Contains(line, "SecretInvalid") && strings.Contains(line, `"k1", which is not there`) {
				said++
				break
			}
		}
		for _, line := range r.Trace {
			if strings.Contains(line, "LogConflict") || strings.Contains(line, "EvidenceForged") {
				t.Errorf("without the key before, after %s, somebody is accused: %s", effect, line)
			}
		}
	}
	if said == 0 {
		t.Error("nobody was told which key is missing")
	}
}
