package scenarios

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"tradeops.dev/strategy-operator/internal/sim"
)

// Play plays a scenario to its end, and is everything that the operator did and told, and what is left: the same on every
// API server.
func (s Scenario) Play(w *sim.World) (story string, wrong []string) {
	return s.PlayWith(w, sim.Seams{})
}

// PlayWith plays it with somebody between the operator and the world.
func (s Scenario) PlayWith(w *sim.World, seams sim.Seams) (story string, wrong []string) {
	s.Set(w)
	operator := w.Start(seams)
	operator.Late = s.Late
	if !w.Settle(context.Background(), operator) {
		wrong = append(wrong, "it never ends")
	}
	end := EndOf(w, operator.LastError())
	story = unnamed(fmt.Sprintf("%s\n\n%s", strings.Join(w.Trace, "\n"), end))
	return story, append(wrong, end.Wrong(s)...)
}

// unnamed takes out what differs from server to server: parts of names that are made of UIDs, hashes over them, namespaces, and field managers, which
// the simulated one has not.
func unnamed(story string) string {
	story = regexp.MustCompile(`\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b|\b[0-9a-f]{8,64}\b`).ReplaceAllString(story, "<hex>")
	story = regexp.MustCompile(`A writer that calls itself "[^"]*" wrote it last, at [0-9TZ:-]+\. `).ReplaceAllString(story, "")
	return regexp.MustCompile(`\bworld-[0-9]+\b`).ReplaceAllString(story, "world")
}

// Golden is the file with the story as the real API server told it, seen from a package of tests.
func (s Scenario) Golden() string {
	name := strings.Trim(regexp.MustCompile(`[^a-z0-9]+`).ReplaceAllString(strings.ToLower(s.Name), "-"), "-")
	return filepath.Join("..", "scenarios", "testdata", name+".txt")
}

// Record writes the golden file.
func (s Scenario) Record(story string) error {
	return os.WriteFile(s.Golden(), []byte(story), 0o644)
}

// Differs says where a story is not the golden one; empty: nowhere.
func (s Scenario) Differs(story string) string {
	golden, err := os.ReadFile(s.Golden())
	if err != nil {
		return err.Error()
	}
	got, want := strings.Split(story, "\n"), strings.Split(string(golden), "\n")
	for i := range max(len(got), len(want)) {
		if i >= len(got) || i >= len(want) || got[i] != want[i] {
			return fmt.Sprintf("line %d is\n%s\nand in %s it is\n%s", i+1, at(got, i), s.Golden(), at(want, i))
		}
	}
	return ""
}

func at(lines []string, i int) string {
	if i >= len(lines) {
		return "(nothing)"
	}
	return strings.Join(lines[i:min(i+4, len(lines))], "\n")
}
