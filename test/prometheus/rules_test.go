// Package prometheus tests the alert rules that are shipped, without and with Prometheus' own tools.
package prometheus

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"text/template"

	"sigs.k8s.io/yaml"
)

const (
	repository = "../.."
	shipped    = repository + "/config/prometheus/"
)

// ruleFiles are what a Prometheus loads: the shipped ones, and those of the demo.
var ruleFiles = []string{shipped + "operator-rules.yaml", shipped + "bot-core-rules.yaml", repository + "/hack/demo/local/rules.yaml"}

type rule struct {
	Alert, Record, Expr string
	Labels, Annotations map[string]string
}

type ruleFile struct {
	Groups []struct {
		Name  string
		Rules []rule
	}
}

func read(t *testing.T, path string, into any) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err == nil {
		err = yaml.Unmarshal(data, into)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// alerts are those of a file, by name.
func alerts(t *testing.T, path string) map[string]rule {
	t.Helper()
	var file ruleFile
	read(t, path, &file)
	found := map[string]rule{}
	for _, group := range file.Groups {
		for _, r := range group.Rules {
			if r.Alert == "" {
				continue
			}
			if _, twice := found[r.Alert]; twice {
				t.Errorf("%s: two alerts are called %s", path, r.Alert)
			}
			found[r.Alert] = r
		}
	}
	return found
}

// Each alert says how bad it is, what happened, what to do next, and where that is written.
func TestEachAlertSaysWhatToDo(t *testing.T) {
	for _, path := range ruleFiles {
		for name, r := range alerts(t, path) {
			if !slices.Contains([]string{"info", "warning", "critical"}, r.Labels["severity"]) || r.Labels["team"] == "" {
				t.Errorf("%s: severity %q, team %q", name, r.Labels["severity"], r.Labels["team"])
			}
			for _, annotation := range []string{"summary", "description"} {
				if err := expand(r.Annotations[annotation]); err != nil {
					t.Errorf("%s: %s: %v", name, annotation, err)
				}
			}
			if err := heading(r.Annotations["runbook"]); err != nil {
				t.Errorf("%s: runbook: %v", name, err)
			}
		}
	}
}

// expand fills a text in as Prometheus does.
func expand(text string) error {
	if text == "" {
		return fmt.Errorf("there is none")
	}
	human := func(value any) string { return fmt.Sprint(value) }
	parsed, err := template.New("").Funcs(template.FuncMap{"humanize": human, "humanizeDuration": human}).
		Parse("{{ $labels := .Labels }}{{ $value := .Value }}{{ $labels }}{{ $value }}" + text)
	if err != nil {
		return err
	}
	return parsed.Execute(&strings.Builder{}, map[string]any{"Labels": map[string]string{}, "Value": 1})
}

var notInAnchors = regexp.MustCompile(`[^a-z0-9 -]`)

// heading says whether a document has a heading, named as in a link.
func heading(link string) error {
	path, anchor, _ := strings.Cut(link, "#")
	data, err := os.ReadFile(filepath.Join(repository, path))
	if err != nil || anchor == "" {
		return err
	}
	for line := range strings.Lines(string(data)) {
		title := strings.TrimLeft(line, "#")
		made := strings.ReplaceAll(notInAnchors.ReplaceAllString(strings.ToLower(strings.TrimSpace(title)), ""), " ", "-")
		if strings.HasPrefix(line, "#") && made == anchor {
			return nil
		}
	}
	return fmt.Errorf("%s has no heading for #%s", path, anchor)
}

// The kinds of the Prometheus operator hold the same rules as the files.
func TestTheKindsHoldTheSameRules(t *testing.T) {
	for _, name := range []string{"operator", "bot-core"} {
		var kind struct{ Spec any }
		var plain any
		read(t, shipped+name+"-rules.yaml", &plain)
		read(t, shipped+name+"-prometheusrule.yaml", &kind)
		if !reflect.DeepEqual(plain, kind.Spec) {
			t.Errorf("%s-prometheusrule.yaml is not made of %s-rules.yaml: make rules", name, name)
		}
	}
}

// promtoolTests is a file of promtool.
type promtoolTests struct {
	RuleFiles []string `json:"rule_files"`
	Tests     []struct {
		Expressions []struct {
			Expr    string `json:"expr"`
			Samples []any  `json:"exp_samples"`
		} `json:"promql_expr_test"`
	} `json:"tests"`
}

var asked = regexp.MustCompile(`ALERTS\{alertname="(\w+)",alertstate="firing"\}`)

// For each alert there is a case in which it fires, and one in which it does not.
func TestEachAlertIsTestedBothWays(t *testing.T) {
	files, _ := filepath.Glob("*_test.yaml")
	fires, quiet := map[string]bool{}, map[string]bool{}
	for _, path := range files {
		var tests promtoolTests
		read(t, path, &tests)
		for _, one := range tests.Tests {
			for _, e := range one.Expressions {
				if name := asked.FindStringSubmatch(e.Expr); len(name) == 2 && len(e.Samples) > 0 {
					fires[name[1]] = true
				} else if len(name) == 2 {
					quiet[name[1]] = true
				}
			}
		}
	}
	for _, path := range ruleFiles {
		for _, name := range slices.Sorted(maps.Keys(alerts(t, path))) {
			if !fires[name] || !quiet[name] && name != "StrategyWatchdog" {
				t.Errorf("%s: tested to fire: %t, to stay quiet: %t", name, fires[name], quiet[name])
			}
		}
	}
}

var metric = regexp.MustCompile(`\bstrategy_[a-z_]+\b`)

// What rules and dashboard ask for is in the list of metrics. That it is served is tested on a real cluster.
func TestMetricsAreDocumented(t *testing.T) {
	list, err := os.ReadFile(repository + "/docs/operate.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{shipped + "operator-rules.yaml", shipped + "dashboard.json"} {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range metric.FindAllString(string(data), -1) {
			name = strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(name, "_count"), "_bucket"), "_sum")
			if !strings.Contains(string(list), "`"+name+"`") {
				t.Errorf("%s: docs/operate.md does not list %s", path, name)
			}
		}
	}
}
