// Package coreconfig reads the scheduler's core.yaml the way the real scheduler does: leniently, once, and with its exact
// rules for suspensions and signal limits. It holds no clock: whoever asks what is in force passes the time.
package coreconfig

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
)

// errNotMapping says that the document is valid YAML but not what a configuration must be.
var errNotMapping = errors.New("the document is not a mapping")

// parse decodes one YAML document into plain maps. Of a key given twice the last one wins, because the file in production
// has such keys and the scheduler starts with it. A second document is an error there, so it is one here.
func parse(data []byte) (map[string]any, error) {
	decoder := yaml.NewDecoder(bytes.NewReader(bytes.TrimPrefix(data, []byte("\ufeff"))), yaml.AllowDuplicateMapKey())
	var document any
	if err := decoder.Decode(&document); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("not valid YAML: %w", err)
	}
	var second any
	if err := decoder.Decode(&second); !errors.Is(err, io.EOF) {
		return nil, errors.New("not valid YAML: more than one document in the file")
	}
	root, ok := document.(map[string]any)
	if !ok {
		return nil, errNotMapping
	}
	return root, nil
}

// duplicateKey describes the first mapping key that is given twice, or is empty.
func duplicateKey(data []byte) string {
	var document any
	err := yaml.Unmarshal(data, &document)
	if err == nil {
		return ""
	}
	first, _, _ := strings.Cut(err.Error(), "\n")
	return first
}

// Node is a value somewhere in the document. Reading through a value that is missing or of another type gives the zero
// Node, as the scheduler skips what it does not understand.
type Node struct{ value any }

// At walks down the keys.
func (n Node) At(keys ...string) Node {
	for _, key := range keys {
		m, ok := n.value.(map[string]any)
		if !ok {
			return Node{}
		}
		n = Node{m[key]}
	}
	return n
}

// First is the first of the keys that has a value: how the scheduler reads aliases.
func (n Node) First(keys ...string) Node {
	for _, key := range keys {
		if found := n.At(key); found.Exists() {
			return found
		}
	}
	return Node{}
}

// Exists tells a value from a missing key or null.
func (n Node) Exists() bool { return n.value != nil }

// IsMap tells whether the value is a mapping.
func (n Node) IsMap() bool {
	_, ok := n.value.(map[string]any)
	return ok
}

// Keys are the mapping's keys, sorted.
func (n Node) Keys() []string {
	m, _ := n.value.(map[string]any)
	return slices.Sorted(maps.Keys(m))
}

// Items are the list's items; a single mapping counts as a list of one, as the scheduler takes it.
func (n Node) Items() []Node {
	switch v := n.value.(type) {
	case []any:
		items := make([]Node, len(v))
		for i, item := range v {
			items[i] = Node{item}
		}
		return items
	case map[string]any:
		return []Node{n}
	}
	return nil
}

// Text is the value as trimmed text; empty for a mapping, a list or nothing.
func (n Node) Text() string {
	switch v := n.value.(type) {
	case nil, map[string]any, []any:
		return ""
	case string:
		return strings.TrimSpace(v)
	default:
		return fmt.Sprint(v)
	}
}

// TextOr is Text with a default.
func (n Node) TextOr(fallback string) string {
	if text := n.Text(); text != "" {
		return text
	}
	return fallback
}

// Number is the value as a number; text that reads as one counts.
func (n Node) Number() (float64, bool) {
	switch v := n.value.(type) {
	case nil, bool, map[string]any, []any:
		return 0, false
	case string:
		f, err := strconv.ParseFloat(strings.TrimSpace(v), 64)
		return f, err == nil
	default:
		f, err := strconv.ParseFloat(fmt.Sprint(v), 64)
		return f, err == nil
	}
}

// NumberOr is Number with a default.
func (n Node) NumberOr(fallback float64) float64 {
	if f, ok := n.Number(); ok {
		return f
	}
	return fallback
}

// True reads a switch; the words of YAML 1.1, which the scheduler's parser knows, count too.
func (n Node) True() bool {
	switch strings.ToLower(n.Text()) {
	case "true", "yes", "on":
		return true
	}
	return false
}

// Texts is a list of texts, or one text as a list of one.
func (n Node) Texts() []string {
	items, ok := n.value.([]any)
	if !ok {
		if text := n.Text(); text != "" {
			return []string{text}
		}
		return nil
	}
	var texts []string
	for _, item := range items {
		if text := (Node{item}).Text(); text != "" {
			texts = append(texts, text)
		}
	}
	return texts
}
