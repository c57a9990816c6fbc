package crash

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"tradeops.dev/strategy-operator/test/world"
)

const (
	// maxRounds bounds a run: the longest story needs a third of it.
	maxRounds = 100
	// quietRounds must pass without a write or an event for a run to be over.
	quietRounds = 2
)

// uncut is the reference run, which must itself be right.
func uncut(t *testing.T, scenario Scenario) (*End, []string) {
	t.Helper()
	cut := &Cut{}
	end := run1(t, scenario, cut, Mutant{})
	if end.incident != scenario.Incident || fmt.Sprint(end.others) != fmt.Sprint(orEmpty(scenario.Others)) || fmt.Sprint(end.rollbacks) != fmt.Sprint(orEmpty(scenario.Rollbacks)) {
		t.Fatalf("the uncut run ends with incident %q, others %v and rollbacks %v, not %q and %v (%v; last error: %v)\n%s",
			end.incident, end.others, end.rollbacks, scenario.Incident, scenario.Rollbacks, end.problems, end.lastError, strings.Join(end.told, "\n"))
	}
	if want := masked(scenario.content()); end.content != want {
		t.Errorf("uncut: the configuration is\n%s\nand not\n%s", end.content, want)
	}
	for _, violation := range end.violations(end) {
		t.Errorf("uncut: %s", violation)
	}
	return end, cut.Effects
}

func orEmpty(all map[string]string) map[string]string {
	if all == nil {
		return map[string]string{}
	}
	return all
}

// run1 plays a scenario until nothing happens any more, with the operator stopped at the cut and started again.
func run1(t *testing.T, scenario Scenario, cut *Cut, mutant Mutant) *End {
	t.Helper()
	ctx := context.Background()
	w := world.New(t, cluster, scenario.Playbook)
	if scenario.Document != "" {
		w.Configure(scenario.Document)
	}
	people, left := script(scenario.Script)
	w.Report, w.People = scenario.Report, people
	scenario.Begin(w)
	life := &life{World: w, scenario: scenario, mutant: mutant}
	watch := &watch{}
	operator := life.start(cut)
	quiet, rounds := 0, 0
	for ; quiet < quietRounds && rounds < maxRounds; rounds++ {
		before := len(operator.cut.Effects)
		operator.Round(ctx)
		watch.look(w, operator.cut.Effects[before:])
		if operator.cut.stopped() {
			operator = life.start(&Cut{})
			quiet = 0
			continue
		}
		if w.Play() || len(operator.cut.Effects) > before {
			quiet = 0
			continue
		}
		if operator.StepClock() {
			continue
		}
		quiet++
	}
	end := endOf(w)
	end.problems = append(end.problems, watch.problems...)
	if cut.At > 0 && cut.At <= len(cut.Effects) {
		end.effect = cut.Effects[cut.At-1]
	}
	if quiet < quietRounds {
		end.problems = append(end.problems, fmt.Sprintf("not quiet after %d rounds: it never ends (last error: %v)", maxRounds, w.LastError))
	}
	if left() > 0 {
		end.problems = append(end.problems, fmt.Sprintf("people wait for something that does not come: %d of %d steps left", left(), len(scenario.Script)))
	}
	// An operator that starts afresh in a finished world has nothing to do.
	fresh := &Cut{}
	life.start(fresh).Round(ctx)
	if len(fresh.Effects) > 0 {
		end.problems = append(end.problems, fmt.Sprintf("a restarted operator writes in a finished world: %v", fresh.Effects))
	}
	return end
}
