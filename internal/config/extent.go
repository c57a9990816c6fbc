package config

import (
	"bytes"

	"go.yaml.in/yaml/v3"
)

// The parser tells where a node starts. This file finds where its text ends by reading the text along the node: a plain or
// block scalar has the same non-blank characters as its value, a quoted one ends at its quote, a flow collection at its
// bracket, a block collection with its last child. Text that does not fit the node gives ok=false, never a guess.

const quotedStyle = yaml.DoubleQuotedStyle | yaml.SingleQuotedStyle

// isEmpty tells a value that is not written at all (`key:`); its position is right after the indicator.
func isEmpty(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && n.Value == "" && n.Style&(quotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) == 0
}

func isFlow(n *yaml.Node) bool { return n.Style&yaml.FlowStyle != 0 }

func isCollection(n *yaml.Node) bool {
	return n.Kind == yaml.MappingNode || n.Kind == yaml.SequenceNode
}

func isBlockCollection(n *yaml.Node) bool { return isCollection(n) && !isFlow(n) }

func (d *Document) start(n *yaml.Node) (int, bool) { return d.offset(n.Line, n.Column) }

// end is the offset after the last byte of the node's text. A scalar that keeps its trailing blank lines ends after them.
func (d *Document) end(n *yaml.Node) (int, bool) {
	if isBlockCollection(n) {
		if len(n.Content) == 0 {
			return 0, false
		}
		return d.end(n.Content[len(n.Content)-1])
	}
	off, ok := d.start(n)
	if !ok {
		return 0, false
	}
	if isEmpty(n) {
		return d.emptyEnd(off)
	}
	off = d.skipProperties(off)
	switch n.Kind {
	case yaml.AliasNode:
		return d.matchExact(off, "*"+n.Value)
	case yaml.ScalarNode:
		return d.scalarEnd(n, off)
	default:
		return d.flowEnd(n, off)
	}
}

func (d *Document) emptyEnd(off int) (int, bool) {
	for off < len(d.src) && (d.src[off] == '&' || d.src[off] == '!') {
		for off < len(d.src) && !isBlank(d.src[off]) {
			off++
		}
		next := off
		for next < len(d.src) && d.src[next] == ' ' {
			next++
		}
		if next == len(d.src) || (d.src[next] != '&' && d.src[next] != '!') {
			return off, true
		}
		off = next
	}
	if off == 0 || bytes.IndexByte([]byte(":-?"), d.src[off-1]) < 0 {
		return 0, false
	}
	return off, true
}

// skipProperties goes over anchors and tags: nothing else starts with their indicators.
func (d *Document) skipProperties(off int) int {
	for off < len(d.src) && (d.src[off] == '&' || d.src[off] == '!') {
		for off < len(d.src) && !isBlank(d.src[off]) {
			off++
		}
		off = d.skipBlank(off)
	}
	return off
}

// skipBlank goes over spaces, line breaks and comments.
func (d *Document) skipBlank(off int) int {
	for off < len(d.src) {
		switch {
		case isBlank(d.src[off]):
			off++
		case d.src[off] == '#' && off > 0 && isBlank(d.src[off-1]):
			off = d.lineEnd(d.lineOf(off))
		default:
			return off
		}
	}
	return off
}

func isBlank(b byte) bool { return b == ' ' || b == '\t' || b == '\r' || b == '\n' }

func (d *Document) matchExact(off int, text string) (int, bool) {
	return off + len(text), bytes.HasPrefix(d.src[off:], []byte(text))
}

func (d *Document) scalarEnd(n *yaml.Node, off int) (int, bool) {
	switch {
	case n.Style&yaml.DoubleQuotedStyle != 0:
		return d.quotedEnd(off, '"')
	case n.Style&yaml.SingleQuotedStyle != 0:
		return d.quotedEnd(off, '\'')
	case n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		return d.blockScalarEnd(n.Value, off)
	default:
		return d.matchVisible(off, n.Value)
	}
}

func (d *Document) quotedEnd(off int, quote byte) (int, bool) {
	if off >= len(d.src) || d.src[off] != quote {
		return 0, false
	}
	for i := off + 1; i < len(d.src); i++ {
		switch {
		case quote == '"' && d.src[i] == '\\':
			i++
		case quote == '\'' && d.src[i] == '\'' && i+1 < len(d.src) && d.src[i+1] == '\'':
			i++
		case d.src[i] == quote:
			return i + 1, true
		}
	}
	return 0, false
}

func (d *Document) blockScalarEnd(value string, off int) (int, bool) {
	if off >= len(d.src) || (d.src[off] != '|' && d.src[off] != '>') {
		return 0, false
	}
	line := d.lineOf(off)
	header := d.src[off:d.lineEnd(line)]
	if i := bytes.IndexByte(header, '#'); i >= 0 {
		header = header[:i]
	}
	end, ok := d.matchVisible(d.lineEnd(line), value)
	if !ok {
		return 0, false
	}
	line = d.lineOf(end)
	for bytes.IndexByte(header, '+') >= 0 && line < len(d.lines) && d.lines[line] < len(d.src) && d.blankLine(line+1) {
		line++
	}
	// Spaces at the end of the last line are part of the value.
	return d.lineEnd(line), true
}

func (d *Document) blankLine(line int) bool {
	return len(bytes.TrimSpace(d.src[d.lines[line-1]:d.lineEnd(line)])) == 0
}

// matchVisible reads the non-blank characters of the value and returns the offset after the last of them.
func (d *Document) matchVisible(off int, value string) (int, bool) {
	end := off
	for i := range len(value) {
		if isBlank(value[i]) {
			continue
		}
		for off < len(d.src) && isBlank(d.src[off]) {
			off++
		}
		if off >= len(d.src) || d.src[off] != value[i] {
			return 0, false
		}
		off++
		end = off
	}
	return end, true
}

func (d *Document) flowEnd(n *yaml.Node, off int) (int, bool) {
	open, closing := byte('['), byte(']')
	if n.Kind == yaml.MappingNode {
		open, closing = '{', '}'
	}
	if off >= len(d.src) {
		return 0, false
	}
	bracketed := d.src[off] == open
	end := off + 1
	for i := len(n.Content) - 1; i >= 0; i-- {
		if isEmpty(n.Content[i]) {
			continue
		}
		childEnd, ok := d.end(n.Content[i])
		if !ok || childEnd < end {
			return 0, false
		}
		end = childEnd
		break
	}
	if !bracketed {
		// The pair of `[a: 1]` is a mapping without brackets.
		return end, n.Kind == yaml.MappingNode && len(n.Content) == 2
	}
	for end = d.skipBlank(end); end < len(d.src); end = d.skipBlank(end + 1) {
		if d.src[end] == closing {
			return end + 1, true
		}
		if d.src[end] != ',' && d.src[end] != ':' && d.src[end] != '?' {
			return 0, false
		}
	}
	return 0, false
}
