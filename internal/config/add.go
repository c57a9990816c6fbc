package config

import (
	"strings"

	"go.yaml.in/yaml/v3"
)

// planAdd adds what the path lacks: a key, an item, or an item together with the key of its list.
func (d *Document) planAdd(p *place, v *value) (*change, *RefusedError) {
	missing, n := p.rest[0], p.node
	switch {
	case n.Kind == yaml.MappingNode && len(p.rest) == 1 && !missing.selector:
		return d.addKey(p, v)
	case n.Kind == yaml.MappingNode && len(p.rest) == 2 && !missing.selector && p.rest[1].selector:
		return d.addList(p, v)
	case n.Kind == yaml.SequenceNode && len(p.rest) == 1:
		return d.addItem(p, v)
	case isNull(n) && len(p.rest) == 1 && missing.selector && len(p.trail) > 0:
		return d.makeList(p, v)
	}
	return nil, d.cannotAdd(p)
}

func (d *Document) cannotAdd(p *place) *RefusedError {
	missing, n := p.rest[0].raw, p.node
	if n.Kind == yaml.ScalarNode {
		return p.refuse(n.Line, "there is no %q: its parent holds %s", missing, d.oneLine(n))
	}
	if len(p.rest) == 1 {
		return p.refuse(n.Line, "a mapping holds no items like %s; name a key", missing)
	}
	return p.refuse(n.Line, "there is no %q; only the last key or item of a path may be missing", missing)
}

func isNull(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && isPlain(n) && n.Tag == "!!null" && n.Style&yaml.TaggedStyle == 0
}

func (d *Document) addKey(p *place, v *value) (*change, *RefusedError) {
	m, name := p.node, p.rest[0].raw
	key, node := d.keyOf(name)
	entry := key + ": " + v.text
	c := &change{
		patch: func(*Document) *RefusedError { m.Content = append(m.Content, node, v.node); return nil },
	}
	if isFlow(m) {
		return d.addToFlow(p, c, entry)
	}
	return d.addLines(p, c, strings.Repeat(" ", m.Column-1)+entry)
}

// addList adds the key of a list and its first item.
func (d *Document) addList(p *place, v *value) (*change, *RefusedError) {
	m, name := p.node, p.rest[0].raw
	if isFlow(m) {
		return nil, p.refuse(m.Line, "the list %q is missing in a flow mapping; write the mapping in block style or add the list first", name)
	}
	indent := m.Column - 1
	dash := indent + listIndent(d.root)
	item, ok := v.blockItem(dash + 2)
	if !ok {
		return nil, p.refuse(0, "the value cannot be written as a list item")
	}
	keyLine := strings.Repeat(" ", indent) + QuoteString(name) + ":"
	itemLines := strings.Repeat(" ", dash) + "- " + item
	list := listNode(v.node)
	c := &change{list: list, patch: func(*Document) *RefusedError {
		m.Content = append(m.Content, keyNode(name), list)
		return nil
	}}
	c, err := d.addLines(p, c, keyLine+"\n"+itemLines)
	if err != nil {
		return nil, err
	}
	c.record.New, c.record.Parent = itemLines, &Parent{Line: keyLine}
	return c, nil
}

func (d *Document) addItem(p *place, v *value) (*change, *RefusedError) {
	list := p.node
	c := &change{patch: func(*Document) *RefusedError { list.Content = append(list.Content, v.node); return nil }}
	if isFlow(list) {
		return d.addToFlow(p, c, v.text)
	}
	start, ok := d.start(list)
	if !ok || d.src[start] != '-' {
		return nil, p.refuse(list.Line, "the list does not start with a dash; rewrite it in a plainer style")
	}
	// The new item copies the gap between dash and text of the last one.
	gap := 2
	if last := list.Content[len(list.Content)-1]; last.Column-list.Column > gap && last.Column-list.Column <= 8 {
		gap = last.Column - list.Column
	}
	indent := list.Column - 1
	item, ok := v.blockItem(indent + gap)
	if !ok {
		return nil, p.refuse(0, "the value cannot be written as a list item")
	}
	return d.addLines(p, c, strings.Repeat(" ", indent)+"-"+strings.Repeat(" ", gap-1)+item)
}

