package config

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestUndoAfterPeopleEditedInBetween(t *testing.T) {
	item := Edit{"/s/l/[n=x]", "{n: x, r: 1}"}
	for name, tc := range map[string]struct {
		doc      string
		edit     Edit
		old, new string // the person's edit of the applied text
		want     string
		reason   string // of the conflict, if any
	}{
		"keeps lines added above":                          {"a: 1\n", Edit{"/a", "2"}, "a: 2", "# hi\nz: 0\na: 2", "# hi\nz: 0\na: 1\n", ""},
		"keeps a comment put behind our value":             {"a: 1\n", Edit{"/a", "2"}, "a: 2", "a: 2 # really?", "a: 1 # really?\n", ""},
		"keeps items added after ours":                     {"s:\n  k: 1\n", item, "r: 1\n", "r: 1\n    - n: y\n", "s:\n  k: 1\n  l:\n    - n: y\n", ""},
		"keeps items added before ours":                    {"s:\n  k: 1\n", item, "  l:\n", "  l:\n    - n: y\n", "s:\n  k: 1\n  l:\n    - n: y\n", ""},
		"keeps a comment under the key of our list":        {"s:\n  k: 1\n", item, "  l:\n", "  l:\n    # why\n", "s:\n  k: 1\n    # why\n", ""},
		"keeps a key added after our list":                 {"s:\n  k: 1", item, "r: 1", "r: 1\n  z: 2", "s:\n  k: 1\n  z: 2", ""},
		"keeps a newline added at the end":                 {"s:\n  k: 1", item, "r: 1", "r: 1\n", "s:\n  k: 1\n", ""},
		"empties a list that lost the others' items":       {"l: # c\n- n: y\nb: 1\n", Edit{"/l/[n=x]", "{n: x}"}, "- n: y\n", "", "l: [] # c\nb: 1\n", ""},
		"keeps an entry added to a flow list made of null": {"l: null\n", Edit{"/l/[n=x]", "{n: x}"}, "[{n: x}]", "[{n: x}, {n: y}]", "l: [{n: y}]\n", ""},
		"leaves a value that someone changed":              {"a: 1\n", Edit{"/a", "2"}, "a: 2", "a: 3", "a: 3\n", "holds another value"},
		"leaves a value that someone quoted":               {"a: 1\n", Edit{"/a", "2"}, "a: 2", `a: "2"`, "a: \"2\"\n", "holds another value"},
		"leaves a changed item":                            {"s:\n  k: 1\n", item, "r: 1", "r: 2", "s:\n  k: 1\n  l:\n    - n: x\n      r: 2\n", "holds another value"},
		"leaves an item that got a comment":                {"s:\n  k: 1\n", item, "r: 1", "r: 1 # c", "s:\n  k: 1\n  l:\n    - n: x\n      r: 1 # c\n", "text was changed"},
		"leaves an item whose list's key got a comment":    {"s:\n  k: 1\n", item, "l:", "l: # c", "s:\n  k: 1\n  l: # c\n    - n: x\n      r: 1\n", "text was changed"},
		"leaves a path that was doubled":                   {"a: 1\n", Edit{"/a", "2"}, "a: 2", "a: 2\na: 2", "a: 2\na: 2\n", "stands twice"},
		"leaves a path that is gone":                       {"a: 1\nb: 1\n", Edit{"/a", "2"}, "a: 2\n", "", "b: 1\n", "is gone"},
		"leaves a value that became anchored":              {"a: 1\n", Edit{"/a", "2"}, "a: 2", "a: &x 2\nb: *x", "a: &x 2\nb: *x\n", "another value"},
		"leaves our key when it is the only one left":      {"a:\n  b: 1\n", Edit{"/a/c", "2"}, "  b: 1\n", "", "a:\n  c: 2\n", "only one left"},
		"needs nothing when our item was removed":          {"l:\n- n: y\n", Edit{"/l/[n=x]", "{n: x}"}, "- n: x\n", "", "l:\n- n: y\n", ""},
		"needs nothing when the old value was put back":    {"a: 1\n", Edit{"/a", "2"}, "a: 2", "a: 1", "a: 1\n", ""},
		"needs nothing when we wrote nothing":              {"a: 1\n", Edit{"/a", "1"}, "a: 1", "a: 5", "a: 5\n", ""},
		"restores a person's item with its comments":       {"l:\n- n: x # Bob\n  r: 9\n- n: z\n", Edit{"/l/[n=x]", "{n: x}"}, "- n: z", "- n: w\n- n: z", "l:\n- n: x # Bob\n  r: 9\n- n: w\n- n: z\n", ""},
		"restores a block value after edits around it":     {"a: # k\n  b: 1\nz: 1\n", Edit{"/a", "{}"}, "z: 1", "y: 0\nz: 1", "a: # k\n  b: 1\ny: 0\nz: 1\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			out, records := apply(t, tc.doc, tc.edit)
			if !strings.Contains(out, tc.old) {
				t.Fatalf("the person's edit does not fit %q", out)
			}
			back, conflicts := undo(t, strings.Replace(out, tc.old, tc.new, 1), records...)
			if diff := cmp.Diff(tc.want, back); diff != "" {
				t.Fatalf("(-want +got):\n%s", diff)
			}
			if tc.reason == "" && conflicts != nil || tc.reason != "" && (len(conflicts) != 1 || !strings.Contains(conflicts[0].Reason, tc.reason)) {
				t.Fatalf("conflicts %+v", conflicts)
			}
		})
	}
}

