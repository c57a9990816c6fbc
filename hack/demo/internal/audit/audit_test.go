package audit

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tradeops.dev/strategy-operator/hack/demo/internal/coreconfig"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func noEnv(string) (string, bool) { return "", false }

// world is the demo's own configuration with one change.
func world(t *testing.T, old, replacement string) *coreconfig.Config {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", "world", "core.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(data), old) {
		t.Fatalf("the configuration has no %q to change", old)
	}
	config, err := coreconfig.Parse([]byte(strings.Replace(string(data), old, replacement, 1)))
	if err != nil {
		t.Fatal(err)
	}
	return config
}

func TestStage4(t *testing.T) {
	const schedules = "      schedules:\n"
	tests := map[string]struct {
		old, replacement string
		options          Stage4Options
		status, check    string
	}{
		"the demo's configuration is fine": {status: "ok"},
		"its mTLS files carry the bundle's name": {
			options: Stage4Options{MTLSBundle: "core-oem"}, status: "ok"},
		"another bundle's name fails": {
			options: Stage4Options{MTLSBundle: "other"}, status: "fail", check: "execution.mtls.ca_certificate"},
		"files that must exist and do not fail": {
			options: Stage4Options{CheckPaths: true}, status: "fail", check: "execution.mtls.server_key"},
		"no metrics service fails": {
			old: "metrics_service:", replacement: "metrics_disservice:", status: "fail", check: "metrics_service"},
		"an unknown strategy fails": {
			old: "strategy: core_cross_exchange", replacement: "strategy: nobody", status: "fail",
			check: "scheduler:core_multi_pipeline:cross_exchange_watch:strategy"},
		"an unknown risk profile fails": {
			old: "risk_profile: aggressive", replacement: "risk_profile: reckless", status: "fail",
			check: "scheduler:core_multi_pipeline:cross_exchange_watch:risk_profile"},
		"a limit of zero fails": {
			old: "cpu_percent: 12.0", replacement: "cpu_percent: 0", status: "fail", check: "resource_limits.cpu_percent"},
		"a token without scopes fails": {
			old: "scopes: [runtime.schedule.read]", replacement: "scopes: []", status: "fail",
			check: "scheduler:core_multi_pipeline:scheduler-readonly:scopes"},
		"a token whose variable is not set fails": {
			old: "token_hash:", replacement: "token_env: NOT_SET\n          unused:", status: "fail", check: "env:NOT_SET"},
		"unless that is allowed": {
			old: "token_hash:", replacement: "token_env: NOT_SET\n          unused:", options: Stage4Options{AllowMissingEnv: true}, status: "ok"},
		"a suspension of a schedule is fine": {
			old: schedules, replacement: "      initial_suspensions: [{schedule: cross_exchange_watch}]\n" + schedules, status: "ok"},
		"a suspension of a tag is fine": {
			old: schedules, replacement: "      initial_suspensions: [{tag: arbitrage}]\n" + schedules, status: "ok"},
		"a suspension of nothing warns": {
			old: schedules, replacement: "      initial_suspensions: [{schedule: core_cross_exchange}]\n" + schedules, status: "warn",
			check: "scheduler:core_multi_pipeline:initial_suspensions"},
		"an environment with an unknown universe fails": {
			old: "instrument_universe: demo_multi_exchange", replacement: "instrument_universe: none", status: "fail",
			check: "environment:binance_paper:instrument_universe"},
		"a key given twice warns": {
			old: "runtime:", replacement: "strategies: {}\nruntime:", status: "warn", check: "yaml.duplicate_keys"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			test.options.LookupEnv, test.options.Now = noEnv, noon
			report := Stage4(world(t, test.old, test.replacement), test.options)
			if report.Status != test.status {
				t.Errorf("status %s, want %s: %+v", report.Status, test.status, report)
			}
			found := test.check == ""
			for _, finding := range append(report.Issues, report.Warnings...) {
				found = found || finding.Check == test.check
			}
			if !found {
				t.Errorf("no finding %s: %+v", test.check, report)
			}
		})
	}
}

func TestBaseline(t *testing.T) {
	const write = "runtime.schedule.write"
	tests := map[string]struct {
		old, replacement string
		scopes           []string
		status           string
	}{
		"the demo's configuration is fine":                   {scopes: []string{write}, status: "ok"},
		"a scope may be asked of one scheduler":              {scopes: []string{"core_multi_pipeline:" + write}, status: "ok"},
		"and not of another":                                 {scopes: []string{"other:none"}, status: "ok"},
		"a scope that no token has is an error":              {scopes: []string{"runtime.schedule.delete"}, status: "error"},
		"a token that nobody can present grants nothing":     {old: "token_hash:", replacement: "unused:", scopes: []string{write}, status: "error"},
		"without scopes asked it is a warning":               {old: "token_hash:", replacement: "unused:", status: "warning"},
		"metrics beyond this host without TLS are a warning": {old: "host: 127.0.0.1", replacement: "host: 0.0.0.0", status: "warning"},
		"TLS without its certificate is an error": {
			old: "port: 55060", replacement: "port: 55060\n    tls: {enabled: true, certificate_path: none.crt}", status: "error"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			report := Baseline(world(t, test.old, test.replacement), BaselineOptions{Scopes: test.scopes, LookupEnv: noEnv, Now: noon})
			if report.Status != test.status {
				t.Errorf("status %s, want %s: %+v", report.Status, test.status, report)
			}
		})
	}
}

func TestTheRealConfigurationCanBeAudited(t *testing.T) {
	directory := os.Getenv("UPSTREAM_DATA")
	if directory == "" {
		directory = filepath.Join("..", "..", "..", "..", "..", "shared", "upstream")
	}
	config, err := coreconfig.Load(filepath.Join(directory, "core.yaml"))
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("the scheduler's real data is not here: ", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	report := Stage4(config, Stage4Options{AllowMissingEnv: true, LookupEnv: noEnv, Now: noon})
	if report.Status == "ok" {
		t.Error("its duplicate keys went unnoticed")
	}
	baseline := Baseline(config, BaselineOptions{Scopes: []string{"runtime.schedule.write"}, LookupEnv: noEnv, Now: noon})
	if baseline.Status != "error" {
		t.Errorf("its token's variable is not set and it is %s", baseline.Status)
	}
	t.Logf("stage 4 says %s with %d issues and %d warnings", report.Status, len(report.Issues), len(report.Warnings))
}
