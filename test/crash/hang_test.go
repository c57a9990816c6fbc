package crash

import (
	"context"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/controllers"
	"tradeops.dev/strategy-operator/internal/conditions"
	"tradeops.dev/strategy-operator/internal/sim"
	"tradeops.dev/strategy-operator/test/scenarios"
)

// timeout is what one call takes that hangs; the operator gives it up then.
const timeout = 10 * time.Second

// hanging is a bucket, and containers' logs, that give no answer while they hang. The clock goes on meanwhile: somebody waits.
type hanging struct {
	w     *sim.World
	hangs bool
	calls int
}

func (h *hanging) hang() error {
	h.calls++
	h.w.Pass(timeout)
	return context.DeadlineExceeded
}

func (h *hanging) seams() sim.Seams {
	return sim.Seams{Evidence: func(next controllers.Evidence) controllers.Evidence { return &hangingBucket{next, h} }}
}

type hangingBucket struct {
	controllers.Evidence
	*hanging
}

// Get implements controllers.Evidence.
func (b *hangingBucket) Get(ctx context.Context, key string) ([]byte, error) {
	if b.hangs {
		return nil, b.hang()
	}
	return b.Evidence.Get(ctx, key)
}

// Create implements controllers.Evidence.
func (b *hangingBucket) Create(ctx context.Context, key string, data []byte) error {
	if b.hangs {
		return b.hang()
	}
	return b.Evidence.Create(ctx, key, data)
}

// late is how much later than it was due something may be recorded: a call that is tried meanwhile, and the pause until the next pass.
const late = timeout + 10*time.Second

// TestNothingThatTimeOrPeopleDecideWaitsForABucketThatHangs, for an hour.
func TestNothingThatTimeOrPeopleDecideWaitsForABucketThatHangs(t *testing.T) {
	deny := func(w *sim.World) { w.Decide("bob", "less", strategyv1.DecisionDeny, "") }
	nothing := func(*sim.World) {}
	ended := func(how strategyv1.Ending) func(*sim.World) time.Time {
		return func(w *sim.World) time.Time {
			if end := w.RollbackNamed("less").Status.End; end != nil && end.How == how {
				return end.Time.Time
			}
			return time.Time{}
		}
	}
	since := func(condition, reason string) func(*sim.World) time.Time {
		return func(w *sim.World) time.Time {
			all := w.RollbackNamed("less").Status.Conditions
			if conditions.Reason(all, condition) != reason {
				return time.Time{}
			}
			return conditions.Since(all, condition)
		}
	}
	for name, c := range map[string]struct {
		state string // of the rollback when the bucket begins to hang
		then  func(*sim.World)
		due   func(*strategyv1.StrategyRollback) time.Time // nil: at once
		when  func(*sim.World) time.Time                   // it was recorded; zero: not yet
	}{
		"a denial":            {strategyv1.ReasonAwaitingApproval, deny, nil, ended(strategyv1.EndDenied)},
		"the time to approve": {strategyv1.ReasonAwaitingApproval, nothing, due, ended(strategyv1.EndApprovalExpired)},
		"the end of the box":  {strategyv1.ReasonVerified, nothing, boxEnd, since(strategyv1.ConditionInEffect, strategyv1.ReasonExpired)},
	} {
		t.Run(name, func(t *testing.T) {
			story := scenarios.Named("rollback of a person")
			w := sim.New(t, story.Playbook)
			story.Set(w)
			bucket := &hanging{w: w}
			operator := w.Start(bucket.seams())
			until(t, w, operator, func() bool { return w.RollbackNamed("less") != nil && w.Ready("less") == c.state })
			bucket.hangs = true
			began := w.Clock.Now()
			c.then(w)
			wanted := began
			if c.due != nil {
				wanted = c.due(w.RollbackNamed("less"))
			}
			for w.Clock.Since(began) < time.Hour || w.Clock.Now().Before(wanted.Add(late)) {
				if !operator.Step(t.Context()) {
					w.Pass(time.Second)
				}
			}
			if at := c.when(w); at.IsZero() || at.After(wanted.Add(late)) {
				t.Errorf("due at %s, recorded at %s; %+v", wanted, at, w.RollbackNamed("less").Status.Conditions)
			}
			if most := 4 * 60; bucket.calls > most {
				t.Errorf("it was called %d times", bucket.calls)
			}
			bucket.hangs = false
			for back := w.Clock.Now(); w.Clock.Since(back) < 2*time.Minute; {
				if !operator.Step(t.Context()) && !w.Next(t.Context(), operator) {
					w.Pass(time.Second)
				}
			}
			if got := scenarios.EndOf(w, operator.LastError()); len(got.Problems) > 0 {
				t.Errorf("when the bucket is back: %v", got.Problems)
			}
		})
	}
}

func due(r *strategyv1.StrategyRollback) time.Time { return r.Status.DueTime.Time }

func boxEnd(r *strategyv1.StrategyRollback) time.Time { return r.Status.Plan.Until.Time }

// TestADeletionDoesNotWaitForABucketThatHangs: the object goes when its patience is over.
func TestADeletionDoesNotWaitForABucketThatHangs(t *testing.T) {
	story := scenarios.Named("rollback of a person")
	w := sim.New(t, story.Playbook)
	story.Set(w)
	bucket := &hanging{w: w}
	operator := w.Start(bucket.seams())
	until(t, w, operator, func() bool { return w.RollbackNamed("less") != nil && w.Ready("less") == strategyv1.ReasonVerified })
	bucket.hangs = true
	began := w.Clock.Now()
	w.DeleteRollback("less")
	gone := func() bool {
		var left strategyv1.StrategyRollback
		return apierrors.IsNotFound(w.API.As("anybody").Get(t.Context(), types.NamespacedName{Namespace: w.Namespace, Name: "less"}, &left))
	}
	for !gone() {
		if w.Clock.Since(began) > time.Hour {
			t.Fatalf("it is still there: %+v", w.RollbackNamed("less").Status.Conditions)
		}
		if !operator.Step(t.Context()) {
			w.Pass(time.Second)
		}
	}
}

// TestDeadlinesOfAnIncidentDoNotWaitForABucketThatHangs: each level that did not answer is recorded, and the next one called.
func TestDeadlinesOfAnIncidentDoNotWaitForABucketThatHangs(t *testing.T) {
	story := scenarios.Named("main story")
	w := sim.New(t, story.Playbook)
	story.Set(w)
	bucket := &hanging{w: w}
	operator := w.Start(bucket.seams())
	until(t, w, operator, func() bool { return w.Incident() != nil && w.Incident().Status.PlaybookRevision != "" })
	bucket.hangs = true
	for began := w.Clock.Now(); w.Clock.Since(began) < time.Hour; {
		if !operator.Step(t.Context()) {
			w.Pass(time.Second)
		}
	}
	status := w.Incident().Status
	for _, deadline := range status.Deadlines {
		if deadline.BreachTime == nil || deadline.BreachTime.After(deadline.Time.Add(late)) {
			t.Errorf("%s was due at %s, its breach was recorded at %v", deadline.Level, deadline.Time, deadline.BreachTime)
		}
	}
	if !conditions.True(status.Conditions, strategyv1.ConditionEscalated) {
		t.Errorf("L2 was not called: %+v", status.Conditions)
	}
}
