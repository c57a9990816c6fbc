package config

import (
	"cmp"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// maxOldBytes bounds the text that an edit may replace: it has to be kept in a record until it is undone.
const maxOldBytes = 8192

// change is a planned edit: the text to exchange, the same change made to the tree, and how to undo it.
type change struct {
	splices []splice
	// patch changes the old tree to what the new text must say. It may take a restored value from the new tree.
	patch  func(next *Document) *RefusedError
	record Record
	unless string     // why it cannot be made, should it change more than this place; empty: nobody knows
	list   *yaml.Node // the list that is made, with its key, for the item that is added
}

// Apply makes the edits in order and returns the new document with one record per edit, in the same order. active are the records
// of earlier edits still in force in the document: an item added to a list which one of them made remembers that too. Nothing is
// returned unless every edit succeeds; the error is a *RefusedError.
func (d *Document) Apply(edits []Edit, active ...Record) (*Document, []Record, error) {
	if d == nil {
		return d.applyInOrder(edits, active)
	}
	if last := d.last.Load(); last != nil && slices.Equal(last.edits, edits) && reflect.DeepEqual(last.active, active) {
		return last.next, slices.Clone(last.records), nil
	}
	next, records, ok := d.applyTogether(edits, active)
	if !ok {
		var err error
		if next, records, err = d.applyInOrder(edits, active); err != nil {
			return nil, nil, err
		}
	}
	if next != d {
		d.last.Store(&application{slices.Clone(edits), slices.Clone(active), next, slices.Clone(records)})
	}
	return next, records, nil
}

// application is what came of edits. A document remembers the last one: a plan is drafted, then tried as the writer would, and the same
// again in the next pass, and a document never changes.
type application struct {
	edits   []Edit
	active  []Record
	next    *Document
	records []Record
}

func (d *Document) applyInOrder(edits []Edit, active []Record) (*Document, []Record, error) {
	known := slices.Clone(active)
	var records []Record
	for _, e := range edits {
		var c *change
		p, refused := d.find(e.Path)
		if refused == nil {
			d = d.owning(p)
			c, refused = d.plan(e)
		}
		if refused != nil {
			return nil, nil, refused
		}
		if d, refused = d.commit(e.Path, c); refused != nil {
			return nil, nil, refused
		}
		if refused := d.leadsTo(e.Path); refused != nil {
			return nil, nil, refused
		}
		if c.record.Parent == nil && c.record.Absent {
			c.record.Parent = parentOf(c.record.Path, known)
		}
		known = append(known, c.record)
		records = append(records, c.record)
	}
	return d, records, nil
}

// leadsTo: an edit of the very field that its path selects by could not be undone.
func (d *Document) leadsTo(path string) *RefusedError {
	if p, refused := d.find(path); refused != nil || len(p.rest) > 0 {
		return refuse(path, 0, "after the edit the path would lead elsewhere; edit the item as a whole")
	}
	return nil
}

// Get is what the path holds, as one line of YAML: its text as it stands, or the same in flow style where it has several lines.
// It refuses the paths that Apply refuses, with a *RefusedError.
func (d *Document) Get(path string) (value string, found bool, err error) {
	p, refused := d.find(path)
	if refused != nil {
		return "", false, refused
	}
	if len(p.rest) > 0 {
		return "", false, nil
	}
	return d.oneLine(p.node), true, nil
}

// parentOf is the origin of the list that the path's item is in, as the newest known record tells it.
func parentOf(path string, known []Record) *Parent {
	list, isItem := listPath(path)
	for _, r := range slices.Backward(known) {
		if other, ok := listPath(r.Path); isItem && ok && other == list && r.Parent != nil {
			parent := *r.Parent
			return &parent
		}
	}
	return nil
}

func listPath(path string) (list string, isItem bool) {
	segments, err := parsePath(path)
	if err != nil || !segments[len(segments)-1].selector {
		return "", false
	}
	return listOf(segments), true
}

// commit makes the change and proves it: the new text must parse to the old tree with the patch applied, and nothing else.
// The document owns the nodes that the patch changes, and must not be used afterwards.
func (d *Document) commit(path string, c *change) (*Document, *RefusedError) {
	if len(c.splices) == 0 {
		return d, nil
	}
	text, err := d.spliced(c.splices)
	if err != nil {
		return nil, refuse(path, 0, "the place of the edit was not understood (%v); edit it by hand", err)
	}
	line := d.lineOf(c.splices[0].from)
	next, refused := parse(text)
	if refused != nil {
		return nil, refuse(path, line, "the edited document would be refused: %s; edit it by hand", refused.Reason)
	}
	if d.json && !next.json {
		return nil, refuse(path, line, "the document is JSON, and the edited one would not be; edit it by hand")
	}
	if refused := c.patch(next); refused != nil {
		return nil, refused
	}
	if next.root == nil || !equal(d.root, next.root) {
		return nil, refuse(path, line, "%s", cmp.Or(c.unless, "the edited document would differ in more than this place; edit it by hand"))
	}
	return next, nil
}

func (d *Document) plan(e Edit) (*change, *RefusedError) {
	p, err := d.find(e.Path)
	if err != nil {
		return nil, err
	}
	v, err := d.valueOf(e.Path, e.Value)
	if err != nil {
		return nil, err
	}
	if last := p.segments[len(p.segments)-1]; last.selector && (len(p.rest) > 0 || p.last().parent.Kind == yaml.SequenceNode) &&
		!carries(v.node, last.field, last.value) {
		return nil, p.refuse(0, "the value must be a mapping with %s: %s, or the item could not be found again", last.field, last.value)
	}
	var c *change
	if len(p.rest) == 0 {
		c, err = d.planReplace(p, v)
	} else {
		c, err = d.planAdd(p, v)
	}
	if err != nil {
		return nil, err
	}
	c.record.Path, c.record.To = e.Path, v.text
	return c, nil
}

func (d *Document) planReplace(p *place, v *value) (*change, *RefusedError) {
	old := p.node
	if err := p.replaceable(old, p.of.aliases()); err != nil {
		return nil, err
	}
	if equal(old, v.node) {
		return &change{record: Record{Layout: Same, From: d.oneLine(old)}}, nil
	}
	s, layout, err := d.replacement(p, v)
	if err != nil {
		return nil, err
	}
	if s.to-s.from > maxOldBytes {
		return nil, p.refuse(old.Line, "it would replace %d bytes, more than the %d that a record keeps; edit it by hand", s.to-s.from, maxOldBytes)
	}
	at := p.last()
	return &change{
		splices: []splice{s},
		patch:   func(*Document) *RefusedError { at.parent.Content[at.slot] = v.node; return nil },
		record: Record{
			Layout: layout, From: d.oneLine(old),
			Old: string(d.src[s.from:s.to]), New: normalised(s.text),
		},
	}, nil
}

// replaceable refuses values that other places of the document refer to, or that are written elsewhere. The names of all aliases are looked up
// once: a value may have as many anchors as the document has parts.
func (p *place) replaceable(n *yaml.Node, aliases map[string]bool) *RefusedError {
	switch {
	case n.Kind == yaml.AliasNode && n == p.node:
		return p.refuse(n.Line, "it is the alias *%s; write the value out first", n.Value)
	case aliases[n.Anchor]:
		return p.refuse(n.Line, "the value has the anchor &%s, so its aliases would change too; write it out there first", n.Anchor)
	case n.Style&yaml.TaggedStyle != 0 && n == p.node:
		return p.refuse(n.Line, "the value has the explicit tag %s; remove the tag", n.Tag)
	}
	for _, child := range n.Content {
		if err := p.replaceable(child, aliases); err != nil {
			return err
		}
	}
	return nil
}

// replacement is the exchange of the place's value, within its line if it is on one, else from its key to its last line.
func (d *Document) replacement(p *place, v *value) (splice, Layout, *RefusedError) {
	n, at := p.node, p.last()
	start, ok := d.start(n)
	end, endOK := d.end(n)
	if !ok || !endOK {
		return splice{}, "", p.refuse(n.Line, "its text does not look like its value; rewrite it in a plainer style")
	}
	if isEmpty(n) {
		return splice{start, start, " " + v.text}, Inline, nil
	}
	blockScalar := n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0
	if !isBlockCollection(n) && !blockScalar && d.lineOf(start) == d.lineOf(end) {
		return splice{start, end, v.text}, Inline, nil
	}
	if isFlow(at.parent) {
		return splice{}, "", p.refuse(n.Line, "the value has several lines inside a flow collection; write it on one line")
	}
	from, text, ok := d.blockReplacement(at, v, start)
	if !ok {
		return splice{}, "", p.refuse(n.Line, "the value has several lines and does not follow its key in a plain way; rewrite it in a plainer style")
	}
	to := d.lineEnd(d.lineOf(end))
	return splice{from, to, strings.ReplaceAll(text, "\n", d.lineBreak(d.lineOf(start)))}, Block, nil
}

// blockReplacement is where the exchange of a value of several lines starts, and its new text. A comment behind the key stays.
func (d *Document) blockReplacement(at step, v *value, start int) (from int, text string, ok bool) {
	key := at.key()
	if key == nil {
		column := start - d.lines[d.lineOf(start)-1]
		text, ok = v.blockItem(column)
		return start, text, ok
	}
	colon, ok := d.colonEnd(key)
	if !ok || colon > start {
		return 0, "", false
	}
	behindKey := ""
	if keyLine := d.lineOf(colon); d.lineOf(start) > keyLine {
		behindKey = string(d.src[colon:d.lineEnd(keyLine)])
	}
	if comment := strings.TrimSpace(behindKey); comment != "" && comment[0] != '#' {
		return 0, "", false
	}
	return colon, " " + v.text + behindKey, true
}

// colonEnd is the offset after the colon of a key. After a key with a question mark it stands on a line of its own.
func (d *Document) colonEnd(key *yaml.Node) (int, bool) {
	off, ok := d.end(key)
	if !ok {
		return 0, false
	}
	off = d.skipBlank(off)
	return off + 1, off < len(d.src) && d.src[off] == ':'
}
