package conditions

import (
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestSet(t *testing.T) {
	t0 := time.Date(2026, 11, 23, 10, 0, 0, 5, time.FixedZone("x", 3600))
	var set []metav1.Condition
	Set(&set, t0, 1, "Ready", metav1.ConditionFalse, "A", "a")
	if got := set[0].LastTransitionTime.Time; !got.Equal(t0.Truncate(time.Second)) || got.Nanosecond() != 0 || set[0].ObservedGeneration != 1 {
		t.Errorf("%+v", set[0])
	}
	Set(&set, t0.Add(time.Minute), 2, "Ready", metav1.ConditionFalse, "B", strings.Repeat("x", 5000))
	if !set[0].LastTransitionTime.Time.Equal(t0.Truncate(time.Second)) || set[0].Reason != "B" || set[0].ObservedGeneration != 2 || len(set[0].Message) != 2048 {
		t.Errorf("the transition time moves only with the status: %+v", set[0])
	}
	Set(&set, t0.Add(time.Minute), 2, "Ready", metav1.ConditionTrue, "C", "c")
	if set[0].LastTransitionTime.Time.Equal(t0.Truncate(time.Second)) || len(set) != 1 {
		t.Errorf("%+v", set)
	}
	if !True(set, "Ready") || Reason(set, "Ready") != "C" || Message(set, "Ready") != "c" {
		t.Errorf("%+v", set)
	}
	if True(set, "x") || Reason(set, "x") != "" || Message(set, "x") != "" {
		t.Errorf("a condition that is not there says something")
	}
}

// TestAMessageIsOneLine: a name in it may have a line break.
func TestAMessageIsOneLine(t *testing.T) {
	var set []metav1.Condition
	Set(&set, time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC), 1, "Ready", metav1.ConditionFalse, "A", "it has: fast\n\r\nReady=True, slow")
	if got := Message(set, "Ready"); got != "it has: fast Ready=True, slow" {
		t.Errorf("%q", got)
	}
}
