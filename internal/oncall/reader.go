package oncall

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"tradeops.dev/strategy-operator/internal/bounded"
)

// maxFaults of a file are told; a person corrects some and looks again.
const maxFaults = 20

// reader reads YAML nodes and notes what is wrong with them, so that one look shows all of it.
type reader struct{ faults []fault }

type fault struct {
	line int
	text string
}

// place in the file: a node, and how people call it.
type place struct {
	node *yaml.Node
	name string // empty for the file itself
}

func (r *reader) fault(at place, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if at.name != "" {
		text = at.name + ": " + text
	}
	r.faults = append(r.faults, fault{at.node.Line, text})
}

// err has a line for each fault, in the order of the file.
func (r *reader) err() error {
	slices.SortStableFunc(r.faults, func(a, b fault) int { return cmp.Compare(a.line, b.line) })
	var told []error
	for i, f := range r.faults {
		if i == maxFaults {
			told = append(told, fmt.Errorf("and %d more; correct these first", len(r.faults)-maxFaults))
			break
		}
		told = append(told, fmt.Errorf("line %d: %s", f.line, f.text))
	}
	return errors.Join(told...)
}

// fields of a mapping by name. A field that is not known, or stands twice, is a fault.
func (r *reader) fields(at place, known ...string) (map[string]*yaml.Node, bool) {
	if at.node.Kind != yaml.MappingNode {
		r.fault(at, "%s stands where the fields %s belong", kind(at.node), strings.Join(known, ", "))
		return nil, false
	}
	fields := map[string]*yaml.Node{}
	for i := 0; i+1 < len(at.node.Content); i += 2 {
		key, value := at.node.Content[i], at.node.Content[i+1]
		here := place{key, at.name}
		switch first := fields[key.Value]; {
		case key.Kind != yaml.ScalarNode || !slices.Contains(known, key.Value):
			r.fault(here, "there is no field %s; the fields are %s", quote(key.Value), strings.Join(known, ", "))
		case first != nil:
			r.fault(here, "the field %s stands twice, first with the value in line %d; keep one", key.Value, first.Line)
		default:
			fields[key.Value] = value
		}
	}
	return fields, true
}

// text of a field that must be there.
func (r *reader) text(at place, fields map[string]*yaml.Node, name string) (string, bool) {
	node := fields[name]
	if node == nil {
		r.fault(at, "%s is missing", name)
		return "", false
	}
	return r.scalar(place{node, at.name}, name)
}

func (r *reader) scalar(at place, what string) (string, bool) {
	if at.node.Kind != yaml.ScalarNode {
		r.fault(at, "%s is %s, not a text", what, kind(at.node))
		return "", false
	}
	if empty(at.node) {
		r.fault(at, "%s has no value", what)
		return "", false
	}
	return at.node.Value, true
}

// list of a field that must be there, with 1 to most entries.
func (r *reader) list(at place, fields map[string]*yaml.Node, name string, most int) ([]*yaml.Node, bool) {
	node := fields[name]
	if node == nil {
		r.fault(at, "%s is missing", name)
		return nil, false
	}
	here := place{node, at.name}
	if empty(node) || node.Kind == yaml.SequenceNode && len(node.Content) == 0 {
		r.fault(here, "%s has no entries; add one, or remove the field if it is optional", name)
		return nil, false
	}
	if node.Kind != yaml.SequenceNode {
		r.fault(here, "%s is %s, not a list", name, kind(node))
		return nil, false
	}
	if n := len(node.Content); n > most {
		r.fault(here, "%s has %d entries, more than %d; remove some", name, n, most)
		return nil, false
	}
	return node.Content, true
}

func empty(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && (n.Value == "" || n.Tag == "!!null")
}

func kind(n *yaml.Node) string {
	switch n.Kind {
	case yaml.SequenceNode:
		return "a list"
	case yaml.MappingNode:
		return "a set of fields"
	case yaml.AliasNode:
		return "an alias (*" + bounded.Text(n.Value, 64) + ", which is not read here; write the value out)"
	}
	return "the text " + quote(n.Value)
}

// quote is for texts of the file: they may be long, and hold anything.
func quote(text string) string {
	return fmt.Sprintf("%q", bounded.Text(text, 64))
}
