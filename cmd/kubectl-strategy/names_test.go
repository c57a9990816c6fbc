package main

import (
	"strings"
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/client"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
)

func renamed(object client.Object, namespace, name string) client.Object {
	object.SetNamespace(namespace)
	object.SetName(name)
	return object
}

// TestNamesAreUnderstoodEverywhere: all words that kubectl has for a kind, and a hint where a name is wrong.
func TestNamesAreUnderstoodEverywhere(t *testing.T) {
	for _, test := range []struct {
		line string
		code int
		want string
	}{
		{"approve srb/stop-cross --reason why --yes", exitDone, "Approve of stop-cross by bob"},
		{"approve strategyrollbacks.strategy.tradeops.dev/stop-cross --reason why --yes", exitDone, "Approve of stop-cross by bob"},
		{"approve pnl-1 --reason why --yes", exitDone, "Approve of stop-cross by bob"},
		{"approve sinc/pnl-1 --reason why --yes", exitDone, "Approve of stop-cross by bob"},
		{"deny incident/pnl-1 --reason why", exitDone, "Deny of stop-cross by bob"},
		{"renew pnl-1 --reason why --yes", exitRefused, "rollback stop-cross is not in effect yet"},
		{"approve nosig-1 --reason why --yes", exitRefused, "incident nosig-1 has no rollback, so there is nothing to approve"},
		{"approve stop-crss --reason why --yes", exitNotUnderstood, "(did you mean stop-cross?)"},
		{"resolve sinc/pnl-1 --reason why", exitDone, "Resolve of pnl-1 by bob"},
		{"resolve rollback/stop-cross --reason why", exitNotUnderstood, `"rollback/stop-cross" names no incident/NAME`},
		{"resolve pnl-2 --reason why", exitNotUnderstood, "(did you mean pnl-1?)"},
		{"resolve far --reason why", exitNotUnderstood, "It is in namespace other: add -n other"},
		{"status incdent/pnl-1", exitNotUnderstood, "(did you mean incident?)"},
		{"hold spb/multi-strategy --reason why", exitDone, "Hold of multi-strategy by bob"},
		{"hold pnl-1 --reason why", exitNotUnderstood, `say of which kind "pnl-1" is: playbook/NAME or incident/NAME`},
		{"hold playbook/multi-stratgy --reason why", exitNotUnderstood, "(did you mean multi-strategy?)"},
		{"review spb/multi-stratgy", exitNotUnderstood, "(did you mean multi-strategy?)"},
		{"status incident/", exitNotUnderstood, `"incident/" names no incident/NAME`},
	} {
		w := newWorld(t, "", incident(), awaiting(), renamed(incident(), "trading", "nosig-1"), renamed(incident(), "other", "far"),
			renamed(&strategyv1.StrategyPlaybook{}, "trading", "multi-strategy"))
		code := w.run(t, strings.Fields(test.line)...)
		if text := w.out.String() + w.err.String(); code != test.code || !strings.Contains(text, test.want) {
			t.Errorf("%s: exit code %d, want %d and %q:\n%s", test.line, code, test.code, test.want, text)
		}
	}
}

// TestOfSeveralRollbacksNobodyGuesses: each of them is another change of what trades.
func TestOfSeveralRollbacksNobodyGuesses(t *testing.T) {
	w := newWorld(t, "", incident(), awaiting(), renamed(awaiting(), "trading", "limit-cross"))
	code := w.run(t, "approve", "pnl-1", "--reason", "why", "--yes")
	if code != exitRefused || !strings.Contains(w.err.String(), "2 rollbacks that you could approve; name one: limit-cross, stop-cross") || len(w.decisions(t)) > 0 {
		t.Errorf("exit code %d, %d decisions: %s", code, len(w.decisions(t)), w.err)
	}
}
