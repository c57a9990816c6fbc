package config

import (
	"strings"

	"go.yaml.in/yaml/v3"
)

// maxValueBytes bounds one value, so that a record stays small.
const maxValueBytes = 4096

// value is a checked Edit.Value: one line, a scalar or flow collection that YAML 1.1 and 1.2 read alike.
type value struct {
	text string
	doc  *Document
	node *yaml.Node
}

func parseValue(path, text string) (*value, *RefusedError) {
	text = strings.Trim(text, " ")
	switch {
	case text == "":
		return nil, refuse(path, 0, "the value is empty; write null or \"\"")
	case len(text) > maxValueBytes:
		return nil, refuse(path, 0, "the value has %d bytes, more than %d", len(text), maxValueBytes)
	case strings.ContainsAny(text, "\r\n"):
		return nil, refuse(path, 0, "the value has several lines; write it in flow style on one")
	}
	doc, err := parse([]byte(text))
	if err != nil {
		return nil, refuse(path, 0, "the value is refused: %s", err.Reason)
	}
	v := &value{text: text, doc: doc, node: doc.root}
	if v.node == nil || doc.bom {
		return nil, refuse(path, 0, "the value is no YAML value")
	}
	if reason := unwritable(v.node); reason != "" {
		return nil, refuse(path, 0, "the value %s", reason)
	}
	start, ok := doc.start(v.node)
	end, endOK := doc.end(v.node)
	if !ok || !endOK || start != 0 || end != len(text) {
		return nil, refuse(path, 0, "the value must be one scalar or flow collection, without comments or document markers")
	}
	return v, nil
}

// unwritable says why a value must not be written, or "".
func unwritable(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.AliasNode || n.Anchor != "":
		return "has an anchor or alias; write it out"
	case n.Style&yaml.TaggedStyle != 0:
		return "has an explicit tag; leave it out"
	case n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 || isBlockCollection(n):
		return "is in block style; write it in flow style: {key: value}, [item]"
	case n.Kind == yaml.ScalarNode && isPlain(n) && n.Tag != yaml11Tag(n.Value) && !decimalDigits.MatchString(n.Value): // the parser calls those of more than 64 bits !!float
		return "holds the bare text " + doubleQuoted(n.Value) + ", which YAML 1.1 and 1.2 read differently; put quotes around it or write it in full"
	}
	if n.Kind == yaml.MappingNode {
		if reason := unwritableKeys(n); reason != "" {
			return reason
		}
	}
	for _, child := range n.Content {
		if reason := unwritable(child); reason != "" {
			return reason
		}
	}
	return ""
}

func unwritableKeys(n *yaml.Node) string {
	seen := map[string]bool{}
	for i := 0; i < len(n.Content); i += 2 {
		key := n.Content[i]
		switch {
		case key.Kind != yaml.ScalarNode:
			return "has a key that is no scalar"
		case key.Value == mergeKey:
			return "has a merge key; write it out"
		case seen[key.Value]:
			return "has the key " + doubleQuoted(key.Value) + " twice"
		}
		seen[key.Value] = true
	}
	return ""
}

// carries tells whether the value is a mapping whose field is the scalar want.
func carries(n *yaml.Node, field, want string) bool {
	if n.Kind != yaml.MappingNode {
		return false
	}
	for i := 0; i < len(n.Content); i += 2 {
		if n.Content[i].Value == field {
			return n.Content[i+1].Kind == yaml.ScalarNode && n.Content[i+1].Value == want
		}
	}
	return false
}

// blockItem is the value as the item of a block list: a mapping has one line per key, joined by LF, the lines after the first
// indented by the given number of spaces. The texts of keys and values stay as they were written.
func (v *value) blockItem(indent int) (string, bool) {
	if v.node.Kind != yaml.MappingNode || len(v.node.Content) == 0 {
		return v.text, true
	}
	lines := make([]string, 0, len(v.node.Content)/2)
	for i := 0; i < len(v.node.Content); i += 2 {
		key, ok := v.textOf(v.node.Content[i])
		val, valOK := v.textOf(v.node.Content[i+1])
		if !ok || !valOK {
			return "", false
		}
		lines = append(lines, strings.TrimRight(key+": "+val, " "))
	}
	return strings.Join(lines, "\n"+strings.Repeat(" ", indent)), true
}

func (v *value) textOf(n *yaml.Node) (string, bool) {
	if isEmpty(n) {
		return "", true
	}
	start, ok := v.doc.start(n)
	end, endOK := v.doc.end(n)
	if !ok || !endOK {
		return "", false
	}
	return string(v.doc.src[start:end]), true
}
