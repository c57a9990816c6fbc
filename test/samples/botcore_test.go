// Package samples_test reads the samples of config/samples as their users would, without a cluster: it lints them, plays
// reports through the rules of the playbook for the real bot_core, and checks that its commands exist there.
package samples_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/checks"
	"tradeops.dev/strategy-operator/internal/config"
	"tradeops.dev/strategy-operator/internal/offline"
	"tradeops.dev/strategy-operator/internal/oncall"
	"tradeops.dev/strategy-operator/internal/rules"
)

const folder = "../../config/samples"

func TestEveryPlaybookIsSound(t *testing.T) {
	paths, err := filepath.Glob(folder + "/*/playbook.yaml")
	if err != nil || len(paths) < 2 {
		t.Fatalf("%d playbooks: %v", len(paths), err)
	}
	for _, path := range paths {
		findings, err := offline.Lint(offline.Text{Name: path, Data: read(t, path)})
		if err != nil {
			t.Fatal(err)
		}
		for _, finding := range findings {
			for _, problem := range finding.Problems {
				t.Errorf("%s: %s: %s", path, finding.What, problem)
			}
		}
	}
}

func TestEveryCheckOfBotCoreHasSamples(t *testing.T) {
	for _, check := range botcore(t).Checks {
		if len(check.Samples) == 0 {
			t.Errorf("check %s has none", check.Name)
		}
	}
}

// TestEveryTypeHasABranch: each type of incident has checks of its own in the triage or the diagnosis, and a cause.
func TestEveryTypeHasABranch(t *testing.T) {
	spec := botcore(t)
	for _, kind := range []strategyv1.IncidentType{"PnL", "Risk", "Latency", "NoSignals", "AdapterFailure", "AlertFatigue", "ResourceBudget", "Compliance"} {
		for stage, stageChecks := range map[string][]strategyv1.StageCheck{"triage": spec.Triage.Checks, "diagnosis": spec.Diagnosis.Checks} {
			own := slices.ContainsFunc(stageChecks, func(c strategyv1.StageCheck) bool { return slices.Contains(c.Types, kind) })
			if !own {
				t.Errorf("%s: no check of the %s is for it", kind, stage)
			}
			uses, _ := checks.Branch(stageChecks, kind, "Warning")
			if len(uses) == 0 {
				t.Errorf("%s: nothing runs in the %s", kind, stage)
			}
		}
		if !slices.ContainsFunc(spec.Diagnosis.Causes, func(c strategyv1.CauseRule) bool { return strings.Contains(c.When, "'"+string(kind)+"'") }) {
			t.Errorf("%s: no cause names it", kind)
		}
	}
}

// TestThePodTemplateIsThere, strictly valid, for every check, and with what the commands use.
func TestThePodTemplateIsThere(t *testing.T) {
	var template corev1.PodTemplate
	for _, document := range bytes.Split(read(t, folder+"/botcore/podtemplate.yaml"), []byte("\n---\n")) {
		if bytes.Contains(document, []byte("kind: PodTemplate")) {
			if err := yaml.UnmarshalStrict(document, &template); err != nil {
				t.Fatal(err)
			}
		}
	}
	container := template.Template.Spec.Containers[0]
	for _, name := range []string{"AUDIT_DIR", "PYTHONPATH"} {
		if !slices.ContainsFunc(container.Env, func(e corev1.EnvVar) bool { return e.Name == name && e.Value != "" }) {
			t.Errorf("it sets no %s", name)
		}
	}
	for _, check := range botcore(t).Checks {
		if check.PodTemplateName != template.Name {
			t.Errorf("check %s needs PodTemplate %s", check.Name, check.PodTemplateName)
		}
	}
}

func TestTheRotationIsRead(t *testing.T) {
	var object corev1.ConfigMap
	if err := yaml.UnmarshalStrict(read(t, folder+"/botcore/oncall.yaml"), &object); err != nil {
		t.Fatal(err)
	}
	reference := botcore(t).Escalation.Rotation
	if object.Name != reference.ConfigMapName || object.Labels["strategy.tradeops.dev/managed"] != "true" {
		t.Errorf("ConfigMap %s with labels %v is not what the playbook names", object.Name, object.Labels)
	}
	if _, err := oncall.Parse([]byte(object.Data[reference.Key])); err != nil {
		t.Error(err)
	}
}

// TestEditsFitTheRealDocuments: the feed and the proposal on bot_core's own files.
func TestEditsFitTheRealDocuments(t *testing.T) {
	spec := botcore(t)
	proposal := spec.Remediations[slices.IndexFunc(spec.Remediations, func(r strategyv1.RemediationSpec) bool { return r.Proposal != nil })].Proposal
	for file, wanted := range map[string][]strategyv1.DocumentEdit{"core.yaml": spec.Feeds[0].Edits, "multi_strategy_rules.yml": proposal.Edits} {
		t.Run(file, func(t *testing.T) {
			before, err := config.Parse(string(upstream(t, file)))
			if err != nil {
				t.Fatal(err)
			}
			var edits []config.Edit
			for _, edit := range wanted {
				text, err := config.FlowText(edit.Value.Raw)
				if err != nil {
					t.Fatal(err)
				}
				if _, found, err := before.Get(edit.Path); err != nil || !found {
					t.Errorf("%s is not there: %v", edit.Path, err)
				}
				edits = append(edits, config.Edit{Path: edit.Path, Value: text})
			}
			after, _, err := before.Apply(edits)
			if err != nil {
				t.Fatal(err)
			}
			if after.String() == before.String() {
				t.Error("nothing changed")
			}
		})
	}
}

