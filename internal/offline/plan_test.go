package offline

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
)

var now = time.Date(2026, 11, 23, 10, 15, 0, 999, time.UTC)

func fixture(t *testing.T) Input {
	t.Helper()
	read := func(name string) Text {
		data, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		return Text{Name: name, Data: data}
	}
	return Input{Playbook: read("playbook.yaml"), Config: read("core.yaml"), Rollback: read("rollback.yaml"), Now: now}
}

// exchange replaces a part of a text, which must be there once.
func exchange(t *testing.T, text *Text, old, replacement string) {
	t.Helper()
	if strings.Count(string(text.Data), old) != 1 {
		t.Fatalf("%s holds %q not once", text.Name, old)
	}
	text.Data = []byte(strings.Replace(string(text.Data), old, replacement, 1))
}

func TestDiffIsWhatTheOperatorWouldPlan(t *testing.T) {
	plan, err := Compute(fixture(t))
	if err != nil {
		t.Fatal(err)
	}
	want := `--- core.yaml
+++ core.yaml
-      cross_exchange: 0.15
+      cross_exchange: 0.0
+      initial_suspensions:
+        - schedule: cross_exchange_watch
+          reason: "rollback stop-cross: PnL: 3x the budget"
+          until: "2026-11-23T11:15:00+00:00"
`
	got := regexp.MustCompile(`(?m)^@@ .*\n`).ReplaceAllString(plan.Diff, "") // where the hunks are is not our business
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the diff (-want +got):\n%s", diff)
	}
	if got := len(plan.Edits); got != 2 {
		t.Errorf("%d edits, want 2", got)
	}
}

func TestTimeBox(t *testing.T) {
	given := time.Date(2026, 11, 24, 1, 0, 0, 0, time.FixedZone("east", 3600))
	for _, test := range []struct {
		name   string
		spec   string
		until  *time.Time
		offset time.Duration // from now; negative: no end
	}{
		{"of the remediation", "remediationName: disable-schedule", nil, time.Hour},
		{"of a remediation without one: the API's default", "remediationName: by-default", nil, 4 * time.Hour},
		{"without an end", "remediationName: for-good", nil, -1},
		{"of the rollback", "maxDurationSeconds: 60", nil, time.Minute},
		{"the API's default", "desiredState: Applied", nil, 4 * time.Hour},
		{"given", "remediationName: for-good", &given, 13*time.Hour + 45*time.Minute},
	} {
		t.Run(test.name, func(t *testing.T) {
			in := fixture(t)
			exchange(t, &in.Rollback, "remediationName: disable-schedule", test.spec)
			in.Until = test.until
			plan, err := Compute(in)
			if err != nil {
				t.Fatal(err)
			}
			want := now.Truncate(time.Second).Add(test.offset)
			if test.offset < 0 {
				want = time.Time{}
			}
			if !plan.Until.Equal(want) || strings.Contains(plan.Diff, "until") == want.IsZero() {
				t.Errorf("until %s, want %s; diff:\n%s", plan.Until, want, plan.Diff)
			}
		})
	}
}

