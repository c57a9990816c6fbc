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
		"s3://evidence?secret_access_key=s3cret":                        "not known; of s3:// there are: region, endpoint, path_style",
		"s3://evidence?s3cret=1&s3cret=2":                               "not known",
		"s3://evidence?profile=s3cret":                                  "not known",
		"s3://evidence?region=a&region=b":                               "region of its URL is there 2 times",
		"s3://evidence?path_style=s3cret":                               "true or false",
		"s3://evidence#s3cret":                                          "fragment",
		"s3://evidence/../s3cret":                                       "begins with a dot",
		"s3:///folder":                                                  "names no bucket",
		"s3://evidence:9000/folder":                                     "names no bucket",
		"gs://evidence/of/ours":                                         "",
		"gs://evidence?endpoint=https://storage.example.com":            "",
		"gs://evidence?endpoint=http://storage.example.com":             "must start with https://",
		"gs://evidence?region=s3cret":                                   "of gs:// there are: endpoint",
		"gs://evidence?access_id=s3cret":                                "not known",
		"gs://key:s3cret@evidence":                                      "a user or a password",
		"azblob://evidence/of/ours?account=ours":                        "",
		"azblob://evidence?account=ours&endpoint=http://[::1]:10000/o":  "",
		"azblob://evidence?account=ours&endpoint=http://example.com":    "must start with https://",
		"azblob://evidence?account=s3cret.example.com/":                 "3 to 24 small letters and digits",
		"azblob://evidence?account=":                                    "3 to 24 small letters and digits",
		"azblob://evidence":                                             "names no storage account",
		"azblob://evidence?account=ours&sv=2026&sig=s3cret":             "not known",
		"azblob://key:s3cret@evidence?account=ours":                     "a user or a password",
		"file:///evidence":                                              "of no cloud",
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
	if want := (place{scheme: "s3", bucket: "evidence", folder: "of/ours/", region: "r", endpoint: "https://s3.example.com", pathStyle: true}); err != nil || at != want {
		t.Errorf("%+v, %v", at, err)
	}
}
