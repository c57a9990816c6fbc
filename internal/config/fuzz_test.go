package config

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

type failer interface {
	Fatalf(format string, args ...any)
}

// exactOrRefused is what must hold for any input: Apply refuses, or the document says the same but for the path, no line but
// the edit's own changed, the path holds the value, and undoing gives the same bytes.
func exactOrRefused(t failer, text string, edit Edit) {
	out, records, err := Apply([]byte(text), []Edit{edit})
	if err != nil {
		if out != nil || records != nil || !errors.As(err, new(*RefusedError)) {
			t.Fatalf("%v of %q refused with %q %v %v", edit, text, out, records, err)
		}
		return
	}
	before, after := parsedNode(t, text), parsedNode(t, string(out))
	first, last := mayChange(before, pathSegments(edit.Path))
	if f, l := changedLines(text, string(out)); l >= f && (f < first || l > last) {
		t.Fatalf("%v of %q gave %q: lines %d-%d changed, not in %d-%d", edit, text, out, f, l, first, last)
	}
	if want := meaning(put(before, pathSegments(edit.Path), parsedNode(t, edit.Value))); meaning(after) != want {
		t.Fatalf("%v of %q gave %q, which says\n%s, want\n%s", edit, text, out, meaning(after), want)
	}
	if holds, err := Holds(out, edit.Path, edit.Value); !holds || err != nil {
		t.Fatalf("%v of %q gave %q, which does not hold it: %v", edit, text, out, err)
	}
	back, conflicts, err := Undo(out, records)
	if err != nil || conflicts != nil || string(back) != text {
		t.Fatalf("%v of %q gave %q, undone %q, %v %v", edit, text, out, back, conflicts, err)
	}
}

// The oracle below knows nothing of the code under test but its rule: where a path leads.

func parsedNode(t failer, text string) *yaml.Node {
	var n yaml.Node
	if err := yaml.Unmarshal([]byte(text), &n); err != nil || len(n.Content) != 1 {
		t.Fatalf("accepted, but not YAML: %q %v", text, err)
	}
	return n.Content[0]
}

// meaning is all that a tree says.
func meaning(n *yaml.Node) string {
	kids := make([]string, 0, len(n.Content))
	for _, kid := range n.Content {
		kids = append(kids, meaning(kid))
	}
	plain := n.Kind == yaml.ScalarNode && n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) == 0
	return fmt.Sprintf("%d%s&%s%q%t(%s)", n.Kind, n.Tag, n.Anchor, n.Value, plain, strings.Join(kids, ","))
}

func pathSegments(path string) []string {
	segments := strings.Split(path, "/")[1:]
	for i, s := range segments {
		segments[i] = strings.ReplaceAll(strings.ReplaceAll(s, "~1", "/"), "~0", "~")
	}
	return segments
}

// child is the slot of a segment in the node, -1 if there is none.
func child(n *yaml.Node, segment string) int {
	if n.Kind == yaml.MappingNode {
		for i := 0; i < len(n.Content); i += 2 {
			if n.Content[i].Value == segment {
				return i + 1
			}
		}
	}
	if n.Kind != yaml.SequenceNode {
		return -1
	}
	if i, err := strconv.Atoi(segment); err == nil && i < len(n.Content) {
		return i
	}
	field, value, _ := strings.Cut(strings.Trim(segment, "[]"), "=")
	return slices.IndexFunc(n.Content, func(item *yaml.Node) bool {
		i := child(item, field)
		return item.Kind == yaml.MappingNode && i > 0 && item.Content[i].Value == value
	})
}

// put is the tree with the value at the path.
func put(n *yaml.Node, path []string, value *yaml.Node) *yaml.Node {
	if len(path) == 0 {
		return value
	}
	copied := *n
	copied.Content = slices.Clone(n.Content)
	if i := child(n, path[0]); i >= 0 {
		copied.Content[i] = put(n.Content[i], path[1:], value)
		return &copied
	}
	list := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq", Content: []*yaml.Node{value}}
	switch n.Kind {
	case yaml.ScalarNode: // null
		return list
	case yaml.SequenceNode:
		copied.Content = append(copied.Content, value)
		return &copied
	}
	if len(path) == 2 {
		value = list
	}
	var key yaml.Node
	if err := yaml.Unmarshal([]byte(QuoteString(path[0])), &key); err != nil {
		panic(err)
	}
	copied.Content = append(copied.Content, key.Content[0], value)
	return &copied
}

// mayChange are the lines (0-based) that an edit of the path may change; last < first: it may only add lines.
func mayChange(root *yaml.Node, path []string) (first, last int) {
	n, line := root, root.Line
	for _, segment := range path {
		i := child(n, segment)
		if i < 0 && n.Kind != yaml.ScalarNode && n.Style&yaml.FlowStyle == 0 {
			return 1, 0
		}
		if i < 0 {
			return line - 1, n.Line - 1
		}
		line = n.Content[i].Line
		if n.Kind == yaml.MappingNode {
			line = n.Content[i-1].Line
		}
		n = n.Content[i]
	}
	return line - 1, max(n.Line-1, lineAfter(root, n)-2)
}

// lineAfter is the line of the node that follows n and all in it; without one, a line after everything.
func lineAfter(root, n *yaml.Node) int {
	line, passed := 1<<30, false
	var visit func(at *yaml.Node)
	visit = func(at *yaml.Node) {
		if at == n {
			passed = true
			return
		}
		if passed {
			line = min(line, at.Line)
		}
		for _, kid := range at.Content {
			visit(kid)
		}
	}
	visit(root)
	return line
}

