package controllers

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/facts"
	"tradeops.dev/strategy-operator/internal/oncall"
	"tradeops.dev/strategy-operator/internal/pauses"
)

// accessOf answers, and counts who asks.
type accessOf struct {
	may   func(context.Context, facts.Right) (bool, error)
	asked int
}

func (a *accessOf) May(ctx context.Context, _ string, right facts.Right) (bool, error) {
	a.asked++
	return a.may(ctx, right)
}

func rosterOf(t *testing.T, names ...string) facts.OnCall {
	t.Helper()
	text := "timeZone: UTC\npeople: ["
	for _, name := range names {
		text += "{name: " + name + ", contact: x}, "
	}
	text += "]\nrotations:\n- {level: L2, start: \"2026-11-01 00:00\", shift: 1d, members: [" + strings.Join(names, ", ") + "]}\n"
	roster, err := oncall.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return facts.OnCall{Roster: roster, Known: true}
}

// TestRightsAreAskedAtABoundedPace: whatever wakes a playbook, an answer holds for ten minutes, and none for one.
func TestRightsAreAskedAtABoundedPace(t *testing.T) {
	began := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	answer, silent := true, error(nil)
	access := &accessOf{may: func(context.Context, facts.Right) (bool, error) { return answer, silent }}
	r := &reader{Access: access, Pauses: pauses.Default()}
	book := &strategyv1.StrategyPlaybook{}
	book.Namespace, book.UID = "trading", "1"
	roster := rosterOf(t, "bob")
	bob := facts.Right{Name: "bob", Verb: "approve", Resource: "strategyrollbacks"}
	for _, step := range []struct {
		after  time.Duration
		change func()
		asked  int // together
		may    string
		next   time.Duration
	}{
		{0, nil, 3, "yes", 10 * time.Minute},
		{9 * time.Minute, func() { answer = false }, 3, "yes", 10 * time.Minute},
		{10 * time.Minute, nil, 6, "no", 20 * time.Minute},
		{20 * time.Minute, func() { silent = errors.New("no answer") }, 9, "unknown", 21 * time.Minute},
		{20*time.Minute + 59*time.Second, func() { silent, answer = nil, true }, 9, "unknown", 21 * time.Minute},
		{21 * time.Minute, nil, 12, "yes", 31 * time.Minute},
		{22 * time.Minute, func() { roster = rosterOf(t, "bob", "carol") }, 15, "yes", 31 * time.Minute},
	} {
		if step.change != nil {
			step.change()
		}
		seen := r.observeEntitled(t.Context(), book, roster, began.Add(step.after))
		may := "unknown"
		if granted, told := seen.Rights[bob]; told && granted {
			may = "yes"
		} else if told {
			may = "no"
		}
		if !seen.Asked || access.asked != step.asked || may != step.may || !seen.NextAt.Equal(began.Add(step.next)) || (seen.Silent != "") != (may == "unknown") {
			t.Errorf("after %s: %d questions, bob may: %s, again after %s, %q; want %+v", step.after, access.asked, may, seen.NextAt.Sub(began), seen.Silent, step)
		}
	}
	if got := r.observeEntitled(t.Context(), book, facts.OnCall{}, began); got.Asked || access.asked != 15 {
		t.Errorf("without a rotation: %+v", got)
	}
	if got := (&reader{}).observeEntitled(t.Context(), book, roster, began); got.Asked {
		t.Errorf("with nobody to ask: %+v", got)
	}
}

// TestManyRightsTakeSeveralPasses: each asks so many at most, and what it heard is not asked again.
func TestManyRightsTakeSeveralPasses(t *testing.T) {
	now := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	access := &accessOf{may: func(context.Context, facts.Right) (bool, error) { return true, nil }}
	r := &reader{Access: access, Pauses: pauses.Default()}
	var names []string
	for i := range 30 {
		names = append(names, fmt.Sprintf("person-%d", i))
	}
	roster := rosterOf(t, names...)
	seen := r.observeEntitled(t.Context(), &strategyv1.StrategyPlaybook{}, roster, now)
	if access.asked != rightsAtOnce || len(seen.Rights) != rightsAtOnce || !seen.NextAt.Equal(now.Add(r.Pauses.Passes)) {
		t.Errorf("%d questions, %d answers, again at %s", access.asked, len(seen.Rights), seen.NextAt)
	}
	seen = r.observeEntitled(t.Context(), &strategyv1.StrategyPlaybook{}, roster, seen.NextAt)
	if access.asked != 90 || len(seen.Rights) != 90 || !seen.NextAt.Equal(now.Add(r.Pauses.Rights)) {
		t.Errorf("%d questions, %d answers, again at %s", access.asked, len(seen.Rights), seen.NextAt)
	}
}

// TestAnAPIServerThatHangs: all questions of a pass together take no longer than one may.
func TestAnAPIServerThatHangs(t *testing.T) {
	waits := pauses.Default()
	waits.Live = time.Nanosecond
	access := &accessOf{may: func(ctx context.Context, _ facts.Right) (bool, error) {
		<-ctx.Done()
		return false, ctx.Err()
	}}
	r := &reader{Access: access, Pauses: waits}
	seen := r.observeEntitled(t.Context(), &strategyv1.StrategyPlaybook{}, rosterOf(t, "bob", "carol"), time.Unix(1e9, 0))
	if len(seen.Rights) > 0 || !strings.Contains(seen.Silent, "deadline exceeded") {
		t.Errorf("%+v", seen)
	}
}
