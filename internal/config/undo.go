package config

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Undo takes the records' edits back, the last record first. An edit whose path no longer holds its value, or whose own lines
// were changed, is left alone and returned as a Conflict; a path that holds again what it held before needs nothing and is no
// conflict, so undoing twice is harmless. The error is a *RefusedError: the document cannot be edited at all, or a record is
// damaged; then nothing is returned.
func (d *Document) Undo(records []Record) (*Document, []Conflict, error) {
	if next, ok := d.undoTogether(records); ok {
		return next, nil, nil
	}
	return d.undoInOrder(records)
}

func (d *Document) undoInOrder(records []Record) (*Document, []Conflict, error) {
	var conflicts []Conflict
	for _, r := range slices.Backward(records) {
		if p, lost := d.find(r.Path); lost == nil {
			d = d.owning(p)
		}
		c, conflict, refused := d.planUndo(r)
		if refused != nil {
			return nil, nil, refused
		}
		if conflict != nil {
			conflicts = append(conflicts, *conflict)
			continue
		}
		if d, refused = d.commit(r.Path, c); refused != nil {
			return nil, nil, refused
		}
	}
	return d, conflicts, nil
}

// planUndo is the change that takes the record back: none where nothing is to do.
func (d *Document) planUndo(r Record) (*change, *Conflict, *RefusedError) {
	ours, err := parseValue(r.Path, r.To)
	if err != nil {
		return nil, nil, err
	}
	if r.Layout == Same {
		return &change{}, nil, nil
	}
	conflict := &Conflict{Path: r.Path, Ours: r.To}
	p, lost := d.find(r.Path)
	if lost != nil {
		conflict.Reason = lost.Reason
		return nil, conflict, nil //nolint:nilerr // the path cannot be reached any more: a conflict, which carries the reason
	}
	if len(p.rest) > 0 {
		if r.Absent {
			return &change{}, nil, nil
		}
		conflict.Reason = "the path is gone; what it held before is in the record"
		return nil, conflict, nil
	}
	conflict.Holds = d.oneLine(p.node)
	if !equal(p.node, ours.node) {
		if !r.Absent && conflict.Holds == r.From {
			return &change{}, nil, nil
		}
		conflict.Reason = "the path holds another value than we wrote; someone else's edit is left alone"
		return nil, conflict, nil
	}
	c, reason, err := d.takeBack(p, r)
	if err != nil {
		return nil, nil, err
	}
	if reason != "" {
		conflict.Reason = reason
		return nil, conflict, nil
	}
	return c, nil, nil
}

// takeBack is the undoing of an edit whose value is in place, or the reason why its text cannot be told from others' text.
func (d *Document) takeBack(p *place, r Record) (*change, string, *RefusedError) {
	switch r.Layout {
	case Inline, Block:
		c, reason := d.restoreValue(p, r)
		return c, reason, nil
	case Lines:
		c, reason := d.removeLines(p, r)
		return c, reason, nil
	case Flow:
		c, reason := d.removeFromFlow(p, r)
		return c, reason, nil
	default:
		return nil, "", p.refuse(0, "the record has the unknown layout %q", r.Layout)
	}
}

const changedText = "the value is ours but its text was changed since (layout or comments); take it back by hand"

// restoreValue puts the old text of an exchanged value back.
func (d *Document) restoreValue(p *place, r Record) (*change, string) {
	at := p.last()
	from, to, ok := d.valueExtent(at, r.Old == "")
	if ok && r.Layout == Block {
		if key := at.key(); key != nil {
			from, ok = d.colonEnd(key)
		}
		to = d.lineEnd(d.lineOf(to))
		ok = ok && from <= to && normalised(string(d.src[from:to])) == r.New
	}
	if !ok {
		return nil, changedText
	}
	return d.restoreText(p, p.path, at, splice{from, to, r.Old}, r.From), ""
}

// valueExtent is the extent of a value; where nothing stood before, the space in front of it is ours too.
func (d *Document) valueExtent(at step, stoodNothing bool) (from, to int, ok bool) {
	from, ok = d.start(at.node())
	to, endOK := d.end(at.node())
	if !ok || !endOK {
		return 0, 0, false
	}
	if !stoodNothing {
		return from, to, true
	}
	if key := at.key(); key != nil {
		from, ok = d.colonEnd(key)
		return from, to, ok && from <= to
	}
	for from > 0 && d.src[from-1] == ' ' {
		from--
	}
	return from, to, true
}

// restoreText is the splice of old text; the new tree may hold there whatever reads as want.
func (d *Document) restoreText(p *place, path string, at step, s splice, want string) *change {
	return &change{
		splices: []splice{s},
		patch: func(next *Document) *RefusedError {
			there, err := next.find(path)
			if err != nil {
				return err
			}
			if len(there.rest) > 0 || next.oneLine(there.node) != want {
				return p.refuse(p.node.Line, "putting the old text back would not give the old value; take it back by hand")
			}
			at.parent.Content[at.slot] = there.node
			return nil
		},
	}
}

