package timeline

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"pgregory.net/rapid"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
)

var t0 = time.Date(2026, 11, 23, 10, 0, 0, 999, time.UTC)

// Whatever is logged and when: numbers have no gap, an entry leaves the status only when it is logged, and what is
// appended is exactly what the log does not have.
func TestTimelineAndLogStayInStep(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var entries []strategyv1.TimelineEntry
		logged, added := int64(0), int64(0)
		for range rapid.IntRange(1, 200).Draw(t, "steps") {
			if rapid.IntRange(0, 3).Draw(t, "append") > 0 {
				entries = Add(entries, logged, t0, "check", fmt.Sprint(added+1), "")
				added++
				if len(entries) > max && entries[0].Seq <= logged {
					t.Fatalf("%d entries are kept, though entry %d is logged", len(entries), entries[0].Seq)
				}
			} else if appended := Append(Subject{}, entries, "p/", logged, "h", types.NamespacedName{}); appended != nil {
				if appended.After != logged || appended.Head != "h" || appended.Prefix != "p/" {
					t.Fatalf("%+v", appended)
				}
				n := rapid.IntRange(0, len(appended.Entries)).Draw(t, "written before a crash")
				for i := range n {
					if got := appended.Entries[i].Artefacts["message"]; got != fmt.Sprint(logged+1) {
						t.Fatalf("entry %d is %s", logged+1, got)
					}
					logged++
				}
			} else if logged != added {
				t.Fatalf("nothing is appended, but %d of %d are logged", logged, added)
			}
			for i, entry := range entries {
				if entry.Seq != added-int64(len(entries)-1-i) {
					t.Fatalf("a gap at %d", i)
				}
			}
			if len(entries) > 0 && entries[0].Seq > logged+1 {
				t.Fatalf("entry %d was dropped before it was logged", entries[0].Seq-1)
			}
		}
	})
}

func TestEntry(t *testing.T) {
	entries := Add(nil, 0, t0.In(time.FixedZone("x", 3600)), "disabled", strings.Repeat("x", 2000), "bob")
	entries = Add(entries, 0, t0, "check", "m", "")
	subject := Subject{
		UID: "u", Kind: "rollback", Severity: "Critical", Tags: []string{"rollback"},
		Artefacts: map[string]string{"a": "1"}, Metadata: map[string]string{"risk_budget_bucket": "bold"},
	}
	got := Append(subject, entries, "p/", 0, "", types.NamespacedName{}).Entries
	if e := got[0]; e.ObjectUID != "u" || e.Stage != "rollback" || e.Event != "disabled" || e.Status != "disabled" || e.Severity != "critical" ||
		e.Artefacts["by"] != "bob" || e.Artefacts["a"] != "1" || len(e.Artefacts["message"]) != 1024 || !e.Time.Equal(t0.Truncate(time.Second)) {
		t.Errorf("%+v", e)
	}
	if got[0].Metadata["risk_budget_bucket"] != "manual" || got[1].Metadata["risk_budget_bucket"] != "bold" || subject.Metadata["risk_budget_bucket"] != "bold" {
		t.Errorf("only what is disabled is in the bucket manual: %v, %v", got[0].Metadata, got[1].Metadata)
	}
	if _, found := got[1].Artefacts["by"]; found {
		t.Errorf("a rule decided, nobody else")
	}
	if Append(subject, entries, "p/", 2, "", types.NamespacedName{}) != nil {
		t.Errorf("everything is logged")
	}
}

func TestWhatIsNotLoggedStays(t *testing.T) {
	var entries []strategyv1.TimelineEntry
	for range 60 {
		entries = Add(entries, 0, t0, "check", "m", "")
	}
	if len(entries) != 60 {
		t.Errorf("%d of 60 entries that are not in the log are kept", len(entries))
	}
	if entries = Add(entries, 60, t0, "check", "m", ""); len(entries) != max || entries[0].Seq != 14 || entries[max-1].Seq != 61 {
		t.Errorf("%d entries from %d", len(entries), entries[0].Seq)
	}
}

// TestAnEntryIsOneLine: a name in its message may have a line break.
func TestAnEntryIsOneLine(t *testing.T) {
	entries := Add(nil, 0, t0, strategyv1.EventDenied, "denied: why\n2026 approved by bob", "ann")
	if got := entries[0].Message; got != "denied: why 2026 approved by bob" {
		t.Errorf("%q", got)
	}
}
