package config

import (
	"encoding/json"
	"strings"
	"testing"
)

// A reader may know JSON only, which is YAML, too: what is written into a document of JSON is JSON, and undone byte for byte.
func TestADocumentOfJSONStaysOne(t *testing.T) {
	for name, c := range map[string]struct{ doc, path, value, want, reason string }{
		"a bare word":           {`{"a": "x"}`, "/a", "kraken_spot", `{"a": "kraken_spot"}`, ""},
		"a quoted one":          {`{"a": 1}`, "/a", `"on"`, `{"a": "on"}`, ""},
		"in single quotes":      {`{"a": 1}`, "/a", `'it''s "x"'`, `{"a": "it's \"x\""}`, ""},
		"a number":              {`{"a": 1}`, "/a", "0.25", `{"a": 0.25}`, ""},
		"a key that is missing": {`{"a": 1}`, "/b c", "x", `{"a": 1, "b c": "x"}`, ""},
		"a collection":          {`{"a": 1}`, "/a", "{b: [x, null, True], 'c': {}}", `{"a": {"b": ["x", null, true], "c": {}}}`, ""},
		"an item":               {`{"a": [{"n": "y"}]}`, "/a/[n=x]", "{n: x, until: \"2030-01-01\"}", `{"a": [{"n": "y"}, {"n": "x", "until": "2030-01-01"}]}`, ""},
		"a list made of null":   {`{"a": null}`, "/a/[n=x]", "{n: x}", `{"a": [{"n": "x"}]}`, ""},
		"over several lines":    {"{\n  \"a\": \"x\",\n  \"b\": 1\n}\n", "/a", "y", "{\n  \"a\": \"y\",\n  \"b\": 1\n}\n", ""},
		"no number of JSON":     {`{"a": 1}`, "/a", "0x10", "", "is JSON, and the value holds \"0x10\""},
		"no JSON: as in YAML":   {`{a: 1}`, "/a", "x", `{a: x}`, ""},
		"JSON with a comment":   {"{\"a\": 1} # c\n", "/a", "x", "{\"a\": x} # c\n", ""},
		"what it holds already": {`{"a": "x"}`, "/a", "x", `{"a": "x"}`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			out, records, err := Apply([]byte(c.doc), []Edit{{c.path, c.value}})
			if refusedWith(err, c.reason) {
				return
			}
			if err != nil || string(out) != c.want {
				t.Fatalf("got %s %v", out, err)
			}
			d, _ := Parse(string(out))
			if held, err := d.Holds(c.path, c.value); !held || err != nil {
				t.Errorf("it does not hold what was written: %v", err)
			}
			if d.json != json.Valid(out) || d.json != json.Valid([]byte(c.doc)) {
				t.Errorf("it is JSON: %v", d.json)
			}
			if back, conflicts, err := Undo(out, records); err != nil || conflicts != nil || string(back) != c.doc {
				t.Errorf("undone: %s %v %v", back, conflicts, err)
			}
		})
	}
}

func refusedWith(err error, reason string) bool {
	return reason != "" && err != nil && strings.Contains(err.Error(), reason)
}
