package checks

import (
	"strings"
	"testing"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/rules"
)

// theReport that a check with exit code 0 wrote into its log.
func theReport(spec strategyv1.CheckSpec, output string) (report, problem string) {
	outcome := WithReport(Outcome{Reason: ReasonExited, ExitCode: new(int32)}, spec, rules.Vars{}, []byte(output), "")
	return outcome.Report.String(), outcome.ReportProblem
}

// Text that a check logs may come from others: the body of an exchange's error, a symbol's name. None of it decides a verdict, and what a check
// logs beside its report does not hide it.
func TestWhatIsLoggedBesideTheReport(t *testing.T) {
	verdicts := []strategyv1.VerdictRule{
		{When: "report.status == 'fail'", Verdict: strategyv1.VerdictFail},
		{When: "has(report.slow) && report.slow", Verdict: strategyv1.VerdictWarn},
		{When: "report.status == 'ok'", Verdict: strategyv1.VerdictPass},
	}
	const (
		ok, fail = `{"status":"ok","kind":"audit"}`, `{"status":"fail","kind":"audit"}`
		progress = `{"status":"ok","kind":"step"}`
		debug    = `{"level":"info","message":"done"}`
	)
	byKind := "report.kind == 'audit'"
	for name, c := range map[string]struct {
		match   string
		lines   []string
		exit    int32
		verdict strategyv1.Verdict
		says    string
	}{
		"a debug line behind it":                  {"", []string{fail, debug}, 0, "Fail", ""},
		"a debug line before it":                  {"", []string{debug, ok}, 0, "Pass", ""},
		"another one behind it, in a message":     {"", []string{fail, "ERROR the exchange said: " + ok}, 0, "Inconclusive", "2 different JSON objects in the log might be the report; let reportMatch say"},
		"another one before it, in a message":     {"", []string{"ERROR the exchange said: " + fail, ok}, 0, "Inconclusive", "2 different"},
		"a brace and another one behind it":       {"", []string{fail, "}", ok}, 0, "Inconclusive", "2 different"},
		"another one behind it, on its line":      {"", []string{ok + " " + fail}, 0, "Inconclusive", "2 different"},
		"another one, indented":                   {"", []string{ok, "  " + fail}, 0, "Inconclusive", "2 different"},
		"another one, indented over many lines":   {"", []string{ok, "  {", `    "status":`, `  "fail"`, "  }"}, 0, "Inconclusive", "2 different"},
		"another one, behind a quote":             {"", []string{`msg="done" report=` + fail, ok}, 0, "Inconclusive", "2 different"},
		"another one, behind a quote, that fits":  {byKind, []string{`msg="done" report=` + fail, ok}, 0, "Inconclusive", "2 different"},
		"another one, behind a brace":             {"", []string{ok, "in {3 ms} " + fail}, 0, "Inconclusive", "2 different"},
		"only one behind a quote fits":            {byKind, []string{progress, `msg="done" report=` + fail}, 0, "Inconclusive", "the only fitting JSON object in the log stands behind blanks, a quote or a brace"},
		"only one behind a quote":                 {"", []string{`msg="done" report=` + fail}, 0, "Inconclusive", "no JSON object that starts a line"},
		"the same behind a quote":                 {"", []string{`msg="done" report=` + fail, fail}, 0, "Fail", ""},
		"others behind quotes and blanks":         {byKind, []string{`msg="x {y}" ` + progress, "  " + progress, `  {"x"`, fail}, 0, "Fail", ""},
		"a list of others before it":              {byKind, []string{"[", "  " + progress + ",", "  " + debug, "]", fail}, 0, "Fail", ""},
		"a comma and another one behind it":       {byKind, []string{fail, ", the exchange said", ok}, 0, "Inconclusive", "2 different"},
		"a brace behind it":                       {"", []string{progress, fail + " }", debug}, 0, "Inconclusive", "2 different"},
		"a brace behind it, and a debug line":     {"", []string{debug, fail + " }", debug}, 0, "Inconclusive", "the only fitting JSON object in the log is part of something larger"},
		"parts of another thing before it":        {"", []string{debug + ",", debug + "]", fail}, 0, "Fail", ""},
		"one with some of the fields":             {"", []string{fail, `{"slow":false}`}, 0, "Inconclusive", "2 different"},
		"one that cannot be decoded":              {"", []string{`{"status":"fail","ms":1e999}`, ok}, 0, "Inconclusive", "2 different"},
		"twice the same":                          {"", []string{fail, debug, fail}, 0, "Fail", ""},
		"several, and it broke: no second try":    {"", []string{fail, ok}, 1, "Inconclusive", "2 different"},
		"none has the fields":                     {"", []string{debug}, 0, "Inconclusive", "no such key: status"},
		"the rule chooses":                        {byKind, []string{progress, fail, progress}, 0, "Fail", ""},
		"the rule chooses, and one is in the way": {byKind, []string{fail, "said " + ok}, 0, "Inconclusive", "2 different"},
		"the rule cannot be evaluated for others": {"report.kind.startsWith('aud')", []string{`{"kind":5,"status":"ok"}`, fail, debug}, 0, "Fail", ""},
		"the rule holds for none":                 {byKind, []string{progress, debug}, 0, "Inconclusive", "reportMatch (report.kind == 'audit') holds for no JSON object in the log (2)"},
		"the rule holds for none, and it broke":   {byKind, []string{progress}, 1, "Error", "exit code 1 without a report: reportMatch"},
		"one that cannot be decoded might be it":  {byKind, []string{`{"kind":"audit","status":"fail","ms":1e999}`, ok}, 0, "Inconclusive", "2 different"},
		"the rule is broken":                      {"report.kind ==", []string{ok}, 0, "Inconclusive", "nobody can say which JSON object in the log is the report"},
	} {
		t.Run(name, func(t *testing.T) {
			spec := strategyv1.CheckSpec{ReportMatch: c.match, Verdicts: verdicts}
			outcome := WithReport(Outcome{Reason: ReasonExited, ExitCode: &c.exit}, spec, rules.Vars{}, []byte(strings.Join(c.lines, "\n")), "")
			if verdict, message := Judge(spec, outcome, rules.Vars{}); verdict != c.verdict || !strings.Contains(message, c.says) {
				t.Errorf("%s (%s), want %s (%s)", verdict, message, c.verdict, c.says)
			}
		})
	}
}

