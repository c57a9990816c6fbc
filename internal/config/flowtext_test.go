package config

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
	"pgregory.net/rapid"
)

func TestFlowTextIsTheSameValueInYAML(t *testing.T) {
	for in, want := range map[string]string{
		`"kraken_spot"`: `kraken_spot`, `"on"`: `"on"`, `"0"`: `"0"`, `"a\nb\u2028"`: `"a\nb\u2028"`, `"\u0000\ud800"`: `"\x00\ufffd"`,
		`0`: `0`, `-1.50`: `-1.50`, `1.5e+3`: `1.5e+3`, `true`: `true`, `null`: `null`, `[]`: `[]`, `{}`: `{}`,
		// What the API server makes of 0.0000001, and of whole numbers beyond 2^64.
		`1e-7`: `0.0000001`, `1.5e-07`: `1.5e-07`, `15e-8`: `0.00000015`, `1e21`: `1000000000000000000000`, `-1e+21`: `-1000000000000000000000`, `1E3`: `1000`, `12.5e1`: `125`,
		`12.345e1`: `123.45`, `0.001e2`: `0.1`, `0e7`: `0.0`, `-0e-7`: `-0.0`, `1.0e+3`: `1.0e+3`, `100000000000000000000000000`: `100000000000000000000000000`,
		`[18446744073709551616, -9223372036854775809]`: `[18446744073709551616, -9223372036854775809]`,
		` [1, "x y",[true , null]] `:                   `[1, "x y", [true, null]]`,
		`{"b":1,"a":{"on":"off","12":[]},"":"~"}`:      `{b: 1, a: {"on": "off", "12": []}, "": "~"}`,
	} {
		got, err := FlowText([]byte(in))
		if err != nil || got != want {
			t.Errorf("%s: got %s %v, want %s", in, got, err, want)
		}
	}
}

func TestFlowTextRefuses(t *testing.T) {
	for name, tc := range map[string]struct{ in, reason string }{
		"nothing":                    {"", "ends too early"},
		"half an object":             {`{"a":`, "ends too early"},
		"half a list":                {`[1, `, "ends too early"},
		"an unfinished word":         {`tru`, "ends too early"},
		"something else":             {"a: 1", "is not JSON"},
		"two values":                 {`1 2`, "more than one JSON value"},
		"a bracket too many":         {`[1]]`, "more than one JSON value"},
		"a number out of range":      {`1E400`, "the number 1E400 is beyond what a program can hold"},
		"a number with a point, too": {`1.0e+400`, "beyond what a program can hold"},
		"a number too small":         {`1e-400`, "beyond what a program can hold"},
		"an endless exponent":        {`0e99999999999999999999`, "the exponent of the number"},
		"a number too long":          {strings.Repeat("9", 400), "beyond what a program can hold"},
		"a key given twice":          {`{"a":1,"a":2}`, "twice"},
		"a merge key":                {`{"<<":{"a":1}}`, "merge key"},
		"too much":                   {`"` + strings.Repeat("x", 4095) + `"`, "4097 bytes, more than 4096"},
		"too much once written":      {"[" + strings.Repeat("1,", 2000) + "1]", "more than 4096"},
		"too deep":                   {strings.Repeat("[", 100) + strings.Repeat("]", 100), "nested more than 64"},
		"endless depth":              {strings.Repeat("[", 4000), "ends too early"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := FlowText([]byte(tc.in))
			if got != "" || err == nil || !strings.Contains(err.Error(), tc.reason) {
				t.Fatalf("got %q %v", got, err)
			}
		})
	}
}

// drawJSON is any JSON value, with numbers that both versions of YAML read as such.
func drawJSON(t *rapid.T, depth int) any {
	switch kind := rapid.IntRange(0, 6).Draw(t, "kind"); {
	case kind == 0:
		return nil
	case kind == 1:
		return rapid.Bool().Draw(t, "bool")
	case kind == 2:
		return float64(rapid.IntRange(-1e6, 1e6).Draw(t, "number")) / 8
	case kind == 3 && depth > 0:
		list := []any{}
		for range rapid.IntRange(0, 3).Draw(t, "items") {
			list = append(list, drawJSON(t, depth-1))
		}
		return list
	case kind == 4 && depth > 0:
		object := map[string]any{}
		for range rapid.IntRange(0, 3).Draw(t, "keys") {
			object[rapid.String().Draw(t, "key")] = drawJSON(t, depth-1)
		}
		delete(object, mergeKey)
		return object
	}
	return rapid.String().Draw(t, "string")
}

func TestFlowTextIsAcceptedByApply(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		value := drawJSON(t, 3)
		data, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		sameInYAML(t, data)
	})
}

// sameInYAML checks that what FlowText makes of JSON can be written with Apply, taken back, and says the same.
func sameInYAML(t failer, data []byte) {
	text, err := FlowText(data)
	if err != nil {
		return
	}
	out, records, err := Apply([]byte("a: old # c\n"), []Edit{{"/a", text}})
	if err != nil {
		t.Fatalf("%s became %s, refused: %v", data, text, err)
	}
	if back, conflicts, err := Undo(out, records); err != nil || conflicts != nil || string(back) != "a: old # c\n" {
		t.Fatalf("%s became %s, undone %q %v %v", data, text, back, conflicts, err)
	}
	var written struct{ A any }
	if err := yaml.Unmarshal(out, &written); err != nil {
		t.Fatalf("%s became %s, not YAML: %v", data, text, err)
	}
	var want, got any
	if err := json.Unmarshal(data, &want); err != nil {
		t.Fatalf("%q is no JSON (%v), yet became %s", data, err, text)
	}
	said, err := json.Marshal(written.A)
	if err != nil || json.Unmarshal(said, &got) != nil || !reflect.DeepEqual(got, want) {
		t.Fatalf("%s became %s, which says %s (%v)", data, text, said, err)
	}
}

func FuzzFlowText(f *testing.F) {
	for _, seed := range []string{
		`{"limit":"0","reason":"a: b # c","until":"2030-01-01T00:00:00+00:00"}`, `[1,-0.5,1.5e+3,"1e3",true,null,{"on":{}}]`,
		`"\u0085\u2028\ufeff\ud83d\ude00"`, `{"a":[{"":"~"},"<<","=","*x","!y"]}`, "[[[[1]]]]", "1E400",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) { sameInYAML(t, data) })
}
