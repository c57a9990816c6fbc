package checks

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/rules"
)

func TestTheReportInALog(t *testing.T) {
	pretty := "{\n  \"status\": \"ok\",\n  \"inner\": {\n    \"x\": 1\n  }\n}"
	for name, c := range map[string]struct{ output, report, problem string }{
		"only the object":                        {`{"status":"ok"}`, `{"status":"ok"}`, ""},
		"text around it":                         {"start\n{\"a\":1}\ndone\n", `{"a":1}`, ""},
		"text before it on its line":             {"2026-11-23 INFO report: {\"a\":1}\n", `{"a":1}`, ""},
		"text after it on its line":              {"{\"a\":1} done\n", `{"a":1}`, ""},
		"the same twice":                         {"{\"a\":1}\nWARN slow\n{ \"a\": 1 }\nWARN slow\n", `{"a":1}`, ""},
		"a thing said twice":                     {`{"status":"fail","status":"ok"}`, "", "says a thing twice"},
		"a thing said twice inside":              {`{"legs":[{"x":1,"x":2}]}`, "", "says a thing twice"},
		"nested objects: the whole":              {`{"a":{"b":{"c":1}},"d":{}}`, `{"a":{"b":{"c":1}},"d":{}}`, ""},
		"pretty-printed":                         {"x\n" + pretty + "\ny", `{"status":"ok","inner":{"x":1}}`, ""},
		"pretty-printed and cut off":             {"x\n" + pretty[:len(pretty)-4], "", "broken"},
		"pretty-printed, its start is cut off":   {pretty[2:], "", "no JSON object"},
		"braces in strings":                      {`{"a":"}{"}`, `{"a":"}{"}`, ""},
		"CRLF":                                   {"x\r\n{\"a\":1}\r\ny", `{"a":1}`, ""},
		"NaN is no JSON":                         {`{"a":NaN}`, "", "broken"},
		"Infinity is no JSON":                    {"{\"a\":1}\n{\"a\":Infinity}", "", "broken"},
		"cut off":                                {`{"a":1,"b":`, "", "broken"},
		"a good one, then one that is cut off":   {"{\"a\":1}\n{\"a\":", "", "broken"},
		"one that is cut off, then a good one":   {"{\"a\":\n{\"a\":2}\n", "", "broken"},
		"words with an object inside one":        {"{\n\"status\":\"fail\",\nWARN body {\"status\":\"ok\"}\n\"loss\":1}\n", "", "broken"},
		"a line in the middle of one":            {"{\n  \"status\": \"fail\",\nWARN slow\n  \"loss\": 1\n}\n{\"status\":\"ok\"}\n", "", "broken"},
		"the inside of one without indenting":    {"{\n\"sharpe\": NaN,\n\"legs\":\n{\"status\":\"ok\"}\n\n\"x\": 1}\n", "", "broken"},
		"a number that is none, then a good one": {"{\"a\":NaN}\n{\"a\":1}\n", "", "broken"},
		"a brace and a quote in noise after it":  {"{\"a\":1}\nsaid {\"x and left\n", "", "broken"},
		"braces in noise":                        {"set {a, b}\n{\"a\":1}\n{x}\n", `{"a":1}`, ""},
		"an array is no object":                  {"[1,2]", "", "no JSON object"},
		"nothing":                                {"", "", "the log is empty"},
		"invalid UTF-8 around it":                {"\xff\xfe\n{\"a\":1}\n\xff", `{"a":1}`, ""},
		"an escape sequence of a terminal":       {"\x1b[31mred\x1b[0m\n{\"a\":1}", `{"a":1}`, ""},
		"an empty object":                        {"{}", "{}", ""},
		"null bytes":                             {"\x00\x00\n{\"a\":1}\n\x00", `{"a":1}`, ""},
		"deeply nested":                          {strings.Repeat(`{"a":`, 100_000), "", "broken"},
		"deeply nested and closed":               {strings.Repeat(`{"a":`, 100_000) + "1" + strings.Repeat("}", 100_000), "", "broken"},
		"a report that is too long":              {`{"a":"` + strings.Repeat("x", MaxReportBytes) + `"}`, "", "at most 524288 are read"},
		"a megabyte of noise before it":          {strings.Repeat("noise {x}\n", 100_000) + `{"a":1}`, `{"a":1}`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			report, problem := theReport(strategyv1.CheckSpec{}, c.output)
			if report != c.report || !strings.Contains(problem, c.problem) || (problem == "") != (c.report != "") {
				t.Fatalf("got %.80s, problem %q; want %s, %q", report, problem, c.report, c.problem)
			}
		})
	}
}

