package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const testdata = "../../internal/offline/testdata/"

func planArgs(more ...string) []string {
	return append([]string{"plan", "--playbook", testdata + "playbook.yaml", "--config", testdata + "core.yaml"}, more...)
}

func TestPlan(t *testing.T) {
	rollback, err := os.ReadFile(testdata + "rollback.yaml")
	if err != nil {
		t.Fatal(err)
	}
	wrong := filepath.Join(t.TempDir(), "wrong.yaml")
	if err := os.WriteFile(wrong, []byte(strings.Replace(string(rollback), "cross_exchange_watch", "nope", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	typo := filepath.Join(t.TempDir(), "typo.yaml")
	if err := os.WriteFile(typo, []byte(strings.Replace(string(rollback), "reason:", "resaon:", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name  string
		stdin string
		args  []string
		code  int
		out   string
		err   string
	}{
		{"diff", "", planArgs(testdata + "rollback.yaml"), exitDone, `+          until: "2026-11-23T11:15:00+00:00"`, "time box until 2026-11-23T11:15:00Z, counted from now"},
		{"given end", "", planArgs("--until", "2026-12-01T00:00:00+01:00", testdata+"rollback.yaml"), exitDone, `until: "2026-11-30T23:00:00+00:00"`, ""},
		{"document", "", planArgs("-o", "yaml", testdata+"rollback.yaml"), exitDone, "# A small core.yaml: comments and order must survive.\n", "counted from now"},
		{"standard input", string(rollback), planArgs("-"), exitDone, "+++ core.yaml", ""},
		{"refusal", "", planArgs(wrong), exitRefused, "", `error: action 1 (DisableSchedule): runtime.multi_strategy_schedulers.core_multi_pipeline.schedules has no schedule "nope" (it has: mean_reversion_intraday, cross_exchange_watch)` + "\n"},
		{"unknown field", "", planArgs(typo), exitNotUnderstood, "", `unknown field "spec.resaon"`},
		{"no such file", "", planArgs("/nowhere/x.yaml"), exitNotUnderstood, "", "open /nowhere/x.yaml: no such file or directory"},
		{"standard input twice", "", planArgs("--config", "-", "-"), exitNotUnderstood, "", "can be one file only"},
		{"no configuration", "", []string{"plan", "--playbook", "x", "y"}, exitNotUnderstood, "", "plan needs --playbook and --config"},
		{"end that is no time", "", planArgs("--until", "tomorrow", testdata+"rollback.yaml"), exitNotUnderstood, "", `--until "tomorrow" is not a time`},
		{"unknown output", "", planArgs("-o", "json", testdata+"rollback.yaml"), exitNotUnderstood, "", `unknown output "json"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, test.stdin)
			code := w.run(t, test.args...)
			if code != test.code || !strings.Contains(w.out.String(), test.out) || !strings.Contains(w.err.String(), test.err) {
				t.Errorf("exit code %d, want %d, %q and %q:\n%s%s", code, test.code, test.out, test.err, w.out, w.err)
			}
			if code != exitDone && w.out.Len() > 0 {
				t.Errorf("an error printed a plan, too:\n%s", w.out)
			}
		})
	}
}

func TestPlanOfWhatIsThereAlready(t *testing.T) {
	first := newWorld(t, "")
	if code := first.run(t, planArgs("-o", "yaml", testdata+"rollback.yaml")...); code != exitDone {
		t.Fatal(first.err)
	}
	again := newWorld(t, first.out.String())
	if code := again.run(t, planArgs("--config", "-", testdata+"rollback.yaml")...); code != exitDone || again.out.Len() > 0 || !strings.Contains(again.err.String(), "nothing would change") {
		t.Errorf("exit code %d:\n%s%s", code, again.out, again.err)
	}
}
