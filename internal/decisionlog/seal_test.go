package decisionlog

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

func TestASealProvesWhatAnObjectIsOf(t *testing.T) {
	key := Key{ID: `a ,"seal": key`, Secret: bytes.Repeat([]byte("k"), MinKeyBytes)}
	of := Sealed{Kind: "outcome", ObjectUID: "1234", Stage: "Triage", Check: "audit", Attempt: 1, Revision: "book-1"}
	object := []byte(`{"report":{"text":"a ,\"seal\":{} in it","n":1.50},"stage":"Triage"}`)
	data, err := Seal(object, of, key)
	if err != nil {
		t.Fatal(err)
	}
	later := of
	later.Revision = "book-2" // the object runs on another one meanwhile
	for _, one := range []Sealed{of, later} {
		if got, err := Unseal(data, one, Keys{key}); err != nil || !bytes.Equal(got, object) {
			t.Errorf("%+v: %v", one, err)
		}
	}
	for name, change := range map[string]func(*Sealed){
		"kind": func(s *Sealed) { s.Kind = "forgotten" }, "object": func(s *Sealed) { s.ObjectUID = "12345" }, "stage": func(s *Sealed) { s.Stage = "Proof" },
		"check": func(s *Sealed) { s.Check = "load" }, "attempt": func(s *Sealed) { s.Attempt = 2 },
	} {
		other := of
		change(&other)
		if _, err := Unseal(data, other, Keys{key}); !errors.Is(err, ErrTampered) {
			t.Errorf("another %s: %v", name, err)
		}
	}
	if _, err := Unseal(data, of, Keys{{ID: key.ID, Secret: bytes.Repeat([]byte("x"), MinKeyBytes)}}); !errors.Is(err, ErrTampered) {
		t.Errorf("another key: %v", err)
	}
	for i := range data { // each byte counts
		changed := bytes.Clone(data)
		changed[i] ^= 1
		if _, err := Unseal(changed, of, Keys{key}); !errors.Is(err, ErrTampered) {
			t.Fatalf("byte %d of %s changed: %v", i, data, err)
		}
	}
	for _, wrong := range []string{"", "{}", string(object), string(data) + "\n", string(data) + string(data), strings.Replace(string(data), "1.50", "1.5", 1), `,"seal":}`} {
		if _, err := Unseal([]byte(wrong), of, Keys{key}); !errors.Is(err, ErrTampered) {
			t.Errorf("%.80s: %v", wrong, err)
		}
	}
	for _, none := range []string{"", "{}", "[1]", "1"} {
		if sealed, err := Seal([]byte(none), of, key); err == nil {
			t.Errorf("%s was sealed: %s", none, sealed)
		}
	}
}
