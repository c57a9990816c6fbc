package checks

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

func TestSecretsAreTakenOut(t *testing.T) {
	const key = "-----BEGIN RSA PRIVATE KEY-----\nMIIEs3cret\n-----END RSA PRIVATE KEY-----"
	for printed, want := range map[string]string{
		"get https://alma:s3cret@exchange.example/v1":                  "get https://[redacted]@exchange.example/v1",
		"redis://:s3cret@cache:6379/0":                                 "redis://[redacted]@cache:6379/0",
		"Authorization: Bearer s3cret.s3cret.s3cret":                   "Authorization: Bearer [redacted]",
		"key " + key + " end":                                          "key [redacted] end",
		"-----BEGIN PRIVATE KEY-----\nMIIEs3cret":                      "[redacted]",
		"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0xx.s3cret":                "[redacted]",
		"AKIAABCDEFGHIJKLMNOP and ghp_" + strings.Repeat("a", 36):      "[redacted] and [redacted]",
		`{"key":"-----BEGIN PRIVATE KEY-----\\nMIIEs3cret"}`:           `{"key":"[redacted]"}`,
		`{"api_key": "s3cret", "ok": true}`:                            `{"api_key": "[redacted]", "ok": true}`,
		`{"db.password":"s3\"cret","n":1}`:                             `{"db.password":"[redacted]","n":1}`,
		`{"url":"https://x/?token=s3cret&n=1"}`:                        `{"url":"https://x/?token=[redacted]&n=1"}`,
		"EXCHANGE_SECRET=s3cret retries=3":                             "EXCHANGE_SECRET=[redacted] retries=3",
		`{"status":"ok","tokens":5,"secret":false,"token":null}`:       `{"status":"ok","tokens":5,"secret":false,"token":null}`,
		"mail alma@example.com about basic checks; the token was fine": "mail alma@example.com about basic checks; the token was fine",
		"schedule core/cross_exchange@5m, key=cross":                   "schedule core/cross_exchange@5m, key=cross",
		"": "",
	} {
		got := Redact([]byte(printed))
		if string(got) != want {
			t.Errorf("%q: %q, want %q", printed, got, want)
		}
		if json.Valid([]byte(printed)) && !json.Valid(got) {
			t.Errorf("%q is no JSON any more", got)
		}
		if again := Redact(got); !bytes.Equal(again, got) {
			t.Errorf("%q: again it is %q", printed, again)
		}
	}
}

// What is printed in order to cost something costs little: the longest output is done in one go, and does not grow without a bound.
func TestHostileOutputIsRedactedToo(t *testing.T) {
	for _, part := range []string{"token=a ", "a://", "-----BEGIN PRIVATE KEY-----", `"token":"`, "eyJaaaaaaaa.", "\x00\xff"} {
		printed := bytes.Repeat([]byte(part), MaxOutputBytes/len(part))
		if got := Redact(printed); len(got) > 3*MaxOutputBytes {
			t.Errorf("%q: %d bytes became %d", part, len(printed), len(got))
		}
	}
}
