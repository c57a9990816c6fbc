package engine

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
)

// ofAllSchedules are the signals that say something of the scheduler as a whole, although their figure has a label for the schedule; why is
// written beside each in the playbook.
var ofAllSchedules = []string{"signals_1m", "secondary_delay_ms"}

// What the demo's playbook asks for is what the scheduler exports, and where a number is of a schedule it is the incident's: the loss of
// one calls nobody for the incident of another.
func TestThePlaybookAsksForTheIncidentsSchedule(t *testing.T) {
	w := newWorld(t)
	w.step(20)
	exported := labelsOf(w.get("/metrics"))
	data, err := os.ReadFile(filepath.Join("..", "..", "..", "..", "config", "samples", "demo", "playbook.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var playbook strategyv1.StrategyPlaybook
	if err := yaml.UnmarshalStrict(data, &playbook); err != nil {
		t.Fatal(err)
	}
	for _, query := range playbook.Spec.Signals.Queries {
		for _, selector := range regexp.MustCompile(`(bot_\w+)\{([^}]*)\}`).FindAllStringSubmatch(query.Query, -1) {
			labels, known := exported[selector[1]]
			if !known {
				t.Errorf("%s: the scheduler exports no %s", query.Name, selector[1])
				continue
			}
			asked := selector[2]
			for _, label := range []string{"schedule", "strategy"} {
				selects := strings.Contains(asked, label+"=~$"+label)
				wanted := slices.Contains(labels, label) && !slices.Contains(ofAllSchedules, query.Name)
				if selects != wanted {
					t.Errorf("%s selects the incident's %s: %v, want %v\n%s", query.Name, label, selects, wanted, query.Query)
				}
			}
		}
	}
}

// labelsOf each figure that is exported.
func labelsOf(metrics string) map[string][]string {
	exported := map[string][]string{}
	for _, line := range regexp.MustCompile(`(?m)^(bot_\w+)(?:\{(.*)\})? \S+$`).FindAllStringSubmatch(metrics, -1) {
		exported[line[1]] = []string{}
		for _, label := range regexp.MustCompile(`(\w+)="`).FindAllStringSubmatch(line[2], -1) {
			exported[line[1]] = append(exported[line[1]], label[1])
		}
	}
	return exported
}
