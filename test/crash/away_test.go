package crash

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/controllers"
	"tradeops.dev/strategy-operator/internal/checks"
	"tradeops.dev/strategy-operator/internal/conditions"
	"tradeops.dev/strategy-operator/internal/sim"
	"tradeops.dev/strategy-operator/test/scenarios"
)

var errAway = errors.New("connection refused")

// awayBucket cannot be read while it is away.
type awayBucket struct {
	controllers.Evidence
	away *bool
}

// Get implements controllers.Evidence.
func (b *awayBucket) Get(ctx context.Context, key string) ([]byte, error) {
	if *b.away {
		return nil, errAway
	}
	return b.Evidence.Get(ctx, key)
}

// awayLogs cannot be read of some pods while they are away.
type awayLogs struct {
	controllers.Logs
	away *bool
	of   string
}

// Tail implements controllers.Logs.
func (l *awayLogs) Tail(ctx context.Context, namespace, pod, container string) ([]byte, error) {
	if *l.away && strings.HasPrefix(pod, l.of) {
		return nil, errAway
	}
	return l.Logs.Tail(ctx, namespace, pod, container)
}

// until runs the operator, and lets time pass, until something is so.
func until(t *testing.T, w *sim.World, operator *sim.Operator, so func() bool) {
	t.Helper()
	for range 2000 {
		if so() {
			return
		}
		if !operator.Step(t.Context()) && !w.Next(t.Context(), operator) {
			w.Pass(time.Second)
		}
	}
	t.Fatalf("it does not come to that:\n%s", strings.Join(w.Trace[max(0, len(w.Trace)-40):], "\n"))
}

// TestTimeGoesOnWhileTheBucketIsAway: a bucket that cannot be read stops what hangs on it, says so, and holds up no deadline.
func TestTimeGoesOnWhileTheBucketIsAway(t *testing.T) {
	story := scenarios.Named("main story")
	w := sim.New(t, story.Playbook)
	story.Set(w)
	away := false
	operator := w.Start(sim.Seams{Evidence: func(next controllers.Evidence) controllers.Evidence { return &awayBucket{next, &away} }})
	until(t, w, operator, func() bool { return w.Incident().Status.PlaybookRevision != "" })
	away = true
	until(t, w, operator, func() bool {
		return conditions.True(w.Incident().Status.Conditions, strategyv1.ConditionEscalated)
	})
	status := w.Incident().Status
	if reason := conditions.Reason(status.Conditions, strategyv1.ConditionEscalated); reason != strategyv1.ReasonDeadlinePast {
		t.Errorf("L2 was called by %s", reason)
	}
	ready := meta.FindStatusCondition(status.Conditions, strategyv1.ConditionReady)
	if ready.Reason != strategyv1.ReasonEvidenceUnavailable || !strings.Contains(ready.Message, errAway.Error()) || status.WaitsFor != strategyv1.WhoL2 {
		t.Errorf("it does not say what is wrong: %s waits for %s: %s", ready.Reason, status.WaitsFor, ready.Message)
	}
	away = false
	w.Settle(t.Context(), operator)
	if got := scenarios.EndOf(w, operator.LastError()); len(got.Problems) > 0 || w.Incident().Status.State != strategyv1.IncidentClosed {
		t.Errorf("when the bucket is back: %s, %v", w.Incident().Status.State, got.Problems)
	}
}

// TestALogThatCannotBeReadHoldsUpNothingElse: another check of the stage is judged meanwhile, and what is waited for is said.
func TestALogThatCannotBeReadHoldsUpNothingElse(t *testing.T) {
	story := scenarios.Named("main story")
	w := sim.New(t, story.Playbook)
	story.Set(w)
	away := true
	operator := w.Start(sim.Seams{Logs: func(next controllers.Logs) controllers.Logs { return &awayLogs{next, &away, "triage-audit-"} }})
	until(t, w, operator, func() bool { return len(w.Incident().Status.Checks) > 0 })
	status := w.Incident().Status
	if judged := status.Checks[0].Name; judged != "load" {
		t.Errorf("%s was judged first", judged)
	}
	if message := conditions.Message(status.Conditions, strategyv1.ConditionReady); !strings.Contains(message, "audit waits: the log of pod triage-audit-") {
		t.Errorf("it does not say what it waits for: %s", message)
	}
	away = false
	w.Settle(t.Context(), operator)
	if state := w.Incident().Status.State; state != strategyv1.IncidentClosed {
		t.Errorf("when the log can be read: %s", state)
	}
}

