package config

import (
	"errors"
	"strings"
	"testing"
)

func TestRefusesWhatItCannotDoExactly(t *testing.T) {
	for name, tc := range map[string]struct {
		doc, path, value string
		line             int
		reason           string
	}{
		"a duplicate key on the way":             {"a:\n  b: 1\nc: 1\na:\n  b: 2\n", "/a/b", "3", 4, "stands twice (first in line"},
		"a duplicate key at the end":             {"a: 1\na: 2\n", "/a", "3", 2, "stands twice"},
		"an alias on the way":                    {"x: &x {b: 1}\na: *x\n", "/a/b", "2", 2, "alias *x"},
		"an anchor on the way":                   {"a: &x\n  b: 1\nc: *x\n", "/a/b", "2", 1, "anchor &x"},
		"a merge key on the way":                 {"x: &x {b: 1}\na:\n  <<: *x\n  c: 1\n", "/a/b", "2", 3, "merge key"},
		"a key that is not there beside a merge": {"x: &x {b: 1}\na:\n  <<: *x\n  c: 1\n", "/a/d", "2", 3, "no key \"d\" of its own"},
		"a key twice beside a merge":             {"x: &x {b: 1}\na:\n  c: 1\n  <<: *x\n  c: 2\n", "/a/c", "2", 5, "stands twice"},
		"a list behind a text without an end":    {"a:\n- n: y\n  t: |\n    text", "/a/[n=x]", "{n: x}", 4, "add a line break at the end of the file"},
		"a key behind a text without an end":     {"a:\n  t: >\n    text", "/a/b", "1", 3, "add a line break at the end of the file"},
		"a key that is an alias":                 {"x: &x b\na: {*x : 1}\n", "/a/b", "2", 2, "alias *x"},
		"an anchored value":                      {"a: &x 1\nb: *x\n", "/a", "2", 1, "anchor &x"},
		"an anchor inside the replaced value":    {"a:\n  b: &x 1\nc: *x\n", "/a", "2", 2, "anchor &x"},
		"an alias as value":                      {"x: &x 1\na: *x\n", "/a", "2", 2, "alias *x"},
		"a tagged value":                         {"a: !!str 1\n", "/a", "2", 1, "explicit tag"},
		"a tag on the way":                       {"a: !!map {b: 1}\n", "/a/b", "2", 1, "explicit tag"},
		"several documents":                      {"a: 1\n---\na: 2\n", "/a", "3", 2, "several YAML documents"},
		"an empty document":                      {"# nothing\n", "/a", "3", 0, "document is empty"},
		"a broken document":                      {"a: [1\nb: 2\n", "/a", "3", 0, "not valid YAML"},
		"a tab as indentation":                   {"a:\n\tb: 1\n", "/a/b", "3", 2, "not valid YAML"},
		"invalid UTF-8":                          {"a: 1\nb: \xff\n", "/a", "3", 2, "not valid UTF-8"},
		"UTF-16":                                 {"\xff\xfea\x00:\x00 \x001\x00", "/a", "3", 1, "not valid UTF-8"},
		"a NUL byte":                             {"a: 1\nb: \x00\n", "/a", "3", 2, "NUL byte"},
		"an invisible line break":                {"a: 1\nb: x\u2028y\n", "/a", "3", 2, "U+2028"},
		"a lone carriage return":                 {"a: 1\rb: 2\n", "/a", "3", 1, "carriage return"},
		"a key missing half-way":                 {"a: {}\n", "/a/b/c", "3", 1, "only the last"},
		"a key below a scalar":                   {"a:\n  b: 1\n", "/a/b/c", "3", 2, "its parent holds 1"},
		"a list index that is not there":         {"a: [1]\n", "/a/1", "3", 1, "1 items"},
		"a list item by an unknown word":         {"a: [1]\n", "/a/-", "3", 1, "by its index"},
		"an ambiguous item":                      {"a:\n- n: x\n- n: x\n", "/a/[n=x]", "{n: x}", 3, "two items"},
		"an item hidden behind an alias":         {"x: &x {n: x}\na: [*x]\n", "/a/[n=x]", "{n: x}", 2, "alias"},
		"an item hidden behind a merge key":      {"x: &x {n: x}\na: [{<<: *x}]\n", "/a/[n=x]", "{n: x}", 2, "merge key"},
		"an item with the field twice":           {"a:\n- {n: x, n: y}\n", "/a/[n=x]", "{n: x}", 2, "twice"},
		"an item value without its name":         {"a: []\n", "/a/[n=x]", "{m: x}", 0, "must be a mapping with n: x"},
		"an item of a mapping":                   {"a: {b: 1}\n", "/a/[n=x]", "{n: x}", 1, "holds no items"},
		"an item of a text":                      {"a: hello\n", "/a/[n=x]", "{n: x}", 1, "its parent holds hello"},
		"a flow list over several lines":         {"a: [\n {n: 1},\n]\n", "/a/[n=x]", "{n: x}", 1, "not on one line"},
		"a flow mapping over several lines":      {"a: {b: 1,\n c: 2}\n", "/a/d", "3", 1, "not on one line"},
		"a value over lines inside a flow list":  {"a: [{b: 1,\n c: 2}, 3]\n", "/a/0", "3", 1, "inside a flow collection"},
		"a missing list in a flow mapping":       {"a: {b: 1}\n", "/a/l/[n=x]", "{n: x}", 1, "in a flow mapping"},
		"a bare key in a flow mapping":           {"a: {b}\n", "/a/b", "3", 1, "does not look like its value"},
		"a pair without brackets":                {"a: [b: 1]\n", "/a/0/c", "3", 1, "in brackets"},
		"a value too big to keep":                {"a: |\n" + strings.Repeat("  "+strings.Repeat("x", 98)+"\n", 90), "/a", "1", 1, "more than the 8192"},
		"an empty path":                          {"a: 1\n", "", "3", 0, "path is empty"},
		"a path without slash":                   {"a: 1\n", "a", "3", 0, "starts with a slash"},
		"a bad escape":                           {"a: 1\n", "/a~2", "3", 0, "write ~ as ~0"},
		"an endless path":                        {"a: 1\n", strings.Repeat("/a", 65), "3", 0, "more than 64 segments"},
		"an empty value":                         {"a: 1\n", "/a", " ", 0, "value is empty"},
		"a value of several lines":               {"a: 1\n", "/a", "x\ny", 0, "several lines"},
		"a value with a comment":                 {"a: 1\n", "/a", "x # y", 0, "without comments"},
		"a comment as value":                     {"a: 1\n", "/a", "# y", 0, "no YAML value"},
		"a document marker as value":             {"a: 1\n", "/a", "--- x", 0, "document markers"},
		"a block mapping as value":               {"a: 1\n", "/a", "x: y", 0, "flow style"},
		"a block list as value":                  {"a: 1\n", "/a", "- y", 0, "flow style"},
		"a broken value":                         {"a: 1\n", "/a", "[x", 0, "value is refused"},
		"an anchor in the value":                 {"a: 1\n", "/a", "&x 1", 0, "anchor or alias"},
		"a tag in the value":                     {"a: 1\n", "/a", "!!python/object:os.system x", 0, "explicit tag"},
		"a merge key in the value":               {"a: 1\n", "/a", "{<<: {b: 1}}", 0, "merge key"},
		"a duplicate key in the value":           {"a: 1\n", "/a", "{b: 1, b: 2}", 0, "twice"},
		"a bare boolean of YAML 1.1":             {"a: 1\n", "/a", "off", 0, "read differently"},
		"a bare time of day":                     {"a: 1\n", "/a", "[12:30]", 0, "read differently"},
		"a float without a point":                {"a: 1\n", "/a", "1e3", 0, "read differently"},
		"a value that breaks its flow list":      {"a: [b]\n", "/a/0", "x, y", 0, "differ in more than this place"},
		"an edit that loses its own path":        {"a:\n- n: x\n", "/a/[n=x]/n", "y", 0, "lead elsewhere"},
		"a value too long":                       {"a: 1\n", "/a", strings.Repeat("x", 5000), 0, "more than 4096"},
	} {
		t.Run(name, func(t *testing.T) {
			out, _, err := Apply([]byte(tc.doc), []Edit{{tc.path, tc.value}})
			var refused *RefusedError
			if !errors.As(err, &refused) {
				t.Fatalf("not refused: %q %v", out, err)
			}
			if !strings.Contains(refused.Reason, tc.reason) || (tc.line > 0 && refused.Line != tc.line) {
				t.Fatalf("want %q in line %d, got: %v", tc.reason, tc.line, refused)
			}
		})
	}
}

