package main

import (
	"context"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
)

func TestStatusFindsWhatIsNamed(t *testing.T) {
	stranger := awaiting()
	stranger.Name, stranger.Spec.IncidentUID = "of-an-earlier-one", "other"
	ours := awaiting()
	ours.Spec.IncidentUID = "9"
	alone := awaiting()
	alone.Name, alone.Spec.IncidentName = "alone", ""
	for _, test := range []struct {
		args []string
		code int
		want string
		not  string
	}{
		{[]string{"status", "pnl-1"}, exitDone, "StrategyIncident trading/pnl-1  Triaging", "earlier"},
		{[]string{"status", "pnl-1", "--all"}, exitDone, "├─ StrategyRollback stop-cross  AwaitingApproval", "alone"},
		{[]string{"status", "pnl-1"}, exitDone, "disable schedule cross_exchange_watch (stop-cross, asked for by alice)", "alone"},
		{[]string{"status", "pnl-1", "-o", "name"}, exitDone, "strategyincident/pnl-1\nstrategyrollback/stop-cross\n", "alone"},
		{[]string{"status", "pnl-1", "-o", "yaml"}, exitDone, "kind: StrategyIncident", "alone"},
		{[]string{"status", "pnl-1", "-o", "json"}, exitDone, "\"kind\": \"List\"", "alone"},
		{[]string{"status", "pnl-1", "-o", "wide"}, exitNotUnderstood, "use -o json, yaml or name", ""},
		{[]string{"status", "pnl-1", "-o", "json", "-w"}, exitNotUnderstood, "leave out -w", ""},
		{[]string{"status", "pnl-1", "--ascii", "--all"}, exitDone, "|- StrategyRollback stop-cross", "├─"},
		{[]string{"get", "incident/pnl-1"}, exitDone, "StrategyIncident trading/pnl-1", ""},
		{[]string{"get", "strategyrollback.strategy.tradeops.dev/stop-cross"}, exitDone, "StrategyRollback trading/stop-cross", "StrategyIncident"},
		{[]string{"status", "spb/multi-strategy"}, exitDone, "StrategyPlaybook trading/multi-strategy  Valid", ""},
		{[]string{"status", "multi-strategy"}, exitDone, "grid_btc  strategy grid", ""},
		{[]string{"status", "multi-strategy", "-o", "yaml"}, exitDone, "kind: StrategyPlaybook", ""},
		{[]string{"status", "multi-strategy", "-w"}, exitNotUnderstood, "leave out -w", ""},
		{[]string{"status", "alone"}, exitDone, "StrategyRollback trading/alone", ""},
		{[]string{"status", "nope"}, exitNotUnderstood, `no StrategyIncident "nope" in namespace trading`, ""},
		{[]string{"status", "pod/x"}, exitNotUnderstood, `"pod/x" names no incident/NAME or rollback/NAME or playbook/NAME`, ""},
	} {
		w := newWorld(t, "", incident(), ours, stranger, alone, published("multi-strategy"))
		code := w.run(t, test.args...)
		text := w.out.String() + w.err.String()
		if code != test.code || !strings.Contains(text, test.want) || (test.not != "" && strings.Contains(text, test.not)) {
			t.Errorf("%v: exit code %d, want %d, %q and not %q:\n%s", test.args, code, test.code, test.want, test.not, text)
		}
	}
}

// TestWatchAppendsWhatIsNewUntilItIsOver changes the incident after each time it was read.
func TestWatchAppendsWhatIsNewUntilItIsOver(t *testing.T) {
	steps := []func(*strategyv1.StrategyIncident){
		func(*strategyv1.StrategyIncident) {}, // read to find out what the name means
		func(*strategyv1.StrategyIncident) {},
		func(i *strategyv1.StrategyIncident) {
			i.Status.Timeline = []strategyv1.TimelineEntry{{Seq: 1, Time: metav1.NewTime(now), Event: "escalated", Message: "L1 to L2"}}
		},
		func(i *strategyv1.StrategyIncident) {
			i.Status.ClosedTime = new(metav1.NewTime(now))
			i.Status.Conditions[0] = condition(strategyv1.ConditionReady, metav1.ConditionTrue, strategyv1.ReasonResolved, "closed by bob")
		},
	}
	const mostUnseen = 50 // the fake watch has room for 100 changes that nobody has taken
	var unseen atomic.Int32
	w := newWorldWith(t, "", interceptor.Funcs{Watch: func(ctx context.Context, c client.WithWatch, list client.ObjectList, options ...client.ListOption) (watch.Interface, error) {
		unseen.Store(0)
		return c.Watch(ctx, list, options...)
	}, Get: func(ctx context.Context, c client.WithWatch, key client.ObjectKey, object client.Object, options ...client.GetOption) error {
		if err := c.Get(ctx, key, object, options...); err != nil {
			return err
		}
		if _, ok := object.(*strategyv1.StrategyIncident); ok {
			unseen.Store(0)
		}
		if seen, ok := object.(*strategyv1.StrategyIncident); ok && len(steps) > 0 {
			steps[0](seen)
			steps = steps[1:]
			return c.Update(ctx, seen.DeepCopy())
		}
		return nil
	}}, incident(), awaiting())
	w.pause = 1 // ns: a watch that ended starts again at once
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan int)
	go func() { done <- run(ctx, w.app, []string{"status", "pnl-1", "-w"}) }()
	for {
		select {
		case code := <-done:
			want := []string{"rollback  plan", "    +  - {schedule", "incident  -> Triaging", "incident  escalated", "incident  -> Resolved"}
			text := w.out.String()
			for _, part := range want {
				if strings.Count(text, part) != 1 {
					t.Errorf("want %q once in\n%s", part, text)
				}
			}
			if code != exitDone {
				t.Errorf("exit code %d: %s", code, w.err)
			}
			return
		default: // keep the watch busy until it is over
			if unseen.Add(1) > mostUnseen {
				runtime.Gosched()
				continue
			}
			touch := awaiting()
			if err := w.Get(ctx, client.ObjectKeyFromObject(touch), touch); err == nil {
				_ = w.Update(ctx, touch)
			}
		}
	}
}
