package samples_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"tradeops.dev/strategy-operator/internal/checks"
)

// commands are the commands of bot_core that the playbook uses, with the flags that they have (as of July 2026).
var commands = map[string][]string{
	"scripts/audit_stage4_compliance.py": {"--config", "--profile", "--allow-missing-env", "--check-paths", "--mtls-bundle-name",
		"--rotation-interval-days", "--rotation-warn-days", "--min-secret-length", "--output-json"},
	"scripts/audit_security_baseline.py": {"--config", "--json-output", "--pretty", "--fail-on-warning", "--fail-on-error", "--warn-expiring-days",
		"--metrics-required-scope", "--risk-required-scope", "--scheduler-required-scope", "--print", "--summary-hmac-key",
		"--summary-hmac-key-file", "--summary-hmac-key-env", "--summary-hmac-key-id", "--require-summary-signature"},
	"scripts/load_test_scheduler.py":   {"--iterations", "--schedules", "--signals", "--latency-ms", "--cpu-budget", "--memory-budget", "--output"},
	"scripts/smoke_demo_strategies.py": {"--config", "--manifest", "--environment", "--scheduler", "--cycles"},
	"scripts/verify_decision_log.py": {"--hmac-key", "--hmac-key-file", "--hmac-key-id", "--allow-unsigned", "--schema", "--min-event-count",
		"--report-output", "--risk-profile"},
	"bot_core.cli scheduler-plan": {"--config", "--scheduler", "--filter-tag", "--filter-strategy", "--output-format", "--no-definitions"},
}

func TestCommandsExist(t *testing.T) {
	flag := regexp.MustCompile(`--[a-z][-a-z]*`)
	for _, check := range botcore(t).Checks {
		t.Run(check.Name, func(t *testing.T) {
			command := check.Command
			if command[0] != "python" {
				t.Fatalf("%s is not in the image", command[0])
			}
			name, text := command[1], strings.Join(command[2:], " ")
			if name == "-c" {
				if name = "bot_core.cli scheduler-plan"; !strings.Contains(text, "bot_core.cli") {
					name = "" // the standard library only
				}
			}
			flags, known := commands[name]
			if !known && name != "" {
				t.Fatalf("bot_core has no %s", name)
			}
			for _, used := range flag.FindAllString(text, -1) {
				if !slices.Contains(flags, used) {
					t.Errorf("%s has no %s", name, used)
				}
			}
		})
	}
}

// TestScripts runs the small programs that the playbook brings along, in a folder as the image has it.
func TestScripts(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("no python3 on this machine: the programs inside of the playbook are not run")
	}
	now := time.Now().UTC()
	for _, test := range []struct {
		name, check string
		files       map[string]string
		env         []string
		want        string // the report, a regular expression
		verdict     string
	}{
		{"a complete journal", "journal-fields", map[string]string{
			"audit/decisions/decisions-20261122.jsonl": `{"event":"strategy_signal"}` + "\n",
			"audit/decisions/decisions-20261123.jsonl": `{"event":"strategy_signal","schedule_run_id":"a:1","primary_exchange":"binance_spot","risk_budget_bucket":"balanced"}` + "\n\n" +
				`{"event":"portfolio_review"}` + "\n",
		}, nil, `"signals": 1, "missing": \{"schedule_run_id": 0, "primary_exchange": 0, "risk_budget_bucket": 0\}`, "Pass"},
		{"a journal without runs", "journal-fields", map[string]string{
			"audit/decisions/decisions-20261123.jsonl": `{"event":"strategy_signal","schedule_run_id":"","risk_budget_bucket":"balanced"}` + "\n",
		}, nil, `"missing": \{"schedule_run_id": 1, "primary_exchange": 1, "risk_budget_bucket": 0\}`, "Fail"},
		{"no journal", "journal-fields", nil, nil, `"file": "", "signals": 0`, "Warn"},
		{"alerts of an hour", "alert-audit", map[string]string{
			"audit/alerts/alerts-20261123.jsonl": strings.Repeat(fmt.Sprintf(`{"title":"Latency","timestamp":%q}`+"\n", now.Format(time.RFC3339)), 21) +
				`{"title":"Old","timestamp":"2020-01-01T00:00:00+00:00"}` + "\n",
		}, nil, `\{"files": 1, "alerts": 21, "top": "Latency", "top_count": 21\}`, "Warn"},
		{"no alerts", "alert-audit", nil, nil, `\{"files": 0, "alerts": 0, "top": "", "top_count": 0\}`, "Inconclusive"},
		{"an exchange that is not there", "exchange-probe", nil, []string{"PROBE_URL=file:///nowhere"}, `"status": 0, "api_errors": 0, "error": ".+", "latency_ms": `, "Fail"},
		{"a plan", "running-plan", map[string]string{
			"config/core.yaml": "runtime:\n  resource_limits: {cpu_percent: 65.0}\n  multi_strategy_schedulers: {core_multi_pipeline: {}}\n" +
				"risk_profiles: {balanced: {strategy_allocations: {mean_reversion: 0.4}}}\nenvironments: {binance_paper: {exchange: binance_spot}}\n",
			"bot_core/__init__.py": "",
			// As bot_core's own: a filter that is not given is None, which is iterated.
			"bot_core/cli.py": "import argparse\nparser = argparse.ArgumentParser()\nparser.add_argument('command')\n" +
				"for flag in ('config', 'scheduler', 'filter-tag', 'filter-strategy', 'output-format'):\n    parser.add_argument('--' + flag)\n" +
				"parser.add_argument('--no-definitions', action='store_true')\ngiven = parser.parse_args()\nlist(given.filter_tag), list(given.filter_strategy)\n" +
				`print('{"scheduler":"core_multi_pipeline","blocked_suspensions":[{"kind":"schedule","target":"a"}],"initial_suspensions":[]}')`,
		}, nil, `"config_sha256": "[0-9a-f]{64}", "suspensions": \[\{"kind": "schedule", "target": "a"\}\], "signal_limits": \{\}, ` +
			`"strategy_allocations": \{"balanced": \{"mean_reversion": 0.4\}\}, "resource_limits": \{"cpu_percent": 65.0\}, "exchange": "binance_spot"`, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			check, found := checks.Find(botcore(t).Checks, test.check)
			if !found {
				t.Fatal("the playbook has no such check")
			}
			if strings.Contains(check.Command[2], "yaml") && exec.Command(python, "-c", "import yaml").Run() != nil {
				t.Skip("python3 has no PyYAML on this machine, which bot_core's image has")
			}
			home := t.TempDir()
			for name, content := range test.files {
				path := filepath.Join(home, name)
				if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			run := exec.Command(python, check.Command[1:]...)
			run.Dir = home
			run.Env = append(os.Environ(), append(test.env, "AUDIT_DIR="+home+"/audit", "PYTHONPATH=.", "SCHEDULER=core_multi_pipeline", "ENVIRONMENT=binance_paper")...)
			output, err := run.CombinedOutput()
			if err != nil {
				t.Fatalf("%v:\n%s", err, output)
			}
			if !json.Valid(output) || !regexp.MustCompile(test.want).Match(output) {
				t.Errorf("its report is %swant %s", output, test.want)
			}
			if got, message := judge(t, test.check, string(output), 0, noRollback()); test.verdict != "" && string(got) != test.verdict {
				t.Errorf("%s (%s), want %s", got, message, test.verdict)
			}
		})
	}
}