// makeList puts a list with one item, in flow style, where null or nothing stands: one line, and its old text is easy to keep.
func (d *Document) makeList(p *place, v *value) (*change, *RefusedError) {
	whole, err := parseValue(p.path, "["+v.text+"]")
	if err != nil {
		return nil, err
	}
	c, err := d.planReplace(p, whole)
	if err != nil {
		return nil, err
	}
	c.record = Record{Layout: Flow, Absent: true, New: v.text, Parent: &Parent{Old: c.record.Old}}
	return c, nil
}

// addLines adds lines after the last line of a block collection, so before the comments and blank lines that follow it.
func (d *Document) addLines(p *place, c *change, text string) (*change, *RefusedError) {
	end, ok := d.end(p.node)
	if !ok {
		return nil, p.refuse(p.node.Line, "the last entry before the new one has a text that does not look like its value; rewrite it in a plainer style")
	}
	if d.lineOf(end) >= len(d.lines) && endsInText(p.node) {
		c.unless = "the file ends in a block text without a line break, so a line behind it would change that text; add a line break at the end of the file"
	}
	c.splices = []splice{d.insertLines(d.lineOf(end), text)}
	c.record = Record{Layout: Lines, Absent: true, New: text}
	return c, nil
}

// endsInText says whether the last value is a block text.
func endsInText(n *yaml.Node) bool {
	for len(n.Content) > 0 {
		n = n.Content[len(n.Content)-1]
	}
	return n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0
}

// addToFlow adds an entry at the end of a flow collection that stands on one line.
func (d *Document) addToFlow(p *place, c *change, entry string) (*change, *RefusedError) {
	n := p.node
	start, end, ok := d.brackets(n)
	if !ok {
		return nil, p.refuse(n.Line, "the flow collection is not on one line in brackets; write it on one line or in block style")
	}
	at, text := start+1, entry
	if len(n.Content) > 0 {
		if at, ok = d.end(n.Content[len(n.Content)-1]); !ok || at >= end {
			return nil, p.refuse(n.Line, "the last entry of the flow collection is not written out; rewrite it in a plainer style")
		}
		text = ", " + entry
	}
	c.splices = []splice{{at, at, text}}
	c.record = Record{Layout: Flow, Absent: true, New: entry}
	return c, nil
}

// brackets is the extent of a flow collection that stands on one line in its own brackets.
func (d *Document) brackets(n *yaml.Node) (start, end int, ok bool) {
	start, ok = d.start(n)
	end, endOK := d.end(n)
	if !ok || !endOK || d.lineOf(start) != d.lineOf(end) {
		return 0, 0, false
	}
	return start, end, d.src[start] == '[' || d.src[start] == '{'
}

// listIndent is how far the document's first list is indented under its key; 2 if there is none.
func listIndent(root *yaml.Node) int {
	if indent, ok := firstListIndent(root); ok {
		return indent
	}
	return 2
}

func firstListIndent(n *yaml.Node) (int, bool) {
	for i, child := range n.Content {
		if n.Kind == yaml.MappingNode && i%2 == 1 && child.Kind == yaml.SequenceNode && isBlockCollection(child) && child.Anchor == "" {
			if indent := child.Column - n.Content[i-1].Column; indent >= 0 && indent <= 8 {
				return indent, true
			}
		}
		if indent, ok := firstListIndent(child); ok {
			return indent, true
		}
	}
	return 0, false
}

// keyNode is the node that a key written by QuoteString must parse to.
func keyNode(name string) *yaml.Node {
	n := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: name}
	if QuoteString(name) != name {
		n.Style = yaml.DoubleQuotedStyle
	}
	return n
}

func listNode(items ...*yaml.Node) *yaml.Node {
	return &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq", Content: items}
}
