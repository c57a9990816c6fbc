package config

import (
	"strings"

	"go.yaml.in/yaml/v3"
)

// equal compares what two trees say, not how it is laid out: kinds, tags, values, anchors, alias names, order and duplicates.
// Quoted and plain scalars differ, because YAML 1.1 may read the plain one as something else. Aliases are not followed.
func equal(a, b *yaml.Node) bool {
	if a.Kind != b.Kind || a.Value != b.Value || a.Tag != b.Tag || a.Anchor != b.Anchor || len(a.Content) != len(b.Content) {
		return false
	}
	if a.Kind == yaml.ScalarNode && isPlain(a) != isPlain(b) {
		return false
	}
	for i := range a.Content {
		if !equal(a.Content[i], b.Content[i]) {
			return false
		}
	}
	return true
}

func isPlain(n *yaml.Node) bool {
	return n.Style&(quotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) == 0
}

// oneLine is the node as one line of YAML: its own text where that is one line, else the same value in flow style.
func (d *Document) oneLine(n *yaml.Node) string {
	if isEmpty(n) && n.Anchor == "" && n.Style&yaml.TaggedStyle == 0 {
		return "null"
	}
	if !isBlockCollection(n) && n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) == 0 {
		start, ok := d.start(n)
		end, endOK := d.end(n)
		if ok && endOK && d.lineOf(start) == d.lineOf(end) {
			return string(d.src[start:end])
		}
	}
	var b strings.Builder
	writeFlow(&b, n)
	return b.String()
}

func writeFlow(b *strings.Builder, n *yaml.Node) {
	if n.Anchor != "" {
		b.WriteString("&" + n.Anchor + " ")
	}
	if n.Style&yaml.TaggedStyle != 0 {
		b.WriteString(n.Tag + " ")
	}
	switch n.Kind {
	case yaml.AliasNode:
		b.WriteString("*" + n.Value)
	case yaml.SequenceNode:
		b.WriteByte('[')
		for i, item := range n.Content {
			if i > 0 {
				b.WriteString(", ")
			}
			writeFlow(b, item)
		}
		b.WriteByte(']')
	case yaml.MappingNode:
		b.WriteByte('{')
		for i := 0; i < len(n.Content); i += 2 {
			if i > 0 {
				b.WriteString(", ")
			}
			writeFlow(b, n.Content[i])
			b.WriteString(": ")
			writeFlow(b, n.Content[i+1])
		}
		b.WriteByte('}')
	default:
		b.WriteString(scalarText(n))
	}
}

func scalarText(n *yaml.Node) string {
	switch {
	case isEmpty(n):
		return "null"
	case isPlain(n) && (n.Tag != "!!str" || yaml11Tag(n.Value) != "!!str"):
		return n.Value // numbers, dates and the like hold nothing that flow style reads differently
	case isPlain(n) && plainWord.MatchString(n.Value):
		return n.Value
	default:
		return doubleQuoted(n.Value)
	}
}
