package config

import (
	"testing"

	"go.yaml.in/yaml/v3"
	"pgregory.net/rapid"
)

func TestQuoteStringQuotesWhatYAML11ReadsAsSomethingElse(t *testing.T) {
	for in, want := range map[string]string{
		"kraken_spot": "kraken_spot", "var/x.json": "var/x.json", "a b": `"a b"`,
		"on": `"on"`, "Off": `"Off"`, "yes": `"yes"`, "NO": `"NO"`, "y": `"y"`, "N": `"N"`, "true": `"true"`, "null": `"null"`, "~": `"~"`, "": `""`,
		"12:30": `"12:30"`, "190:20:30": `"190:20:30"`, "2030-01-01": `"2030-01-01"`, "1": `"1"`, "0.5": `"0.5"`, "1e3": `"1e3"`, "0x1f": `"0x1f"`, "1_000": `"1_000"`,
		".inf": `".inf"`, "=": `"="`, "<<": `"<<"`, "-": `"-"`, "- a": `"- a"`, "a: b": `"a: b"`, "a #b": `"a #b"`, "[x]": `"[x]"`, "*x": `"*x"`, "!x": `"!x"`,
		"a\nb": `"a\nb"`, `q"\`: `"q\"\\"`, "\x00\x7f\u0085": `"\x00\x7f\x85"`, "\u2028\ufeff": `"\u2028\ufeff"`, "zażółć 😀": `"zażółć 😀"`, "a\xff": `"a\ufffd"`,
	} {
		if got := QuoteString(in); got != want {
			t.Errorf("%q: got %s, want %s", in, got, want)
		}
	}
}

func TestQuotedStringsComeBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.String().Draw(t, "s")
		var back any
		if err := yaml.Unmarshal([]byte(QuoteString(s)), &back); err != nil || back != s {
			t.Fatalf("%q became %s, read as %v (%v)", s, QuoteString(s), back, err)
		}
		if v, err := parseValue("/a", QuoteString(s)); err == nil && v.node.Value != s {
			t.Fatalf("%q became %q", s, v.node.Value)
		}
	})
}
