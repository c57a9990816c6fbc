package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

const (
	// MaxBytes is the largest document accepted: the size limit of a ConfigMap.
	MaxBytes = 1 << 20
	// MaxParts bounds the values of a document: each takes a hundred bytes and more when it is parsed, however short its text is. A
	// document of 84 kB has some seven thousand.
	MaxParts = 65_536
	// maxDepth bounds nesting, so that every recursion over a tree is short.
	maxDepth = 64
)

const byteOrderMark = "\ufeff"

// Document is a YAML document that was parsed once. It never changes: an edit makes another one. So it can be kept, and read by
// several goroutines. Of a nil Document nothing is known: its text is empty, no path leads anywhere, and nothing can be edited.
type Document struct {
	text  string // as the caller knows it
	src   []byte // without byte order mark
	bom   bool
	json  bool       // it is JSON, and stays so
	lines []int      // offset of each line's first byte
	root  *yaml.Node // nil when there is nothing but comments

	last atomic.Pointer[application]
}

// Parse reads a document that can be edited: it checks size, encoding, syntax, nesting, and that it is one YAML document. The error
// is a *RefusedError.
func Parse(text string) (*Document, error) {
	d, refused := parse([]byte(text))
	if refused != nil {
		return nil, refused
	}
	return d, nil
}

// String is the document's text.
func (d *Document) String() string {
	if d == nil {
		return ""
	}
	return d.text
}

// Root is the document's tree, with aliases that are not expanded; nil if there is nothing but comments. It must not be changed.
func (d *Document) Root() *yaml.Node {
	if d == nil {
		return nil
	}
	return d.root
}

func parse(doc []byte) (*Document, *RefusedError) {
	if err := checkBytes(doc); err != nil {
		return nil, err
	}
	d := &Document{text: string(doc), src: doc}
	if bytes.HasPrefix(doc, []byte(byteOrderMark)) {
		d.src, d.bom = doc[len(byteOrderMark):], true
	}
	d.lines = append(make([]int, 0, 1+bytes.Count(d.src, []byte{'\n'})), 0)
	for i, b := range d.src {
		if b == '\n' {
			d.lines = append(d.lines, i+1)
		}
	}
	root, err := decode(d.src)
	if err != nil {
		return nil, err
	}
	d.root, d.json = root, isJSON(d.src)
	if root != nil {
		if line := tooDeep(root, maxDepth); line > 0 {
			return nil, refuse("", line, "the document is nested more than %d levels deep", maxDepth)
		}
	}
	return d, nil
}

// parts begin or separate values in YAML. Some stand in texts and comments, too, where they count although they are nothing.
var parts = []string{",", "[", "{", "- ", "-\t", "-\r", "-\n", ": ", ":\t", ":\r", ":\n", "? ", "?\t", "?\r", "?\n"}

// Parts is about how many values a document has, and so how much memory it takes when it is parsed; it is known before that.
func Parts(text string) int {
	found := 0
	for _, part := range parts {
		found += strings.Count(text, part)
	}
	return found
}

// checkBytes refuses what parsers, editors and Python disagree about.
func checkBytes(doc []byte) *RefusedError {
	if len(doc) > MaxBytes {
		return refuse("", 0, "the document has %d bytes, more than %d", len(doc), MaxBytes)
	}
	if Parts(string(doc)) > MaxParts {
		return refuse("", 0, "the document has more than %d parts; split it, or leave lists out that are written by machines", MaxParts)
	}
	lineAt := func(off int) int { return 1 + bytes.Count(doc[:off], []byte{'\n'}) }
	if !utf8.Valid(doc) {
		off := 0
		for off < len(doc) {
			r, n := utf8.DecodeRune(doc[off:])
			if r == utf8.RuneError && n == 1 {
				break
			}
			off += n
		}
		return refuse("", lineAt(off), "the text is not valid UTF-8; save it as UTF-8")
	}
	for _, bad := range []struct{ text, name string }{
		{"\x00", "a NUL byte"},
		{"\u0085", "the invisible line break U+0085"},
		{"\u2028", "the invisible line break U+2028"},
		{"\u2029", "the invisible line break U+2029"},
	} {
		if off := bytes.Index(doc, []byte(bad.text)); off >= 0 {
			return refuse("", lineAt(off), "the text holds %s, which YAML 1.1 and editors count differently; remove it", bad.name)
		}
	}
	for off := 0; ; off++ {
		i := bytes.IndexByte(doc[off:], '\r')
		if i < 0 {
			return nil
		}
		off += i
		if off+1 == len(doc) || doc[off+1] != '\n' {
			return refuse("", lineAt(off), "a carriage return stands alone; end lines with LF or CRLF")
		}
	}
}

var yamlErrorLine = regexp.MustCompile(`^yaml: line (\d+): `)

