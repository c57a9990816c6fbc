package show

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"tradeops.dev/strategy-operator/internal/bounded"
)

// Line makes a text of unknown origin fit for one line of a terminal: line breaks and tabs become spaces; control and
// escape characters, invisible and direction-changing ones, and broken UTF-8 become U+FFFD.
func Line(text string) string {
	return strings.Join(strings.FieldsFunc(bounded.Clean(text), func(r rune) bool { return r == '\n' }), " ")
}

// Lines is the same for a text whose line breaks are wanted. A break at the end adds no line.
func Lines(text string) []string {
	text = strings.TrimSuffix(bounded.Clean(text), "\n")
	if text == "" {
		return nil
	}
	return strings.Split(text, "\n")
}

// short cuts a text to n characters.
func short(text string, n int) string {
	if utf8.RuneCountInString(text) <= n {
		return text
	}
	return strings.TrimRight(string([]rune(text)[:n-1]), " ") + "…"
}

// width is how many columns a cleaned text takes, as far as one can tell without knowing the terminal: marks that combine
// with the character before them take none.
func width(text string) int {
	n := 0
	for _, r := range text {
		if !unicode.Is(unicode.Mn, r) {
			n++
		}
	}
	return n
}
