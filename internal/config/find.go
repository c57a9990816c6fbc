package config

import "go.yaml.in/yaml/v3"

const mergeKey = "<<"

// step is one node of the way: parent.Content[slot].
type step struct {
	parent *yaml.Node
	slot   int
}

func (s step) node() *yaml.Node { return s.parent.Content[s.slot] }

// key is the key of a mapping's value, nil for a list item.
func (s step) key() *yaml.Node {
	if s.parent.Kind != yaml.MappingNode {
		return nil
	}
	return s.parent.Content[s.slot-1]
}

// place is where a path leads: the deepest node that exists, and the segments that do not.
type place struct {
	of       *Document
	path     string
	segments []segment
	node     *yaml.Node
	trail    []step // from the root; empty when node is the root
	rest     []segment
}

func (p *place) last() step { return p.trail[len(p.trail)-1] }

func (p *place) refuse(line int, format string, args ...any) *RefusedError {
	return refuse(p.path, line, format, args...)
}

// find walks the path. Whatever makes the way ambiguous or shared (duplicate keys, anchors, aliases, merge keys, tags) is
// refused: an edit behind it could change more, or less, than it says.
func (d *Document) find(path string) (*place, *RefusedError) {
	segments, err := parsePath(path)
	if err != nil {
		return nil, err
	}
	p := &place{of: d, path: path, segments: segments, node: d.Root()}
	if p.node == nil {
		return nil, p.refuse(0, "the document is empty")
	}
	for i, s := range segments {
		slot, err := p.down(s)
		if err != nil {
			return nil, err
		}
		if slot < 0 {
			p.rest = segments[i:]
			return p, nil
		}
		p.trail = append(p.trail, step{p.node, slot})
		p.node = p.node.Content[slot]
	}
	return p, nil
}

// down is the slot of the segment in the node, or -1 where there is none.
func (p *place) down(s segment) (int, *RefusedError) {
	if err := p.passable(p.node); err != nil {
		return 0, err
	}
	switch p.node.Kind {
	case yaml.MappingNode:
		return p.slotOfKey(s.raw)
	case yaml.SequenceNode:
		return p.slotOfItem(s)
	default:
		return -1, nil
	}
}

func (p *place) passable(n *yaml.Node) *RefusedError {
	switch {
	case n.Kind == yaml.AliasNode:
		return p.refuse(n.Line, "the way goes through the alias *%s, so an edit would change other places too; write the value out there first", n.Value)
	case n.Anchor != "" && p.of.hasAlias(n.Anchor):
		return p.refuse(n.Line, "the way goes through the anchor &%s, so an edit would change its aliases too; write the value out there first", n.Anchor)
	case n.Style&yaml.TaggedStyle != 0:
		return p.refuse(n.Line, "the way goes through the explicit tag %s; remove the tag", n.Tag)
	}
	return nil
}

// hasAlias says whether an alias refers to an anchor of this name: without one, an edit behind it changes nothing else.
func (d *Document) hasAlias(anchor string) bool { return d.aliases()[anchor] }

// aliases are the names that aliases refer to.
func (d *Document) aliases() map[string]bool {
	names := map[string]bool{}
	collectAliases(d.root, names)
	return names
}

func collectAliases(n *yaml.Node, names map[string]bool) {
	if n.Kind == yaml.AliasNode {
		names[n.Value] = true
	}
	for _, child := range n.Content {
		collectAliases(child, names)
	}
}

// slotOfKey is where a key of the mapping itself has its value: it counts, whatever is merged into the mapping.
func (p *place) slotOfKey(name string) (int, *RefusedError) {
	found, merged := -1, 0
	for i := 0; i < len(p.node.Content); i += 2 {
		key := p.node.Content[i]
		switch {
		case key.Kind == yaml.AliasNode:
			return 0, p.refuse(key.Line, "a key on the way is the alias *%s; write it out", key.Value)
		case key.Kind != yaml.ScalarNode:
			continue
		case key.Value == mergeKey:
			merged = key.Line
			continue
		case key.Value != name:
			continue
		case key.Anchor != "" || key.Style&yaml.TaggedStyle != 0:
			return 0, p.refuse(key.Line, "the key %q has an anchor or tag; remove it", name)
		case found >= 0:
			return 0, p.refuse(key.Line, "the key %q stands twice (first in line %d) and readers differ about which one counts; remove one", name, p.node.Content[found-1].Line)
		}
		found = i + 1
	}
	if found < 0 && merged > 0 {
		return 0, p.refuse(merged, "a mapping on the way has a merge key and no key %q of its own, so what it holds is decided elsewhere; write the merged keys out", name)
	}
	return found, nil
}

func (p *place) slotOfItem(s segment) (int, *RefusedError) {
	switch {
	case s.selector:
		return p.slotOfSelected(s)
	case s.isIndex && s.index < len(p.node.Content):
		return s.index, nil
	case s.isIndex:
		return 0, p.refuse(p.node.Line, "the list has %d items, so there is no item %d", len(p.node.Content), s.index)
	default:
		return 0, p.refuse(p.node.Line, "a list is on the way; address an item by its index or as [name=value], not as %q", s.raw)
	}
}

func (p *place) slotOfSelected(s segment) (int, *RefusedError) {
	found := -1
	for i, item := range p.node.Content {
		if item.Kind == yaml.AliasNode {
			return 0, p.refuse(item.Line, "an item of the list is the alias *%s, so it is unclear which item is meant; write it out", item.Value)
		}
		matches, err := p.matches(item, s)
		if err != nil {
			return 0, err
		}
		if !matches {
			continue
		}
		if found >= 0 {
			return 0, p.refuse(item.Line, "two items have %s=%s (first in line %d); remove one", s.field, s.value, p.node.Content[found].Line)
		}
		found = i
	}
	return found, nil
}

func (p *place) matches(item *yaml.Node, s segment) (bool, *RefusedError) {
	if item.Kind != yaml.MappingNode {
		return false, nil
	}
	fields, hit := 0, false
	for i := 0; i < len(item.Content); i += 2 {
		key, val := item.Content[i], item.Content[i+1]
		if key.Kind == yaml.AliasNode || key.Value == mergeKey || (key.Value == s.field && val.Kind == yaml.AliasNode) {
			return false, p.refuse(key.Line, "an item of the list has an alias or merge key, so it is unclear which item is meant; write it out")
		}
		if key.Value == s.field {
			fields++
			hit = hit || (val.Kind == yaml.ScalarNode && val.Value == s.value)
		}
	}
	if hit && fields > 1 {
		return false, p.refuse(item.Line, "an item of the list has the key %q twice; remove one", s.field)
	}
	return hit, nil
}
