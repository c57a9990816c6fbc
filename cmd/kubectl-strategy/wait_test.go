package main

import (
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

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
