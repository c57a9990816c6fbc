package config

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// realSize is a document of the size and shape of a production configuration: about 2,800 lines and 84 kB.
func realSize() []byte {
	var b strings.Builder
	for i := range 280 {
		fmt.Fprintf(&b, "section_%d:\n  name: section number %d\n  enabled: true\n  limits: {low: 0.25, high: 12.5}\n  tags: [one, two]\n", i, i)
		fmt.Fprintf(&b, "  nested:\n    path: var/data/section_%d.json\n    items:\n      - key: value\n        note: \"quoted text\"\n", i)
	}
	return []byte(b.String())
}

func BenchmarkParseRealSize(b *testing.B) {
	doc := realSize()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := decode(doc); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkApplyRealSize(b *testing.B) {
	doc := realSize()
	edits := []Edit{{"/section_140/nested/items/[key=new]", "{key: new, note: x}"}}
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := Apply(doc, edits); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkUndoRealSize(b *testing.B) {
	out, records, err := Apply(realSize(), []Edit{{"/section_140/nested/items/[key=new]", "{key: new, note: x}"}})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := Undo(out, records); err != nil {
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
