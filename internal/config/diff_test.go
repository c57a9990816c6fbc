package config

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

func TestUnifiedDiffIsOneThatPatchTakes(t *testing.T) {
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("git is not installed")
	}
	cases := map[string][2]string{
		"lines added":             {"a\nb\nc\n", "a\nb\nx\ny\nc\n"},
		"lines added at the end":  {"a\nb\n", "a\nb\nx\n"},
		"lines added at the top":  {"a\nb\n", "x\na\nb\n"},
		"lines removed":           {"a\nb\nc\nd\n", "a\nd\n"},
		"a line changed":          {"a\nb\nc\n", "a\nB\nc\n"},
		"two places":              {"a\nb\nc\nd\ne\nf\n", "a\nx\nb\nc\nd\ne\nF\n"},
		"no newline at the end":   {"a\nb", "a\nc"},
		"a newline at the end":    {"a\nb", "a\nb\n"},
		"everything is new":       {"", "a\nb\n"},
		"nothing but the newline": {"a", "a\n"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, filepath.Join(dir, "f"), c[0])
			write(t, filepath.Join(dir, "d"), UnifiedDiff("f", c[0], c[1]))
			apply := exec.Command("git", "apply", "-p0", "--unidiff-zero", "d")
			apply.Dir = dir
			if out, err := apply.CombinedOutput(); err != nil {
				t.Fatalf("%v: %s\n%s", err, out, UnifiedDiff("f", c[0], c[1]))
			}
			if got, err := os.ReadFile(filepath.Join(dir, "f")); err != nil || string(got) != c[1] {
				t.Errorf("got %q, %v; want %q", got, err, c[1])
			}
		})
	}
	if diff := UnifiedDiff("f", "a\n", "a\n"); diff != "" {
		t.Errorf("of equal texts: %q", diff)
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
