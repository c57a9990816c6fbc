package sim

import (
	"context"
	"time"
)

// Step is something that people do once, when it is time, after the steps before it.
type Step struct {
	When func(*World) bool
	Do   func(*World)
}

// Play lets everything around the operator take one step, and says whether anything happened.
func (w *World) Play() bool {
	w.T.Helper()
	ran := w.runJobs()
	collected := w.collect()
	rolled := w.reload() || w.rollOut()
	decided := w.followScript()
	return w.People != nil && w.People(w) || ran || collected || rolled || decided
}

func (w *World) followScript() bool {
	if w.did == len(w.Script) || !w.Script[w.did].When(w) {
		return false
	}
	step := w.Script[w.did]
	w.did++
	step.Do(w)
	return true
}

// Left is how many steps of the script were not due yet.
func (w *World) Left() int { return len(w.Script) - w.did }

const (
	// moment is shorter than anything that people and pods do: what the operator does again so soon, it does before them.
	moment = 300 * time.Millisecond
	// patience bounds what the clock steps over by itself: longer waits are a story's own business.
	patience = 10 * time.Second
)

// Next lets one thing happen: the operator looks at one object, or else the world takes a step, or else the clock goes on to
// when the operator looks again, if that is soon. It says whether anything could happen.
func (w *World) Next(ctx context.Context, o *Operator) bool {
	w.T.Helper()
	return o.Step(ctx) || w.stepClock(o, moment) || w.Play() || w.stepClock(o, patience) || w.linger()
}

// linger is what people do who have waited until nothing else happens.
func (w *World) linger() bool {
	w.Idle = true
	defer func() { w.Idle = false }()
	return w.followScript()
}

func (w *World) stepClock(o *Operator, within time.Duration) bool {
	due := o.Due()
	if due.IsZero() || due.Sub(w.Clock.Now()) > within {
		return false
	}
	w.PassUntil(due)
	return true
}

// Settle goes on until nothing happens any more, and says false if it never ends.
func (w *World) Settle(ctx context.Context, o *Operator) bool {
	w.T.Helper()
	for range maxSteps {
		if !w.Next(ctx, o) {
			return true
		}
	}
	return false
}

// maxSteps bounds a story: the longest scenario needs a tenth of it.
const maxSteps = 2000
