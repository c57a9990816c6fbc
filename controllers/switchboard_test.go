package controllers

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/notify"
	"tradeops.dev/strategy-operator/internal/pauses"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

var (
	hung       = &notify.Failure{Problem: "no answer", Hung: true}
	pauseAsked = &notify.Failure{Problem: "429", After: 30 * time.Second}
)

// TestWhatCanWaitKeepsApart over each channel, and to each person by mail; what goes elsewhere does not wait for it.
func TestWhatCanWaitKeepsApart(t *testing.T) {
	var s switchboard
	chat, pager := []line{{"trading", "chat"}}, []line{{"trading", "pager"}}
	if !s.wait(chat, noon, time.Second).IsZero() || !s.wait(pager, noon, time.Second).IsZero() {
		t.Error("the first has to wait")
	}
	if at := s.wait(chat, noon.Add(time.Millisecond), time.Second); !at.Equal(noon.Add(time.Second)) {
		t.Errorf("the second is sent at %s", at)
	}
	if !s.wait(chat, noon.Add(time.Second), time.Second).IsZero() {
		t.Error("it has to wait for longer")
	}
	mail := strategyv1.ChannelSpec{Type: strategyv1.ChannelEmail, URL: "smtp://mail:587", Email: &strategyv1.EmailSpec{To: []string{"a@x", "b@x"}}}
	both := pacedBy("trading", mail, notify.Message{Channel: mail})
	mail.Email = &strategyv1.EmailSpec{To: []string{"b@x"}}
	one := pacedBy("trading", mail, notify.Message{Channel: mail})
	if !s.wait(both, noon, time.Second).IsZero() || s.wait(one, noon, time.Second).IsZero() {
		t.Error("b gets two mails at once")
	}
	for i := range 3 * maxLines {
		s.wait([]line{{"other", fmt.Sprint(i)}}, noon.Add(time.Duration(i)*time.Hour), time.Second)
	}
	if len(s.lines) > maxLines {
		t.Errorf("%d lines are remembered", len(s.lines))
	}
}

// TestAChannelAndANamespaceHoldSomeWorkers, and leave the others to everybody else.
func TestAChannelAndANamespaceHoldSomeWorkers(t *testing.T) {
	var s switchboard
	begun := 0
	for i := range outboxes {
		for range outboxes {
			if s.begin(line{"trading", fmt.Sprint(i)}, noon) {
				begun++
			}
		}
		if i == 0 && begun != channelCalls {
			t.Errorf("one channel holds %d", begun)
		}
	}
	if begun != namespaceCalls || begun >= outboxes {
		t.Errorf("one namespace holds %d", begun)
	}
	if !s.begin(line{"other", "0"}, noon) {
		t.Error("another namespace has to wait")
	}
	s.end(line{"trading", "0"}, noon, nil, pauses.Default())
	s.leave(line{"trading", "1"})
	if !s.begin(line{"trading", "0"}, noon) || !s.begin(line{"trading", "1"}, noon) || s.begin(line{"trading", "7"}, noon) {
		t.Error("what was given back is not what was taken")
	}
}

// TestAChannelThatHungIsTriedByOne once in a while, less and less often; when it answers, whatever it says, it is as before.
func TestAChannelThatHungIsTriedByOne(t *testing.T) {
	var s switchboard
	at, now := line{"trading", "chat"}, noon
	call := func(err error) {
		t.Helper()
		if !s.begin(at, now) {
			t.Fatal("it is busy")
		}
		s.end(at, now, err, pauses.Default())
	}
	call(hung)
	var pause time.Duration
	for i := range 6 {
		why, _ := s.away(at, now)
		if !strings.Contains(why, "gives no answer since 2026-11-23T12:00:00Z") {
			t.Fatalf("trial %d: %q", i, why)
		}
		began := now
		for ; why != ""; why, _ = s.away(at, now) {
			now = now.Add(time.Second)
		}
		if next := now.Sub(began); next < pause || next > channelHangs {
			t.Errorf("trial %d after %s, the one before after %s", i, next, pause)
		} else {
			pause = next
		}
		if !s.begin(at, now) {
			t.Fatal("nobody may try it")
		}
		if why, _ := s.away(at, now); why == "" || s.begin(at, now) {
			t.Error("two try it")
		}
		s.end(at, now, hung, pauses.Default())
	}
	if pause != channelHangs {
		t.Errorf("in the end it is tried after %s", pause)
	}
	now = now.Add(channelHangs)
	call(errors.New("the server answers HTTP 500"))
	if why, _ := s.away(at, now); why != "" {
		t.Errorf("it answered: %s", why)
	}
}

// TestAChannelThatAsksForItIsLeftAlone, but not for hours.
func TestAChannelThatAsksForItIsLeftAlone(t *testing.T) {
	var s switchboard
	at := line{"trading", "chat"}
	s.begin(at, noon)
	s.end(at, noon, pauseAsked, pauses.Default())
	why, until := s.away(at, noon.Add(29*time.Second))
	if !strings.Contains(why, "asks to be left alone until 2026-11-23T12:00:30Z") || !until.Equal(noon.Add(30*time.Second)) {
		t.Errorf("%q, %s", why, until)
	}
	if why, _ := s.away(at, noon.Add(30*time.Second)); why != "" {
		t.Error(why)
	}
	s.begin(at, noon)
	s.end(at, noon, &notify.Failure{After: 24 * time.Hour}, pauses.Default())
	if _, until := s.away(at, noon); !until.Equal(noon.Add(pauses.Default().NotifyHangs)) {
		t.Errorf("it is left alone until %s", until)
	}
}
