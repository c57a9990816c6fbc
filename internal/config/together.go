package config

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Edits that do not touch each other are made together: each is planned on the same document, all texts are exchanged at once, and one
// parse proves them all. Parsing is most of the cost. Whatever stands in the way (edits inside each other, a text or a tree that is
// not what all patches say, a refusal) is left to one edit after the other, so the results and the refusals are the same. So is an
// exchange of several lines: with it may go the list whose indentation a new list copies, or the text without end behind which nothing
// can be added.

// applyTogether makes all edits with one parse; not ok if they have to be made one after the other.
func (d *Document) applyTogether(edits []Edit, active []Record) (next *Document, records []Record, ok bool) {
	paths := make([]string, len(edits))
	for i, e := range edits {
		paths[i] = e.Path
	}
	owned, ok := d.apart(paths)
	if !ok {
		return nil, nil, false
	}
	known, changes := slices.Clone(active), make([]*change, len(edits))
	made := map[string]*madeList{}
	for i, e := range edits {
		c, refused := owned.planAmong(e, made)
		if refused != nil || c.record.Layout == Block {
			return nil, nil, false
		}
		if c.record.Parent == nil && c.record.Absent {
			c.record.Parent = parentOf(c.record.Path, known)
		}
		changes[i], known, records = c, append(known, c.record), append(records, c.record)
	}
	next, ok = owned.commitTogether(changes)
	for _, path := range paths {
		ok = ok && next.leadsTo(path) == nil
	}
	return next, records, ok
}

// undoTogether takes all records back with one parse; not ok if they have to be taken back one after the other, or one conflicts.
func (d *Document) undoTogether(records []Record) (next *Document, ok bool) {
	paths := make([]string, len(records))
	for i, r := range records {
		if r.Layout == Block {
			return nil, false
		}
		paths[i] = r.Path
	}
	owned, ok := d.apart(paths)
	if !ok {
		return nil, false
	}
	var changes []*change
	for _, r := range slices.Backward(records) {
		c, conflict, refused := owned.planUndo(r)
		if refused != nil || conflict != nil {
			return nil, false
		}
		changes = append(changes, c)
	}
	return owned.commitTogether(changes)
}

// apart is the document, owning what is on the way of several paths; not ok if there is only one, or one is the other or inside it.
func (d *Document) apart(paths []string) (*Document, bool) {
	if len(paths) < 2 {
		return nil, false
	}
	for i, path := range paths {
		for _, other := range paths[:i] {
			if Overlap(path, other) {
				return nil, false
			}
		}
		p, refused := d.find(path)
		if refused != nil {
			return nil, false
		}
		d = d.owning(p)
	}
	return d, true
}

// owning is the document with copies of the nodes on the way to a place: those that an edit there changes when it is proved. The rest is
// shared with the document that stays as it is. What has an anchor, and so aliases, is never on the way.
func (d *Document) owning(p *place) *Document {
	owned := &Document{text: d.text, src: d.src, bom: d.bom, json: d.json, lines: d.lines, root: shallow(d.root)}
	node := owned.root
	for _, at := range p.trail {
		child := shallow(node.Content[at.slot])
		node.Content[at.slot] = child
		node = child
	}
	return owned
}

func shallow(n *yaml.Node) *yaml.Node {
	copied := *n
	copied.Content = slices.Clone(n.Content)
	return &copied
}

// madeList is a list that an edit makes with its first item: further items of the same edits follow it.
type madeList struct {
	node   *yaml.Node
	after  int // line after which its text is inserted
	dash   int // columns before the dash
	parent Parent
}

// planAmong plans an edit next to others. An item of a list that one of them makes is added behind the item that is there by then.
func (d *Document) planAmong(e Edit, made map[string]*madeList) (*change, *RefusedError) {
	list, isItem := listPath(e.Path)
	if before := made[list]; isItem && before != nil {
		return d.planMade(e, before)
	}
	c, refused := d.plan(e)
	if refused == nil && c.list != nil {
		after := d.lineOf(c.splices[0].from)
		if d.lines[after-1] == c.splices[0].from { // at the beginning of a line: behind the one before
			after--
		}
		dash := len(c.record.New) - len(strings.TrimLeft(c.record.New, " "))
		made[list] = &madeList{c.list, after, dash, *c.record.Parent}
	}
	return c, refused
}

func (d *Document) planMade(e Edit, list *madeList) (*change, *RefusedError) {
	p, refused := d.find(e.Path)
	if refused != nil {
		return nil, refused
	}
	v, refused := d.valueOf(e.Path, e.Value)
	if refused != nil {
		return nil, refused
	}
	selector := p.segments[len(p.segments)-1]
	item, ok := v.blockItem(list.dash + 2)
	if !ok || !carries(v.node, selector.field, selector.value) {
		return nil, p.refuse(0, "the value cannot be written as a list item")
	}
	lines := strings.Repeat(" ", list.dash) + "- " + item
	parent := list.parent
	return &change{
		splices: []splice{d.insertLines(list.after, lines)},
		patch:   func(*Document) *RefusedError { list.node.Content = append(list.node.Content, v.node); return nil },
		record:  Record{Path: e.Path, To: v.text, Layout: Lines, Absent: true, New: lines, Parent: &parent},
	}, nil
}

// commitTogether makes the changes and proves them with one parse.
func (d *Document) commitTogether(changes []*change) (*Document, bool) {
	var splices []splice
	for _, c := range changes {
		splices = append(splices, c.splices...)
	}
	if len(splices) == 0 {
		return d, true
	}
	slices.SortStableFunc(splices, func(a, b splice) int { return a.from - b.from })
	text, err := d.spliced(splices)
	if err != nil {
		return nil, false
	}
	next, refused := parse(text)
	if refused != nil || next.root == nil || d.json && !next.json {
		return nil, false
	}
	for _, c := range changes {
		if c.patch != nil && c.patch(next) != nil {
			return nil, false
		}
	}
	return next, equal(d.root, next.root)
}
