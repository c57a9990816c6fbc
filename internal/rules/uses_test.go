package rules

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestUses(t *testing.T) {
	for name, test := range map[string]struct {
		rule string
		want map[string][]string
	}{
		"fields, sorted and once":           {"signals.b > signals.a && signals.b < 3.0", map[string][]string{"signals": {"a", "b"}}},
		"has()":                             {"has(signals.cpu)", map[string][]string{"signals": {"cpu"}}},
		"an index":                          {"signals['cpu'] > 1.0", map[string][]string{"signals": {"cpu"}}},
		"in":                                {"'cpu' in signals", map[string][]string{"signals": {"cpu"}}},
		"several variables":                 {"signals.cpu > limits.cpu_percent", map[string][]string{"limits": {"cpu_percent"}, "signals": {"cpu"}}},
		"the first step only":               {"report.a.b == 1.0", map[string][]string{"report": {"a"}}},
		"a name that is made when it runs":  {"signals[incident.type] > 1.0", map[string][]string{"signals": nil, "incident": {"type"}}},
		"inside a macro":                    {"checks.all(c, c.report.x > signals.cpu)", map[string][]string{"checks": nil, "signals": {"cpu"}}},
		"all of a variable":                 {"signals.all(name, signals[name] > 1.0)", map[string][]string{"signals": nil}},
		"a macro's own variable":            {"checks.all(signals, signals.nope == 1.0)", map[string][]string{"checks": nil}},
		"a macro over what its variable is": {"signals.all(signals, signals == 'x')", map[string][]string{"signals": nil}},
		"nothing":                           {"true", map[string][]string{}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Uses("", test.rule)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
	if _, err := Uses("", "nope.x"); err == nil || !strings.Contains(err.Error(), "undeclared reference") {
		t.Errorf("a rule that does not compile: %v", err)
	}
}

func TestWhatEvaluationsCost(t *testing.T) {
	var spent uint64
	vars := Vars{Report: decode(t, `{"n":1}`), Spent: &spent}
	if _, err := Eval("report.n == 1.0", vars); err != nil || spent == 0 || spent > 100 {
		t.Errorf("a small rule cost %d: %v", spent, err)
	}
	small := spent
	if _, err := Eval("report.nope == 1.0", vars); err == nil || spent <= small || spent > 100 {
		t.Errorf("an error cost %d: %v", spent-small, err)
	}
	spent = 0
	burning := strings.Repeat("[1,2,3,4,5,6,7,8,9,10].all(a, ", 6) + "true" + strings.Repeat(")", 6)
	if _, err := Eval(burning, vars); err == nil || spent < costLimit {
		t.Errorf("a rule that is cut short cost %d: %v", spent, err)
	}
}

// Many rules that are each just within the limit do not cost more together than one pass may.
func TestRulesOfOnePassShareALimit(t *testing.T) {
	var spent uint64
	vars := Vars{Report: hostile(t).Report, Spent: &spent}
	for range 3 * SharedLimit / costLimit {
		_, _ = Eval("report.list.all(a, report.list.all(b, true))", vars)
	}
	if spent < SharedLimit || spent > SharedLimit+costLimit+1 {
		t.Errorf("together they cost %d units", spent)
	}
	if _, err := Eval("true", vars); err == nil || !strings.Contains(err.Error(), "the rules before it took 1000000 units") {
		t.Errorf("one after them: %v", err)
	}
}