// removeLines takes away an added key or item, and the key of its list if that was added for it and holds nothing else.
func (d *Document) removeLines(p *place, r Record) (*change, string) {
	at := p.last()
	first, last, ok := d.ownLines(at)
	if !ok || d.lineText(first, last) != r.New {
		return nil, changedText
	}
	if at.key() != nil {
		if len(at.parent.Content) == 2 {
			return nil, "our key is the only one left in its mapping; take it back by hand"
		}
		return &change{
			splices: []splice{d.deleteLines(first, last)},
			patch: func(*Document) *RefusedError {
				at.parent.Content = slices.Delete(at.parent.Content, at.slot-1, at.slot+1)
				return nil
			},
		}, ""
	}
	if len(at.parent.Content) > 1 {
		return &change{
			splices: []splice{d.deleteLines(first, last)},
			patch: func(*Document) *RefusedError {
				at.parent.Content = slices.Delete(at.parent.Content, at.slot, at.slot+1)
				return nil
			},
		}, ""
	}
	return d.removeLastItem(p, r, first, last)
}

// removeLastItem takes the only item of a block list away.
func (d *Document) removeLastItem(p *place, r Record, first, last int) (*change, string) {
	if len(p.trail) < 2 || p.trail[len(p.trail)-2].key() == nil {
		return nil, "our item is the only one left in a list without a key; take it back by hand"
	}
	list := p.trail[len(p.trail)-2]
	if r.Parent == nil {
		return d.emptyList(list, first, last)
	}
	keyLine := list.key().Line
	if r.Parent.Line == "" || d.lineText(keyLine, keyLine) != r.Parent.Line || keyLine >= first {
		return nil, changedText
	}
	if len(list.parent.Content) == 2 {
		return nil, "the list we added is the only key left in its mapping; take it back by hand"
	}
	splices := []splice{d.deleteLines(keyLine, last)}
	if keyLine+1 < first { // someone's comment stands between: it stays
		splices = []splice{d.deleteLines(keyLine, keyLine), d.deleteLines(first, last)}
	}
	return &change{
		splices: splices,
		patch: func(*Document) *RefusedError {
			list.parent.Content = slices.Delete(list.parent.Content, list.slot-1, list.slot+1)
			return nil
		},
	}, ""
}

// emptyList takes the last item of a list that others made: it becomes [], since a key without value would be null.
func (d *Document) emptyList(list step, first, last int) (*change, string) {
	colon, ok := d.colonEnd(list.key())
	if !ok || d.lineOf(colon) >= first {
		return nil, changedText
	}
	return &change{
		splices: []splice{{colon, colon, " []"}, d.deleteLines(first, last)},
		patch: func(*Document) *RefusedError {
			list.parent.Content[list.slot] = listNode()
			return nil
		},
	}, ""
}

// ownLines are the lines of an entry that shares them with no other.
func (d *Document) ownLines(at step) (first, last int, ok bool) {
	head, lead := at.node(), "-"
	if key := at.key(); key != nil {
		head, lead = key, ""
	}
	start, ok := d.start(head)
	end, endOK := d.end(at.node())
	if !ok || !endOK {
		return 0, 0, false
	}
	first = d.lineOf(start)
	before := string(d.src[d.lines[first-1]:start])
	return first, d.lineOf(end), strings.Trim(before, " ") == lead
}

// removeFromFlow takes an entry with its comma out of a flow collection on one line.
func (d *Document) removeFromFlow(p *place, r Record) (*change, string) {
	at := p.last()
	from, to, ok := d.entryExtent(at.parent, at.slot)
	if _, _, onOneLine := d.brackets(at.parent); !ok || !onOneLine || !isFlow(at.parent) || string(d.src[from:to]) != r.New {
		return nil, changedText
	}
	width := 1
	if at.key() != nil {
		width = 2
	}
	alone := len(at.parent.Content) == width
	if alone && r.Parent != nil && r.Parent.Line == "" && len(p.trail) > 1 {
		return d.unmakeList(p, r)
	}
	if at.slot-width >= 0 {
		_, from, ok = d.entryExtent(at.parent, at.slot-width)
	} else if !alone {
		to, _, ok = d.entryExtent(at.parent, at.slot+width)
	}
	if !ok {
		return nil, changedText
	}
	return &change{
		splices: []splice{{from, to, ""}},
		patch: func(*Document) *RefusedError {
			at.parent.Content = slices.Delete(at.parent.Content, at.slot-width+1, at.slot+1)
			return nil
		},
	}, ""
}

// entryExtent is the extent of a collection's entry by the slot of its value: with its key in a mapping.
func (d *Document) entryExtent(n *yaml.Node, slot int) (from, to int, ok bool) {
	head := n.Content[slot]
	if n.Kind == yaml.MappingNode {
		head = n.Content[slot-1]
	}
	from, ok = d.start(head)
	to, endOK := d.end(n.Content[slot])
	return from, to, ok && endOK && from <= to
}

// unmakeList puts back what a list replaced that was made for the item.
func (d *Document) unmakeList(p *place, r Record) (*change, string) {
	list := p.trail[len(p.trail)-2]
	from, to, ok := d.valueExtent(list, r.Parent.Old == "")
	if !ok {
		return nil, changedText
	}
	want := r.Parent.Old
	if want == "" {
		want = "null"
	}
	return d.restoreText(p, listOf(p.segments), list, splice{from, to, r.Parent.Old}, want), ""
}
