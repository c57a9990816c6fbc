package config

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
)

// fill is as many pieces as fit in a document of the largest size and the most parts, with %d counted, in front of an end.
func fill(start, piece, end string) string {
	var b strings.Builder
	b.WriteString(start)
	most := (MaxParts - Parts(start+end) - 16) / max(1, Parts(piece+" "))
	for i := 0; i < most && b.Len()+len(piece)+len(end)+16 < MaxBytes; i++ {
		b.WriteString(strings.ReplaceAll(piece, "%d", fmt.Sprint(i)))
	}
	return b.String() + end
}

// What is allocated in all bounds the memory, and the time well enough; go test ends what hangs.
func TestHugeDocumentsAreEditedInBoundedTimeAndMemory(t *testing.T) {
	const maxAllocated = 400 * MaxBytes
	item := "{n: x}"
	for name, tc := range map[string]struct{ doc, path, value, refused string }{
		"many keys":                {fill("", "k%d: 1\n", "a: 1\n"), "/a", "2", ""},
		"many items":               {fill("l:\n", "- n: a\n  m: [b]\n", ""), "/l/[n=x]", item, ""},
		"one long flow list":       {fill("a: [", "{n: %d}, ", "0]\n"), "/a/[n=x]", item, ""},
		"one long quoted scalar":   {fill("a: \"", "\\\"%d ", "\"\nb: 1\n"), "/b", "2", ""},
		"one long block scalar":    {fill("a: |+\n", "  # %d\n\n", "b: 1\n"), "/c", "2", ""},
		"a key after a long text":  {fill("a:\n  b: |\n", "    # %d\n", ""), "/a/c", "2", ""},
		"many comments and blanks": {fill("a: 1\n", "# %d\n\n", ""), "/b", "2", ""},
		"a million blanks":         {fill("a:", " ", "1\n"), "/a", "2", ""},
		"many anchors and aliases": {fill("", "k%d: &a%d [*a%d]\n", "a: 1\n"), "/a", "2", ""},
		"many anchors in a value":  {fill("a: [", "&a 1, ", "0]\n"), "/a", "2", "more than the 8192"}, // each was once looked for in all of the document
		"many merge keys":          {fill("x: &x {b: 1}\n", "k%d: {<<: [*x, *x]}\n", "a: 1\n"), "/a", "2", ""},
		"many multi-byte letters":  {fill("a: [", "ż, ", "1]\n"), "/a/0", "2", ""},
		"endless nesting":          {fill("", "{a: 1, b: ", ""), "/a", "2", "not valid YAML"},
		"a value too long to keep": {fill("a: ", "word ", "\n"), "/a", "2", "more than the 8192 that a record keeps"},
	} {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			out, records, err := Apply([]byte(tc.doc), []Edit{{tc.path, tc.value}})
			if tc.refused != "" {
				if err == nil || !strings.Contains(err.Error(), tc.refused) {
					t.Fatalf("got %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			back, conflicts, err := Undo(out, records)
			if err != nil || conflicts != nil || string(back) != tc.doc {
				t.Fatalf("undo differs: %v %v", conflicts, err)
			}
			runtime.ReadMemStats(&after)
			if allocated := after.TotalAlloc - before.TotalAlloc; allocated > maxAllocated {
				t.Fatalf("allocated %d bytes", allocated)
			}
		})
	}
}
