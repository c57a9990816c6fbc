package crash

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"tradeops.dev/strategy-operator/test/scenarios"
)

// section is what a heading of docs/operate.md stands over.
func section(t *testing.T, heading string) string {
	t.Helper()
	whole, err := os.ReadFile("../../docs/operate.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, found := strings.Cut(string(whole), "\n"+heading+"\n")
	if !found {
		t.Fatalf("docs/operate.md has no %q", heading)
	}
	level := heading[:strings.Index(heading, " ")+1]
	text, _, _ = strings.Cut(text, "\n"+level)
	return text
}

// TestEventsWorthAnAlert: what operate.md tells people to have alerts on is what the operator tells, word by word, each once.
func TestEventsWorthAnAlert(t *testing.T) {
	var documented []string
	for _, row := range regexp.MustCompile("(?m)^\\| (`[^|]*`) \\|").FindAllStringSubmatch(section(t, "## Events"), -1) {
		for name := range strings.SplitSeq(row[1], ", ") {
			documented = append(documented, strings.Trim(name, "`"))
		}
	}
	slices.Sort(documented)
	listed := slices.Sorted(slices.Values(scenarios.WorthAnAlert))
	if !slices.Equal(documented, listed) {
		t.Errorf("docs/operate.md has these reasons of events that are worth an alert:\n%v\nand the operator:\n%v", documented, listed)
	}
	values := wordsOfTheAPI(t)
	for i, reason := range listed {
		if i > 0 && listed[i-1] == reason {
			t.Errorf("%s stands twice", reason)
		}
		if values[reason] != 1 {
			t.Errorf("%s is %d words of the API, not one", reason, values[reason])
		}
	}
}

// wordsOfTheAPI counts the constants that reasons of events are made of, by value.
func wordsOfTheAPI(t *testing.T) map[string]int {
	t.Helper()
	words := map[string]int{}
	for _, name := range []string{"conditions.go", "strategyalert_types.go"} {
		file, err := parser.ParseFile(token.NewFileSet(), filepath.Join("../../api/v1alpha1", name), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(node ast.Node) bool {
			spec, ok := node.(*ast.ValueSpec)
			if !ok || len(spec.Values) == 0 {
				return true
			}
			if literal, ok := spec.Values[0].(*ast.BasicLit); ok && literal.Kind == token.STRING {
				if value, err := strconv.Unquote(literal.Value); err == nil {
					words[value]++
				}
			}
			return true
		})
	}
	return words
}

// TestEachReasonOfAnEventIsExplained: whatever the scenarios tell, operate.md has a word about it.
func TestEachReasonOfAnEventIsExplained(t *testing.T) {
	whole, err := os.ReadFile("../../docs/operate.md")
	if err != nil {
		t.Fatal(err)
	}
	words := map[string]bool{}
	for _, word := range regexp.MustCompile("[A-Za-z]+").FindAllString(string(whole), -1) {
		words[word] = true
	}
	golden, err := filepath.Glob("../scenarios/testdata/*.txt")
	if err != nil || len(golden) == 0 {
		t.Fatalf("no golden files: %v", err)
	}
	seen := map[string]bool{}
	for _, name := range golden {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.SplitSeq(string(text), "\n") {
			if _, reason, found := scenarios.Event(line); found && !seen[reason] {
				seen[reason] = true
				if !words[reason] {
					t.Errorf("docs/operate.md does not say what the event %s means: %s", reason, line)
				}
			}
		}
	}
}
