package config

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// realSize is a document of the size and shape of a production configuration: about 4,000 lines and 84 kB.
func realSize() string {
	var b strings.Builder
	for i := range 400 {
		fmt.Fprintf(&b, "section_%d:\n  name: section number %d\n  enabled: true\n  limits: {low: 0.25, high: 12.5}\n  tags: [one, two]\n", i, i)
		fmt.Fprintf(&b, "  nested:\n    path: var/data/section_%d.json\n    items:\n      - key: value\n        note: \"quoted text\"\n", i)
	}
	return b.String()
}

// threeItems is the usual change: as many items of one list, and a value elsewhere.
var threeItems = []Edit{
	{"/section_140/nested/items/[key=a]", "{key: a, note: x}"}, {"/section_140/nested/items/[key=b]", "{key: b, note: x}"},
	{"/section_140/nested/items/[key=c]", "{key: c, note: x}"}, {"/section_7/limits/low", "0.5"},
}

func BenchmarkParseRealSize(b *testing.B) {
	text := realSize()
	if kB := len(text) / 1000; kB < 80 || kB > 90 {
		b.Fatalf("%d kB", kB)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse(text); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkApplyRealSize(b *testing.B) {
	doc, err := Parse(realSize())
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := doc.Apply(threeItems); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkUndoRealSize(b *testing.B) {
	doc, err := Parse(realSize())
	if err != nil {
		b.Fatal(err)
	}
	out, records, err := doc.Apply(threeItems)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := out.Undo(records); err != nil {
			b.Fatal(err)
		}
	}
}

func TestRealFileIsAccepted(t *testing.T) {
	dir := os.Getenv("UPSTREAM_DATA")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "upstream")
	}
	doc, err := os.ReadFile(filepath.Join(dir, "core.yaml"))
	if err != nil {
		t.Skipf("the scheduler's own core.yaml is not here (set UPSTREAM_DATA to its folder): %v", err)
	}
	if err := Check(doc); err != nil {
		t.Fatal(err)
	}
}
