package cloud

import (
	"strings"
	"testing"
)

func TestURLs(t *testing.T) {
	for text, want := range map[string]string{
		"s3://evidence?region=eu-central-1":                             "",
		"s3://evidence/of/ours?region=eu-central-1":                     "",
		"s3://evidence?endpoint=https://s3.example.com&path_style=true": "",
		"s3://evidence?endpoint=http://127.0.0.1:7070":                  "",
		"s3://evidence?endpoint=http://s3.example.com":                  "must start with https://",
		"s3://evidence?endpoint=https://u:s3cret@s3.example.com":        "without a user, a password",
		"s3://evidence?endpoint=https://s3.example.com/%3Fs3cret":       "without a user, a password",
		"s3://key:s3cret@evidence":                                      "a user or a password",
		"s3://evidence?secret_access_key=s3cret":                        "not known; there are region, endpoint and path_style",
		"s3://evidence?s3cret=1&s3cret=2":                               "(not known)",
		"s3://evidence?profile=s3cret":                                  "not known",
		"s3://evidence?region=a&region=b":                               "region of its URL is there 2 times",
		"s3://evidence?path_style=s3cret":                               "true or false",
		"s3://evidence#s3cret":                                          "fragment",
		"s3://evidence/../s3cret":                                       "begins with a dot",
		"s3:///folder":                                                  "names no bucket",
		"s3://evidence:9000/folder":                                     "names no bucket",
		"gs://evidence":                                                 "names no bucket",
		"s3://evid\x7fence/s3cret":                                      "cannot be read",
	} {
		_, err := parse(text)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "s3cret") && !strings.Contains(text, "..") {
			t.Errorf("the error repeats the URL: %v", err)
		}
	}
	at, err := parse("s3://evidence/of/ours/?region=r&endpoint=https://s3.example.com&path_style=true")
	if want := (place{"evidence", "of/ours/", "r", "https://s3.example.com", true}); err != nil || at != want {
		t.Errorf("%+v, %v", at, err)
	}
}
