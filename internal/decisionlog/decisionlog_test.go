package decisionlog

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var testKey = Key{ID: "ops-1", Secret: []byte("sekret0123456789abcdef")}

// The scheduler's own tools produced this canonical form and this value.
func TestSignatureIsTheOneTheSchedulerWrites(t *testing.T) {
	const document = `{"artefacts":{"big":1e+21,"incident":"INC-1","name":"Zażółć <b>&","num":1.0,"t":0.1},"kind":"snapshot","metadata":{"primary_exchange":"binance_spot","risk_budget_bucket":"balanced","schedule_run_id":"a:1"},"runtime_flags":{"verify_decision_log.summary":true},"signatures":{"decision_log.entry":"hmac:pending"},"stage":"demo","status":"acknowledged","tags":["incident"],"timestamp":"2026-01-01T00:00:00+00:00"}`
	const value = "azJjyqYGQS32FCoOXQkD6QPCBHaZ9vQ0y1mDZ+LxmTE="

	decoded, err := decode([]byte(document))
	if err != nil {
		t.Fatal(err)
	}
	got, err := canonical(decoded)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != document {
		t.Errorf("canonical form\n got %s\nwant %s", got, document)
	}
	if m := mac(got, testKey.Secret); m != value {
		t.Errorf("value: got %s, want %s", m, value)
	}
}

func TestEntryHasWhatTheSchedulersSchemaRequires(t *testing.T) {
	line, _, err := Sign(sample(1, ""), testKey)
	if err != nil {
		t.Fatal(err)
	}
	var document map[string]any
	if err := json.Unmarshal(line, &document); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"timestamp", "stage", "status"} {
		if s, _ := document[key].(string); s == "" {
			t.Errorf("%s is empty", key)
		}
	}
	for _, key := range []string{"artefacts", "runtime_flags", "signatures"} {
		if m, _ := document[key].(map[string]any); len(m) == 0 {
			t.Errorf("%s has no property", key)
		}
	}
	if document["event"] != "incident" || document["severity"] != "critical" {
		t.Errorf("event and severity are %v and %v", document["event"], document["severity"])
	}
}

// The scheduler's own verifier refuses an entry with an empty text among its artefacts.
func TestWhatIsEmptyIsLeftOut(t *testing.T) {
	entry := sample(1, "")
	entry.Artefacts["incident"], entry.Metadata = "", map[string]string{"primary_exchange": "", "schedule_run_id": "a:1"}
	line, _, err := Sign(entry, testKey)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(line, []byte("incident\":\"\"")) || bytes.Contains(line, []byte("primary_exchange")) || !bytes.Contains(line, []byte(`"schedule_run_id":"a:1"`)) {
		t.Errorf("%s", line)
	}
}

func TestVerifyFindsWhatWasChanged(t *testing.T) {
	lines := chain(t, 5)
	cases := map[string]func([][]byte) [][]byte{
		"a word in an entry":      func(l [][]byte) [][]byte { l[2] = bytes.Replace(l[2], []byte("audit"), []byte("adult"), 1); return l },
		"an entry is missing":     func(l [][]byte) [][]byte { return append(l[:2], l[3:]...) },
		"two entries swapped":     func(l [][]byte) [][]byte { l[1], l[2] = l[2], l[1]; return l },
		"an entry twice":          func(l [][]byte) [][]byte { return append(l[:3], l[2:]...) },
		"the first entry missing": func(l [][]byte) [][]byte { return l[1:] },
		"another algorithm":       func(l [][]byte) [][]byte { l[0] = bytes.ReplaceAll(l[0], []byte("SHA256"), []byte("SHA1")); return l },
		"an equal key before it": func(l [][]byte) [][]byte {
			l[2] = bytes.Replace(l[2], []byte(`"event":`), []byte(`"event":"denied","event":`), 1)
			return l
		},
		"other artefacts before": func(l [][]byte) [][]byte {
			l[2] = bytes.Replace(l[2], []byte(`"artefacts":`), []byte(`"artefacts":{"by":"x"},"artefacts":`), 1)
			return l
		},
		"spaces": func(l [][]byte) [][]byte { l[2] = bytes.ReplaceAll(l[2], []byte(`,"`), []byte(`, "`)); return l },
		"an escape": func(l [][]byte) [][]byte {
			l[2] = bytes.Replace(l[2], []byte("audit"), []byte(`a\u0075dit`), 1)
			return l
		},
		"a line break after it": func(l [][]byte) [][]byte { l[4] = append(l[4], '\n'); return l },
		"another order of keys": func(l [][]byte) [][]byte {
			l[4] = append([]byte(`{"kind":"snapshot",`), bytes.Replace(l[4][1:], []byte(`"kind":"snapshot",`), nil, 1)...)
			return l
		},
		"a field of the signature": func(l [][]byte) [][]byte {
			l[4] = bytes.Replace(l[4], []byte(`"signature":{`), []byte(`"signature":{"by":"x",`), 1)
			return l
		},
		"key_id of the signature": func(l [][]byte) [][]byte {
			l[4] = bytes.Replace(l[4], []byte(`"HMAC-SHA256","key_id":"ops-1","value"`), []byte(`"HMAC-SHA256","key_id":"ops-2","value"`), 1)
			return l
		},
		"a number otherwise": func(l [][]byte) [][]byte {
			l[4] = bytes.Replace(l[4], []byte(`"seq":5`), []byte(`"seq":5.0`), 1)
			return l
		},
		"an entry about another object": func(l [][]byte) [][]byte {
			other := sample(5, Hash(l[3]))
			other.ObjectUID = "uid-2"
			l[4], _, _ = Sign(other, testKey)
			return l
		},
		"text after the object":    func(l [][]byte) [][]byte { l[4] = append(l[4], []byte(" {}")...); return l },
		"no signature":             func(l [][]byte) [][]byte { l[0] = []byte(`{"seq":1}`); return l },
		"an entry of another key":  func(l [][]byte) [][]byte { l[0], _, _ = Sign(sample(1, ""), Key{Secret: []byte("x")}); return l },
		"an entry that is no JSON": func(l [][]byte) [][]byte { l[3] = []byte("oops"); return l },
	}
	for name, change := range cases {
		t.Run(name, func(t *testing.T) {
			copied := make([][]byte, len(lines))
			for i := range lines {
				copied[i] = bytes.Clone(lines[i])
			}
			copied = change(copied)
			if slices.EqualFunc(copied, lines, bytes.Equal) {
				t.Fatal("nothing was changed")
			}
			if _, err := VerifyChain(copied, Keys{testKey}); !errors.Is(err, ErrTampered) {
				t.Errorf("got %v, want ErrTampered", err)
			}
		})
	}
	if _, err := VerifyChain(lines, Keys{testKey}); err != nil {
		t.Errorf("the untouched log: %v", err)
	}
}

