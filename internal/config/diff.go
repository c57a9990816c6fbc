package config

import (
	"fmt"
	"strings"

	"github.com/aymanbagabas/go-udiff"
)

// UnifiedDiff is the unified diff from before to after, both under the given name, with no context lines: what is next to an
// edit may be secret and is not what was edited. Equal texts give "". It has no error: any two texts have a diff.
func UnifiedDiff(name string, before, after string) string {
	diff, err := udiff.ToUnifiedDiff(name, name, before, udiff.Lines(before, after), 0)
	if err != nil {
		// Only edits that do not fit the text fail, and these were just computed from it.
		panic(err)
	}
	if len(diff.Hunks) == 0 {
		return ""
	}
	var text strings.Builder
	fmt.Fprintf(&text, "--- %s\n+++ %s\n", name, name)
	for _, hunk := range diff.Hunks {
		writeHunk(&text, hunk)
	}
	return text.String()
}

// writeHunk writes the header that patch expects: a side without lines names the line before it and the count 0. The library's
// own printing does not, since it never meets that with context lines.
func writeHunk(text *strings.Builder, hunk *udiff.Hunk) {
	removed, added := 0, 0
	var lines strings.Builder
	for _, line := range hunk.Lines {
		sign := " "
		switch line.Kind {
		case udiff.Delete:
			sign, removed = "-", removed+1
		case udiff.Insert:
			sign, added = "+", added+1
		default:
			removed, added = removed+1, added+1
		}
		lines.WriteString(sign + line.Content)
		if !strings.HasSuffix(line.Content, "\n") {
			lines.WriteString("\n\\ No newline at end of file\n")
		}
	}
	fmt.Fprintf(text, "@@ -%s +%s @@\n%s", side(hunk.FromLine, removed), side(hunk.ToLine, added), lines.String())
}

func side(line, count int) string {
	switch count {
	case 0:
		return fmt.Sprintf("%d,0", line-1)
	case 1:
		return fmt.Sprint(line)
	}
	return fmt.Sprintf("%d,%d", line, count)
}
