package config

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestZZDump(t *testing.T) {
	f, err := os.Create("/tmp/h1cases.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	enc := json.NewEncoder(f)
	dump := func(text, path, value string) {
		out, _, err := Apply([]byte(text), []Edit{{path, value}})
		if err == nil {
			enc.Encode([]string{text, string(out), path, value})
		}
	}
	dirs, _ := filepath.Glob(os.Getenv("FUZZDIR") + "/Fuzz*/*")
	for _, file := range dirs {
		data, _ := os.ReadFile(file)
		var args []string
		for _, line := range strings.Split(string(data), "\n") {
			if strings.HasPrefix(line, "string(") {
				s, err := strconv.Unquote(line[7 : len(line)-1])
				if err == nil {
					args = append(args, s)
				}
			}
		}
		if len(args) >= 3 {
			dump(args[0], args[1], args[2])
		}
	}
	pieces := rapid.SampledFrom([]string{
		"a", "b", ":", ": ", "- ", "\n", "\n  ", "\n    ", "\r\n", "[", "]", "{", "}", ", ", ",", "#", " # c", "'", "\"", "|", ">", "|+", ">-", "&x ", "*x", "!t ", "<<", "? ", "\t", "ż", "1", "---\n", "...", "\\", "%", "a: ", "b: ", "- b: 1", "a:\n", "\ufeff", "0x1", "~", "on", "1:2", "=", "\u00a0",
	})
	paths := []string{"/a", "/a/b", "/a/0", "/b", "/a/[b=1]", "/b/c/[b=1]", "/0", "/1/a", "/a/1", "/0/b"}
	values := []string{"2", "{b: 1}", "{b: 1, c: [x]}", "\"q\"", "null", "x y", "a:b", "[]", "'it''s'"}
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.SliceOfN(pieces, 0, 30).Draw(t, "text"), "")
		for _, p := range paths {
			dump(text, p, rapid.SampledFrom(values).Draw(t, "v"))
		}
	})
	rapid.Check(t, func(t *rapid.T) {
		_, text, e := drawCase(t)
		dump(text, e.path, e.value.text)
	})
}
