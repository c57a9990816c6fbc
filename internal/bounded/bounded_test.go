package bounded

import (
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestTextFitsAndStaysValid(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String().Draw(t, "text")
		n := rapid.IntRange(4, 64).Draw(t, "n")
		got := Text(text, n)
		if len(got) > n && len(text) > n {
			t.Fatalf("%q has %d bytes, not %d", got, len(got), n)
		}
		if !utf8.ValidString(got) {
			t.Fatalf("%q is not valid UTF-8", got)
		}
		if len(text) <= n && got != text {
			t.Fatalf("%q was changed to %q", text, got)
		}
	})
}
