package config

import (
	"strconv"
	"strings"
)

// segment is one step of a path: a key of a mapping, or an item of a list by index or by the value of one of its fields.
type segment struct {
	raw string // unescaped text; the key when the step is taken in a mapping

	field, value string // of a selector [field=value]
	selector     bool

	index   int
	isIndex bool
}

var (
	escaper   = strings.NewReplacer("~", "~0", "/", "~1")
	unescaper = strings.NewReplacer("~1", "/", "~0", "~")
)

// JoinPath makes a JSON pointer of unescaped segments: keys, list indices, or selectors made by [Item].
func JoinPath(segments ...string) string {
	var b strings.Builder
	for _, s := range segments {
		b.WriteByte('/')
		b.WriteString(escaper.Replace(s))
	}
	return b.String()
}

// Item is the unescaped segment that selects the list item whose field holds the value: [field=value].
func Item(field, value string) string { return "[" + field + "=" + value + "]" }

// CheckPath says whether a path can be read at all. The error is a *RefusedError.
func CheckPath(path string) error {
	if _, refused := parsePath(path); refused != nil {
		return refused
	}
	return nil
}

func parsePath(path string) ([]segment, *RefusedError) {
	if path == "" {
		return nil, refuse(path, 0, "the path is empty; name a place inside the document")
	}
	if path[0] != '/' {
		return nil, refuse(path, 0, "a path is a JSON pointer and starts with a slash")
	}
	parts := strings.Split(path[1:], "/")
	if len(parts) > maxDepth {
		return nil, refuse(path, 0, "the path has more than %d segments", maxDepth)
	}
	segments := make([]segment, 0, len(parts))
	for _, part := range parts {
		s, ok := parseSegment(part)
		if !ok {
			return nil, refuse(path, 0, "segment %q is not valid: write ~ as ~0 and / as ~1", part)
		}
		segments = append(segments, s)
	}
	return segments, nil
}

func parseSegment(part string) (segment, bool) {
	for i := range len(part) {
		if part[i] == '~' && (i+1 == len(part) || (part[i+1] != '0' && part[i+1] != '1')) {
			return segment{}, false
		}
	}
	s := segment{raw: unescaper.Replace(part)}
	if strings.HasPrefix(s.raw, "[") && strings.HasSuffix(s.raw, "]") {
		s.field, s.value, s.selector = strings.Cut(s.raw[1:len(s.raw)-1], "=")
		s.selector = s.selector && s.field != ""
	}
	// RFC 6901 allows no leading zeros: 007 is a key, not the item 7.
	if n, err := strconv.Atoi(s.raw); err == nil && n >= 0 && strconv.Itoa(n) == s.raw {
		s.index, s.isIndex = n, true
	}
	return s, true
}

// listOf is the path of what holds the last segment, in one spelling.
func listOf(segments []segment) string {
	raw := make([]string, 0, len(segments))
	for _, s := range segments[:len(segments)-1] {
		raw = append(raw, s.raw)
	}
	return JoinPath(raw...)
}
