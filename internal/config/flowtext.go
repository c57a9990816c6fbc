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
// numbers and the order of keys stay as written, but a number with an exponent, of which YAML 1.1 makes a string (1e-7), is written in full.
// Refused is what Apply would refuse: a key given twice, more than the 4096 bytes that a record keeps.
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
		number, err := inFull(t.String())
		if err != nil {
			return err
		}
		b.WriteString(number)
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