// The work on hostile output of the full length is bounded: each of these took minutes once. The limit is ten times what
// they take under the race detector.
func TestHostileOutputIsReadInBoundedTime(t *testing.T) {
	for name, unit := range map[string]string{
		"braces": "{", "nested on one line": `{"a":`, "nested on many lines": "{\"a\":\n", "never closed": "{\"a\":1,\n", "lists": "{\"a\":[\n",
		"broken at the end of the line": `{"a":1,"b":2,"c"` + "\n", "text and braces": "x{", "quotes": `"`, "indented": "  {\n",
		"indented and broken": "  {\"\n", "broken behind a quote": `"{"`, "indented, never closed": "  {\"a\":\n", "nested behind blanks": ` {"a":`,
	} {
		t.Run(name, func(t *testing.T) {
			output := []byte(strings.Repeat(unit, MaxOutputBytes/len(unit)))
			done := make(chan struct{})
			go func() {
				defer close(done)
				if report, problem := theReport(strategyv1.CheckSpec{}, string(output)); report != "" || problem == "" {
					t.Errorf("a report of %d bytes was found", len(report))
				}
			}()
			select {
			case <-done:
			case <-time.After(10 * time.Second):
				t.Fatal("it does not end")
			}
		})
	}
}

// What is found is always an object of the output, and complete.
func FuzzReport(f *testing.F) {
	for _, seed := range []string{`{"a":1}`, "x {\"a\":{}}\n", "{\"a\":\n{\"b\":1}", "{{{", `{"a":NaN}`, "{\"a\":1} {\"b\":2}", "\xff{}", "{\"a\":\"\xff\"}"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, output []byte) {
		report, problem := theReport(strategyv1.CheckSpec{}, string(output))
		if (report == "") == (problem == "") {
			t.Fatalf("report %q, problem %q", report, problem)
		}
		if report == "" {
			return
		}
		var object map[string]any
		if err := json.Unmarshal([]byte(report), &object); err != nil || object == nil {
			t.Fatalf("%q is no object: %v", report, err)
		}
		if len(report) > len(output) {
			t.Fatalf("the report is longer than the output")
		}
	})
}

func TestWithReport(t *testing.T) {
	exited := Outcome{Reason: ReasonExited, ExitCode: new(int32(3))}
	for name, c := range map[string]struct {
		outcome Outcome
		source  strategyv1.ReportSource
		want    string
		problem string
	}{
		"the log":                      {exited, strategyv1.ReportFromLog, `{"from":"log"}`, ""},
		"no source means the log":      {exited, "", `{"from":"log"}`, ""},
		"the termination message":      {exited, strategyv1.ReportFromTerminationMessage, `{"from":"message"}`, ""},
		"the exit code":                {exited, strategyv1.ReportFromExitCode, `{"exit_code":3}`, ""},
		"what did not end has none":    {Outcome{Reason: ReasonOutOfMemory, ExitCode: new(int32(137))}, strategyv1.ReportFromLog, "", ""},
		"also not from the exit code":  {Outcome{Reason: ReasonInterrupted, ExitCode: new(int32(0))}, strategyv1.ReportFromExitCode, "", ""},
		"nor from half a log":          {Outcome{Reason: ReasonDeadline}, strategyv1.ReportFromLog, "", ""},
		"nor when it never started":    {Outcome{Reason: ReasonNotStarted}, strategyv1.ReportFromExitCode, "", ""},
		"nor when the log is not read": {Outcome{Reason: ReasonOutputFailed}, strategyv1.ReportFromLog, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			got := WithReport(c.outcome, strategyv1.CheckSpec{ReportFrom: c.source}, rules.Vars{}, []byte(`{"from":"log"}`), `{"from":"message"}`)
			if got.Report.String() != c.want || got.ReportProblem != c.problem {
				t.Errorf("got %s, %q", got.Report, got.ReportProblem)
			}
		})
	}
}

