package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tradeops.dev/strategy-operator/hack/demo/internal/exchange"
)

const ownConfig = "world/core.yaml"

func demo(t *testing.T, arguments ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = run(context.Background(), arguments, &out, &errs)
	return code, out.String(), errs.String()
}

func TestExitCodes(t *testing.T) {
	broken := filepath.Join(t.TempDir(), "broken.yaml")
	if err := os.WriteFile(broken, []byte("a: [1"), 0o600); err != nil {
		t.Fatal(err)
	}
	empty := filepath.Join(t.TempDir(), "empty.yaml")
	if err := os.WriteFile(empty, []byte("runtime: {}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	scope := "--scheduler-required-scope=none"
	journal := "--journal-dir=" + t.TempDir()
	tests := map[string]struct {
		arguments []string
		code      int
	}{
		"an audit that finds nothing":            {[]string{"audit-stage4", "--config", ownConfig}, 0},
		"an audit that fails":                    {[]string{"audit-stage4", "--config", empty}, 1},
		"an audit of a missing file":             {[]string{"audit-stage4", "--config", "none.yaml"}, 2},
		"an audit of something else":             {[]string{"audit-stage4", "--config", broken}, 2},
		"a baseline with errors":                 {[]string{"security-baseline", "--config", ownConfig, scope}, 0},
		"a baseline with errors that shall fail": {[]string{"security-baseline", "--config", ownConfig, scope, "--fail-on-error"}, 2},
		"a baseline that shall fail on warnings": {[]string{"security-baseline", "--config", ownConfig, scope, "--fail-on-warning"}, 1},
		"a load test without a scheduler":        {[]string{"load-test", "--scheduler-url", "http://127.0.0.1:1"}, 1},
		"a plan without a scheduler":             {[]string{"running-plan", "--scheduler-url", "http://127.0.0.1:1"}, 1},
		"a smoke test without a scheduler":       {[]string{"smoke", "--scheduler-url", "http://127.0.0.1:1"}, 1},
		"a journal without a scheduler":          {[]string{"journal-check", "--scheduler-url", "http://127.0.0.1:1"}, 2},
		"a probe without an exchange":            {[]string{"feed-probe", "--exchange-url", "http://127.0.0.1:1"}, 1},
		"a flag that does not exist":             {[]string{"smoke", "--strategy", "x"}, 2},
		"a subcommand that does not exist":       {[]string{"dance"}, 2},
		"a scheduler of an unknown environment":  {[]string{"scheduler", "--config", ownConfig, "--environment", "none", journal}, 1},
		"a scheduler of an unknown name":         {[]string{"scheduler", "--config", ownConfig, "--scheduler", "none", journal}, 1},
		"a scheduler on a file that is not YAML": {[]string{"scheduler", "--config", broken, journal}, 1},
		"a scheduler without a file":             {[]string{"scheduler", "--config", "none.yaml", journal}, 1},
		"a crash":                                {[]string{"misbehave", "--how", "crash"}, 139},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			code, _, stderr := demo(t, test.arguments...)
			if code != test.code {
				t.Errorf("exit code %d, want %d: %s", code, test.code, stderr)
			}
		})
	}
}

func TestAnErrorIsToldOnStderrAndLeavesNoReport(t *testing.T) {
	code, stdout, stderr := demo(t, "scheduler", "--config", ownConfig, "--environment", "mars", "--journal-dir", t.TempDir())
	if code != 1 || stdout != "" || !strings.Contains(stderr, `unknown environment "mars"; the configuration has: binance_paper`) {
		t.Errorf("code %d, stdout %q, stderr %q", code, stdout, stderr)
	}
}

func TestFaultsAndProbeFromTheCommandLine(t *testing.T) {
	server := httptest.NewServer(exchange.Handler(exchange.NewMarket([]string{"binance_spot", "kraken_spot"}, "test"), time.Now))
	defer server.Close()
	address := "--exchange-url=" + server.URL

	if code, _, stderr := demo(t, "fault", "set", "feed-down", "--exchange", "kraken_spot", address); code != 0 {
		t.Fatal(stderr)
	}
	code, stdout, _ := demo(t, "feed-probe", address)
	var report struct {
		Status string   `json:"status"`
		Errors []string `json:"errors"`
	}
	if err := json.Unmarshal([]byte(stdout), &report); err != nil {
		t.Fatal(err)
	}
	if code != 1 || report.Status != "fail" || len(report.Errors) != 3 {
		t.Errorf("code %d, report %+v", code, report)
	}
	if code, stdout, _ := demo(t, "feed-probe", address, "--exchange=binance_spot"); code != 0 || !strings.Contains(stdout, `"status": "ok"`) {
		t.Errorf("the other feed: code %d, report %s", code, stdout)
	}
	if code, stdout, _ := demo(t, "feed-probe", address, "--exchange=moon"); code != 1 || !strings.Contains(stdout, `"status": "fail"`) {
		t.Errorf("a feed that does not exist: code %d, report %s", code, stdout)
	}
	if code, stdout, _ := demo(t, "fault", "clear", "feed-down", address); code != 0 || strings.TrimSpace(stdout) != "{}" {
		t.Errorf("code %d, faults %s", code, stdout)
	}
	if code, _, stderr := demo(t, "feed-probe", address); code != 0 {
		t.Errorf("the feed is up again: %s", stderr)
	}
	if code, _, _ := demo(t, "fault", "set", "earthquake", address); code != 1 {
		t.Errorf("an unknown fault: code %d", code)
	}
}

