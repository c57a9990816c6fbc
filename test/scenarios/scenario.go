// Package scenarios are the stories that every cut is tried on: how each begins, what the checks measure, what people do,
// and how it must end. They are played on the simulated cluster (test/crash, with all cuts) and once on a real API server
// (test/api), where everything that the operator does must be the same.
package scenarios

import (
	"slices"
	"strings"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/checks"
	"tradeops.dev/strategy-operator/internal/sim"
	"tradeops.dev/strategy-operator/internal/testkit"
)

// Scenario is one story.
type Scenario struct {
	Name     string
	Playbook func(*strategyv1.StrategyPlaybookSpec)
	Document string // the configuration at first; testkit.Document if empty
	Begin    func(*sim.World)
	Report   func(*sim.World, checks.ID) (sim.Ended, bool)
	Script   []Step
	// Meanwhile happens once, right before the operator's first write of the configuration: after it was read for it.
	Meanwhile func(*sim.World)
	// Behind: the operator's cache of rollbacks is always one look behind.
	Behind bool

	Told bool // how it ends is in its file
	// Known is what is wrong today: why cuts may end otherwise, until that is fixed.
	Known string

	Incident  string            // reason of Ready of the first incident at the end; empty without one
	Others    map[string]string // the same of the other incidents, by name
	Rollbacks map[string]string // by name: reason of Ready at the end, or sim.Gone
	Leaves    *strings.Replacer // what is different in the configuration at the end; nil: nothing
}

// Set makes a world ready for the story, up to its beginning.
func (s Scenario) Set(w *sim.World) {
	if s.Document != "" {
		w.Configure(s.Document)
	}
	w.Report, w.Meanwhile = s.Report, s.Meanwhile
	for _, step := range s.Script {
		w.Script = append(w.Script, sim.Step(step))
	}
	s.Begin(w)
}

// lag is how late a cache is that is behind.
const lag = 10 * time.Millisecond

// Late is how late changes reach the operator's cache in this story.
func (s Scenario) Late(changed client.Object) time.Duration {
	if _, isRollback := changed.(*strategyv1.StrategyRollback); isRollback && s.Behind {
		return lag
	}
	return 0
}

// Content is the configuration at the end.
func (s Scenario) Content() string {
	document := testkit.Document
	if s.Document != "" {
		document = s.Document
	}
	if s.Leaves == nil {
		return document
	}
	return s.Leaves.Replace(document)
}

// All of them, the main story first.
var All = slices.Concat(incidents, procedure, heldBack, plans, several, lostAndFound, timeBoxes, deletions, adopted, reviewed, alerted)

// Named is the scenario of that name.
func Named(name string) Scenario {
	at := slices.IndexFunc(All, func(s Scenario) bool { return s.Name == name })
	return All[at]
}
