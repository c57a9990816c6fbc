// Package bounded makes texts that come from outside fit: cut to the length that a field of the API allows, and cleaned of what a
// terminal would act on.
package bounded

// mark shows that something was cut.
const mark = "..."

// Text shortens a text to at most n bytes without breaking a character.
func Text(text string, n int) string {
	if len(text) <= n {
		return text
	}
	cut := n - len(mark)
	for cut > 0 && text[cut]&0xC0 == 0x80 {
		cut--
	}
	return text[:cut] + mark
}