// A rule that reads the whole report may be about any field, so every object might be the report.
func TestARuleThatNamesNoField(t *testing.T) {
	spec := strategyv1.CheckSpec{Verdicts: []strategyv1.VerdictRule{{When: "report.all(key, report[key] == 'ok')", Verdict: strategyv1.VerdictPass}}}
	if report, _ := theReport(spec, `{"a":"ok"}`); report != `{"a":"ok"}` {
		t.Errorf("the report is %q", report)
	}
	if report, problem := theReport(spec, "{\"a\":\"ok\"}\n{\"b\":\"bad\"}"); report != "" || !strings.Contains(problem, "2 different") {
		t.Errorf("the report is %q, the problem %q", report, problem)
	}
}

// A log of a megabyte of objects is looked at, at a bounded cost.
func TestChoosingIsBounded(t *testing.T) {
	log := strings.Builder{}
	for i := range 20_000 {
		log.WriteString(`{"n":` + strings.Repeat("1", 1+i%40) + `,"i":` + strings.Repeat("2", i%300) + "0}\n")
	}
	costly := "[1,2,3,4,5,6,7,8,9].all(a, [1,2,3,4,5,6,7,8,9].all(b, [1,2,3,4,5,6,7,8,9].all(c, a + b + c > 0))) && report.n == 0.0"
	if report, problem := theReport(strategyv1.CheckSpec{ReportMatch: costly}, log.String()); report != "" || !strings.Contains(problem, "cost limit") {
		t.Errorf("the report is %q, the problem %q", report, problem)
	}
	var spent uint64 = rules.SharedLimit
	outcome := WithReport(Outcome{Reason: ReasonExited, ExitCode: new(int32)}, strategyv1.CheckSpec{ReportMatch: "true"}, rules.Vars{Spent: &spent}, []byte("{}"), "")
	if !strings.Contains(outcome.ReportProblem, "cost limit") {
		t.Errorf("who pays is not asked: %q", outcome.ReportProblem)
	}
}

