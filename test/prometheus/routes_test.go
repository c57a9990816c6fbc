package prometheus

import (
	"maps"
	"slices"
	"testing"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/routes"
)

// The sample playbooks say what each shipped alert becomes; what the operator says of itself never opens an incident, and every type of
// incident has a way in.
func TestThePlaybookSaysWhatEachAlertBecomes(t *testing.T) {
	t.Run("demo", func(t *testing.T) { saysWhatEachAlertBecomes(t, "demo", ruleFiles) })
	t.Run("botcore", func(t *testing.T) { saysWhatEachAlertBecomes(t, "botcore", ruleFiles[:2]) })
}

func saysWhatEachAlertBecomes(t *testing.T, sample string, files []string) {
	t.Helper()
	var playbook strategyv1.StrategyPlaybook
	read(t, repository+"/config/samples/"+sample+"/playbook.yaml", &playbook)
	table, problems := routes.Compile(playbook.Spec.Alerts)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	opened := map[strategyv1.IncidentType]bool{}
	for _, path := range files {
		for _, name := range slices.Sorted(maps.Keys(alerts(t, path))) {
			labels := map[string]strategyv1.AlertText{"alertname": strategyv1.AlertText(name), "schedule": "cross_exchange_watch"}
			for label, value := range alerts(t, path)[name].Labels {
				labels[label] = strategyv1.AlertText(value)
			}
			found, any := table.Find(labels)
			if !any {
				t.Errorf("%s: no route matches it", name)
			}
			if incident := found.Type != ""; incident && labels["team"] == "strategy-operator" {
				t.Errorf("%s is about the operator, and becomes an incident of type %s", name, found.Type)
			}
			opened[found.Type] = true
		}
	}
	if found, _ := table.Find(map[string]strategyv1.AlertText{"alertname": "AuditFailed", "team": "compliance"}); found.Type != "" {
		opened[found.Type] = true
	}
	for _, one := range strategyv1.IncidentTypes() {
		if !opened[one] {
			t.Errorf("no alert becomes an incident of type %s", one)
		}
	}
	loss, _ := table.Find(map[string]strategyv1.AlertText{"alertname": "MultiStrategyPnlDrawdown", "severity": "critical", "schedule": "cross_exchange_watch"})
	if loss.Schedule != "cross_exchange_watch" || loss.Severity != strategyv1.SeverityCritical {
		t.Errorf("a loss becomes %+v", loss)
	}
}
