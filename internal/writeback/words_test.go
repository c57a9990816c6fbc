package writeback

import (
	"strings"
	"testing"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
)

func TestWhatServersSayOfAPush(t *testing.T) {
	for word, kind := range map[string]Kind{
		"non-fast-forward":         Moved,
		"fetch first":              Moved,
		"failed to update ref":     Moved,
		"stale info":               Moved,
		"reference already exists": Moved,
		"cannot lock ref 'refs/heads/main': is at 0a1b but expected 2c3d":                   Moved,
		"cannot lock ref 'refs/heads/main': Unable to create '/x/main.lock': File exists.":  Moved,
		"incorrect old value provided":                                                      Moved,
		"Reference update failed: the given old value does not match (incorrect old value)": Moved,
		"failed to lock":                                  Moved,
		"lock failure":                                    Moved,
		"Not a fast-forward":                              Moved,
		"Non-fast-forward update":                         Moved,
		"pre-receive hook declined":                       Refused,
		"protected branch hook declined":                  Refused,
		"push declined due to repository rule violations": Refused,
		"deletion prohibited":                             Refused,
		"shallow update not allowed":                      Refused,
		"unpacker error":                                  Refused,
		"hook declined":                                   Refused,
		"":                                                Refused,
	} {
		if got := refusal(word); got.Kind != kind {
			t.Errorf("%q: %+v", word, got)
		}
	}
	if got := refusal("no\n\x00" + strings.Repeat("x", 1000)); len(got.Problem) > 400 || strings.ContainsAny(got.Problem, "\n\x00") {
		t.Errorf("%q", got.Problem)
	}
}

func edit(path, from, to string) []strategyv1.PlannedEdit {
	return []strategyv1.PlannedEdit{{Path: path, From: &from, To: to}}
}

const manifest = `# Applied by Flux.
apiVersion: v1
kind: ConfigMap
metadata:
  name: bot-core-config   # the scheduler's
data:
  "other": |
    x: 1
  core.yaml: |
    # The scheduler.
    runtime:
      limit:   80 # per process

      list:
      - a
  more: "y"
`

func TestAManifestOfTheConfigMap(t *testing.T) {
	opened, err := open("file", []byte(manifest), "core.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if got := opened.document.String(); got != "# The scheduler.\nruntime:\n  limit:   80 # per process\n\n  list:\n  - a\n" {
		t.Errorf("read:\n%s", got)
	}
	edited, err := applied(opened.document, edit("/runtime/limit", "80", "50"))
	if err != nil {
		t.Fatal(err)
	}
	got, err := opened.with(edited)
	if want := strings.Replace(manifest, "80", "50", 1); err != nil || got != want {
		t.Errorf("%v:\n%s", err, got)
	}
	for name, text := range map[string]string{
		"folded":                 strings.Replace(manifest, "core.yaml: |", "core.yaml: >", 1),
		"with all its last ends": strings.Replace(manifest, "core.yaml: |", "core.yaml: |+", 1),
		"without its last end":   strings.Replace(manifest, "core.yaml: |", "core.yaml: |-", 1),
		"with an indentation":    strings.Replace(manifest, "core.yaml: |\n    #", "core.yaml: |4\n    #", 1),
		"quoted":                 "apiVersion: v1\nkind: ConfigMap\ndata:\n  core.yaml: \"a: 1\\n\"\n",
		"tagged":                 strings.Replace(manifest, "core.yaml: |", "core.yaml: !!str |", 1),
		"under an anchor":        strings.Replace(manifest, "core.yaml: |", "core.yaml: &a |", 1),
		"of several documents":   manifest + "---\na: 1\n",
		"with ends of Windows":   strings.ReplaceAll(manifest, "\n", "\r\n"),
	} {
		opened, err := open("file", []byte(text), "core.yaml")
		if err != nil {
			continue
		}
		edited, err := applied(opened.document, edit("/runtime/limit", "80", "50"))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got, err := opened.with(edited); err != nil || got != strings.Replace(text, "80", "50", 1) {
			t.Errorf("%s: %v\n%s", name, err, got)
		}
	}
}