func addEdits(f *testing.F) {
	for _, seed := range [][3]string{
		{"a: 1 # c\nb:\n  - n: x\n", "/a", "2"},
		{"a:\n  b: |+\n    x\n\n\nd: &x [1, {c: 'it''s'}]\ne: *x\n", "/a/c", "[1, 2]"},
		{"l:\r\n- n: x\r\n  r: \"a\\\"b\"\r\n", "/l/[n=x]", "{n: x, r: 2}"},
		{"l: ~\n", "/l/[n=x]", "{n: x}"},
		{"s: {k: 1}\nt:\n  k: 1", "/t/l/[n=x]", "{n: x}"},
		{"\ufeff%YAML 1.1\n---\n? a\n: !!str b\n...\n", "/a", "2"},
		{"x: &x {b: 1}\na:\n  <<: *x\n  c: 1\n", "/a/c", "2"},
		{"x: &x {b: 1}\ny: {<<: *x, z: 1}\na:\n  - *x\n  - b: 2\n", "/y/z", "2"},
		{"a: [1, [2, {b: 'c'}], \"d\\\n  e\"]\n", "/a/1/1/b", "on"},
		{"a: {b: 1,\n  c: 2}\t# t\nd: 1\n", "/a", "{}"},
		{"a: 1\na: 2\nb: >-\n  x\n   y\n\n# c\n", "/b", "\"q\""},
		{"- a\n- - b\n  - c\n", "/1/0", "{x: [y]}"},
		{"-\n  n: x\n-\n  n: y\n", "/[n=y]", "{n: y, m: 1}"},
		{"a: 1\n---\nb: 2\n", "/a", "2"},
		{"a:\n\tb: 1\n", "/a/b", "2"},
		{"\"a/b\": {~: 1, '': 2, 0: 3}\n", "/a~1b/", "3"},
		{"a: !!map {b: 1}\nb: &y c\n*y : 1\n", "/b", "2"},
		{"[a: 1, {b, c: }]\n", "/1/c", "2"},
		{"a: b: c\n", "/a", "2"},
		{"a:\n- 1\n# c\n -2\n", "/a/0", "2"},
		{"{a: {n: 1}, \"b\":{\"n\":2}}", "/b/n", "0.5"},
	} {
		f.Add(seed[0], seed[1], seed[2])
	}
}

func FuzzApplyUndo(f *testing.F) {
	addEdits(f)
	f.Fuzz(func(t *testing.T, text, path, value string) {
		exactOrRefused(t, text, Edit{path, value})
	})
}

// What Get shows is one line of YAML that says what the path holds.
func FuzzGet(f *testing.F) {
	addEdits(f)
	f.Fuzz(func(t *testing.T, text, path, _ string) {
		shown, found, err := Get([]byte(text), path)
		if err != nil || !found {
			return
		}
		if strings.ContainsAny(shown, "\r\n") {
			t.Fatalf("%s of %q is shown as several lines: %q", path, text, shown)
		}
		n := parsedNode(t, text)
		for _, segment := range pathSegments(path) {
			n = n.Content[child(n, segment)]
		}
		if aliased(n) {
			return // it cannot be read alone
		}
		var alone yaml.Node
		if err := yaml.Unmarshal([]byte(shown), &alone); err != nil || content(alone.Content[0]) != content(n) {
			t.Fatalf("%s of %q is shown as %q: %v", path, text, shown, err)
		}
	})
}

// content is what a tree says without its layout: null may be written out, and a plain string quoted.
func content(n *yaml.Node) string {
	kids := make([]string, 0, len(n.Content))
	for _, kid := range n.Content {
		kids = append(kids, content(kid))
	}
	if n.Tag == "!!null" {
		return "null"
	}
	return fmt.Sprintf("%d%s%q(%s)", n.Kind, n.Tag, n.Value, strings.Join(kids, ","))
}

func aliased(n *yaml.Node) bool {
	return n.Kind == yaml.AliasNode || slices.ContainsFunc(n.Content, aliased)
}

// A person may do anything to the text between an edit and its undoing: then it is taken back as if they had done it before, or
// left alone with a conflict.
func FuzzUndoOfEditedText(f *testing.F) {
	f.Add("a: 1 # c\nb: 2\n", "/a", "2", 4, 0, "5")
	f.Add("s:\n  k: 1\n", "/s/l/[n=x]", "{n: x}", 10, 3, "- n: y\n")
	f.Add("l: [{n: y}]\n", "/l/[n=x]", "{n: x, r: [1]}", 4, 6, "")
	f.Add("a:\n  b: 1\n  c: 2\n", "/a", "{}", 0, 0, "# why\n")
	f.Fuzz(func(t *testing.T, text, path, value string, at, removed int, added string) {
		out, records, err := Apply([]byte(text), []Edit{{path, value}})
		if err != nil || at < 0 || removed < 0 || at > len(out) || removed > len(out)-at {
			return
		}
		edited := string(out[:at]) + added + string(out[at+removed:])
		back, conflicts, err := Undo([]byte(edited), records)
		if err != nil {
			if back != nil || !errors.As(err, new(*RefusedError)) {
				t.Fatalf("%q refused with %q %v", edited, back, err)
			}
			return
		}
		if len(conflicts) > 0 {
			if string(back) != edited {
				t.Fatalf("%q has the conflict %+v but became %q", edited, conflicts, back)
			}
			return
		}
		shown, found, err := Get(back, path)
		if err != nil || found == records[0].Absent && records[0].Layout != Same || found && records[0].Layout != Same && shown != records[0].From {
			t.Fatalf("%q undone is %q, where %s holds %q %v %v, not %q", edited, back, path, shown, found, err, records[0].From)
		}
	})
}
