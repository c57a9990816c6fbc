package main

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestTheReferenceIsTheHelp: every command is in docs/plugin.md, as it is.
func TestTheReferenceIsTheHelp(t *testing.T) {
	w := newWorld(t, "")
	if code := w.run(t, "reference"); code != exitDone {
		t.Fatalf("exit code %d: %s", code, w.err)
	}
	page, err := os.ReadFile("../../docs/plugin.md")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(page), w.out.String()); diff != "" {
		t.Errorf("docs/plugin.md is out of date; run make plugin-docs (-page +help):\n%s", diff)
	}
	for _, verb := range []string{"approve", "doctor", "propose", "logs", "wait"} {
		if !strings.Contains(w.out.String(), "\n## "+verb+"\n") {
			t.Errorf("the reference lacks %s", verb)
		}
	}
}
