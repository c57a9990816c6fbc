package samples_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestTheCoverageNamesRealTests: docs/playbook-coverage.md has every row of the playbook, and each test that it names exists.
func TestTheCoverageNamesRealTests(t *testing.T) {
	const root = "../.."
	page, err := os.ReadFile(filepath.Join(root, "docs/playbook-coverage.md"))
	if err != nil {
		t.Fatal(err)
	}
	declared := map[string]bool{}
	declaration := regexp.MustCompile(`(?m)^func (Test\w+)\(`)
	err = filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() && strings.HasPrefix(entry.Name(), ".") && path != root {
			return fs.SkipDir
		}
		if !strings.HasSuffix(path, "_test.go") {
			return nil
		}
		source, err := os.ReadFile(path)
		for _, found := range declaration.FindAllSubmatch(source, -1) {
			declared[string(found[1])] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, named := range regexp.MustCompile("`(Test\\w+)`").FindAllSubmatch(page, -1) {
		if !declared[string(named[1])] {
			t.Errorf("%s does not exist", named[1])
		}
	}
	for _, row := range strings.Fields("L1.1a L1.1b L1.2a L1.2b L1.2c L1.2d L1.3a L1.3b L2.1 L2.2 L2.3a L2.3b L2.3c L2.3d L2.4 ESC.1 ESC.2 ESC.3 RB.1 RB.2 RB.3 RB.4 RB.5 RB.6 RE.1") {
		if !strings.Contains(string(page), "| "+row+" |") {
			t.Errorf("row %s of the playbook is missing", row)
		}
	}
}
