package bounded

import (
	"strings"
	"unicode"
)

// replacement stands for a character that a terminal would act on, or that nobody can see.
const replacement = '\uFFFD'

// tab is what a tab becomes: terminals disagree about its width.
const tab = "    "

// Clean makes a text of unknown origin fit to be shown: tabs become spaces; control and escape characters, invisible and
// direction-changing ones, and broken UTF-8 become U+FFFD. Line breaks stay.
func Clean(text string) string {
	text = strings.ReplaceAll(text, "\r\n", "\n")
	var out strings.Builder
	out.Grow(len(text))
	for _, r := range text {
		switch {
		case r == '\n':
			out.WriteByte('\n')
		case r == '\t':
			out.WriteString(tab)
		case unicode.IsPrint(r):
			out.WriteRune(r)
		case unicode.Is(unicode.Zs, r):
			out.WriteByte(' ')
		default:
			out.WriteRune(replacement)
		}
	}
	return out.String()
}

// Line is a text of unknown origin as one line, cleaned, of at most n bytes.
func Line(text string, n int) string {
	return Text(strings.Join(strings.FieldsFunc(Clean(text), func(r rune) bool { return r == '\n' }), " "), n)
}

// LastLine is the last line of an output on which something stands, cleaned, of at most n bytes; empty if there is none. What
// a progress bar writes over counts as lines, too.
func LastLine(output string, n int) string {
	output = strings.TrimRightFunc(output, func(r rune) bool { return unicode.IsSpace(r) || r == 0 })
	output = output[strings.LastIndexAny(output, "\r\n")+1:]
	return Line(strings.TrimSpace(output[:min(len(output), lineLimit*n)]), n)
}

// lineLimit bounds the work on a line without an end: cleaning makes a text at most shorter by this.
const lineLimit = 4