func TestRefusalIsOneSentenceWithPathAndLine(t *testing.T) {
	_, _, err := Apply([]byte("x: &x {b: 1}\na: *x\n"), []Edit{{"/a/b", "2"}})
	want := "cannot edit /a/b (line 2): the way goes through the alias *x, so an edit would change other places too; write the value out there first"
	if err == nil || err.Error() != want {
		t.Fatalf("got %v", err)
	}
}

func TestCheckBoundsTheDocument(t *testing.T) {
	bomb := "a0: &a0 [x]\n"
	for i := 1; i < 60; i++ {
		prev := "*a" + string(rune('0'+i%10))
		bomb += "b" + strings.Repeat("x", i) + ": &a" + string(rune('0'+(i+1)%10)) + " [" + strings.TrimSuffix(strings.Repeat(prev+", ", 9), ", ") + "]\n"
	}
	bomb = strings.Replace(bomb, "&a0", "&a1", 1)
	for name, tc := range map[string]struct {
		doc, reason string
	}{
		"accepts one mebibyte":            {"a: 1\n#" + strings.Repeat("x", MaxBytes-7) + "\n", ""},
		"refuses one byte more":           {"a: 1\n#" + strings.Repeat("x", MaxBytes-6) + "\n", "more than 1048576"},
		"refuses deep flow nesting":       {strings.Repeat("[", 500) + strings.Repeat("]", 500), "nested more than 64"},
		"refuses endless flow nesting":    {strings.Repeat("[", 60_000), "not valid YAML"},
		"refuses endless block nesting":   {strings.Repeat("- ", 60_000), "not valid YAML"},
		"accepts an alias bomb unlit":     {bomb, ""},
		"accepts a long flow list":        {"a: [" + strings.Repeat("a, ", MaxParts-2) + "]\n", ""},
		"refuses a longer flow list":      {"a: [" + strings.Repeat("a, ", MaxParts-1) + "]\n", "more than 65536 parts"},
		"refuses a list of nothing":       {strings.Repeat("-\n", 500_000), "more than 65536 parts"},
		"refuses as many keys":            {strings.Repeat("a:\n", 300_000), "more than 65536 parts"},
		"accepts many comments":           {"a: 1\n" + strings.Repeat("# c\n\n", 100_000), ""},
		"accepts a document without keys": {"", ""},
	} {
		t.Run(name, func(t *testing.T) {
			err := Check([]byte(tc.doc))
			if tc.reason == "" && err != nil || tc.reason != "" && (err == nil || !strings.Contains(err.Error(), tc.reason)) {
				t.Fatalf("got %v", err)
			}
		})
	}
}
