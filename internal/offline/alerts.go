package offline

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/bounded"
	"tradeops.dev/strategy-operator/internal/routes"
)

// Routed is what an alert would become.
type Routed struct {
	Alert  string // its name and labels
	Line   string // what it becomes, as a sentence
	Placed bool   // some route matches it
}

// alertFile is what alerts may stand in: a message of Alertmanager's webhook, what amtool prints, or rules of Prometheus.
type alertFile struct {
	Alerts []struct {
		Labels map[string]string `json:"labels"`
	} `json:"alerts"`
	Groups []ruleGroup `json:"groups"`
	Spec   struct {    // of a PrometheusRule
		Groups []ruleGroup `json:"groups"`
	} `json:"spec"`
}

type ruleGroup struct {
	Rules []struct {
		Alert  string            `json:"alert"`
		Labels map[string]string `json:"labels"`
	} `json:"rules"`
}

// Route says what the alerts of a text would become by the playbooks of others: for each alert the first playbook, by name, that has a
// route for it. Of a rule only the labels that stand in it are known, not those of its series.
func Route(alerts Text, playbooks []Text) ([]Routed, error) {
	tables, err := tablesOf(playbooks)
	if err != nil {
		return nil, err
	}
	labels, err := labelsOf(alerts)
	if err != nil {
		return nil, err
	}
	var all []Routed
	for _, one := range labels {
		all = append(all, routed(one, tables))
	}
	return all, nil
}

type namedTable struct {
	name  string
	table *routes.Table
}

func tablesOf(playbooks []Text) (tables []namedTable, err error) {
	for _, text := range playbooks {
		documents, err := split(text.Data)
		if err != nil {
			return nil, err
		}
		for _, document := range documents {
			meta, err := metaOf(document)
			if err != nil || meta.Kind != strategyv1.KindPlaybook {
				continue // lint tells
			}
			spec, _, err := completed(document)
			if err != nil {
				return nil, err
			}
			if spec != nil {
				table, _ := routes.Compile(spec.Alerts) // lint tells what cannot be read
				tables = append(tables, namedTable{meta.Name, table})
			}
		}
	}
	slices.SortFunc(tables, func(a, b namedTable) int { return cmp.Compare(a.name, b.name) })
	return tables, nil
}

// labelsOf are the labels of every alert in a text.
func labelsOf(text Text) (all []map[string]strategyv1.AlertText, err error) {
	var file alertFile
	if err := yaml.Unmarshal(text.Data, &file); err != nil {
		if listed := yaml.Unmarshal(text.Data, &file.Alerts); listed != nil {
			return nil, fmt.Errorf("%s holds no alerts: neither a message of Alertmanager's webhook, nor what amtool prints, nor rules of Prometheus: %w", text.Name, err)
		}
	}
	for _, alert := range file.Alerts {
		all = append(all, texts(alert.Labels))
	}
	for _, group := range append(file.Groups, file.Spec.Groups...) {
		for _, rule := range group.Rules {
			if rule.Alert != "" {
				labels := texts(rule.Labels)
				labels["alertname"] = strategyv1.AlertText(rule.Alert)
				all = append(all, labels)
			}
		}
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%s holds no alerts: want a message of Alertmanager's webhook, what amtool alert query -o json prints, or rules of Prometheus", text.Name)
	}
	return all, nil
}

func texts(labels map[string]string) map[string]strategyv1.AlertText {
	all := map[string]strategyv1.AlertText{}
	for name, value := range labels {
		all[name] = strategyv1.AlertText(value)
	}
	return all
}

func routed(alert map[string]strategyv1.AlertText, tables []namedTable) Routed {
	result := Routed{Alert: shownAlert(alert), Line: "no route matches it: it would stay without an incident, as Unroutable"}
	for _, one := range tables {
		found, ok := one.table.Find(alert)
		if !ok {
			continue
		}
		by := fmt.Sprintf(" (playbook %s, route %s)", one.name, found.Route)
		switch found.Action {
		case strategyv1.AlertActionIgnore:
			return Routed{result.Alert, "is ignored" + by, true}
		case strategyv1.AlertActionHeartbeat:
			return Routed{result.Alert, "is a heartbeat" + by, true}
		}
		target := "all schedules"
		switch {
		case found.Schedule != "":
			target = "schedule " + found.Schedule
		case found.Strategy != "":
			target = "strategy " + found.Strategy
		case found.NoTarget != "":
			target += ", since " + found.NoTarget
		}
		return Routed{result.Alert, fmt.Sprintf("%s, severity %s, %s%s", found.Type, found.Severity, target, by), true}
	}
	return result
}

// shownAlert is an alert as Prometheus writes it.
func shownAlert(alert map[string]strategyv1.AlertText) string {
	var pairs []string
	for _, name := range slices.Sorted(maps.Keys(alert)) {
		if name != "alertname" {
			pairs = append(pairs, fmt.Sprintf("%s=%q", name, alert[name]))
		}
	}
	return bounded.Line(routes.Name(alert)+"{"+strings.Join(pairs, ",")+"}", 300)
}
