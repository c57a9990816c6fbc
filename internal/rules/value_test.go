package rules

import (
	"reflect"
	"sync"
	"testing"
)

// One report is judged by many rules, in many passes and goroutines (make race): none may change it.
func TestNoRuleChangesAValue(t *testing.T) {
	const text = `{"status":"ok","list":[{"n":3},{"n":1}],"settings":{"x":1.5}}`
	report := decode(t, text)
	vars := Vars{Report: report, Before: report, Checks: []Check{{Name: "audit", Report: report}}}
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for _, rule := range []string{
				"report == before", "report.list.map(i, i.n * 2.0) == [6.0, 2.0]", "report.list + [{'n': 5.0}] != before.list",
				"report.list.filter(i, i.n > 2.0).exists(i, i.n == 3.0)", "checks.all(c, c.report.settings.x == report.settings.x)",
			} {
				if held, err := Eval(rule, vars); err != nil || !held {
					t.Errorf("%s: %t, %v", rule, held, err)
				}
			}
		})
	}
	all.Wait()
	if !reflect.DeepEqual(report, decode(t, text)) {
		t.Errorf("it is another one now: %v", report)
	}
}

func TestDecode(t *testing.T) {
	for name, text := range map[string]string{"half of it": `{"a":`, "a number that is too large": `{"a":1,"b":1e999}`, "two texts": `{} {}`, "nothing": ``} {
		if value, err := Decode([]byte(text)); err == nil || value != (Value{}) {
			t.Errorf("%s: %v, %v", name, value, err)
		}
	}
	for text, want := range map[string]string{`{"a":"x"}`: "x", `{"a":1}`: "", `{"b":"x"}`: "", `["a"]`: "", `null`: ""} {
		if value := decode(t, text); value.Text("a") != want || value.IsObject() != (text[0] == '{') {
			t.Errorf("%s: %q, an object: %t", text, value.Text("a"), value.IsObject())
		}
	}
}