func TestAnyTextSurvivesSigning(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		entry := sample(1, "")
		entry.Artefacts = rapid.MapOf(rapid.String(), rapid.String()).Draw(t, "artefacts")
		entry.Status = string(rapid.SliceOf(rapid.Byte()).Draw(t, "status"))
		line, _, err := Sign(entry, testKey)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.ContainsAny(line, "\n") {
			t.Fatalf("more than one line: %q", line)
		}
		if _, err := Verify(line, Keys{testKey}); err != nil {
			t.Fatal(err)
		}
	})
}

func FuzzVerify(f *testing.F) {
	line, _, err := Sign(sample(1, ""), testKey)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(line)
	f.Fuzz(func(t *testing.T, data []byte) {
		if _, err := Verify(data, Keys{{Secret: []byte("not the key")}}); err == nil {
			t.Fatalf("accepted %q without the key", data)
		}
	})
}

func TestNewKeyRefusesAShortKey(t *testing.T) {
	if _, err := NewKey("id", make([]byte, MinKeyBytes-1)); err == nil {
		t.Error("a short key was accepted")
	}
}

func sample(seq int64, prev string) Entry {
	return Entry{
		Seq: seq, Time: time.Date(2026, 11, 23, 10, 15, 0, 0, time.UTC), ObjectUID: "uid-1",
		Stage: "triage", Status: "incident", Event: "incident", Severity: "critical",
		Artefacts: map[string]string{"message": "stage-4 audit failed <b>&"}, PrevHash: prev,
	}
}

func chain(t *testing.T, n int64) [][]byte {
	t.Helper()
	var lines [][]byte
	head := ""
	for seq := int64(1); seq <= n; seq++ {
		line, hash, err := Sign(sample(seq, head), testKey)
		if err != nil {
			t.Fatal(err)
		}
		lines, head = append(lines, line), hash
	}
	return lines
}

func TestAnEntryIsReadAsItWasWritten(t *testing.T) {
	entry := Entry{
		Seq: 7, Time: time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC), ObjectUID: "u", Stage: "incident", Status: "closed", Event: "closed", Severity: "critical",
		Artefacts: map[string]string{"message": "a < b & \"c\" é"}, Metadata: map[string]string{"risk_budget_bucket": "manual"}, Tags: []string{"incident"}, PrevHash: "0123",
	}
	line, _, err := Sign(entry, testKey)
	if err != nil {
		t.Fatal(err)
	}
	got, err := Decode(line)
	if err != nil || !reflect.DeepEqual(got, entry) {
		t.Errorf("%+v, %v", got, err)
	}
	for _, wrong := range []string{"", "[]", `{"seq":"1"}`, `{"seq":1.5}`, `{"timestamp":"yesterday"}`, `{} {}`} {
		if _, err := Decode([]byte(wrong)); err == nil {
			t.Errorf("%q was read", wrong)
		}
	}
}