func TestConflictSaysWhatThePathHoldsAndWhatWasOurs(t *testing.T) {
	_, records := apply(t, "a: 1\n", Edit{"/a", "2"})
	_, conflicts := undo(t, "a: 7 # theirs\n", records...)
	want := []Conflict{{Path: "/a", Holds: "7", Ours: "2", Reason: "the path holds another value than we wrote; someone else's edit is left alone"}}
	if diff := cmp.Diff(want, conflicts); diff != "" {
		t.Fatal(diff)
	}
}

func TestItemsOfOneListAreUndoneInAnyOrder(t *testing.T) {
	for name, doc := range map[string]string{
		"a missing list":       "s:\n  k: 1\n\n# end\n",
		"no final newline":     "s:\n  k: 1",
		"a list of null":       "s: {k: 1}\nl: null # c\n",
		"a list of nothing":    "l:\nb: 1\n",
		"an empty flow list":   "l: [ ]\n",
		"a flow list":          "l: [ {n: a}, ]\n",
		"a block list, CRLF":   "l:\r\n  - n: a\r\n# c\r\n",
		"a list at the bottom": "l:\n- n: a",
	} {
		list := "/l/"
		if strings.Contains(doc, "k: 1") && !strings.Contains(doc, "l:") {
			list = "/s/l/"
		}
		x, y, z := Edit{list + "[n=x]", "{n: x, r: 1}"}, Edit{list + "[n=y]", "{n: y}"}, Edit{list + "[n=z]", "{n: z}"}
		t.Run(name, func(t *testing.T) {
			for _, order := range [][]int{{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}} {
				out, records := apply(t, doc, x, y)
				// The third comes in a call of its own, as from another rollback.
				again, more, err := Apply([]byte(out), []Edit{z}, records...)
				if err != nil {
					t.Fatal(err)
				}
				records = append(records, more...)
				back := string(again)
				for _, i := range order {
					var conflicts []Conflict
					if back, conflicts = undo(t, back, records[i]); conflicts != nil {
						t.Fatalf("order %v: %+v", order, conflicts)
					}
				}
				if diff := cmp.Diff(doc, back); diff != "" {
					t.Fatalf("order %v (-want +got):\n%s", order, diff)
				}
			}
		})
	}
}

func TestEditsOfOnePathStack(t *testing.T) {
	out, first := apply(t, "a: 1\n", Edit{"/a", "2"})
	out, second := apply(t, out, Edit{"/a", "3"})
	if back, conflicts := undo(t, out, first...); back != out || len(conflicts) != 1 {
		t.Fatalf("the lower edit was undone below the upper one: %q %v", back, conflicts)
	}
	if back, conflicts := undo(t, out, append(first, second...)...); back != "a: 1\n" || conflicts != nil {
		t.Fatalf("got %q %v", back, conflicts)
	}
}

func TestRecordSurvivesJSON(t *testing.T) {
	doc := "a: # ż\r\n  - \"\\u0007\"\r\nl: ~\r\n"
	out, records := apply(t, doc, Edit{"/a", "x"}, Edit{"/l/[n=x]", "{n: x}"})
	data, err := json.Marshal(records)
	if err != nil {
		t.Fatal(err)
	}
	var read []Record
	if err := json.Unmarshal(data, &read); err != nil {
		t.Fatal(err)
	}
	if back, conflicts := undo(t, out, read...); back != doc || conflicts != nil {
		t.Fatalf("got %q %v", back, conflicts)
	}
}

func TestDamagedRecordsAreRefused(t *testing.T) {
	for name, r := range map[string]Record{
		"unknown layout":      {Path: "/a", To: "1", Layout: "Sideways"},
		"value of two lines":  {Path: "/a", To: "1\n2", Layout: Inline},
		"old text of another": {Path: "/a", To: "1", From: "5", Old: "6", Layout: Inline},
		"old text that leaks": {Path: "/a", To: "1", From: "5", Old: "5\nb: 1", Layout: Inline},
	} {
		t.Run(name, func(t *testing.T) {
			out, _, err := Undo([]byte("a: 1\n"), []Record{r})
			var refused *RefusedError
			if out != nil || !errors.As(err, &refused) {
				t.Fatalf("got %q %v", out, err)
			}
		})
	}
}
