package tool

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"
	"unicode/utf8"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func TestJournal(t *testing.T) {
	const good = `{"timestamp":"2026-11-23T11:59:00.000000+00:00","schedule_run_id":"a:1","primary_exchange":"x","risk_budget_bucket":"balanced"}`
	tests := map[string]struct {
		lines   []string
		status  string
		checked int
		missing int
	}{
		"good lines are ok":                {lines: []string{good, good}, status: "ok", checked: 2},
		"no lines are a warning":           {status: "warn"},
		"an old newest line is a warning":  {lines: []string{`{"timestamp":"2026-11-23T10:00:00+00:00","schedule_run_id":"a:1","primary_exchange":"x","risk_budget_bucket":"b"}`}, status: "warn", checked: 1},
		"an old line behind it is not":     {lines: []string{good, `{"timestamp":"2020-01-01T00:00:00+00:00","schedule_run_id":"a","primary_exchange":"x","risk_budget_bucket":"b"}`}, status: "ok", checked: 2},
		"a missing field fails":            {lines: []string{good, `{"schedule_run_id":"a","risk_budget_bucket":"b"}`}, status: "fail", checked: 2, missing: 1},
		"an empty field fails":             {lines: []string{good, `{"schedule_run_id":"a","primary_exchange":"","risk_budget_bucket":"b"}`}, status: "fail", checked: 2, missing: 1},
		"a line that is not flat fails":    {lines: []string{good, `{"schedule_run_id":{}}`}, status: "fail", checked: 1},
		"a time that cannot be read fails": {lines: []string{`{"timestamp":"?","schedule_run_id":"a","primary_exchange":"x","risk_budget_bucket":"b"}`}, status: "fail", checked: 1},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var lines []json.RawMessage
			for _, line := range test.lines {
				lines = append(lines, json.RawMessage(line))
			}
			report := judgeJournal(lines, 10*time.Minute, noon)
			if report.Status != test.status || report.Checked != test.checked || report.Missing["primary_exchange"] != test.missing {
				t.Errorf("report %+v", report)
			}
		})
	}
}

func TestMisbehaviours(t *testing.T) {
	outputs := map[string]string{}
	for _, how := range Misbehaviours() {
		var stdout, stderr bytes.Buffer
		code, err := Misbehave(how, Output{Stdout: &stdout, Stderr: &stderr, Bytes: 1 << 20, Hang: func() {}})
		if err != nil {
			t.Fatal(err)
		}
		if stdout.Len() == 0 {
			t.Errorf("%s says nothing", how)
		}
		outputs[how] = stdout.String()
		if bad := code != 0; bad != (how == "crash" || how == "fail-but-pass") {
			t.Errorf("%s ends with %d", how, code)
		}
	}
	if utf8.ValidString(outputs["invalid-utf8"]) {
		t.Error("invalid-utf8 is valid")
	}
	if len(outputs["huge"]) < 1<<20 || !json.Valid([]byte(outputs["huge"])) {
		t.Error("huge is not one large JSON document")
	}
	if len(outputs["chatty"]) < 1<<20 {
		t.Error("chatty says little")
	}
	for _, how := range []string{"no-report", "not-json", "crash", "cut-off", "nan", "noise-around", "many-json"} {
		if json.Valid([]byte(outputs[how])) {
			t.Errorf("%s is one JSON document", how)
		}
	}
	if _, err := Misbehave("nicely", Output{}); err == nil {
		t.Error("an unknown misbehaviour was accepted")
	}
}