func TestAFeedThatDoesNotFillAsItQuotesFailsTheProbe(t *testing.T) {
	server := httptest.NewServer(exchange.Handler(exchange.NewMarket([]string{"binance_spot", "kraken_spot"}, "test"), time.Now))
	defer server.Close()
	address := "--exchange-url=" + server.URL
	if code, _, stderr := demo(t, "fault", "set", "lossy-cross", address); code != 0 {
		t.Fatal(stderr)
	}
	for _, test := range []struct {
		arguments []string
		code      int
		says      string
	}{
		{[]string{"--exchange=kraken_spot"}, 1, "BTC_USDT: filled 160 bps worse than quoted, more than 50"},
		{[]string{"--exchange=kraken_spot", "--max-slippage-bps=200"}, 0, `"fill_slippage_bps": 160`},
		{[]string{"--exchange=kraken_spot", "--max-slippage-bps=0"}, 0, `"status": "ok"`},
		{[]string{"--exchange=binance_spot"}, 0, `"fill_slippage_bps": 0`},
	} {
		code, stdout, _ := demo(t, append([]string{"feed-probe", address}, test.arguments...)...)
		rounded := strings.ReplaceAll(stdout, "159.99", "160")
		if code != test.code || !strings.Contains(rounded, test.says) {
			t.Errorf("%v: code %d, report %s", test.arguments, code, stdout)
		}
	}
}

// The proof's tool waits for the process that runs the file: right after a restart nobody may answer, or still the old one.
func TestTheRunningPlanIsWaitedFor(t *testing.T) {
	data, err := os.ReadFile(ownConfig)
	if err != nil {
		t.Fatal(err)
	}
	current := fmt.Sprintf("%x", sha256.Sum256(data))
	for name, test := range map[string]struct {
		answers []string // one for each time that somebody asks; the last one stays. Empty: it does not answer
		wait    string
		code    int
		says    string
	}{
		"the new one answers":                       {[]string{current}, "20s", 0, current},
		"the old one answers first, then nobody":    {[]string{"old", "", current}, "20s", 0, current},
		"the old one goes on, and that is shown":    {[]string{"old"}, "10ms", 0, `"old"`},
		"nobody answers":                            {[]string{""}, "10ms", 1, ""},
		"without a wait it is shown as it is, once": {[]string{"old", current}, "0s", 0, `"old"`},
	} {
		t.Run(name, func(t *testing.T) {
			asked := 0
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				answer := test.answers[min(asked, len(test.answers)-1)]
				asked++
				if answer == "" {
					w.WriteHeader(http.StatusServiceUnavailable)
					return
				}
				_, _ = fmt.Fprintf(w, `{"config_sha256":%q}`, answer)
			}))
			defer server.Close()
			code, stdout, stderr := demo(t, "running-plan", "--scheduler-url", server.URL, "--config", ownConfig, "--wait", test.wait, "--pause=1ms")
			if code != test.code || !strings.Contains(stdout, test.says) {
				t.Errorf("code %d: %s%s", code, stdout, stderr)
			}
		})
	}
	if code, _, _ := demo(t, "running-plan", "--config", "none.yaml"); code != 2 {
		t.Errorf("a file that is not there: code %d", code)
	}
}

func TestAFeedThatStandsStillFailsTheProbe(t *testing.T) {
	server := httptest.NewServer(exchange.Handler(exchange.NewMarket([]string{"kraken_spot"}, "test"), func() time.Time { return time.Now().Add(-time.Hour) }))
	defer server.Close()
	code, stdout, _ := demo(t, "feed-probe", "--exchange-url="+server.URL, "--symbols=BTC_USDT")
	if code != 1 || !strings.Contains(stdout, "BTC_USDT: the quote is 1h0m0s old, more than 30s") {
		t.Errorf("code %d, report %s", code, stdout)
	}
	if code, stdout, _ := demo(t, "feed-probe", "--exchange-url="+server.URL, "--max-age=2h"); code != 0 {
		t.Errorf("code %d, report %s", code, stdout)
	}
}

func TestToolsGiveUpAfterTheirTimeout(t *testing.T) {
	silent := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		// The server notices that the client left only once the body has been read.
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	}))
	defer silent.Close()
	if code, _, stderr := demo(t, "smoke", "--scheduler-url", silent.URL, "--timeout", "50ms"); code != 1 || !strings.Contains(stderr, "deadline") {
		t.Errorf("code %d: %s", code, stderr)
	}
}