// TestRemediesChangeTheRealConfiguration: what `kubectl strategy plan` says to each remedy on bot_core's own core.yaml.
func TestRemediesChangeTheRealConfiguration(t *testing.T) {
	core := upstream(t, "core.yaml")
	for _, remediation := range botcore(t).Remediations {
		if remediation.Proposal != nil {
			continue
		}
		t.Run(remediation.Name, func(t *testing.T) {
			actions := slices.Clone(remediation.Actions)
			for i, wanted := range actions {
				if wanted.Type == strategyv1.ActionDisableSchedule && wanted.Schedule == "" {
					actions[i].Schedule = "mean_reversion_intraday" // the incident's
				}
			}
			rollback := strategyv1.StrategyRollback{
				TypeMeta:   metav1.TypeMeta{APIVersion: strategyv1.GroupVersion.String(), Kind: strategyv1.KindRollback},
				ObjectMeta: metav1.ObjectMeta{Name: "stop"},
				Spec: strategyv1.StrategyRollbackSpec{
					PlaybookName: "multi-strategy", RemediationName: remediation.Name, Reason: "a test", Actions: actions,
				},
			}
			data, err := yaml.Marshal(rollback)
			if err != nil {
				t.Fatal(err)
			}
			plan, err := offline.Compute(offline.Input{
				Playbook: offline.Text{Name: "playbook.yaml", Data: read(t, folder+"/botcore/playbook.yaml")},
				Config:   offline.Text{Name: "core.yaml", Data: core},
				Rollback: offline.Text{Name: "rollback.yaml", Data: data},
				Now:      time.Date(2026, 11, 23, 10, 15, 0, 0, time.UTC),
			})
			if err != nil {
				t.Fatal(err)
			}
			if plan.Diff == "" {
				t.Error("nothing would change")
			}
		})
	}
}

func TestRealReports(t *testing.T) {
	for _, test := range []struct {
		file, check string
		want        strategyv1.Verdict
	}{
		{"security_baseline.json", "security-baseline", "Fail"}, // its token's variable was not set
		{"scheduler_profile.sample.json", "load-test", "Pass"},
	} {
		t.Run(test.file, func(t *testing.T) {
			report := upstream(t, test.file)
			if got, message := judge(t, test.check, string(report), 0, rules.Vars{}); got != test.want {
				t.Errorf("%s (%s), want %s", got, message, test.want)
			}
			before := rules.Vars{Before: decode(t, string(report))}
			if got, message := judge(t, test.check, string(report), 0, before); got == "Fail" || got == "Inconclusive" {
				t.Errorf("the same after a change: %s (%s)", got, message)
			}
		})
	}
	t.Run("the dashboard's uid", func(t *testing.T) {
		var dashboard struct{ UID string }
		if err := json.Unmarshal(upstream(t, "stage4_multi_strategy.json"), &dashboard); err != nil {
			t.Fatal(err)
		}
		if url := botcore(t).Dashboards[0].URL; !strings.HasSuffix(url, "/d/"+dashboard.UID) {
			t.Errorf("%s does not lead to %s", url, dashboard.UID)
		}
	})
}

func botcore(t *testing.T) strategyv1.StrategyPlaybookSpec {
	t.Helper()
	var book strategyv1.StrategyPlaybook
	if err := yaml.UnmarshalStrict(read(t, folder+"/botcore/playbook.yaml"), &book); err != nil {
		t.Fatal(err)
	}
	return book.Spec
}

func judge(t *testing.T, name, report string, exit int32, vars rules.Vars) (strategyv1.Verdict, string) {
	t.Helper()
	check, found := checks.Find(botcore(t).Checks, name)
	if !found {
		t.Fatalf("the playbook has no check %s", name)
	}
	outcome := checks.Outcome{Reason: checks.ReasonExited, ExitCode: &exit, Report: checks.NewReport([]byte(report))}
	return checks.Judge(check, outcome, vars)
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// upstream is a file of bot_core.
func upstream(t *testing.T, name string) []byte {
	t.Helper()
	folder := os.Getenv("UPSTREAM_DATA")
	if folder == "" {
		folder = "../../../shared/upstream"
	}
	data, err := os.ReadFile(filepath.Join(folder, name))
	if err != nil {
		t.Skipf("bot_core's own %s is not on this machine (UPSTREAM_DATA, else %s): its licence is not ours to copy it", name, folder)
	}
	return data
}

func decode(t *testing.T, text string) rules.Value {
	t.Helper()
	value, err := rules.Decode([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return value
}
