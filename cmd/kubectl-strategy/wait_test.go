package main

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
)

func TestWaitEndsWhenItIsDecided(t *testing.T) {
	contained := renamed(incident(), "trading", "held").(*strategyv1.StrategyIncident)
	contained.Status.Conditions = append(contained.Status.Conditions, condition(strategyv1.ConditionContained, metav1.ConditionTrue, strategyv1.ReasonContained, "in effect"))
	over := renamed(incident(), "trading", "over").(*strategyv1.StrategyIncident)
	over.Status.ClosedTime = new(metav1.NewTime(now))
	for line, want := range map[string]struct {
		code int
		says string
	}{
		"pnl-1 --for approval":                {exitDone, "pnl-1: approval: 0 of 3 checks judged"},
		"held --for contained":                {exitDone, "held: contained"},
		"over":                                {exitDone, "over: closed"},
		"over --for contained":                {exitRefused, "incident over is closed (Triaging), so it does not come to contained any more"},
		"pnl-1 --for contained --timeout 1ms": {exitUnanswered, "incident pnl-1 did not come to contained within 1ms"},
		"pnl-1 --for closd":                   {exitNotUnderstood, `there is no goal "closd" (did you mean closed?)`},
		"pnl-7":                               {exitNotUnderstood, "(did you mean pnl-1?)"},
	} {
		w := newWorld(t, "", incident(), awaiting(), contained.DeepCopy(), over.DeepCopy())
		code := w.run(t, append([]string{"wait"}, strings.Fields(line)...)...)
		if text := w.out.String() + w.err.String(); code != want.code || !strings.Contains(text, want.says) {
			t.Errorf("%s: exit code %d, want %d and %q: %s", line, code, want.code, want.says, text)
		}
	}
}

func TestTimelineIsOneStory(t *testing.T) {
	happened := incident()
	happened.Status.Timeline = []strategyv1.TimelineEntry{
		{Seq: 1, Time: metav1.NewTime(now), Event: "incident", Message: "PnL incident", By: "alice"},
		{Seq: 2, Time: metav1.NewTime(now.Add(2 * time.Minute)), Event: "contained", Message: strings.Repeat("in effect ", 20)},
	}
	rollback := awaiting()
	rollback.Status.Timeline = []strategyv1.TimelineEntry{{Seq: 1, Time: metav1.NewTime(now.Add(time.Minute)), Event: "rollback_requested", Message: "asked for", By: "alice"}}
	w := newWorld(t, "", happened, rollback)
	if code := w.run(t, "timeline", "pnl-1"); code != exitDone {
		t.Fatalf("exit code %d: %s", code, w.err)
	}
	golden(t, "timeline.txt", w.out.String())
	w = newWorld(t, "", happened, rollback)
	if code := w.run(t, "timeline", "srb/stop-cross", "-o", "json"); code != exitDone || !strings.Contains(w.out.String(), `"event": "rollback_requested"`) || strings.Contains(w.out.String(), "contained") {
		t.Errorf("exit code %d: %s%s", code, w.out, w.err)
	}
}

func TestOnCallSaysThatNobodyIs(t *testing.T) {
	known, gap, unknown := published("a"), published("b"), published("c")
	known.Status.OnCall = []strategyv1.OnCallStatus{{Level: "L1", Name: "alice", Contact: "+48 1", UntilTime: new(metav1.NewTime(now.Add(time.Hour)))}}
	gap.Status.OnCall = []strategyv1.OnCallStatus{{Level: "L2"}}
	unknown.Status.OnCall = nil
	w := newWorld(t, "", known, gap, unknown)
	if code := w.run(t, "oncall"); code != exitDone || w.out.String() != "a: L1 alice +48 1 until 11:15:00\nb: L2 NOBODY\nc: not known: the playbook has no rotation\n" {
		t.Errorf("exit code %d: %s%s", code, w.out, w.err)
	}
	w = newWorld(t, "", known)
	if code := w.run(t, "oncall", "spb/aa"); code != exitNotUnderstood || !strings.Contains(w.err.String(), "(did you mean a?)") {
		t.Errorf("exit code %d: %s%s", code, w.out, w.err)
	}
}

// The network of whoever waits is not what is waited for: a look that fails is told once, and what comes after it counts.
func TestAWaitSurvivesALookThatFails(t *testing.T) {
	contained := incident()
	contained.Status.Conditions = append(contained.Status.Conditions, condition(strategyv1.ConditionContained, metav1.ConditionTrue, strategyv1.ReasonContained, "in effect"))
	away := errors.New("connection refused")
	for name, c := range map[string]struct {
		fails  int // looks, after the one that resolves the name
		by     error
		stop   bool // somebody interrupts while it looks
		wait   string
		code   int
		says   string
		warned int
	}{
		"twice":                   {2, away, false, "1m", exitDone, "contained: ", 1},
		"to the end":              {1 << 30, away, false, "1ms", exitUnanswered, "within 1ms as far as could be seen (", 1},
		"it is gone meanwhile":    {1, apierrors.NewNotFound(schema.GroupResource{Resource: "strategyincidents"}, "pnl-1"), false, "1m", exitNotUnderstood, "no StrategyIncident", 0},
		"the right is taken away": {1, apierrors.NewForbidden(schema.GroupResource{Resource: "strategyincidents"}, "pnl-1", nil), false, "1m", exitRefused, "forbidden", 0},
		"somebody interrupts it":  {1 << 30, away, true, "1m", exitUnanswered, "incident pnl-1 did not come to contained before the wait was interrupted; see: ", 1},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, interrupt := context.WithCancel(t.Context())
			defer interrupt()
			looks := 0
			w := newWorldWith(t, "", interceptor.Funcs{Create: bobRuns, Get: func(ctx context.Context, client client.WithWatch, key client.ObjectKey, object client.Object, options ...client.GetOption) error {
				if _, ok := object.(*strategyv1.StrategyIncident); ok {
					if looks++; looks > 1 && looks <= c.fails+1 {
						if c.stop {
							interrupt()
						}
						return c.by
					}
				}
				return client.Get(ctx, key, object, options...)
			}}, contained)
			code := run(ctx, w.app, []string{"wait", "pnl-1", "--for", "contained", "--timeout", c.wait})
			if text := w.out.String() + w.err.String(); code != c.code || !strings.Contains(text, c.says) || strings.Count(text, "still trying") > c.warned {
				t.Errorf("exit code %d, not %d: %s", code, c.code, text)
			}
		})
	}
}
