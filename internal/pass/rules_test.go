package pass_test

import (
	"strings"
	"testing"

	"tradeops.dev/strategy-operator/internal/pass"
)

// TestRulesGoOnInThePhaseThatOneDecides, from its first one, and those behind it in the old phase do not run.
func TestRulesGoOnInThePhaseThatOneDecides(t *testing.T) {
	type walk struct {
		phase int
		ran   []string
	}
	rule := func(name string, to int, outcome pass.Outcome) pass.Rule[*walk] {
		return pass.Rule[*walk]{Name: name, Run: func(w *walk) pass.Outcome {
			w.ran, w.phase = append(w.ran, name), to
			return outcome
		}}
	}
	for name, c := range map[string]struct {
		procedure map[int][]pass.Rule[*walk]
		ran, ends string
	}{
		"the first that ends":   {map[int][]pass.Rule[*walk]{0: {rule("a", 0, pass.GoOn), rule("b", 0, pass.Ends), rule("c", 0, pass.Ends)}}, "a b", "b"},
		"another phase":         {map[int][]pass.Rule[*walk]{0: {rule("a", 1, pass.GoOn), rule("b", 0, pass.Ends)}, 1: {rule("x", 1, pass.GoOn), rule("y", 1, pass.Ends)}}, "a x y", "y"},
		"it ends as it changes": {map[int][]pass.Rule[*walk]{0: {rule("a", 1, pass.Ends)}, 1: {rule("x", 1, pass.Ends)}}, "a", "a"},
		"none ends":             {map[int][]pass.Rule[*walk]{0: {rule("a", 0, pass.GoOn)}}, "a", ""},
		"a phase without rules": {map[int][]pass.Rule[*walk]{0: {rule("a", 2, pass.GoOn), rule("b", 0, pass.Ends)}}, "a", ""},
	} {
		w := &walk{}
		got := pass.Decide(w, func() int { return w.phase }, c.procedure)
		if ran := strings.Join(w.ran, " "); got != c.ends || ran != c.ran {
			t.Errorf("%s: %q ended it after %q, want %q after %q", name, got, ran, c.ends, c.ran)
		}
	}
}
