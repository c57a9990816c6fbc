package testkit

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Tree is what a document says. It is read and edited here without the code under test, so that the two can be compared:
// it knows nothing of that code but the rule where a path leads.
type Tree struct {
	t     T
	root  *yaml.Node
	lines []string
}

// ParseTree reads a document.
func ParseTree(t T, document string) Tree {
	t.Helper()
	return Tree{t: t, root: parsed(t, document), lines: strings.SplitAfter(document, "\n")}
}

func parsed(t T, text string) *yaml.Node {
	t.Helper()
	var node yaml.Node
	if err := yaml.Unmarshal([]byte(text), &node); err != nil || len(node.Content) != 1 {
		t.Fatalf("not a document: %v\n%s", err, text)
	}
	return node.Content[0]
}

// String is the same for documents that say the same, whatever their layout is. The order of keys and items does not count.
func (x Tree) String() string { return meaning(x.root) }

func meaning(n *yaml.Node) string {
	var parts []string
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i < len(n.Content); i += 2 {
			parts = append(parts, fmt.Sprintf("%q:%s", n.Content[i].Value, meaning(n.Content[i+1])))
		}
		slices.Sort(parts)
		return "{" + strings.Join(parts, ",\n") + "}"
	case yaml.SequenceNode:
		for _, item := range n.Content {
			parts = append(parts, meaning(item))
		}
		slices.Sort(parts)
		return "[" + strings.Join(parts, ",\n") + "]"
	}
	return n.Tag + " " + strconv.Quote(n.Value)
}

func segments(path string) []string {
	all := strings.Split(path, "/")[1:]
	for i, segment := range all {
		all[i] = strings.ReplaceAll(strings.ReplaceAll(segment, "~1", "/"), "~0", "~")
	}
	return all
}

// child is the slot of a segment in a node, negative if there is none.
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

// Clone can be edited without changing the tree that it is of.
func (x Tree) Clone() Tree {
	x.root = cloneNode(x.root)
	return x
}

func cloneNode(n *yaml.Node) *yaml.Node {
	copied := *n
	copied.Content = nil
	for _, kid := range n.Content {
		copied.Content = append(copied.Content, cloneNode(kid))
	}
	return &copied
}

// Get is what a path says, empty if it is not there.
func (x Tree) Get(path string) string {
	at := x.root
	for _, segment := range segments(path) {
		i := child(at, segment)
		if i < 0 {
			return ""
		}
		at = at.Content[i]
	}
	return meaning(at)
}

// Says is what a value says.
func Says(t T, value string) string { return meaning(parsed(t, value)) }

// Set puts a value at a path, whose last step may be missing, and the list that it is in, too.
func (x Tree) Set(path, value string) {
	x.t.Helper()
	at, all := x.root, segments(path)
	for i, segment := range all {
		slot, last := child(at, segment), i == len(all)-1
		switch {
		case slot >= 0 && last:
			at.Content[slot] = parsed(x.t, value)
		case slot >= 0:
			at = at.Content[slot]
		case last && at.Kind == yaml.SequenceNode:
			at.Content = append(at.Content, parsed(x.t, value))
		case last && at.Kind == yaml.ScalarNode && at.Value == "": // a list that was null
			*at = yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq", Content: []*yaml.Node{parsed(x.t, value)}}
		case at.Kind == yaml.MappingNode && (last || i == len(all)-2 && strings.HasPrefix(all[i+1], "[")):
			key := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: segment}
			if last {
				at.Content = append(at.Content, key, parsed(x.t, value))
				return
			}
			at.Content = append(at.Content, key, &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq", Content: []*yaml.Node{parsed(x.t, value)}})
			return
		default:
			x.t.Fatalf("%s leads nowhere at %s", path, segment)
		}
	}
}

// Remove takes a path away, if it is there.
func (x Tree) Remove(path string) {
	at, all := x.root, segments(path)
	for i, segment := range all {
		slot := child(at, segment)
		if slot < 0 {
			return
		}
		if i < len(all)-1 {
			at = at.Content[slot]
			continue
		}
		from := slot
		if at.Kind == yaml.MappingNode {
			from--
		}
		at.Content = slices.Delete(at.Content, from, slot+1)
	}
}

// Put makes a path say what another document has there, or nothing.
func (x Tree) Put(path string, other Tree) {
	at := other.root
	for _, segment := range segments(path) {
		slot := child(at, segment)
		if slot < 0 {
			x.Remove(path)
			return
		}
		at = at.Content[slot]
	}
	text, err := yaml.Marshal(at)
	if err != nil {
		x.t.Fatalf("%v", err)
	}
	x.Set(path, string(text))
}

// Untouched are the lines that edits of these paths leave as they are.
func (x Tree) Untouched(paths []string) []string {
	touched := map[int]bool{}
	for _, path := range paths {
		x.touch(touched, segments(path))
	}
	var kept []string
	for i, line := range x.lines {
		if !touched[i+1] {
			kept = append(kept, line)
		}
	}
	return kept
}

// touch marks the lines of the value; of one that is not there those of what it is added to, if that is on one line.
func (x Tree) touch(touched map[int]bool, path []string) {
	at, key := x.root, x.root
	for _, segment := range path {
		slot := child(at, segment)
		if slot < 0 {
			if at.Style&yaml.FlowStyle != 0 || at.Kind == yaml.ScalarNode {
				mark(touched, key.Line, lastLine(at))
			}
			return
		}
		key = at.Content[slot]
		if at.Kind == yaml.MappingNode {
			key = at.Content[slot-1]
		}
		at = at.Content[slot]
	}
	mark(touched, key.Line, lastLine(at))
}

func mark(touched map[int]bool, from, to int) {
	for line := from; line <= to; line++ {
		touched[line] = true
	}
}

func lastLine(n *yaml.Node) int {
	last := n.Line
	for _, kid := range n.Content {
		last = max(last, lastLine(kid))
	}
	return last
}

// Within says whether lines stand in a text in this order, whatever is between them; else which line does not.
func Within(lines []string, text string) (missing string, ok bool) {
	all := strings.SplitAfter(text, "\n")
	for _, line := range lines {
		i := slices.Index(all, line)
		if i < 0 {
			return line, false
		}
		all = all[i+1:]
	}
	return "", true
}
