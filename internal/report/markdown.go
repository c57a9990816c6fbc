package report

import (
	"fmt"
	"strings"
	"unicode"
)

// Markdown is the report as a text that reads well as it is, too.
func (r Report) Markdown() []byte {
	w := &markdown{}
	w.heading(1, r.Title, r.Drill)
	if r.Subtitle != "" {
		w.paragraph(plain(r.Subtitle))
	}
	for _, notice := range r.Notices {
		w.paragraph("> **" + plain(notice.Text) + "**")
	}
	w.gap()
	for _, figure := range r.Figures {
		fmt.Fprintf(w, "- **%s:** %s\n", plain(figure.Label), plain(figure.Text))
	}
	for _, section := range r.Sections {
		w.heading(2, section.Title, r.Drill)
		for _, block := range section.Blocks {
			w.block(block)
		}
	}
	return []byte(w.String())
}

type markdown struct{ strings.Builder }

// gap is one empty line before what comes next.
func (w *markdown) gap() {
	if w.Len() > 0 && !strings.HasSuffix(w.String(), "\n\n") {
		w.WriteByte('\n')
	}
}

func (w *markdown) paragraph(words string) {
	w.gap()
	w.WriteString(words + "\n")
}

func (w *markdown) heading(level int, words string, drill bool) {
	if drill {
		words += " (DRILL)"
	}
	w.paragraph(strings.Repeat("#", level) + " " + plain(words))
}

func (w *markdown) block(b block) {
	if b.Heading != "" {
		w.heading(3, b.Heading, false)
	}
	if b.Text != "" {
		w.paragraph(plain(b.Text))
	}
	w.gap()
	for _, one := range b.List {
		w.item(one)
	}
	if b.Code != "" {
		w.code(b.Code)
	}
	if b.Table != nil {
		w.table(b.Table)
	}
	for _, what := range b.Blank {
		w.paragraph("**" + plain(what) + "**")
		w.paragraph("- ")
	}
}

func (w *markdown) item(one item) {
	box := "[ ]"
	if one.Done {
		box = "[x]"
	}
	words := plain(one.Text)
	for _, link := range one.Links {
		words += " " + linked(link)
	}
	fmt.Fprintf(w, "- %s %s\n", box, words)
}

// code stands between fences that are longer than any row of backticks in it.
func (w *markdown) code(words string) {
	fence := strings.Repeat("`", max(3, longest(words, '`')+1))
	w.paragraph(fence + "\n" + strings.TrimRight(words, "\n") + "\n" + fence)
}

func (w *markdown) table(t *table) {
	if t.Caption != "" {
		w.paragraph("**" + plain(t.Caption) + "**")
	}
	w.gap()
	head := make([]string, len(t.Head))
	for i, one := range t.Head {
		head[i] = plain(one)
	}
	fmt.Fprintf(w, "| %s |\n|%s\n", strings.Join(head, " | "), strings.Repeat(" --- |", len(head)))
	for _, row := range t.Rows {
		cells := make([]string, len(row))
		for i, one := range row {
			cells[i] = linked(one)
		}
		fmt.Fprintf(w, "| %s |\n", strings.Join(cells, " | "))
	}
}

// linked is a cell of a table, or what follows an item.
func linked(one cell) string {
	if one.Link == "" {
		return plain(one.Text)
	}
	return fmt.Sprintf("[%s](<%s>)", plain(one.Text), address(one.Link))
}

// marksUp are the characters that begin a markup wherever they stand: a backslash before one makes it a character.
const marksUp = "\\`*_[]<>#|~&$@"

// begins are those that do so at the beginning of a line only: within a sentence they stay as they are, so that it can be read.
const begins = "{}()+-!=:"

// plain is a text that is nothing but a text, wherever it stands: one line, without a blank at its beginning.
func plain(words string) string {
	words = strings.Join(strings.Fields(words), " ")
	var out strings.Builder
	for i, r := range words {
		if strings.ContainsRune(marksUp, r) || i == 0 && strings.ContainsRune(begins, r) || isList(words, i, r) || isLink(words, i, r) {
			out.WriteByte('\\')
		}
		out.WriteRune(r)
	}
	return out.String()
}

// isList: a number with a dot or a bracket at the beginning is an item of a list.
func isList(words string, i int, r rune) bool { return (r == '.' || r == ')') && isNumber(words[:i]) }

// isLink: some readers make a link of an address, wherever it stands.
func isLink(words string, i int, r rune) bool {
	before := strings.ToLower(words[max(0, i-len("mailto")):i])
	switch r {
	case ':':
		return strings.HasPrefix(words[i:], "://") || strings.HasSuffix(before, "mailto") || strings.HasSuffix(before, "xmpp")
	case '.':
		return strings.HasSuffix(before, "www")
	}
	return false
}

func isNumber(words string) bool {
	return words != "" && strings.IndexFunc(words, func(r rune) bool { return !unicode.IsDigit(r) }) < 0
}

// address is a relative link between angle brackets.
func address(link string) string {
	return strings.NewReplacer("<", "%3C", ">", "%3E", "\\", "%5C", "|", "%7C", " ", "%20", "\n", "%0A", "\r", "%0D", ":", "%3A", "`", "%60", "\"", "%22").Replace(link)
}

// longest row of a character.
func longest(words string, of rune) int {
	most, row := 0, 0
	for _, r := range words {
		if r != of {
			row = 0
			continue
		}
		row++
		most = max(most, row)
	}
	return most
}
