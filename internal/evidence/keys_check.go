package evidence

import (
	"fmt"
	"strings"
)

// Limits of a key.
const (
	maxKey  = 1024 // as the API keeps it
	maxPart = 255  // of a file's name
)

// CheckKey says what is wrong with a key. A part that begins with a dot is none of an object: such names lead out of the bucket, or are the
// store's own.
func CheckKey(key string) error {
	if len(key) > maxKey {
		return fmt.Errorf("evidence %.40s...: the key has %d bytes; at most %d are possible", key, len(key), maxKey)
	}
	for part := range strings.SplitSeq(key, "/") {
		switch {
		case len(part) > maxPart:
			return fmt.Errorf("evidence %.80s...: a part of the key has %d bytes; a file's name has at most %d", key, len(part), maxPart)
		case part == "":
			return fmt.Errorf("evidence %q: a part of the key is empty; it neither begins nor ends with a slash, and has no two in a row", key)
		case part[0] == '.' || strings.ContainsAny(part, "\\\x00"):
			return fmt.Errorf("evidence %q: a part of the key begins with a dot, or has a backslash or a zero byte in it; no object has such a name", key)
		}
	}
	return nil
}
