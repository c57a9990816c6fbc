package main

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"tradeops.dev/strategy-operator/internal/rules/bombs"
)

func TestPhasesAreComparedWithTheCalmOne(t *testing.T) {
	rows := phaseRows([]phase{
		{name: "calm", wait: 50 * time.Millisecond, create: 5 * time.Millisecond, longest: 60 * time.Millisecond, peak: 50 << 20, took: time.Second},
		{name: "slow server", wait: 400 * time.Millisecond, create: 20 * time.Millisecond, late: 1500 * time.Millisecond, peak: 90 << 20, took: time.Second},
		{name: "slow operator", wait: 400 * time.Millisecond, create: 4 * time.Millisecond, late: 3 * time.Second, peak: 95 << 20, cpu: time.Second, took: 2 * time.Second},
	}, 100<<20)
	for what, want := range map[string]struct {
		values []float64
		met    string
	}{
		"H1 incident to first Job : the same when calm":  {[]float64{1, 8, 8}, ""},
		"one raw create : the same when calm":            {[]float64{1, 4, 0.8}, ""},
		"the first : the second, what the operator adds": {[]float64{1, 2, 8}, "NO"},
		"incident to first Job, median, ms":              {[]float64{50, 400, 400}, ""},
		"H2 deadline to its record, s":                   {[]float64{0, 1.5, 3}, "NO"},
		"H3 most memory so far : the shipped limit":      {[]float64{0.5, 0.9, 0.95}, "NO"},
		"CPU, share of one":                              {[]float64{0, 0, 0.5}, ""},
	} {
		got := rowNamed(t, rows, what)
		for i, value := range want.values {
			if diff := got.ours[i] - value; diff > 1e-9 || diff < -1e-9 {
				t.Errorf("%s: %v, not %v", what, got.ours, want.values)
				break
			}
		}
		if got.met() != want.met {
			t.Errorf("%s: met %q, not %q", what, got.met(), want.met)
		}
	}
}

func TestTheShippedLimitIsRead(t *testing.T) {
	text, err := os.ReadFile("../../config/manager/deployment.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if limit, _, err := shippedMemory(text); err != nil || limit < 64<<20 {
		t.Errorf("%d bytes, %v", limit, err)
	}
	one := "spec: {template: {spec: {containers: [{name: manager, env: [{name: A, value: b}, {name: B, valueFrom: {}}], resources: {limits: {memory: 1Gi}}}]}}}"
	if limit, env, err := shippedMemory([]byte(one)); err != nil || limit != 1<<30 || len(env) != 1 || env[0] != "A=b" {
		t.Errorf("%d, %q, %v", limit, env, err)
	}
	for _, text := range []string{"", "[", strings.Replace(one, "memory", "cpu", 1)} {
		if _, _, err := shippedMemory([]byte(text)); err == nil {
			t.Errorf("%q is no error", text)
		}
	}
}

// The API server stores no more than 1.5 MB at once, and the schema bounds a rule, a sample and what a check has of them.
func TestTheAttackIsWhatTheServerStores(t *testing.T) {
	for i := range hostilePlaybooks {
		playbook := newBombs(i, 1)
		text, err := json.Marshal(playbook)
		if err != nil || len(text) > 1_500_000 || len(text) < 500_000 {
			t.Errorf("a playbook of %d bytes, %v", len(text), err)
		}
		for _, check := range playbook.Spec.Checks {
			for _, verdict := range check.Verdicts {
				if len(verdict.When) > 2048 {
					t.Errorf("a rule of %d bytes: %.80s", len(verdict.When), verdict.When)
				}
			}
		}
	}
	if size := len(sampleReport()); size > 4096 {
		t.Errorf("a sample of %d bytes", size)
	}
	if len(bombRules()) < 20 {
		t.Errorf("%d bombs", len(bombRules()))
	}
	log := hostileLog(1 << 20)
	lines := strings.Split(strings.TrimSuffix(log, "\n"), "\n")
	_, last, _ := strings.Cut(lines[len(lines)-1], " stdout F ")
	if len(log) < 1<<20 || !json.Valid([]byte(last)) || len(last) < len(bombs.Report()) {
		t.Errorf("a log of %d bytes that ends with %.80s", len(log), last)
	}
}
