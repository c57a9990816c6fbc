package crash

import (
	"fmt"
	"reflect"
	"slices"
	"testing"

	"tradeops.dev/strategy-operator/controllers"
	"tradeops.dev/strategy-operator/internal/sim"
	"tradeops.dev/strategy-operator/test/scenarios"
)

// TestEveryWakeUpIsNeeded takes one line after the other out of what wakes the reconcilers: some scenario must end otherwise,
// or do other things. A wake-up that nobody misses is not tested, or not needed.
func TestEveryWakeUpIsNeeded(t *testing.T) {
	for _, line := range wakeUps(t) {
		t.Run(line, func(t *testing.T) {
			t.Parallel()
			for _, scenario := range scenarios.All {
				story, wrong := playWithout(t, scenario, line)
				if len(wrong) > 0 || scenario.Differs(story) != "" {
					t.Logf("%q misses it", scenario.Name)
					return
				}
			}
			t.Error("no scenario misses it")
		})
	}
}

// wakeUps are all lines: "incident on Job (1)".
func wakeUps(t *testing.T) []string {
	var lines []string
	w := sim.New(t, nil)
	w.Start(sim.Seams{Controllers: func(all []controllers.Controller) []controllers.Controller {
		for _, one := range all {
			if one.Name == "tree" { // without its key it does nothing; TestTheTreeIsWoken
				continue
			}
			for i, watch := range one.Watches {
				lines = append(lines, lineName(one, watch, i))
			}
		}
		return all
	}})
	return lines
}

func lineName(one controllers.Controller, watch controllers.Watch, at int) string {
	return fmt.Sprintf("%s on %s (%d)", one.Name, reflect.TypeOf(watch.Object).Elem().Name(), at)
}

func playWithout(t *testing.T, scenario scenarios.Scenario, line string) (story string, wrong []string) {
	t.Helper()
	return scenario.PlayWith(sim.New(t, scenario.Playbook), sim.Seams{Controllers: func(all []controllers.Controller) []controllers.Controller {
		for i, one := range all {
			var kept []controllers.Watch
			for at, watch := range one.Watches {
				if lineName(one, watch, at) != line {
					kept = append(kept, watch)
				}
			}
			all[i].Watches = slices.Clip(kept)
		}
		return all
	}})
}