func TestOperatorsRefusals(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(*testing.T, *Input)
		reason string
		want   string
	}{
		{"unknown schedule", func(t *testing.T, in *Input) {
			exchange(t, &in.Rollback, "schedule: cross_exchange_watch", "schedule: nope")
		}, strategyv1.ReasonEditRefused,
			`action 1 (DisableSchedule): runtime.multi_strategy_schedulers.core_multi_pipeline.schedules has no schedule "nope" (it has: mean_reversion_intraday, cross_exchange_watch)`},
		{"unknown bucket", func(t *testing.T, in *Input) {
			exchange(t, &in.Rollback, "bucket: cross_exchange", "bucket: nope")
		}, strategyv1.ReasonEditRefused,
			`action 2 (SetAllocation): risk_profiles.balanced.strategy_allocations has no bucket "nope" (it has: mean_reversion, cross_exchange)`},
		{"unknown scheduler", func(t *testing.T, in *Input) {
			exchange(t, &in.Playbook, "name: core_multi_pipeline", "name: nope")
		}, strategyv1.ReasonConfigInvalid, `no scheduler "nope" (it has: core_multi_pipeline)`},
		{"document with a tab as indent", func(t *testing.T, in *Input) {
			exchange(t, &in.Config, "  metrics_service:", "\tmetrics_service:")
		}, strategyv1.ReasonConfigInvalid, "it is not valid YAML"},
		{"document that is empty", func(_ *testing.T, in *Input) { in.Config.Data = nil }, strategyv1.ReasonConfigInvalid, "the configuration is empty"},
		{"unknown remediation", func(t *testing.T, in *Input) {
			exchange(t, &in.Rollback, "remediationName: disable-schedule", "remediationName: nope")
		}, strategyv1.ReasonRemediationNotFound, `playbook multi-strategy has no remediation "nope"; create another rollback with one that exists`},
		{"playbook that names no check of its own", func(t *testing.T, in *Input) {
			exchange(t, &in.Playbook, "proof: {check: running-plan}", "proof: {check: nope}")
		}, strategyv1.ReasonReferenceInvalid, `spec.scheduler.proof uses check "nope", which is not in spec.checks`},
		{"playbook with a rule that does not compile", func(t *testing.T, in *Input) {
			exchange(t, &in.Playbook, `when: "true"`, `when: "report.("`)
		}, strategyv1.ReasonRuleInvalid, "check running-plan, verdict 1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			in := fixture(t)
			test.change(t, &in)
			_, err := Compute(in)
			var refused *RefusedError
			if !errors.As(err, &refused) {
				t.Fatalf("want a refusal, got %v", err)
			}
			if refused.Reason != test.reason || !strings.Contains(refused.Message, test.want) {
				t.Errorf("got %s: %s\nwant %s: %s", refused.Reason, refused.Message, test.reason, test.want)
			}
		})
	}
}

func TestTextsThatAreNotUnderstood(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(*testing.T, *Input)
		want   string
	}{
		{"unknown field of the rollback", func(t *testing.T, in *Input) {
			exchange(t, &in.Rollback, "reason:", "resaon:")
		}, `rollback.yaml: the StrategyRollback cannot be read: strict decoding error: unknown field "spec.resaon"`},
		{"field in other letters", func(t *testing.T, in *Input) {
			exchange(t, &in.Rollback, "reason:", "Reason:")
		}, `unknown field "spec.Reason"`},
		{"unknown field deep in the playbook", func(t *testing.T, in *Input) {
			exchange(t, &in.Playbook, "{deploymentName: bot-core-scheduler}", "{deploymentName: x, timeout: 3}")
		}, `unknown field "spec.scheduler.rollout.timeout"`},
		{"duplicate field", func(t *testing.T, in *Input) {
			exchange(t, &in.Rollback, "  playbookName: multi-strategy", "  playbookName: multi-strategy\n  playbookName: other")
		}, `already set in map`},
		{"wrong type", func(t *testing.T, in *Input) {
			exchange(t, &in.Rollback, "actions:", "desiredState: [1]\n  actions:")
		}, "cannot unmarshal"},
		{"wrong kind", func(_ *testing.T, in *Input) { in.Rollback.Data = in.Playbook.Data },
			"rollback.yaml: it holds no StrategyRollback of strategy.tradeops.dev/v1alpha1 (it has: v1 PodTemplate, strategy.tradeops.dev/v1alpha1 StrategyPlaybook)"},
		{"two of a kind", func(_ *testing.T, in *Input) {
			in.Rollback.Data = []byte(string(in.Rollback.Data) + "---\n" + string(in.Rollback.Data))
		}, "more than one StrategyRollback"},
		{"empty", func(_ *testing.T, in *Input) { in.Playbook.Data = []byte("# nothing\n---\n") }, "it has: no object"},
		{"not YAML", func(_ *testing.T, in *Input) { in.Playbook.Data = []byte("\x00{") }, "not YAML"},
		{"other playbook", func(t *testing.T, in *Input) {
			exchange(t, &in.Rollback, "playbookName: multi-strategy", "playbookName: other")
		}, `the rollback is for playbook "other", but playbook.yaml holds playbook "multi-strategy"`},
		{"no action", func(t *testing.T, in *Input) {
			in.Rollback.Data = []byte(strings.Split(string(in.Rollback.Data), "  actions:")[0])
		}, "spec.actions: Required value"},
		{"no schedule", func(t *testing.T, in *Input) {
			exchange(t, &in.Rollback, ", schedule: cross_exchange_watch", "")
		}, "DisableSchedule names its schedule or strategy"},
		{"half an allocation", func(t *testing.T, in *Input) {
			exchange(t, &in.Rollback, ", bucket: cross_exchange", "")
		}, "SetAllocation, which needs riskProfile, bucket and allocation"},
		{"unknown action", func(t *testing.T, in *Input) {
			exchange(t, &in.Rollback, "type: DisableSchedule, schedule: cross_exchange_watch", "type: Explode")
		}, `spec.actions[0].type: Unsupported value: "Explode"`},
		{"an allocation that is no share", func(t *testing.T, in *Input) {
			exchange(t, &in.Rollback, `allocation: "0.0"`, `allocation: "1234567.0"`)
		}, "spec.actions[1].allocation: Invalid value"},
		{"a name that Kubernetes refuses", func(t *testing.T, in *Input) {
			exchange(t, &in.Rollback, "{name: stop-cross}", "{name: Stop_Cross}")
		}, "metadata.name: a lowercase RFC 1123 subdomain"},
		{"a tag", func(t *testing.T, in *Input) {
			exchange(t, &in.Rollback, "playbookName: multi-strategy", "playbookName: ! multi-strategy")
		}, "YAML takes ! for a tag"},
		{"two time boxes", func(t *testing.T, in *Input) {
			exchange(t, &in.Rollback, "reason:", "maxDurationSeconds: 5\n  reason:")
		}, "leave it out when remediationName is set"},
		{"no name", func(t *testing.T, in *Input) { exchange(t, &in.Rollback, "{name: stop-cross}", "{}") }, "metadata.name"},
	} {
		t.Run(test.name, func(t *testing.T) {
			in := fixture(t)
			test.change(t, &in)
			_, err := Compute(in)
			var refused *RefusedError
			if err == nil || errors.As(err, &refused) {
				t.Fatalf("want an error that is no refusal, got %v", err)
			}
			if !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got %s\nwant one line with %s", err, test.want)
			}
		})
	}
}