// Whoever writes enough into a log pushes the report out of what is read of it. So what is left of a cut log counts only where nothing of
// somebody else's stands behind it.
func TestTheReportInACutLog(t *testing.T) {
	verdicts := []strategyv1.VerdictRule{
		{When: "report.status == 'fail'", Verdict: strategyv1.VerdictFail},
		{When: "report.status == 'ok'", Verdict: strategyv1.VerdictPass},
	}
	const ok, fail, debug = `{"status":"ok","kind":"audit"}`, `{"status":"fail","kind":"audit"}`, "debug {x}\n"
	bytesOf, linesOf := strings.Repeat("noise, ", MaxOutputBytes/7)+"\n", strings.Repeat("x\n", MaxOutputLines)
	pieces := strings.Repeat(strings.Repeat("x", 3*maxChunk)+"\n", 10) + strings.Repeat("x\n", MaxOutputLines-40)
	const cut = "the log is longer than what is read of it (10000 lines, 1048576 bytes), so the report may have been cut off: print the report last, on a line of its own"
	for name, c := range map[string]struct {
		output  string
		exit    int32
		verdict strategyv1.Verdict
		says    string
	}{
		"short, and a line behind it":              {ok + "\n" + debug, 0, "Pass", ""},
		"nearly so many lines, and a line behind":  {linesOf[:len(linesOf)-8] + ok + "\n" + debug, 0, "Pass", ""},
		"cut by bytes, last":                       {bytesOf + ok, 0, "Pass", ""},
		"cut by bytes, last but for blanks":        {bytesOf + fail + " \r\n\n", 1, "Fail", ""},
		"cut by bytes, and a line behind it":       {bytesOf + ok + "\n" + debug, 0, "Inconclusive", "something stands on the line of the last fitting JSON object in the log, or behind it; " + cut},
		"cut by bytes, last behind plain words":    {bytesOf + "WARN the exchange said: " + ok, 0, "Inconclusive", "something stands on the line of the last fitting JSON object in the log, or behind it; " + cut},
		"cut by lines, last behind plain words":    {linesOf + "WARN the exchange said: " + ok + "\n", 1, "Inconclusive", cut},
		"cut by bytes, last on another's line":     {bytesOf + `{"level":"info"} ` + ok, 0, "Inconclusive", cut},
		"cut by bytes, last and again in words":    {bytesOf + ok + "\nWARN the exchange said: " + ok, 0, "Inconclusive", cut},
		"cut by bytes, last behind a lone return":  {bytesOf + "said\r" + ok, 0, "Inconclusive", cut},
		"not cut, last behind plain words":         {"INFO report: " + ok, 0, "Pass", ""},
		"cut by bytes, and it broke":               {bytesOf + ok + "\n" + debug, 1, "Inconclusive", cut},
		"cut by bytes, and an object behind it":    {bytesOf + ok + `{"level":"info"}`, 0, "Inconclusive", cut},
		"cut by bytes, last and before":            {bytesOf + ok + "\n" + debug + ok + "\n", 0, "Pass", ""},
		"cut by bytes, and none":                   {bytesOf + debug, 1, "Inconclusive", "no JSON object; its "},
		"cut by bytes, and several":                {bytesOf + fail + "\n" + ok, 0, "Inconclusive", "2 different"},
		"one line that is cut, and ends with one":  {strings.TrimSpace(bytesOf) + ok, 0, "Inconclusive", cut},
		"cut by lines, last":                       {linesOf + ok, 0, "Pass", ""},
		"cut by lines, and a line behind it":       {linesOf + ok + "\n" + debug, 0, "Inconclusive", cut},
		"as many lines as are read, a line behind": {linesOf[:len(linesOf)-4] + ok + "\n" + debug, 0, "Inconclusive", cut},
		"cut by lines, and none":                   {linesOf, 0, "Inconclusive", cut},
		"long lines count as several":              {pieces + ok + "\n" + debug, 0, "Inconclusive", cut},
	} {
		for _, match := range []string{"", "report.kind == 'audit'"} {
			t.Run(name+" "+match, func(t *testing.T) {
				output := c.output[max(0, len(c.output)-MaxOutputBytes):]
				spec := strategyv1.CheckSpec{ReportMatch: match, Verdicts: verdicts}
				outcome := WithReport(Outcome{Reason: ReasonExited, ExitCode: &c.exit}, spec, rules.Vars{}, []byte(output), "")
				if verdict, message := Judge(spec, outcome, rules.Vars{}); verdict != c.verdict || !strings.Contains(message, c.says) {
					t.Errorf("%s (%.400s), want %s (%s)", verdict, message, c.verdict, c.says)
				}
			})
		}
	}
	spec := strategyv1.CheckSpec{ReportFrom: strategyv1.ReportFromTerminationMessage, Verdicts: verdicts}
	outcome := WithReport(Outcome{Reason: ReasonExited, ExitCode: new(int32)}, spec, rules.Vars{}, []byte(linesOf), ok)
	if verdict, message := Judge(spec, outcome, rules.Vars{}); verdict != strategyv1.VerdictPass {
		t.Errorf("nobody else writes into the termination message: %s (%s)", verdict, message)
	}
}
