package rules

import "encoding/json"

// Value is what a JSON text says, decoded once. Only rules look into it, and no rule changes what it looks at, so passes and
// goroutines may share one. The zero value is null.
type Value struct{ decoded any }

// Decode reads a JSON text; every number is a double. The error: it is no JSON, or has a number that no double can hold.
func Decode(text []byte) (Value, error) {
	var decoded any
	if err := json.Unmarshal(text, &decoded); err != nil {
		return Value{}, err // it may have been decoded in part
	}
	return Value{decoded}, nil
}

// IsObject tells an object from a list, a text, a number and null.
func (v Value) IsObject() bool {
	_, is := v.decoded.(map[string]any)
	return is
}

// Has says whether it is an object with a field of this name, as has() does.
func (v Value) Has(field string) bool {
	fields, _ := v.decoded.(map[string]any)
	_, found := fields[field]
	return found
}

// Text is a field of an object that is a string; empty if there is none.
func (v Value) Text(field string) string {
	fields, _ := v.decoded.(map[string]any)
	text, _ := fields[field].(string)
	return text
}