// Whoever looks at an incident may not be allowed to read logs, and the last line often says why.
func TestWhatCouldNotBeMeasuredSaysItsLastLine(t *testing.T) {
	trace := "Traceback (most recent call last):\n  File \"plan.py\", line 3\nTypeError: 'NoneType' object is not iterable\n\n"
	for name, c := range map[string]struct {
		reason string
		exit   int32
		output string
		says   string
	}{
		"it broke":                       {ReasonExited, 1, trace, "without a report: the log has no JSON object; its 106 bytes are kept beside the report in the evidence; its log ends with: TypeError: 'NoneType' object is not iterable"},
		"it ended well and said nothing": {ReasonExited, 0, "all is well\n", "; its log ends with: all is well"},
		"it was killed":                  {ReasonInterrupted, 137, "step 1\nstep 2", "Interrupted; its log ends with: step 2"},
		"it wrote half a report":         {ReasonExited, 1, `{"status":`, `; its log ends with: {"status":`},
		"it wrote nothing":               {ReasonExited, 1, "\n \r\n\x00", "exit code 1 without a report"},
		"escape sequences":               {ReasonExited, 1, "\x1b[31mboom\x1b[0m\u202e\n", "; its log ends with: \uFFFD[31mboom\uFFFD[0m\uFFFD"},
		"a progress bar":                 {ReasonExited, 1, " 1%\r50%\r", "; its log ends with: 50%"},
		"a line without an end":          {ReasonExited, 1, strings.Repeat("x", MaxOutputBytes), "; its log ends with: " + strings.Repeat("x", 253) + "..."},
	} {
		t.Run(name, func(t *testing.T) {
			outcome := WithReport(Outcome{Reason: c.reason, ExitCode: &c.exit}, strategyv1.CheckSpec{}, rules.Vars{}, []byte(c.output), "")
			data, err := json.Marshal(outcome)
			var stored Outcome
			if err != nil || json.Unmarshal(data, &stored) != nil {
				t.Fatalf("it cannot be stored: %v", err)
			}
			if _, message := Judge(strategyv1.CheckSpec{}, stored, rules.Vars{}); !strings.Contains(message, c.says) || len(message) > 600 {
				t.Errorf("it says %q", message)
			}
		})
	}
	judged := WithReport(Outcome{Reason: ReasonExited, ExitCode: new(int32(0))}, strategyv1.CheckSpec{}, rules.Vars{}, []byte("{}\nbye\n"), "")
	if judged.LastLine != "" {
		t.Errorf("one with a report says it for itself: %q", judged.LastLine)
	}
}

