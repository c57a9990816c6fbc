package show

import (
	"strings"
)

// DefaultWidth is the number of columns that a text is wrapped to when nobody knows the terminal's.
const DefaultWidth = 100

// minText is the fewest columns left for text, however deep the tree is.
const minText = 24

// Options say how a text is laid out.
type Options struct {
	// Width in columns. Default: DefaultWidth.
	Width int
	// Colour is for terminals only.
	Colour bool
	// Timeline is how many of the newest timeline entries of each object are shown; 0 means all.
	Timeline int
	// Full shows whole diffs and messages.
	Full bool
	// Rows is how many lines a brief view has at most; 0 means BriefRows.
	Rows int
	// ASCII is for terminals that show nothing else.
	ASCII bool
}

// node is a line of a tree, with what hangs below it. All its texts are clean.
type node struct {
	mark     mark
	label    string
	text     string // wrapped behind the label
	block    []string
	children []node
}

func (n *node) add(children ...node) { n.children = append(n.children, children...) }

// writer lays out a tree.
type writer struct {
	Options
	out strings.Builder
}

// plainer are the signs of a terminal that shows ASCII only.
var plainer = strings.NewReplacer("├─", "|-", "└─", "`-", "│", "|", "┆", ":", "✔", "+", "✘", "x", "…", "~", "○", "o", "·", "-", "“", `"`, "”", `"`)

// text is what was laid out.
func (w *writer) text() string {
	if w.ASCII {
		return plainer.Replace(w.out.String())
	}
	return w.out.String()
}

func (w *writer) tree(title, aside string, children []node) {
	w.out.WriteString(w.paint(bold, title))
	if aside != "" {
		w.out.WriteString("  " + w.paint(bold, aside))
	}
	w.out.WriteByte('\n')
	w.children(children, "")
}

func (w *writer) children(children []node, prefix string) {
	for i, child := range children {
		branch, below := "├─ ", "│  "
		if i == len(children)-1 {
			branch, below = "└─ ", "   "
		}
		w.node(child, prefix, branch, prefix+below)
	}
}

func (w *writer) node(n node, prefix, branch, below string) {
	plain, painted := n.label, w.paint(n.mark.colour, n.label)
	if n.mark.sign != "" {
		plain, painted = n.mark.sign+" "+plain, w.paint(n.mark.colour, n.mark.sign)+" "+painted
	}
	hang := width(plain)
	if n.text != "" && n.label != "" {
		painted, hang = painted+"  ", hang+2
	}
	if w.Width-width(below)-hang < minText { // too narrow to hang the text behind its label
		hang = 2
	}
	texts := wrap(n.text, w.Width-width(below)-hang)
	first := ""
	if len(texts) > 0 {
		first = texts[0]
	}
	w.line(prefix+branch, painted+first)
	trunk := below
	if len(n.children) > 0 {
		trunk += "│"
		hang = max(hang-1, 0)
	}
	for _, text := range texts[min(1, len(texts)):] {
		w.line(trunk+strings.Repeat(" ", hang), text)
	}
	for _, text := range n.block {
		for i, part := range hardWrap(text, w.Width-width(below)-6) {
			indent := "  "
			if i > 0 {
				indent = "      "
			}
			w.line(below+indent, w.paint(diffColour(text), part))
		}
	}
	w.children(n.children, below)
}

func (w *writer) line(prefix, text string) {
	w.out.WriteString(strings.TrimRight(w.paint(faint, prefix)+text, " "))
	w.out.WriteByte('\n')
}

// wrap breaks a clean text at spaces; a word longer than a line is cut.
func wrap(text string, columns int) []string {
	columns = max(columns, minText)
	var lines []string
	line := ""
	for word := range strings.FieldsSeq(text) {
		if line != "" && width(line)+1+width(word) <= columns {
			line += " " + word
			continue
		}
		if line != "" {
			lines = append(lines, line)
		}
		parts := hardWrap(word, columns)
		lines = append(lines, parts[:len(parts)-1]...)
		line = parts[len(parts)-1]
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}

// hardWrap cuts a clean text after so many columns; it always gives one line.
func hardWrap(text string, columns int) []string {
	columns = max(columns, minText)
	var lines []string
	runes := []rune(text)
	for len(runes) > columns {
		lines = append(lines, string(runes[:columns]))
		runes = runes[columns:]
	}
	return append(lines, string(runes))
}
