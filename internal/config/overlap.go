package config

import "go.yaml.in/yaml/v3"

// SamePath says whether two paths are the same place, however they are written. A path that cannot be
// read is the same as no other.
func SamePath(a, b string) bool {
	one, other, ok := both(a, b)
	return ok && len(one) == len(other) && within(one, other)
}

// Overlap says whether one path is the other, or inside it, so that an edit of one changes what the other holds. A list
// item by index and one by the value of a field may be the same item, and so may two by the values of different fields: that counts as the
// same.
func Overlap(a, b string) bool {
	one, other, ok := both(a, b)
	if !ok {
		return true // a path that cannot be read is not known to be elsewhere
	}
	if len(one) > len(other) {
		one, other = other, one
	}
	return within(one, other)
}

func both(a, b string) (one, other []segment, ok bool) {
	one, refusedOne := parsePath(a)
	other, refusedOther := parsePath(b)
	return one, other, refusedOne == nil && refusedOther == nil
}

// within says whether the shorter path is the beginning of the longer one.
func within(short, long []segment) bool {
	for i, s := range short {
		if !s.mayBe(long[i]) {
			return false
		}
	}
	return true
}

// mayBe says whether two steps can lead to the same place: one item has an index and several fields.
func (s segment) mayBe(other segment) bool {
	if s.selector && other.selector {
		return s.field != other.field || s.value == other.value
	}
	return s.raw == other.raw || s.selector && other.isIndex || s.isIndex && other.selector
}

// ByIndex says whether a path goes to an item of a list by its index: once others add or remove items, it leads to another one.
func (d *Document) ByIndex(path string) bool {
	p, refused := d.find(path)
	if refused != nil {
		return false
	}
	for i, at := range p.trail {
		if at.parent.Kind == yaml.SequenceNode && !p.segments[i].selector {
			return true
		}
	}
	return false
}
