package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// FlowText is a JSON value as one line of YAML in flow style, fit to be an [Edit.Value]. Strings are quoted where YAML needs it;
// numbers and the order of keys stay as written. Refused is what Apply would refuse: a number that YAML 1.1 reads as a string
// (1e3), a key given twice, more than the 4096 bytes that a record keeps.
func FlowText(jsonValue []byte) (string, error) {
	if len(jsonValue) > maxValueBytes {
		return "", fmt.Errorf("the value has %d bytes, more than %d", len(jsonValue), maxValueBytes)
	}
	decoder := json.NewDecoder(bytes.NewReader(jsonValue))
	decoder.UseNumber()
	var b strings.Builder
	if err := writeJSON(&b, decoder); errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return "", errors.New("the value is JSON that ends too early")
	} else if err != nil {
		return "", fmt.Errorf("the value is not JSON for YAML: %w", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return "", errors.New("the value is more than one JSON value")
	}
	if _, err := parseValue("", b.String()); err != nil {
		return "", errors.New(err.Reason)
	}
	return b.String(), nil
}

// writeJSON writes the decoder's next value; the size of the text bounds how deep it goes.
func writeJSON(b *strings.Builder, decoder *json.Decoder) error {
	token, err := decoder.Token()
	if err != nil {
		return err
	}
	switch t := token.(type) {
	case json.Delim:
		return writeJSONCollection(b, decoder, t)
	case string:
		b.WriteString(QuoteString(t))
	case json.Number:
		if tag := yaml11Tag(t.String()); tag != "!!int" && tag != "!!float" {
			return fmt.Errorf("YAML 1.1 reads the number %s as a string; write it in full", t)
		}
		b.WriteString(t.String())
	case nil:
		b.WriteString("null")
	default: // true or false
		fmt.Fprint(b, t)
	}
	return nil
}

func writeJSONCollection(b *strings.Builder, decoder *json.Decoder, opening json.Delim) error {
	b.WriteString(opening.String())
	for first := true; decoder.More(); first = false {
		if !first {
			b.WriteString(", ")
		}
		if opening == '{' { // its tokens are keys and values in turn
			if err := writeJSON(b, decoder); err != nil {
				return err
			}
			b.WriteString(": ")
		}
		if err := writeJSON(b, decoder); err != nil {
			return err
		}
	}
	closing, err := decoder.Token()
	if err != nil {
		return err
	}
	fmt.Fprint(b, closing)
	return nil
}
