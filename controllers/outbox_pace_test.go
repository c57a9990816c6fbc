package controllers

import (
	"fmt"
	"testing"
	"time"
)

// TestNotificationsOfAPlaybookKeepApart, and those of others do not wait for them.
func TestNotificationsOfAPlaybookKeepApart(t *testing.T) {
	var p pace
	now := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	if !p.wait("a", now, time.Second).IsZero() || !p.wait("b", now, time.Second).IsZero() {
		t.Error("the first has to wait")
	}
	if at := p.wait("a", now.Add(time.Millisecond), time.Second); !at.Equal(now.Add(time.Second)) {
		t.Errorf("the second is sent at %s", at)
	}
	if !p.wait("a", now.Add(time.Second), time.Second).IsZero() {
		t.Error("it has to wait for longer")
	}
	for i := range 3 * maxPaced {
		p.wait(fmt.Sprint(i), now.Add(time.Duration(i)*time.Second), time.Second)
	}
	if len(p.next) > maxPaced {
		t.Errorf("%d playbooks are remembered", len(p.next))
	}
}