func TestJudge(t *testing.T) {
	spec := strategyv1.CheckSpec{Verdicts: []strategyv1.VerdictRule{
		{When: "report.status == 'fail'", Verdict: strategyv1.VerdictFail, Message: "it failed"},
		{When: "has(before.ms) && report.ms > before.ms * 1.2", Verdict: strategyv1.VerdictWarn},
		{When: "exitCode == 0.0 && incident.type == 'PnL'", Verdict: strategyv1.VerdictPass},
	}}
	exited := func(exit int32, report string) Outcome {
		return Outcome{Reason: ReasonExited, ExitCode: &exit, Report: NewReport([]byte(report)), ReportProblem: "no JSON object"}
	}
	vars := rules.Vars{Incident: map[string]any{"type": "PnL"}, Before: NewReport([]byte(`{"ms":100}`)).Value()}
	for name, c := range map[string]struct {
		outcome Outcome
		verdict strategyv1.Verdict
		says    string
	}{
		"the first rule that holds":                    {exited(0, `{"status":"fail","ms":500}`), "Fail", "it failed"},
		"the exit code does not outvote the report":    {exited(0, `{"status":"fail"}`), "Fail", "it failed"},
		"a rule without message says itself":           {exited(0, `{"status":"ok","ms":121}`), "Warn", "has(before.ms) && report.ms > before.ms * 1.2"},
		"the last rule":                                {exited(0, `{"status":"ok","ms":119}`), "Pass", "exitCode"},
		"no rule fits":                                 {exited(1, `{"status":"ok","ms":1}`), "Inconclusive", "no rule of the check fits"},
		"a rule that errors stops the search":          {exited(0, `{"state":"ok"}`), "Inconclusive", "cannot be judged: rule \"report.status == 'fail'\": no such key: status"},
		"wrong types":                                  {exited(0, `{"status":"ok","ms":"fast"}`), "Inconclusive", "cannot be judged"},
		"no report, exit 0":                            {exited(0, ""), "Inconclusive", "no JSON object"},
		"no report, exit 1":                            {exited(1, ""), "Error", "exit code 1 without a report: no JSON object"},
		"a null report":                                {exited(0, "null"), "Inconclusive", "no JSON object"},
		"a stored report that is damaged":              {exited(0, "{"), "Inconclusive", "is not JSON"},
		"did not start":                                {Outcome{Reason: ReasonNotStarted, Message: "m"}, "Error", "NotStarted: m"},
		"out of memory after it printed a good report": {Outcome{Reason: ReasonOutOfMemory, Report: NewReport([]byte(`{"status":"ok"}`))}, "Error", "OOMKilled"},
		"the pod is gone":                              {Outcome{Reason: ReasonPodGone}, "Error", "PodGone"},
		"its log could not be read":                    {Outcome{Reason: ReasonOutputFailed}, "Error", "OutputFailed"},
	} {
		t.Run(name, func(t *testing.T) {
			verdict, message := Judge(spec, c.outcome, vars)
			if verdict != c.verdict || !strings.Contains(message, c.says) {
				t.Errorf("got %s, %q; want %s, %q", verdict, message, c.verdict, c.says)
			}
		})
	}
}

// Whatever the rules are: without a report it is never Pass, nor any other measured verdict.
func TestNothingMeasuredWithoutAReport(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		outcome := Outcome{
			Reason:   rapid.SampledFrom([]string{ReasonExited, ReasonNotStarted, ReasonDeadline, ReasonOutOfMemory, ReasonPodGone, ReasonInterrupted, ReasonOutputFailed, "Later"}).Draw(t, "reason"),
			ExitCode: rapid.SampledFrom([]*int32{nil, new(int32(0)), new(int32(1)), new(int32(137))}).Draw(t, "exit"),
			Report:   NewReport([]byte(rapid.SampledFrom([]string{"", "null"}).Draw(t, "report"))),
		}
		if outcome.Reason != ReasonExited && rapid.Bool().Draw(t, "printed one before it was ended") {
			outcome.Report = NewReport([]byte(`{"status":"ok"}`))
		}
		spec := strategyv1.CheckSpec{}
		for range rapid.IntRange(0, 3).Draw(t, "rules") {
			spec.Verdicts = append(spec.Verdicts, strategyv1.VerdictRule{
				When:    rapid.SampledFrom([]string{"true", "exitCode == 0.0", "!has(report.x)", "report.status == 'ok'"}).Draw(t, "when"),
				Verdict: rapid.SampledFrom([]strategyv1.Verdict{"Pass", "Warn", "Fail"}).Draw(t, "verdict"),
			})
		}
		if verdict, message := Judge(spec, outcome, rules.Vars{}); verdict != strategyv1.VerdictError && verdict != strategyv1.VerdictInconclusive {
			t.Fatalf("%s (%s) of %+v", verdict, message, outcome)
		}
	})
}