// decode reads the only YAML document. Decoding to nodes never expands an alias, so an alias bomb costs its own bytes.
func decode(src []byte) (root *yaml.Node, refused *RefusedError) {
	// A parser bug must end as a refusal, not as the end of the operator.
	defer func() {
		if r := recover(); r != nil {
			root, refused = nil, refuse("", 0, "the YAML parser failed: %v", r)
		}
	}()
	decoder := yaml.NewDecoder(bytes.NewReader(asYAML11(src)))
	var first, second yaml.Node
	if err := decoder.Decode(&first); errors.Is(err, io.EOF) {
		return nil, nil
	} else if err != nil {
		return nil, syntaxError(err)
	}
	if err := decoder.Decode(&second); err == nil {
		return nil, refuse("", second.Line, "the text holds several YAML documents; keep one")
	} else if !errors.Is(err, io.EOF) {
		return nil, syntaxError(err)
	}
	if len(first.Content) != 1 {
		return nil, refuse("", first.Line, "the document has no single root")
	}
	return first.Content[0], nil
}

var directive12 = regexp.MustCompile(`^(?:(?:[ \t]*(?:#[^\n]*)?\r?\n)|%TAG[^\n]*\n)*%YAML[ \t]+1\.2[ \t\r]*(?:#[^\n]*)?\n`)

// asYAML11 is a text without its directive for YAML 1.2, which the parser refuses and the scheduler does not mind: both read on as YAML 1.1.
// Its length stays, so that places do.
func asYAML11(src []byte) []byte {
	head := directive12.Find(src)
	if head == nil {
		return src
	}
	at := bytes.LastIndex(head, []byte("1.2"))
	copied := bytes.Clone(src)
	copied[at+2] = '1'
	return copied
}

func syntaxError(err error) *RefusedError {
	text := err.Error()
	line := 0
	if m := yamlErrorLine.FindStringSubmatch(text); m != nil {
		line, _ = strconv.Atoi(m[1]) // the expression admits digits only; too many of them mean no line
		text = text[len(m[0]):]
	}
	return refuse("", line, "it is not valid YAML: %s", strings.TrimPrefix(text, "yaml: "))
}

// tooDeep is the line of the first node below the given number of levels, or 0.
func tooDeep(n *yaml.Node, levels int) int {
	if levels == 0 {
		return n.Line
	}
	for _, child := range n.Content {
		if line := tooDeep(child, levels-1); line > 0 {
			return line
		}
	}
	return 0
}

// offset converts a parser's position (both 1-based, columns count characters) to a byte offset.
func (d *Document) offset(line, column int) (int, bool) {
	if line < 1 || line > len(d.lines) {
		return 0, false
	}
	off := d.lines[line-1]
	for range column - 1 {
		if off >= len(d.src) || d.src[off] == '\n' {
			return 0, false
		}
		_, n := utf8.DecodeRune(d.src[off:])
		off += n
	}
	return off, true
}

// lineOf is the 1-based line that holds the offset.
func (d *Document) lineOf(off int) int {
	lo, hi := 0, len(d.lines)
	for hi-lo > 1 {
		if mid := (lo + hi) / 2; d.lines[mid] <= off {
			lo = mid
		} else {
			hi = mid
		}
	}
	return lo + 1
}

// lineEnd is the offset after the last byte of the line, before its line break.
func (d *Document) lineEnd(line int) int {
	if line >= len(d.lines) {
		return len(d.src)
	}
	end := d.lines[line] - 1
	if end > d.lines[line-1] && d.src[end-1] == '\r' {
		end--
	}
	return end
}

// lineText is the lines first..last, joined by LF whatever breaks the document uses, without the last break.
func (d *Document) lineText(first, last int) string {
	return normalised(string(d.src[d.lines[first-1]:d.lineEnd(last)]))
}

// lineBreak is what ends the line, or what ends the document's first line where this one has no end.
func (d *Document) lineBreak(line int) string {
	if line >= len(d.lines) {
		line = 1
	}
	if line >= len(d.lines) {
		return "\n"
	}
	return string(d.src[d.lineEnd(line):d.lines[line]])
}

func normalised(s string) string { return strings.ReplaceAll(s, "\r\n", "\n") }

// splice exchanges the bytes [from, to) for text.
type splice struct {
	from, to int
	text     string
}

// insertLines is the splice that adds lines (joined by LF) after the given line.
func (d *Document) insertLines(after int, text string) splice {
	eol := d.lineBreak(after)
	text = strings.ReplaceAll(text, "\n", eol)
	if after < len(d.lines) {
		return splice{d.lines[after], d.lines[after], text + eol}
	}
	// The last line has no break: the new one gets none either.
	return splice{len(d.src), len(d.src), eol + text}
}

// deleteLines is the splice that removes the lines first..last; it reverts insertLines.
func (d *Document) deleteLines(first, last int) splice {
	if last < len(d.lines) {
		return splice{d.lines[first-1], d.lines[last], ""}
	}
	from := 0
	if first > 1 {
		from = d.lineEnd(first - 1)
	}
	return splice{from, len(d.src), ""}
}

// spliced is the text with the splices (in order, not overlapping) made: every byte outside them is copied.
func (d *Document) spliced(splices []splice) ([]byte, error) {
	out := make([]byte, 0, len(d.src)+4096)
	if d.bom {
		out = append(out, byteOrderMark...)
	}
	done := 0
	for _, s := range splices {
		if s.from < done || s.to < s.from || s.to > len(d.src) {
			return nil, fmt.Errorf("splice %d-%d does not fit after %d of %d bytes", s.from, s.to, done, len(d.src))
		}
		out = append(out, d.src[done:s.from]...)
		out = append(out, s.text...)
		done = s.to
	}
	return append(out, d.src[done:]...), nil
}
