// Package bombs has rules of playbooks, and a report, that cost much more than they look: for tests, and for the benchmark.
package bombs

import (
	"fmt"
	"strings"
)

// Bomb is a rule, and a part of what is said of it: nothing when it is cheap enough to be evaluated.
type Bomb struct{ Rule, Says string }

// CostLimit is what is said of a rule that is sound, but costs too much when it is evaluated.
const CostLimit = "cost limit"

func repeat(n int, before, middle, after string) string {
	return strings.Repeat(before, n) + middle + strings.Repeat(after, n)
}

func items(n int) string {
	return "[" + strings.TrimSuffix(strings.Repeat("0,", n), ",") + "]"
}

// All are the bombs, by name. They are about the variables report and before, both such as Report.
func All() map[string]Bomb {
	const limit, large = CostLimit, "too large"
	return map[string]Bomb{
		"a text doubled":               {"[report.text]" + strings.Repeat(".map(x, x+x)", 17) + ".all(x, size(x) > 0)", limit},
		"a text doubled 30 times":      {"[report.text]" + strings.Repeat(".map(x, x+x)", 30) + ".all(x, size(x) > 0)", limit},
		"a text doubled in brackets":   {"size(" + repeat(17, "[", "report.text", "].map(x, x+x)[0]") + ") > 0", "too deep"},
		"bytes doubled":                {"[bytes(report.text)]" + strings.Repeat(".map(x, x+x)", 25) + ".all(x, size(x) > 0)", limit},
		"a list doubled":               {"[report.list]" + strings.Repeat(".map(x, x+x)", 30) + ".all(x, size(x) > 0)", limit},
		"an empty list doubled":        {"[[]]" + strings.Repeat(".map(x, x+x)", 30) + ".all(x, !(1 in x))", ""},
		"a list doubled and searched":  {"[report.list]" + strings.Repeat(".map(x, x+x)", 9) + ".all(x, 7.5 in x)", limit},
		"lists in lists, compared":     {"[report.list]" + strings.Repeat(".map(x, [x,x])", 18) + ".all(x, x == x)", limit},
		"objects in objects, compared": {"[report]" + strings.Repeat(".map(x, {'a':x,'b':x})", 18) + ".all(x, x == x)", limit},
		"objects in lists, searched":   {"[report]" + strings.Repeat(".map(x, {'a':[x,x]})", 12) + ".all(x, x in [x])", limit},
		"objects in lists, many":       {"[report]" + strings.Repeat(".map(x, {'a':[x,x]})", 30) + ".all(x, x in [x])", "more than 40 lists"},
		"lists in lists, chained":      {"[1]" + strings.Repeat(".map(x, [[[[[[[[[[x]]]]]]]]]])", 20) + ".size() == 1", "more than 40 lists"},
		"an object as a key":           {"[{1:1}]" + strings.Repeat(".map(x,{x:x})", 30) + ".size() > 0", "must be a literal"},
		"an object as a key, deeper":   {"[{1:1}]" + strings.Repeat(".map(x,{x:x})", 150) + ".size() > 0", "too deep"},
		"a text added in a loop":       {"report.list.map(i, report.text + report.text).size() > 0", limit},
		"texts added in a row":         {"report.list.all(i, size(report.text" + strings.Repeat("+report.text", 30) + ") > 0)", limit},
		"a long list made in a loop":   {"size(report.list.map(i, " + items(900) + ")) > 0", limit},
		"a long object made in a loop": {"size(report.list.map(i, {'a':0" + fields(180) + "})) > 0", limit},
		"four loops in each other":     {"report.list.all(a, report.list.all(b, report.list.all(c, report.list.all(d, true))))", limit},
		"loops that never find":        {"report.list.exists_one(a, report.list.exists_one(b, report.list.exists_one(c, false)))", limit},
		"loops that leave all out":     {"report.list.map(a, report.list.filter(b, false)).size() + report.list.map(a, report.list.filter(b, false)).size() + report.list.map(a, report.list.filter(b, false)).size() < 0", limit},
		"a long or in a loop":          {"report.list.all(a, report.list.all(b, !(" + strings.Repeat("false || ", 150) + "false)))", limit},
		"a long condition in a loop":   {"report.list.all(a, report.list.all(b, " + strings.Repeat("false ? true : ", 30) + "true))", limit},
		"keys listed again and again":  {"report.list.all(a, report.object.exists(k, true)) && report.list.all(a, report.object.exists(k, true))", limit},
		"a long text looked up":        {"report.list.all(a, report.list.all(b, !(report.text in report.object)))", limit},
		"a long key that is not there": {"report.list.exists(a, report.list.exists(b, report.object[report.text] == 1.0))", limit},
		"a long text compared":         {"report.list.all(a, report.list.all(b, report.text == before.text))", limit},
		"a long text ordered":          {"report.list.all(a, report.list.all(b, report.text <= before.text))", limit},
		"a long text measured":         {"report.list.all(a, report.list.all(b, size(report.text) > 0))", limit},
		"a long text searched":         {"report.list.all(a, report.list.all(b, !report.text.contains('y')))", limit},
		"a long text begun":            {"report.list.all(a, report.list.all(b, report.text.startsWith(before.text)))", limit},
		"a long text converted":        {"report.list.all(a, report.list.all(b, bytes(report.text) != b'x'))", limit},
		"a long number that is none":   {"report.list.exists(a, report.list.exists(b, int(report.text) == 1))", limit},
		"a report compared again":      {"report.list.all(a, report == before)", limit},
		"a small value and the report": {"report.list.all(a, 'x' != report)", ""},
		"a list searched again":        {"report.list.all(a, !('x' in report.list))", limit},
		"time zones":                   {"report.list.all(a, timestamp('2030-01-01T00:00:00Z').getHours('America/New_York') == 1 || true)", limit},
		"a pattern of many parts":      {"report.short.matches('^(x?){999}(x?){999}y$')", large},
		"a pattern in a pattern":       {"report.short.matches('((x{9}){9}){9}')", large},
		"a pattern of classes":         {"report.short.matches('" + `[\\pL\\pN\\pS]{500}` + "')", large},
		"a pattern of many choices":    {"report.short.matches('(" + strings.Repeat("aa|bb|", 300) + "c)')", large},
		"a pattern that is made":       {"report.text.matches(report.text + 'x')", "must be a literal"},
		"a pattern on a long text":     {"report.text.matches('x')", "4096 bytes at most"},
		"a pattern in a loop":          {"report.list.all(a, !report.short.matches('(x?){150}y'))", limit},
		"a pattern as a function":      {"matches(report.short, '(x?){999}{9}')", "invalid nested repetition"},
		"a deep rule":                  {repeat(240, "(", "true", ")"), ""},
		"a deeper rule":                {repeat(1000, "(", "true", ")"), "recursion"},
		"lists in lists":               {repeat(240, "[", "1", "]") + " == []", "too deep"},
		"lists of lists of lists":      {"[1]" + strings.Repeat(".map(x,[x,x])", 150) + " == []", "too deep"},
		"loops in loops in loops":      {repeat(100, "report.map(x,", "x", ")") + " == []", "too deep"},
		"types of types":               {repeat(200, "type(", "1", ")") + " == int", "too deep"},
		"many nots":                    {strings.Repeat("!", 2000) + "true", ""},
		"a long literal":               {"size('" + strings.Repeat("x", 2000) + "') > 0", ""},
		"a long rule":                  {strings.Repeat("true || ", 300) + "true", "2048 at most"},
		"a message of a type":          {"google.protobuf.Struct{} == {}", "no objects of a type"},
	}
}

func fields(n int) (all string) {
	for i := range n {
		all += fmt.Sprintf(",'%d':0", i)
	}
	return all
}

// Report is a report on which the bombs go off: long texts, a long list, many fields.
func Report() string {
	object := ""
	for i := range 3000 {
		object += fmt.Sprintf(`"key%d":%d,`, i, i)
	}
	return fmt.Sprintf(`{"text":"%s","short":"%s","list":%s,"object":{%s"last":1}}`, strings.Repeat("x", 100_000), strings.Repeat("x", 3900), items(3000), object)
}
