package rules

import (
	"strings"
	"testing"
)

func TestEval(t *testing.T) {
	exit := int32(2)
	vars := Vars{
		Report:   decode(t, `{"status":"fail","avg_latency_ms":251,"n":3,"settings":{"x":1.5},"list":[{"name":"a","suspended":true}]}`),
		ExitCode: &exit,
		Incident: map[string]any{"type": "PnL"},
		Signals:  map[string]any{"known": 1.0},
		Checks:   []Check{{Name: "audit", Verdict: "Fail", Report: decode(t, `{"n":1}`)}, {Name: "load", Verdict: "Pass"}},
	}
	cases := map[string]struct {
		rule  string
		want  bool
		error string
	}{
		"a string of the report":                   {"report.status == 'fail'", true, ""},
		"a whole number is a double, too":          {"report.avg_latency_ms > 250.0", true, ""},
		"a product of two numbers of the report":   {"report.n * report.settings.x == 4.5", true, ""},
		"a double against an int literal":          {"report.n > 2", true, ""},
		"the exit code":                            {"exitCode == 2.0", true, ""},
		"has() on a missing report":                {"has(before.avg_latency_ms)", false, ""},
		"a missing field is an error":              {"report.nope == 1.0", false, "no such key: nope"},
		"a signal that nobody knows":               {"signals.cpu > 1.0", false, "signal cpu is not known"},
		"a field like a signal that is known":      {"signals.known > 0.0 && report.known > 0.0", false, "no such key: known"},
		"a list of the report":                     {"report.list.exists(s, s.name == 'a' && s.suspended)", true, ""},
		"the checks of the stage":                  {"checks.exists(c, c.name == 'audit' && c.verdict == 'Fail')", true, ""},
		"a verdict out of several":                 {"checks.all(c, c.verdict in ['Pass','Warn'])", false, ""},
		"the incident":                             {"incident.type == 'PnL'", true, ""},
		"something that is no bool":                {"report.n", false, "not a bool"},
		"a rule that costs too much is cut short":  {"[1,2,3,4,5,6,7,8,9,10].all(a, [1,2,3,4,5,6,7,8,9,10].all(b, [1,2,3,4,5,6,7,8,9,10].all(c, [1,2,3,4,5,6,7,8,9,10].all(d, [1,2,3,4,5,6,7,8,9,10].all(e, [1,2,3,4,5,6,7,8,9,10].all(f, a+b+c+d+e+f > 0))))))", false, "cost limit"},
		"an unknown variable does not compile":     {"reprot.status == 'x'", false, "1:1: undeclared reference to 'reprot'"},
		"a syntax error has its position":          {"report.status ==", false, "1:17"},
		"a rule that cannot be a bool: no compile": {"size(checks)", false, "yields int, not a bool"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got, err := Eval(c.rule, vars)
			if c.error != "" {
				if err == nil || !strings.Contains(err.Error(), c.error) {
					t.Fatalf("error %v does not contain %q", err, c.error)
				}
				return
			}
			if err != nil || got != c.want {
				t.Fatalf("got %v, %v; want %v", got, err, c.want)
			}
		})
	}
}

func decode(t *testing.T, text string) Value {
	t.Helper()
	v, err := Decode([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return v
}
