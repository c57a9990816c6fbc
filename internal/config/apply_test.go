package config

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const suspend = `{schedule: x, reason: "a b", until: "2030-01-01T00:00:00+00:00"}`

func apply(t *testing.T, doc string, edits ...Edit) (string, []Record) {
	t.Helper()
	out, records, err := Apply([]byte(doc), edits)
	if err != nil {
		t.Fatalf("apply: %v\n%s", err, doc)
	}
	return string(out), records
}

func undo(t *testing.T, doc string, records ...Record) (string, []Conflict) {
	t.Helper()
	out, conflicts, err := Undo([]byte(doc), records)
	if err != nil {
		t.Fatalf("undo: %v\n%s", err, doc)
	}
	return string(out), conflicts
}

func TestApplyWritesJustTheEditAndUndoRestoresTheBytes(t *testing.T) {
	item := "\n  - schedule: x\n    reason: \"a b\"\n    until: \"2030-01-01T00:00:00+00:00\""
	for name, tc := range map[string]struct {
		doc, path, value, want string
	}{
		"replaces a scalar and keeps its comment":         {"a: 1\t # one\nb: 2\n", "/a", "3", "a: 3\t # one\nb: 2\n"},
		"replaces the value behind wide spacing":          {"a:    old\n", "/a", "new", "a:    new\n"},
		"replaces a quoted scalar with a hash":            {"a: 'it''s # no' # yes\n", "/a", "0.0", "a: 0.0 # yes\n"},
		"replaces a double-quoted scalar with escapes":    {`a: "x\"y" # c` + "\n", "/a", "z", "a: z # c\n"},
		"replaces a plain scalar with colons and hashes":  {"a: b:c#d e\n", "/a", "z", "a: z\n"},
		"replaces next to unicode":                        {"ż: {ół: \"ć\", b: 1} # ę\n", "/ż/b", "2", "ż: {ół: \"ć\", b: 2} # ę\n"},
		"replaces a value on the line after its key":      {"a:\n  old # c\nb: 1\n", "/a", "new", "a:\n  new # c\nb: 1\n"},
		"gives a key without value one":                   {"a: # c\nb: 1\n", "/a", "2", "a: 2 # c\nb: 1\n"},
		"gives the last key without newline a value":      {"b: 1\na:", "/a", "2", "b: 1\na: 2"},
		"replaces a flow list by another":                 {"r: [a, b]  # c\n", "/r", "[b, a]", "r: [b, a]  # c\n"},
		"replaces a list item by index":                   {"r:\n- a\n- b # c\n", "/r/1", "z", "r:\n- a\n- z # c\n"},
		"replaces a flow list item by index":              {"r: [a, b]\n", "/r/0", "z", "r: [z, b]\n"},
		"replaces a block mapping, its comments included": {"a: # k\n  # in\n  b: 1\n\n  c: 2 # t\n# out\nd: 1\n", "/a", "{b: 2}", "a: {b: 2} # k\n# out\nd: 1\n"},
		"replaces a block list":                           {"a:\n- 1\n- 2\n\nd: 1\n", "/a", "[]", "a: []\n\nd: 1\n"},
		"replaces a literal scalar":                       {"a: | # h\n  x\n   # y\n\n# c\nd: 1\n", "/a", "z", "a: z\n\n# c\nd: 1\n"},
		"replaces a folded scalar that keeps blank lines": {"a: >+\n  x\n\n\nd: 1\n", "/a", "z", "a: z\nd: 1\n"},
		"replaces a plain scalar of several lines":        {"a: one\n  two\nd: 1\n", "/a", "z", "a: z\nd: 1\n"},
		"replaces a flow list of several lines":           {"a: [1, # c\n  2]\nd: 1\n", "/a", "[]", "a: []\nd: 1\n"},
		"edits beside duplicate keys":                     {"d: 1\na: {b: 1}\nd: 2\n", "/a/b", "2", "d: 1\na: {b: 2}\nd: 2\n"},
		"edits beside anchors, aliases and merge keys":    {"x: &x {k: 1}\ny: {<<: *x}\nz: *x\na: 1\n", "/a", "2", "x: &x {k: 1}\ny: {<<: *x}\nz: *x\na: 2\n"},
		"edits an own key beside a merge key":             {"x: &x {k: 1}\ny:\n  <<: *x\n  k: 2\n", "/y/k", "3", "x: &x {k: 1}\ny:\n  <<: *x\n  k: 3\n"},
		"edits an own key before a merge key":             {"x: &x {k: 1}\ny: {k: 2, <<: *x}\n", "/y/k", "3", "x: &x {k: 1}\ny: {k: 3, <<: *x}\n"},
		"edits behind an anchor without an alias":         {"a: &x\n  b: 1\nc: &y\nd: *y\n", "/a/b", "2", "a: &x\n  b: 2\nc: &y\nd: *y\n"},
		"replaces a value with an anchor without alias":   {"a: &x 1 # c\n", "/a", "2", "a: 2 # c\n"},
		"replaces a mapping with such an anchor inside":   {"a:\n  b: &x 1\nc: 1\n", "/a", "2", "a: 2\nc: 1\n"},
		"edits below a directive for YAML 1.2":            {"# c\n%YAML 1.2\n---\na: 1\n", "/a", "2", "# c\n%YAML 1.2\n---\na: 2\n"},
		"keeps what looks like a directive in a text":     {"a: |\n  %YAML 1.2\nb: 1\n", "/b", "2", "a: |\n  %YAML 1.2\nb: 2\n"},
		"writes a whole number of any length":             {"a: 1\n", "/a", "123456789012345678901234567890", "a: 123456789012345678901234567890\n"},
		"adds a key after a text that needs no end":       {"a:\n  t: |-\n    x", "/a/b", "1", "a:\n  t: |-\n    x\n  b: 1"},
		"adds a key after the last one, before comments":  {"a:\n  b: 1 # c\n\n  # tail\nd: 1\n", "/a/c", "2", "a:\n  b: 1 # c\n  c: 2\n\n  # tail\nd: 1\n"},
		"adds a key after a nested mapping":               {"a:\n  b:\n    c: 1\nd: 1\n", "/a/x", "[1]", "a:\n  b:\n    c: 1\n  x: [1]\nd: 1\n"},
		"adds a key after a literal with a hash line":     {"a:\n  b: |\n    x\n    # y\n  # z\nd: 1\n", "/a/x", "1", "a:\n  b: |\n    x\n    # y\n  x: 1\n  # z\nd: 1\n"},
		"adds a key after a literal that keeps blanks":    {"a:\n  b: |+\n    x\n\n\nd: 1\n", "/a/x", "1", "a:\n  b: |+\n    x\n\n\n  x: 1\nd: 1\n"},
		"adds a key after a key without value":            {"a:\n  b: # c\nd: 1\n", "/a/x", "1", "a:\n  b: # c\n  x: 1\nd: 1\n"},
		"adds a key after an anchored value":              {"a:\n  b: &b !!str 1 # c\nd: *b\n", "/a/x", "1", "a:\n  b: &b !!str 1 # c\n  x: 1\nd: *b\n"},
		"adds a key after an anchored mapping":            {"a:\n  b: &b\n    c: 1\nd: *b\n", "/a/x", "1", "a:\n  b: &b\n    c: 1\n  x: 1\nd: *b\n"},
		"adds a key at the root without final newline":    {"a: 1", "/b", "2", "a: 1\nb: 2"},
		"adds a key before the end marker":                {"---\na: 1\n...\n", "/b", "2", "---\na: 1\nb: 2\n...\n"},
		"quotes a key that YAML 1.1 reads as a boolean":   {"a: 1\n", "/on", "2", "a: 1\n\"on\": 2\n"},
		"adds a key to a flow mapping":                    {"a: { b: 1 } # c\n", "/a/c", "2", "a: { b: 1, c: 2 } # c\n"},
		"adds a key to an empty flow mapping":             {"a: {}\n", "/a/c", "2", "a: {c: 2}\n"},
		"adds an item to an indented list":                {"l:\n  - schedule: y\n    reason: z\n\n# c\n", "/l/[schedule=x]", suspend, "l:\n  - schedule: y\n    reason: z" + item + "\n\n# c\n"},
		"adds an item to a list without indentation":      {"l:\n- schedule: y\nb: 1\n", "/l/[schedule=x]", "{schedule: x, n: 1}", "l:\n- schedule: y\n- schedule: x\n  n: 1\nb: 1\n"},
		"copies the gap behind the dash":                  {"l:\n-   schedule: y\n", "/l/[schedule=x]", "{schedule: x, n: 1}", "l:\n-   schedule: y\n-   schedule: x\n    n: 1\n"},
		"adds an item after comments between items":       {"l:\n- a: 1\n# c\n- a: 2 # d\n# e\n", "/l/[a=3]", "{a: 3}", "l:\n- a: 1\n# c\n- a: 2 # d\n- a: 3\n# e\n"},
		"adds an item to a flow list":                     {"l: [ {a: 1} ] # c\n", "/l/[a=2]", "{a: 2}", "l: [ {a: 1}, {a: 2} ] # c\n"},
		"adds an item to a flow list with a last comma":   {"l: [{a: 1}, ]\n", "/l/[a=2]", "{a: 2}", "l: [{a: 1}, {a: 2}, ]\n"},
		"adds an item to an empty flow list":              {"l: [ ] # c\n", "/l/[a=2]", "{a: 2}", "l: [{a: 2} ] # c\n"},
		"makes a list of null":                            {"l: null # c\n", "/l/[a=2]", "{a: 2}", "l: [{a: 2}] # c\n"},
		"makes a list of a tilde":                         {"l:  ~\n", "/l/[a=2]", "{a: 2}", "l:  [{a: 2}]\n"},
		"makes a list of nothing":                         {"l:   # c\nb: 1\n", "/l/[a=2]", "{a: 2}", "l: [{a: 2}]   # c\nb: 1\n"},
		"makes the key of a list":                         {"s:\n  n: 1\n\nb: 1\n", "/s/l/[schedule=x]", suspend, "s:\n  n: 1\n  l:" + strings.ReplaceAll(item, "\n", "\n  ") + "\n\nb: 1\n"},
		"makes a list in the style of the document":       {"o:\n- 1\ns:\n  n: 1", "/s/l/[a=1]", "{a: 1}", "o:\n- 1\ns:\n  n: 1\n  l:\n  - a: 1"},
		"replaces an item in block style as a whole":      {"l:\n- schedule: x # Bob\n  # why\n  reason: z # c\n- a: 1\n", "/l/[schedule=x]", "{schedule: x, n: [1]}", "l:\n- schedule: x\n  n: [1]\n- a: 1\n"},
		"replaces an item in flow style on its line":      {"l:\n- {schedule: x} # Bob\n", "/l/[schedule=x]", "{schedule: x, n: 1}", "l:\n- {schedule: x, n: 1} # Bob\n"},
		"gives a key with a question mark a value":        {"? a\n:", "/a", "2", "? a\n: 2"},
		"gives it one behind a comment":                   {"? a # c\n: # d\n? b\n", "/a", "[2]", "? a # c\n: [2] # d\n? b\n"},
		"keeps CRLF":                                      {"a: 1\r\ns:\r\n  n: 1\r\n", "/s/l/[a=1]", "{a: 1, b: 2}", "a: 1\r\ns:\r\n  n: 1\r\n  l:\r\n    - a: 1\r\n      b: 2\r\n"},
		"keeps CRLF without final newline":                {"a: 1\r\nb: 2", "/c", "3", "a: 1\r\nb: 2\r\nc: 3"},
		"keeps a byte order mark":                         {"\ufeffa: 1\n", "/a", "2", "\ufeffa: 2\n"},
		"reads escaped path segments":                     {"a/b: {c~d: 1}\n", "/a~1b/c~0d", "2", "a/b: {c~d: 2}\n"},
		"keeps tabs in comments and behind values":        {"a: 1\t#\tx\nb: [1,\t2]\t# y\n", "/b/1", "3", "a: 1\t#\tx\nb: [1,\t3]\t# y\n"},
		"writes nothing where the value is there":         {"a: {b: 1} # c\n", "/a", "{ b: 1 }", "a: {b: 1} # c\n"},
	} {
		t.Run(name, func(t *testing.T) {
			out, records := apply(t, tc.doc, Edit{tc.path, tc.value})
			if diff := cmp.Diff(tc.want, out); diff != "" {
				t.Fatalf("apply (-want +got):\n%s", diff)
			}
			held, found, err := Get([]byte(out), tc.path)
			if err != nil || !found {
				t.Fatalf("get: %q %v %v", held, found, err)
			}
			back, conflicts := undo(t, out, records...)
			if diff := cmp.Diff(tc.doc, back); diff != "" || conflicts != nil {
				t.Fatalf("undo (-want +got):\n%s%v", diff, conflicts)
			}
			again, conflicts := undo(t, back, records...)
			if again != back || conflicts != nil {
				t.Fatalf("undoing twice changes something: %q %v", again, conflicts)
			}
		})
	}
}

func TestRecordShowsWhatThePathHeldAsOneLine(t *testing.T) {
	doc := "a: 0.30 # c\nb:\n  c: [1, 'x y']\n  d: |\n    l1\n    l2\n  e: 12:30\n  f:\nn:\n"
	_, records := apply(t, doc, Edit{"/a", "0.0"}, Edit{"/b", "null"}, Edit{"/n", "1"}, Edit{"/x", "1"})
	var got []string
	for _, r := range records {
		got = append(got, r.From)
	}
	want := []string{"0.30", `{c: [1, "x y"], d: "l1\nl2\n", e: 12:30, f: null}`, "null", ""}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatal(diff)
	}
}

func TestApplyReturnsNothingUnlessEveryEditSucceeds(t *testing.T) {
	out, records, err := Apply([]byte("a: 1\n"), []Edit{{"/a", "2"}, {"/b/c", "2"}})
	if out != nil || records != nil {
		t.Fatalf("got %q %v", out, records)
	}
	var refused *RefusedError
	if !errors.As(err, &refused) || refused.Path != "/b/c" {
		t.Fatalf("got %v", err)
	}
}
