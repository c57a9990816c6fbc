package config

import (
	"encoding/json"
	"math/big"
	"testing"

	"pgregory.net/rapid"
)

// A reader may tell 1 from 1.0, and JSON does not.
func TestANumberWithAFractionStaysOne(t *testing.T) {
	d, err := Parse("a: 0.5\nb: 1\nc: '0.5'\nd: [1.0]\ne: 1.0e+3\nf: !!float 1.5\n")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ path, value, want string }{
		{"/a", "1", "1.0"}, {"/a", "-12", "-12.0"}, {"/a", "0.25", "0.25"}, {"/a", `"1"`, `"1"`}, {"/a", "null", "null"}, {"/a", "[1]", "[1]"}, {"/a", "0x1", "0x1"},
		{"/b", "1", "1"}, {"/c", "1", "1"}, {"/d/0", "2", "2.0"}, {"/d", "2", "2"}, {"/e", "2000", "2000.0"}, {"/f", "2", "2"}, {"/g", "1", "1"}, {"no path", "1", "1"},
	} {
		if got := d.Like(c.path, c.value); got != c.want {
			t.Errorf("%s at %s becomes %s, not %s", c.value, c.path, got, c.want)
		}
	}
}

// No digit of a number is lost, however it is written.
func TestANumberInFullIsTheSameNumber(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		number := rapid.StringMatching(`-?(0|[1-9][0-9]{0,8})(\.[0-9]{1,8})?([eE][-+]?[0-9]{1,2})?`).Draw(t, "number")
		text, err := FlowText([]byte(number))
		if err != nil {
			t.Fatalf("%s is refused: %v", number, err)
		}
		want, _ := new(big.Rat).SetString(number)
		got, ok := new(big.Rat).SetString(text)
		if !ok || got.Cmp(want) != 0 || !json.Valid([]byte(text)) {
			t.Fatalf("%s became %s", number, text)
		}
		if tag := yaml11Tag(text); tag != "!!int" && tag != "!!float" {
			t.Fatalf("%s became %s, which YAML 1.1 reads as %s", number, text, tag)
		}
	})
}
