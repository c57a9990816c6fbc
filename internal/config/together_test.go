package config

import (
	"fmt"
	"reflect"
	"testing"

	"pgregory.net/rapid"
)

// lists has block and flow lists, empty ones, one that is missing, and a text behind each.
const lists = `a:
  first: 1 # one
  items:
    - {name: x, n: 1}
    - name: y
      n: 2
  flow: [{name: f}]
  none: []
  nothing:
  block:
    k: v
b: {c: 1, d: [1, 2]}
e: "last"
`

// sameInOrder compares what edits do together and one after the other, there and back, and says whether they were made together.
func sameInOrder(t interface{ Fatalf(string, ...any) }, text string, edits []Edit) (together bool) {
	d, err := Parse(text)
	if err != nil {
		t.Fatalf("%v", err)
	}
	pristine, _ := Parse(text)
	next, records, ok := d.applyTogether(edits, nil)
	want, wanted, err := d.applyInOrder(edits, nil)
	switch {
	case ok && err != nil:
		t.Fatalf("together it is done, in order it is refused: %v\n%+v\n%s", err, edits, next)
	case ok && (next.String() != want.String() || !reflect.DeepEqual(records, wanted)):
		t.Fatalf("together:\n%s\n%+v\nin order:\n%s\n%+v", next, records, want, wanted)
	case err != nil:
		return false
	}
	back, backOK := want.undoTogether(wanted)
	inOrder, conflicts, err := want.undoInOrder(wanted)
	if err != nil || backOK && (len(conflicts) > 0 || back.String() != inOrder.String()) {
		t.Fatalf("undone together:\n%s\nin order (%+v, %v):\n%s", back, conflicts, err, inOrder)
	}
	if d.String() != text || !equal(d.root, pristine.root) {
		t.Fatalf("the document itself was changed:\n%s", d)
	}
	return ok
}

func TestTogetherIsTheSameAsInOrder(t *testing.T) {
	item := func(list, name string) Edit {
		return Edit{fmt.Sprintf("/a/%s/[name=%s]", list, name), fmt.Sprintf("{name: %s, until: \"t\"}", name)}
	}
	for name, c := range map[string]struct {
		edits    []Edit
		together bool
	}{
		"values":                            {[]Edit{{"/a/first", "2"}, {"/b/c", "3"}, {"/e", "x"}}, true},
		"items of a list that is there":     {[]Edit{item("items", "p"), item("items", "q"), item("items", "r")}, true},
		"items of a list that is missing":   {[]Edit{item("new", "p"), item("new", "q"), item("new", "r"), {"/e", "x"}}, true},
		"items of two lists, in turns":      {[]Edit{item("new", "p"), item("items", "q"), item("new", "r")}, true},
		"items of a flow list":              {[]Edit{item("flow", "p"), item("flow", "q")}, true},
		"items of an empty list":            {[]Edit{item("none", "p"), item("none", "q")}, false},
		"items of a key without value":      {[]Edit{item("nothing", "p"), item("nothing", "q")}, false},
		"an item and a new key behind it":   {[]Edit{item("new", "p"), {"/a/k", "1"}, item("new", "q")}, false},
		"one replaced and one added":        {[]Edit{item("items", "x"), item("items", "q")}, true},
		"new keys of one mapping":           {[]Edit{{"/a/k", "1"}, {"/a/l", "2"}}, true},
		"one inside the other":              {[]Edit{{"/a/block", "{k: w}"}, {"/a/block/k", "z"}}, false},
		"the field that another selects by": {[]Edit{{"/a/items/[name=x]/name", "z"}, {"/b/c", "3"}}, false},
		"what is there already":             {[]Edit{{"/a/first", "1"}, {"/b/c", "3"}}, true},
		"a value of several lines":          {[]Edit{{"/a/block", "{k: w}"}, {"/b/c", "3"}}, false},
		"alone":                             {[]Edit{{"/e", "x"}}, false},
	} {
		t.Run(name, func(t *testing.T) {
			if together := sameInOrder(t, lists, c.edits); together != c.together {
				t.Errorf("made together: %v", together)
			}
		})
	}
}

func TestAnyEditsTogether(t *testing.T) {
	edit := rapid.Custom(func(t *rapid.T) Edit {
		list := rapid.SampledFrom([]string{"/a/items", "/a/flow", "/a/none", "/a/nothing", "/a/new", "/a/block/new", "/new"}).Draw(t, "list")
		name := rapid.SampledFrom([]string{"x", "y", "f", "p", "q", "r"}).Draw(t, "name")
		return rapid.SampledFrom([]Edit{
			{list + "/[name=" + name + "]", "{name: " + name + ", n: 9}"}, {list + "/[name=" + name + "]", "{name: " + name + "}"},
			{"/a/first", "2"}, {"/a/block", "{k: w}"}, {"/a/block/k", "z"}, {"/a/" + name, "1"}, {"/b/" + name, "[1]"}, {"/b/d/0", "7"}, {"/b/d", "[3]"},
			{"/e", "x"}, {"/tail", "z"}, {"/tail", "[9]"}, {list, "[]"}, {list + "/0", "{name: zero}"}, {list + "/[name=" + name + "]/name", "z"}, {list + "/[name=" + name + "]/n", "5"},
		}).Draw(t, "edit")
	})
	tail := rapid.SampledFrom([]string{"", "tail: # end\n  - 1\n", "tail:\n- {name: t}", "tail: x", "tail: |\n  a text\n", "tail: |\n  a text", "tail: >-\n  a text\n\n", "tail: |+\n  a text\n\n"})
	rapid.Check(t, func(t *rapid.T) {
		text := lists + tail.Draw(t, "tail")
		sameInOrder(t, text, rapid.SliceOfN(edit, 2, 5).Draw(t, "edits"))
	})
}
