package writeback

import (
	"bytes"
	"errors"
	"io"
	"strings"

	"go.yaml.in/yaml/v3"

	"tradeops.dev/strategy-operator/internal/config"
)

// maxFileBytes is how large a file may be: a ConfigMap holds no more.
const maxFileBytes = config.MaxBytes

// file is a file of the repository with the configuration in it: the document itself, or a manifest of the ConfigMap with the document as a
// literal block.
type file struct {
	text     string
	document *config.Document
	block    *block // nil: the file is the document
}

// block is where in a manifest the document stands: whole lines, all of them indented.
type block struct {
	key    string
	before []string // lines of the file
	lines  []string
	after  []string
	indent string
}

// howToKeep is what a file may look like.
const howToKeep = "the operator edits a file that is the document itself (as for a configMapGenerator with disableNameSuffixHash: true), or a manifest of the one ConfigMap with the document as a literal block (|)"

// open reads a file; key is the ConfigMap's key.
func open(name string, content []byte, key string) (*file, error) {
	opened := &file{text: string(content)}
	var manifest yaml.Node
	decoder := yaml.NewDecoder(bytes.NewReader(content))
	if err := decoder.Decode(&manifest); err != nil {
		return nil, failf(Differs, "%s cannot be read as YAML; %s", name, howToKeep)
	}
	value := dataOf(&manifest, key)
	text := opened.text
	if value != nil {
		if err := decoder.Decode(&yaml.Node{}); !errors.Is(err, io.EOF) {
			return nil, failf(Differs, "%s has several documents; %s", name, howToKeep)
		}
		if opened.block = blockOf(opened.text, key, value); opened.block == nil {
			return nil, failf(Differs, "%s is a manifest in which data[%q] is no plain literal block; %s", name, key, howToKeep)
		}
		text = value.Value
	}
	document, err := config.Parse(text)
	if err != nil {
		return nil, failf(Differs, "%s: %s", name, bounded(err.Error()))
	}
	opened.document = document
	return opened, nil
}

// with is the file with another document.
func (f *file) with(document *config.Document) (string, error) {
	if f.block == nil {
		return document.String(), nil
	}
	text, ok := f.block.with(document.String())
	if !ok || !proved(f.text, text, f.block.key, document.String()) {
		return "", failf(Differs, "the edited document cannot stand in the manifest as a literal block; %s", howToKeep)
	}
	return text, nil
}

// dataOf is the value of a key of a ConfigMap's data; nil if this is no ConfigMap, or has no such key.
func dataOf(manifest *yaml.Node, key string) *yaml.Node {
	if manifest.Kind != yaml.DocumentNode || len(manifest.Content) != 1 {
		return nil
	}
	kind := member(manifest.Content[0], "kind")
	if kind == nil || kind.Value != "ConfigMap" || member(manifest.Content[0], "apiVersion") == nil {
		return nil
	}
	data := member(manifest.Content[0], "data")
	if data == nil {
		return &yaml.Node{}
	}
	if value := member(data, key); value != nil {
		return value
	}
	return &yaml.Node{}
}

func member(mapping *yaml.Node, key string) *yaml.Node {
	if mapping.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == key {
			return mapping.Content[i+1]
		}
	}
	return nil
}

// blockOf finds the lines of a literal block; nil unless each of them is understood.
func blockOf(text, key string, value *yaml.Node) *block {
	lines := strings.SplitAfter(text, "\n")
	if value.Kind != yaml.ScalarNode || value.Style != yaml.LiteralStyle || value.Line > len(lines) || strings.Contains(text, "\r") {
		return nil
	}
	if header := strings.TrimRight(lines[value.Line-1], "\n"); !strings.HasSuffix(header, " |") { // no digit, no sign, no comment
		return nil
	}
	wanted := linesOf(value.Value)
	if len(wanted) == 0 || len(wanted) > len(lines)-value.Line {
		return nil
	}
	found := &block{key: key, before: lines[:value.Line], lines: lines[value.Line : value.Line+len(wanted)], after: lines[value.Line+len(wanted):]}
	if strings.TrimSpace(found.lines[0]) == "" {
		return nil
	}
	found.indent = found.lines[0][:len(found.lines[0])-len(strings.TrimLeft(found.lines[0], " "))]
	for i, one := range found.lines {
		if strings.TrimRight(one, "\n") != strings.TrimRight(found.indented(wanted[i]), "\n") && (wanted[i] != "\n" || strings.TrimSpace(one) != "") {
			return nil
		}
	}
	return found
}

// linesOf are the lines of a document, each with its end; nil unless it ends with exactly one.
func linesOf(text string) []string {
	if !strings.HasSuffix(text, "\n") || strings.HasSuffix(text, "\n\n") || strings.HasPrefix(text, " ") || strings.HasPrefix(text, "\n") {
		return nil
	}
	lines := strings.SplitAfter(text, "\n")
	return lines[:len(lines)-1]
}

func (b *block) indented(line string) string {
	if line == "\n" {
		return line
	}
	return b.indent + line
}

// with is the manifest with another document: lines that stay the same are not touched.
func (b *block) with(document string) (text string, ok bool) {
	next := linesOf(document)
	if len(next) == 0 {
		return "", false
	}
	same := func(i, j int) bool { return b.lines[i] == b.indented(next[j]) }
	first, last := 0, 0
	for first < min(len(b.lines), len(next)) && same(first, first) {
		first++
	}
	for last < min(len(b.lines), len(next))-first && same(len(b.lines)-1-last, len(next)-1-last) {
		last++
	}
	var out strings.Builder
	write := func(lines []string) {
		for _, one := range lines {
			out.WriteString(one)
		}
	}
	write(b.before)
	write(b.lines[:first])
	for _, one := range next[first : len(next)-last] {
		out.WriteString(b.indented(one))
	}
	write(b.lines[len(b.lines)-last:])
	write(b.after)
	return out.String(), true
}

// proved says that a manifest, read again, is the one before with the new document in it, and else the same.
func proved(before, after, key, document string) bool {
	var old, now yaml.Node
	if yaml.Unmarshal([]byte(before), &old) != nil || yaml.Unmarshal([]byte(after), &now) != nil {
		return false
	}
	was, is := dataOf(&old, key), dataOf(&now, key)
	if was == nil || is == nil || is.Value != document {
		return false
	}
	was.Value, is.Value = "", ""
	one, err := yaml.Marshal(&old)
	other, bad := yaml.Marshal(&now)
	return err == nil && bad == nil && bytes.Equal(one, other)
}
