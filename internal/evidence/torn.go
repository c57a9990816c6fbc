package evidence

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
)

// A write that was not finished leaves the beginning of an object, or zeros in place of it. Files never does; a copy of a bucket that
// was cut off, or a repaired volume, may. It is no object: nobody has to be accused of changing it.

// unfinished says whether an object is JSON that ends too early. JSON has no zero byte: such a part was never written.
func unfinished(key string, stored []byte) bool {
	if !strings.HasSuffix(key, ".json") {
		return false
	}
	if bytes.IndexByte(stored, 0) >= 0 {
		return true
	}
	var whole json.RawMessage
	err := json.NewDecoder(bytes.NewReader(stored)).Decode(&whole)
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

// torn says whether what is stored is no more than a beginning of data, which is then not there yet. What is not JSON has its hash in its
// key, so there is no other whole object of this key.
func torn(key string, stored, data []byte) bool {
	if strings.HasSuffix(key, ".json") {
		return unfinished(key, stored)
	}
	return len(stored) <= len(data) && bytes.HasPrefix(data, bytes.TrimRight(stored, "\x00"))
}
