package main

import (
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
)

// TestNamesAreCompleted: only those that the command may be meant for.
func TestNamesAreCompleted(t *testing.T) {
	over := renamed(incident(), "trading", "over").(*strategyv1.StrategyIncident)
	over.Status.ClosedTime = new(metav1.NewTime(now))
	book := published("multi-strategy")
	book.Spec.Remediations = []strategyv1.RemediationSpec{{Name: "switch-feed", Actions: []strategyv1.RollbackAction{{Type: strategyv1.ActionSwitchFeed}}}, {Name: "tell"}}
	for line, want := range map[string]string{
		"status": "over pnl-1 in-force stop-cross multi-strategy", "approve": "stop-cross pnl-1", "renew": "in-force pnl-1", "resolve": "pnl-1", "reopen": "over",
		"hold": "playbook/multi-strategy incident/pnl-1", "adopt-checks": "rollback/in-force rollback/stop-cross incident/pnl-1", "doctor": "multi-strategy",
		"propose --remedy x": "pnl-1", "propose pnl-1 --remedy": "switch-feed", "propose pnl-1 --disable": "cross_exchange_watch grid_btc grid_eth", "propose gone --remedy": "", "propose --remedy": "", "wait": "over pnl-1", "logs pnl-1": "",
	} {
		w := newWorld(t, "", incident(), over.DeepCopy(), awaiting(), renamed(verified(), "trading", "in-force"), book.DeepCopy())
		code := w.run(t, append(append([]string{"__complete"}, strings.Fields(line)...), "")...)
		names := strings.Fields(w.out.String())
		if len(names) > 0 {
			names = names[:len(names)-1] // the directive
		}
		if got := strings.Join(names, " "); code != exitDone || got != want {
			t.Errorf("%s: exit code %d: %q, want %q", line, code, got, want)
		}
	}
	w := newWorld(t, "")
	if code := w.run(t, "completion", "bash"); code != exitDone || !strings.Contains(w.out.String(), "bash completion") {
		t.Errorf("exit code %d: %s", code, w.err)
	}
}
