package controllers

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"time"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/notify"
	"tradeops.dev/strategy-operator/internal/pauses"
)

// What one channel and one namespace may hold of the outbox's workers, so that a server that hangs leaves some to all others.
const (
	channelCalls   = 2
	namespaceCalls = outboxes / 2
)

const (
	// channelHangs is how long a channel that gives no answer is left alone at most, before one call tries it again.
	channelHangs = time.Minute
	// maxLines is how many channels and people are remembered before those of which nothing matters any more are forgotten.
	maxLines = 1024
)

// switchboard is what is known of channels by those who call over them: who is at it, which one gives no answer or asks to be left alone, and
// when each may take what can wait. Of people who get mails it knows the latter alone. The zero value knows nothing.
type switchboard struct {
	mu    sync.Mutex // never held during a call
	lines map[line]*lineState
	calls map[string]int // at work, by namespace
}

// line is a channel, or somebody who gets mails. Playbooks of one namespace that name the same server and Secret share it.
type line struct{ namespace, at string }

type lineState struct {
	calls     int           // at work
	nextAt    time.Time     // when it may take what can wait
	awayUntil time.Time     // it is left alone until then
	asked     bool          // because it asked for it
	hungSince time.Time     // zero: it answers
	pause     time.Duration // the last one after it hung
}

func lineOf(namespace string, channel strategyv1.ChannelSpec) line {
	return line{namespace, strings.Join([]string{string(channel.Type), channel.URL, channel.SecretName}, " ")}
}

// pacedBy are the lines that must be free for what can wait: the channel or, of mails, each of the people.
func pacedBy(namespace string, channel strategyv1.ChannelSpec, message notify.Message) (all []line) {
	if channel.Type != strategyv1.ChannelEmail {
		return []line{lineOf(namespace, channel)}
	}
	for _, address := range notify.Recipients(message) {
		all = append(all, line{namespace, address})
	}
	return all
}

// state of a line, which it makes if need be; the lock is held.
func (s *switchboard) state(of line, now time.Time) *lineState {
	if s.lines == nil {
		s.lines, s.calls = map[line]*lineState{}, map[string]int{}
	}
	known, found := s.lines[of]
	if !found {
		if len(s.lines) >= maxLines {
			maps.DeleteFunc(s.lines, func(_ line, known *lineState) bool {
				return known.calls == 0 && !now.Before(known.nextAt) && !now.Before(known.awayUntil.Add(channelHangs))
			})
		}
		known = &lineState{}
		s.lines[of] = known
	}
	return known
}

// wait says when what can wait may be sent over these lines; zero: now, and what comes next waits for a pause.
func (s *switchboard) wait(all []line, now time.Time, pause time.Duration) (at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, one := range all {
		if next := s.state(one, now).nextAt; now.Before(next) && next.After(at) {
			at = next
		}
	}
	if !at.IsZero() {
		return at
	}
	for _, one := range all {
		s.state(one, now).nextAt = now.Add(pause)
	}
	return time.Time{}
}

// away says why nobody should call over a line now, empty: somebody may. asked is until when it asks to be left alone.
func (s *switchboard) away(from line, now time.Time) (why string, asked time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	known := s.state(from, now)
	waits := now.Before(known.awayUntil)
	switch {
	case known.asked && waits:
		return "the server asks to be left alone until " + known.awayUntil.UTC().Format(time.RFC3339), known.awayUntil
	case !known.hungSince.IsZero() && (waits || known.calls > 0): // one call is enough to see whether it answers again
		return fmt.Sprintf("the server gives no answer since %s; it is tried again once in a while", known.hungSince.UTC().Format(time.RFC3339)), time.Time{}
	}
	return "", time.Time{}
}

// begin takes a line for one call, which leave or end gives back; false: others are at it.
func (s *switchboard) begin(on line, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	known := s.state(on, now)
	most := channelCalls
	if !known.hungSince.IsZero() {
		most = 1
	}
	if known.calls >= most || s.calls[on.namespace] >= namespaceCalls {
		return false
	}
	known.calls++
	s.calls[on.namespace]++
	return true
}

// leave gives a line back after a call that says nothing about it.
func (s *switchboard) leave(on line) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.giveBack(on)
}

// end gives a line back after a call that ended with err.
func (s *switchboard) end(on line, now time.Time, err error, patience pauses.Pauses) {
	s.mu.Lock()
	defer s.mu.Unlock()
	known := s.giveBack(on)
	var failure *notify.Failure
	hung := errors.As(err, &failure) && failure.Hung
	switch {
	case hung && known.hungSince.IsZero():
		known.hungSince, known.pause = now, patience.NotifyRetry
	case hung:
		known.pause = min(2*known.pause, channelHangs)
	default:
		known.hungSince, known.pause = time.Time{}, 0
	}
	known.asked = failure != nil && failure.After > 0
	if known.asked {
		known.pause = min(failure.After, patience.NotifyHangs)
	}
	known.awayUntil = now.Add(known.pause)
}

// giveBack is with the lock held; a line that somebody is at is never forgotten.
func (s *switchboard) giveBack(on line) *lineState {
	if s.calls[on.namespace]--; s.calls[on.namespace] <= 0 {
		delete(s.calls, on.namespace)
	}
	known := s.lines[on]
	known.calls--
	return known
}
