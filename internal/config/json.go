package config

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// JSON is YAML, too, so a document may be both, and its reader may know JSON only. What is written into one is JSON.

// isJSON says whether a text is an object or a list of JSON.
func isJSON(src []byte) bool {
	start := bytes.TrimLeft(src, " \t\r\n")
	return len(start) > 0 && (start[0] == '{' || start[0] == '[') && json.Valid(src)
}

// valueOf reads the value of an edit, as it is written into this document.
func (d *Document) valueOf(path, text string) (*value, *RefusedError) {
	v, refused := parseValue(path, text)
	if refused != nil || !d.json {
		return v, refused
	}
	written, problem := jsonText(v.node)
	if problem != "" {
		return nil, refuse(path, 0, "the document is JSON, and the value %s", problem)
	}
	return parseValue(path, written)
}

// jsonText is a checked value as JSON on one line, or why it cannot be one.
func jsonText(n *yaml.Node) (text, problem string) {
	switch {
	case n.Kind == yaml.ScalarNode && isPlain(n):
		return jsonWord(n.Value)
	case n.Kind == yaml.ScalarNode:
		return jsonString(n.Value), ""
	case n.Kind == yaml.SequenceNode:
		parts := make([]string, len(n.Content))
		for i, item := range n.Content {
			if parts[i], problem = jsonText(item); problem != "" {
				return "", problem
			}
		}
		return "[" + strings.Join(parts, ", ") + "]", ""
	}
	var parts []string
	for pair := range slices.Chunk(n.Content, 2) {
		item, problem := jsonText(pair[1])
		if problem != "" {
			return "", problem
		}
		parts = append(parts, jsonString(pair[0].Value)+": "+item)
	}
	return "{" + strings.Join(parts, ", ") + "}", ""
}

func jsonWord(word string) (text, problem string) {
	switch yaml11Tag(word) {
	case "!!str":
		return jsonString(word), ""
	case "!!null":
		return "null", ""
	case "!!bool":
		return strings.ToLower(word), "" // of these only the ones of YAML 1.2 get here
	}
	if !json.Valid([]byte(word)) {
		return "", "holds " + doubleQuoted(word) + ", which JSON does not have; write it as a plain number or in quotes"
	}
	return word, ""
}

func jsonString(text string) string {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(text) // a text always can be
	return strings.TrimSpace(out.String())
}

// keyOf is a key as it is written into this document, with the node that it must parse to.
func (d *Document) keyOf(name string) (text string, node *yaml.Node) {
	if d.json {
		return jsonString(name), &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: name, Style: yaml.DoubleQuotedStyle}
	}
	return QuoteString(name), keyNode(name)
}
