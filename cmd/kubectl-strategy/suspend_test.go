package main

import (
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
)

func TestSuspendAndResume(t *testing.T) {
	playbook := &strategyv1.StrategyPlaybook{ObjectMeta: metav1.ObjectMeta{Namespace: "trading", Name: "multi-strategy"}}
	for _, test := range []struct {
		args []string
		code int
		says string
		held string // what is suspended then
	}{
		{[]string{"suspend", "playbook/multi-strategy"}, exitDone, "playbook/multi-strategy suspended: nothing new is started", "playbook"},
		{[]string{"suspend", "incident/pnl-1"}, exitDone, "incident/pnl-1 suspended: it starts no Job", "incident"},
		{[]string{"resume", "playbook/multi-strategy"}, exitDone, "playbook/multi-strategy resumed", ""},
		{[]string{"suspend", "rollback/stop-cross"}, exitNotUnderstood, "is neither playbook/NAME nor incident/NAME", ""},
		{[]string{"suspend", "multi-strategy"}, exitNotUnderstood, "is neither playbook/NAME nor incident/NAME", ""},
		{[]string{"suspend", "playbook/gone"}, exitNotUnderstood, "gone", ""},
		{[]string{"suspend"}, exitNotUnderstood, "takes one playbook/NAME or incident/NAME", ""},
	} {
		t.Run(strings.Join(test.args, " "), func(t *testing.T) {
			w := newWorld(t, "", playbook.DeepCopy(), incident())
			if code := w.run(t, test.args...); code != test.code {
				t.Fatalf("exit code %d, not %d: %s", code, test.code, w.err)
			}
			if said := w.out.String() + w.err.String(); !strings.Contains(said, test.says) {
				t.Errorf("it says %q, without %q", said, test.says)
			}
			var book strategyv1.StrategyPlaybook
			must(t, w.Get(t.Context(), types.NamespacedName{Namespace: "trading", Name: "multi-strategy"}, &book))
			var inc strategyv1.StrategyIncident
			must(t, w.Get(t.Context(), types.NamespacedName{Namespace: "trading", Name: "pnl-1"}, &inc))
			if book.Spec.Suspend != (test.held == "playbook") || inc.Spec.Suspend != (test.held == "incident") {
				t.Errorf("playbook %t, incident %t", book.Spec.Suspend, inc.Spec.Suspend)
			}
		})
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
