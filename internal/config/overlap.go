package config

// SamePath says whether two paths are the same place, however they are written. A path that cannot be
// read is the same as no other.
func SamePath(a, b string) bool {
	one, other, ok := both(a, b)
	return ok && len(one) == len(other) && within(one, other)
}

// Overlap says whether one path is the other, or inside it, so that an edit of one changes what the other holds. A list
// item by index and one by the value of a field may be the same item: that counts as the same.
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
		l := long[i]
		mayBeSame := s.raw == l.raw || s.selector && l.isIndex || s.isIndex && l.selector
		if !mayBeSame {
			return false
		}
	}
	return true
}