func TestGeneratedNameIsShownAsOne(t *testing.T) {
	in := fixture(t)
	exchange(t, &in.Rollback, "{name: stop-cross}", "{generateName: stop-}")
	plan, err := Compute(in)
	if err != nil || !strings.Contains(plan.Diff, "rollback stop-xxxxx: ") {
		t.Errorf("%v\n%s", err, plan.Diff)
	}
}

// TestUpstreamConfiguration takes the scheduler's real core.yaml: disabling a schedule adds lines and touches none.
func TestUpstreamConfiguration(t *testing.T) {
	dir := os.Getenv("UPSTREAM_DATA")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "upstream")
	}
	data, err := os.ReadFile(filepath.Join(dir, "core.yaml"))
	if err != nil {
		t.Skipf("the scheduler's own data is not here (set UPSTREAM_DATA): %v", err)
	}
	in := fixture(t)
	in.Config.Data = data
	exchange(t, &in.Rollback, "  - {type: SetAllocation, riskProfile: balanced, bucket: cross_exchange, allocation: \"0.0\"}\n", "")
	plan, err := Compute(in)
	if err != nil {
		t.Fatal(err)
	}
	var added []string
	for i, line := range strings.Split(strings.TrimSuffix(plan.Diff, "\n"), "\n") {
		switch {
		case i < 2 || strings.HasPrefix(line, "@@"):
		case strings.HasPrefix(line, "+"):
			added = append(added, line[1:])
		default:
			t.Errorf("the diff touches a line: %s", line)
		}
	}
	rest := plan.After.String()
	for _, line := range added {
		rest = strings.Replace(rest, line+"\n", "", 1)
	}
	if len(added) == 0 || rest != string(data) {
		t.Errorf("%d lines added; without them the document must be the same byte for byte:\n%s", len(added), plan.Diff)
	}
}