// TestACheckThatNeverStartsIsJudgedThoughTheCacheWasLate: the collector may see the Job before it sees that the incident has begun, and
// no later change of the Job tells it again.
func TestACheckThatNeverStartsIsJudgedThoughTheCacheWasLate(t *testing.T) {
	story := scenarios.Named("main story")
	w := sim.New(t, story.Playbook)
	story.Set(w)
	w.Report = func(*sim.World, checks.ID) (sim.Ended, bool) { return sim.Ended{Waits: "ImagePullBackOff"}, true }
	operator := w.Start(sim.Seams{})
	operator.Late = func(changed client.Object) time.Duration {
		if _, isIncident := changed.(*strategyv1.StrategyIncident); isIncident {
			return time.Second
		}
		return 0
	}
	until(t, w, operator, func() bool { return w.Incident() != nil && len(w.Incident().Status.Checks) > 0 })
	if judged := w.Incident().Status.Checks[0]; judged.Stage != strategyv1.StageTriage || judged.Verdict != strategyv1.VerdictError || !strings.Contains(judged.Message, "ImagePullBackOff") {
		t.Errorf("%s %s is %s: %s", judged.Stage, judged.Name, judged.Verdict, judged.Message)
	}
}

// TestAReportIsNotLostThoughTheCacheWasLate: the cache may show that a Job ended before it shows that its pod did, or that there is one.
func TestAReportIsNotLostThoughTheCacheWasLate(t *testing.T) {
	story := scenarios.Named("main story")
	w := sim.New(t, story.Playbook)
	story.Set(w)
	operator := w.Start(sim.Seams{})
	operator.Late = func(changed client.Object) time.Duration {
		if _, isPod := changed.(*corev1.Pod); isPod {
			return time.Second
		}
		return 0
	}
	until(t, w, operator, func() bool { return w.Incident() != nil && w.Incident().Status.State == strategyv1.IncidentClosed })
	for _, judged := range append(w.Incident().Status.Checks, w.Rollback().Status.Checks...) {
		if judged.Verdict == strategyv1.VerdictError {
			t.Errorf("%s %s is %s: %s", judged.Stage, judged.Name, judged.Verdict, judged.Message)
		}
	}
}

// busyBucket refuses what is written of one check until some time after it was asked first.
type busyBucket struct {
	controllers.Evidence
	w     *sim.World
	until time.Time
}

// Create implements controllers.Evidence.
func (b *busyBucket) Create(ctx context.Context, key string, data []byte) error {
	now := b.w.Clock.Now()
	if strings.Contains(key, "/triage-load-") && b.until.IsZero() {
		b.until = now.Add(400 * time.Millisecond)
	}
	if strings.Contains(key, "/triage-load-") && now.Before(b.until) {
		return errAway
	}
	return b.Evidence.Create(ctx, key, data)
}

// TestChecksThatEndTogetherAreJudgedTogether: though the outcome of one is stored later than an owner waits for news that come together.
func TestChecksThatEndTogetherAreJudgedTogether(t *testing.T) {
	story := scenarios.Named("main story")
	w := sim.New(t, story.Playbook)
	story.Set(w)
	busy := &busyBucket{w: w}
	operator := w.Start(sim.Seams{Evidence: func(next controllers.Evidence) controllers.Evidence { busy.Evidence = next; return busy }})
	until(t, w, operator, func() bool { return len(w.Incident().Status.Checks) > 0 })
	if judged := w.Incident().Status.Checks; len(judged) != 2 || busy.until.IsZero() {
		t.Errorf("judged at first: %+v; the bucket refused until %s", judged, busy.until)
	}
}
