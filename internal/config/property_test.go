package config

import (
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
	"pgregory.net/rapid"
)

func parsed(t *rapid.T, text string) string {
	var n yaml.Node
	if err := yaml.Unmarshal([]byte(text), &n); err != nil {
		t.Fatalf("not YAML: %v\n%s", err, text)
	}
	return saysYAML(n.Content[0])
}

func mustApply(t *rapid.T, text string, edits ...Edit) (string, []Record) {
	out, records, err := Apply([]byte(text), edits)
	if err != nil {
		t.Fatalf("%v\nedits %v of:\n%s", err, edits, text)
	}
	return string(out), records
}

func mustUndo(t *rapid.T, text string, records ...Record) string {
	out, conflicts, err := Undo([]byte(text), records)
	if err != nil || conflicts != nil {
		t.Fatalf("%v %+v\nin:\n%s", err, conflicts, text)
	}
	return string(out)
}

func TestAnyEditChangesItsPathAndItsLinesOnly(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		root, text, edit := drawCase(t)
		if got := parsed(t, text); got != root.says() {
			t.Fatalf("the generator is wrong: text says %s, model %s\n%s", got, root.says(), text)
		}
		out, records := mustApply(t, text, Edit{edit.path, edit.value.text})

		edit.change(&edit.value)
		if got, want := parsed(t, out), root.says(); got != want {
			t.Fatalf("%s = %s says\n%s, want\n%s\nbefore:\n%s\nafter:\n%s", edit.path, edit.value.text, got, want, text, out)
		}
		first, last := changedLines(text, out)
		if last >= first && (first < edit.first || last > edit.last) {
			t.Fatalf("%s changes lines %d-%d outside %d-%d\nbefore:\n%s\nafter:\n%s", edit.path, first, last, edit.first, edit.last, text, out)
		}
		if back := mustUndo(t, out, records...); back != text {
			t.Fatalf("undo gives\n%q, want\n%q", back, text)
		}
	})
}

// changedLines is the range of the lines of before that are not in after at the same place from the top or the bottom.
func changedLines(before, after string) (first, last int) {
	b, a := strings.Split(before, "\n"), strings.Split(after, "\n")
	for first < len(b) && first < len(a) && b[first] == a[first] {
		first++
	}
	last = len(b) - 1
	for shift := len(a) - len(b); last >= first && last+shift >= first && b[last] == a[last+shift]; last-- {
	}
	if last == first && len(a) > len(b) && strings.TrimRight(b[first], "\r") == strings.TrimRight(a[first], "\r") {
		last-- // lines added after a last line without line break: CRLF leaves half of it in the line
	}
	return first, last
}

func TestPeoplesEditsElsewhereSurviveUndo(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		_, text, edit := drawCase(t)
		out, records := mustApply(t, text, Edit{edit.path, edit.value.text})
		above := rapid.SampledFrom([]string{"# note\n", "human: [1]\n", "\n\n", "human:\n  - n: new\n"}).Draw(t, "above")
		if back := mustUndo(t, above+out, records...); back != above+text {
			t.Fatalf("undo gives\n%q, want\n%q", back, above+text)
		}
	})
}

func TestTwoEditsAreUndoneInAnyOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		root, text, one := drawCase(t)
		// A second edit of another top-level key never stands above or below the first.
		var others []string
		for i, key := range root.keys {
			if key != "dup" && !strings.HasPrefix(one.path+"/", "/"+key+"/") && root.kids[i].kind == "scalar" {
				others = append(others, key)
			}
		}
		two := Edit{"/second", "{x: 1}"}
		if len(others) > 0 && rapid.Bool().Draw(t, "replace") {
			two.Path = "/" + rapid.SampledFrom(others).Draw(t, "other")
		}
		out, records := mustApply(t, text, Edit{one.path, one.value.text}, two)
		if back := mustUndo(t, mustUndo(t, out, records[0]), records[1]); back != text {
			t.Fatalf("first then second gives\n%q, want\n%q", back, text)
		}
		if back := mustUndo(t, mustUndo(t, out, records[1]), records[0]); back != text {
			t.Fatalf("second then first gives\n%q, want\n%q", back, text)
		}
		if back := mustUndo(t, out, records...); back != text {
			t.Fatalf("together gives\n%q, want\n%q", back, text)
		}
	})
}

func TestAnyBytesAreEditedExactlyOrRefused(t *testing.T) {
	pieces := rapid.SampledFrom([]string{
		"a", "b", ":", ": ", "- ", "\n", "\n  ", "\r\n", "[", "]", "{", "}", ", ", "#", " # c", "'", "\"", "|", ">", "&x ", "*x", "!t ", "<<", "? ", "\t", "ż", "1", "---\n", "...", "\\", "%",
	})
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.SliceOfN(pieces, 0, 30).Draw(t, "text"), "")
		path := rapid.SampledFrom([]string{"/a", "/a/b", "/a/0", "/b", "/a/[b=1]", "/b/c/[b=1]"}).Draw(t, "path")
		value := rapid.SampledFrom([]string{"2", "{b: 1}", "{b: 1, c: [x]}", "\"q\""}).Draw(t, "value")
		exactOrRefused(t, text, Edit{path, value})
	})
}
