package crash

import (
	"context"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/controllers"
	"tradeops.dev/strategy-operator/internal/conditions"
	"tradeops.dev/strategy-operator/internal/signals"
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

func (h *hanging) server() sim.Seams {
	return sim.Seams{Client: func(next client.Client) client.Client { return &hangingServer{next, h} }}
}

// Tail implements controllers.Logs. Other workers than the one that waits here go on, so the clock does, too, by itself.
func (h *hanging) Tail(context.Context, string, string, string) ([]byte, error) {
	h.calls++
	return nil, context.DeadlineExceeded
}

// Sample implements controllers.Signals: a server that hangs leaves every signal unknown, after the second that a pass waits for it.
func (h *hanging) Sample(_ context.Context, source signals.Source, now time.Time) signals.Snapshot {
	h.calls++
	h.w.Pass(timeout / 10)
	snapshot := signals.Snapshot{Time: now, Readings: map[string]signals.Reading{}, NextAt: now.Add(source.Interval)}
	for _, query := range source.Queries {
		snapshot.Readings[query.Name] = signals.Reading{Problem: "no answer in time"}
	}
	return snapshot
}

// hangingServer is an API server that gives no answer to what is created.
type hangingServer struct {
	client.Client
	*hanging
}

// Create implements client.Client.
func (s *hangingServer) Create(ctx context.Context, object client.Object, options ...client.CreateOption) error {
	if s.hangs {
		return s.hang()
	}
	return s.Client.Create(ctx, object, options...)
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
const late = timeout + 15*time.Second

// TestNothingThatTimeOrPeopleDecideWaitsForWhatHangs, for an hour: a bucket, or an API server in what is created and asked.
func TestNothingThatTimeOrPeopleDecideWaitsForWhatHangs(t *testing.T) {
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
		what  func(*hanging) sim.Seams
	}{
		"a denial, the bucket":            {strategyv1.ReasonAwaitingApproval, deny, nil, ended(strategyv1.EndDenied), (*hanging).seams},
		"the time to approve, the bucket": {strategyv1.ReasonAwaitingApproval, nothing, due, ended(strategyv1.EndApprovalExpired), (*hanging).seams},
		"the end of the box, the bucket":  {strategyv1.ReasonVerified, nothing, boxEnd, since(strategyv1.ConditionInEffect, strategyv1.ReasonExpired), (*hanging).seams},
		"the end of the box, while nobody can be asked who restores": {strategyv1.ReasonVerified, func(w *sim.World) {
			w.Decide("bob", "less", strategyv1.DecisionRestore, "")
		}, boxEnd, since(strategyv1.ConditionInEffect, strategyv1.ReasonExpired), (*hanging).server},
	} {
		t.Run(name, func(t *testing.T) {
			story := scenarios.Named("rollback of a person")
			w := sim.New(t, story.Playbook)
			story.Set(w)
			bucket := &hanging{w: w}
			operator := w.Start(c.what(bucket))
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
			if most := 10 + int(w.Clock.Since(began)/(timeout+5*time.Second)); bucket.calls == 0 || bucket.calls > most {
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

// TestDeadlinesOfAnIncidentWaitForNothingThatHangs, for an hour: L2 is called, and each level that did not answer is recorded on time.
func TestDeadlinesOfAnIncidentWaitForNothingThatHangs(t *testing.T) {
	for name, seams := range map[string]func(*hanging) sim.Seams{
		"a bucket": (*hanging).seams,
		"a kubelet": func(h *hanging) sim.Seams {
			return sim.Seams{Logs: func(controllers.Logs) controllers.Logs { return h }}
		},
		"a Prometheus": func(h *hanging) sim.Seams {
			return sim.Seams{Signals: func(controllers.Signals) controllers.Signals { return h }}
		},
		"an API server, in what is created": (*hanging).server,
	} {
		t.Run(name, func(t *testing.T) {
			story := scenarios.Named("both deadlines pass, then a person resolves") // its checks take long
			w := sim.New(t, scenarios.WithSignals)
			story.Set(w)
			w.Script = nil // nobody resolves it
			if name == "a kubelet" {
				w.Report = sim.Losing // they end, and nobody hears what they say
			}
			h := &hanging{w: w}
			operator := w.Start(seams(h))
			until(t, w, operator, func() bool { return w.Incident() != nil && w.Incident().Status.PlaybookRevision != "" })
			h.hangs = true
			for began := w.Clock.Now(); w.Clock.Since(began) < time.Hour; {
				if !operator.Step(t.Context()) && !w.Play() {
					w.Pass(time.Second)
				}
			}
			if h.calls == 0 {
				t.Errorf("it was never asked")
			}
			status := w.Incident().Status
			for _, deadline := range status.Deadlines {
				relieved := deadline.RelievedTime != nil && !deadline.RelievedTime.After(deadline.Time.Time)
				if !relieved && (deadline.BreachTime == nil || deadline.BreachTime.After(deadline.Time.Add(late))) {
					t.Errorf("%s was due at %s, its breach was recorded at %v", deadline.Level, deadline.Time, deadline.BreachTime)
				}
			}
			if !conditions.True(status.Conditions, strategyv1.ConditionEscalated) {
				t.Errorf("L2 was not called: %+v", status.Conditions)
			}
		})
	}
}
