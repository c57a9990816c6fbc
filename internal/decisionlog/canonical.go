package decisionlog

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// canonical is the byte form that is signed: keys sorted, no spaces, nothing escaped that Python's json.dumps with
// ensure_ascii=False would not escape.
func canonical(document map[string]any) ([]byte, error) {
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(document); err != nil {
		return nil, fmt.Errorf("encode decision log entry: %w", err)
	}
	return bytes.TrimSuffix(buffer.Bytes(), []byte("\n")), nil
}

// clean makes a string that both languages write with the same bytes: valid UTF-8, and without the two line
// separators that Go always escapes and Python never does.
func clean(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	return lineSeparators.Replace(s)
}

var lineSeparators = strings.NewReplacer("\u2028", " ", "\u2029", " ")
