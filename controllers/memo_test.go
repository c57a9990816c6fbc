package controllers

import (
	"fmt"
	"testing"
)

func TestAMemoRemembers(t *testing.T) {
	var m memo[string, int]
	if _, found := m.get("a"); found {
		t.Error("an empty memo knows something")
	}
	m.put("a", 1, 10)
	m.put("a", 2, 20)
	if value, found := m.get("a"); !found || value != 2 || m.bytes != 20 {
		t.Errorf("got %d, %t, %d bytes; want the newer value", value, found, m.bytes)
	}
	m.put("a", 3, memoBytes)
	if _, found := m.get("a"); found || m.bytes != 0 {
		t.Errorf("what is too large must be forgotten, and what was there before it; %d bytes", m.bytes)
	}
	m.put("b", 1, 10)
	m.forget("b")
	if _, found := m.get("b"); found || m.bytes != 0 {
		t.Errorf("it does not forget; %d bytes", m.bytes)
	}
}

// What is in use stays, whatever else comes and goes, and the memo never holds more than its bounds.
func TestAMemoIsBounded(t *testing.T) {
	for name, bytes := range map[string]int{"many small entries": 1, "few large ones": memoBytes / 10} {
		t.Run(name, func(t *testing.T) {
			var m memo[string, int]
			m.put("in use", 42, bytes)
			for i := range 3 * memoEntries {
				m.put(fmt.Sprint(i), i, bytes)
				if value, found := m.get("in use"); !found || value != 42 {
					t.Fatalf("after %d entries what is in use is forgotten", i)
				}
				held := 0
				for _, half := range []map[string]memoEntry[int]{m.newer, m.older} {
					for _, entry := range half {
						held += entry.bytes
					}
				}
				if count := len(m.newer) + len(m.older); count > memoEntries || held > memoBytes {
					t.Fatalf("after %d entries: it holds %d entries, %d bytes", i, count, held)
				}
			}
			if _, found := m.get("0"); found {
				t.Error("it never forgets")
			}
		})
	}
}
