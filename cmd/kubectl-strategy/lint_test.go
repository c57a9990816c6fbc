package main

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares an output with a file of testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got; go test ./cmd/kubectl-strategy -update writes it):\n%s", path, diff)
	}
}

func TestLintTellsEveryProblemWithItsPlace(t *testing.T) {
	w := newWorld(t, "")
	if code := w.run(t, "lint", "testdata/broken.yaml", testdata+"playbook.yaml", testdata+"rollback.yaml"); code != exitRefused {
		t.Errorf("exit code %d", code)
	}
	golden(t, "broken.txt", w.out.String())
	if got := w.err.String(); !strings.HasPrefix(got, "error: ") || !strings.HasSuffix(got, " problems; fix them and lint again\n") {
		t.Errorf("the end: %q", got)
	}
}

func TestLint(t *testing.T) {
	playbook, err := os.ReadFile(testdata + "playbook.yaml")
	if err != nil {
		t.Fatal(err)
	}
	sound := string(playbook)
	const skipped = "standard input: PodTemplate bot-core-tools: skipped: it is no StrategyPlaybook\n"
	for _, test := range []struct {
		name  string
		stdin string
		args  []string
		code  int
		out   string
		err   string
	}{
		{"a sound playbook", sound, []string{"-"}, exitDone, skipped + "standard input: playbook multi-strategy: ok, 1 check, 0 samples, 1 rule\n", ""},
		{"a playbook with a sample", strings.Replace(sound, `verdict: Pass}]`, `verdict: Pass}]`+"\n    samples: [{report: '{}', verdict: Pass}]", 1),
			[]string{"-"}, exitDone, skipped + "standard input: playbook multi-strategy: ok, 1 check, 1 sample, 1 rule\n", ""},
		{"a warning, which fails nothing", strings.Replace(sound, "\n  triage: {}", "\n  triage: {falseAlarm: {when: \"checks.all(c, c.verdict == 'Pass')\"}}", 1), []string{"-"}, exitDone,
			skipped + "standard input: playbook multi-strategy: ok, 1 check, 0 samples, 2 rules\n" +
				"standard input: playbook multi-strategy: warning: triage.falseAlarm: .all() holds over an empty list, too; ask size(...) > 0 as well\n", ""},
		{"one problem", strings.Replace(sound, "check: running-plan", "check: nope", 1), []string{"-"}, exitRefused,
			skipped + `standard input: playbook multi-strategy: spec.scheduler.proof uses check "nope", which is not in spec.checks (ReferenceInvalid)` + "\n",
			"error: 1 problem; fix them and lint again\n"},
		{"a rule that loses its negation", strings.Replace(sound, `when: "true"`, "when: ! has(report.x)", 1), []string{"-"}, exitRefused,
			skipped + "standard input: playbook multi-strategy: line 21: YAML takes ! for a tag, and leaves it out of the value; put quotes around the value\n",
			"error: 1 problem; fix them and lint again\n"},
		{"a field with a terminal's escape", strings.Replace(sound, "\n  triage: {}", "\n  \"tri\\e[31mage\": {}", 1), []string{"-"}, exitRefused,
			skipped + "standard input: playbook multi-strategy: spec.triage: Required value\n" +
				`standard input: playbook multi-strategy: unknown field "spec.tri\x1b[31mage"; correct its name, or leave it out` + "\n", "error: 2 problems; fix them and lint again\n"},
		{"a broken separator", "--- {kind: X}\n", []string{"-"}, exitRefused,
			"standard input: the file: line 1: only a comment may follow --- here; put the rest on a line of its own\n", "error: 1 problem; fix them and lint again\n"},
		{"no playbook", "# nothing\n", []string{"-", testdata + "rollback.yaml"}, exitNotUnderstood,
			"standard input: skipped: it is empty\n" + testdata + "rollback.yaml: StrategyRollback stop-cross: skipped: it is no StrategyPlaybook\n",
			"error: no file holds a StrategyPlaybook; name one that does\n"},
		{"no file", "", nil, exitNotUnderstood, "", "error: kubectl strategy lint takes at least one file; see kubectl strategy lint --help\n"},
		{"a file that is not there", sound, []string{"-", "/nowhere/x.yaml"}, exitNotUnderstood, "", "error: cannot read a file: open /nowhere/x.yaml: no such file or directory\n"},
		{"standard input twice", sound, []string{"-", "-"}, exitNotUnderstood, "", "error: the standard input (-) can be one file only; name the others\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, test.stdin)
			if code := w.run(t, append([]string{"lint"}, test.args...)...); code != test.code {
				t.Errorf("exit code %d, want %d", code, test.code)
			}
			if diff := cmp.Diff(test.out, w.out.String()); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(test.err, w.err.String()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// routedPlaybook is a sound playbook that says what alerts become.
func routedPlaybook(t *testing.T) string {
	t.Helper()
	playbook, err := os.ReadFile(testdata + "playbook.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return strings.Replace(string(playbook), "\nspec:\n", `
spec:
  alerts:
    routes:
    - {name: watchdog, matchers: ['alertname="Watchdog"'], action: Heartbeat}
    - {name: pnl, matchers: ['alertname=~"MultiStrategyPnl.*"'], type: PnL, target: {scheduleLabel: schedule}}
`, 1)
}

func TestLintSaysWhatAlertsWouldBecome(t *testing.T) {
	for file, code := range map[string]int{"alerts.json": exitRefused, "rules.yaml": exitDone, "playbook.yaml": exitNotUnderstood} {
		w := newWorld(t, routedPlaybook(t))
		path := "testdata/" + file
		if code == exitNotUnderstood {
			path = testdata + file
		}
		if got := w.run(t, "lint", "-", "--alerts", path); got != code {
			t.Errorf("%s: exit code %d, want %d: %s", file, got, code, w.err.String())
		}
		if code == exitNotUnderstood {
			if !strings.Contains(w.err.String(), "holds no alerts: want a message of Alertmanager's webhook") {
				t.Error(w.err.String())
			}
			continue
		}
		golden(t, "lint-"+file+".txt", w.out.String())
	}
}

// TestTheStandardInputIsOneFile: read twice it would be empty the second time, and every alert would be without a route.
func TestTheStandardInputIsOneFile(t *testing.T) {
	for _, line := range [][]string{{"lint", "-", "--alerts", "-"}, {"lint", "-", "-"}} {
		w := newWorld(t, "x")
		if code := w.run(t, line...); code != exitNotUnderstood || !strings.Contains(w.err.String(), "the standard input (-) can be one file only") {
			t.Errorf("%v: exit code %d: %s", line, code, w.err)
		}
	}
}
