package main

import (
	"context"
	"strings"
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/client"
)

func TestAReasonIsAskedFor(t *testing.T) {
	for _, test := range []struct {
		name   string
		args   []string
		types  string // nothing: the input is no terminal
		object client.Object
		code   int
		reason string // of what was recorded
		says   string
	}{
		{"to approve, before the person agrees", []string{"approve", "stop-cross"}, "checked with the desk\ny\n", awaiting(), exitDone, "checked with the desk", "decision log: Approve? [y/N] "},
		{"to approve without another question", []string{"approve", "stop-cross", "--yes"}, "  why \r\n", awaiting(), exitDone, "why", "decision log: strategydecision/"},
		{"to deny", []string{"deny", "stop-cross", "--reason", " "}, "too late", awaiting(), exitDone, "too late", "decision log: "},
		{"to resolve", []string{"resolve", "pnl-1"}, "done\n", incident(), exitDone, "done", "decision log: "},
		{"to call a false alarm", []string{"false-alarm", "pnl-1"}, "a test\n", incident(), exitDone, "a test", "decision log: "},
		{"to renew, which needs none", []string{"renew", "stop-cross"}, "y\n", verified(), exitDone, "", "Renew? "},
		{"to restore, which needs none", []string{"restore", "stop-cross"}, "y\n", awaiting(), exitDone, "", "nothing of it is written yet: it is withdrawn"},
		{"to restore, and no consent", []string{"restore", "stop-cross"}, "n\n", verified(), exitRefused, "", "Undo it? [y/N] "},
		{"to restore on a pipe", []string{"restore", "stop-cross"}, "", verified(), exitRefused, "", "add --yes"},
		{"none given", []string{"deny", "stop-cross"}, "\n", awaiting(), exitRefused, "", "deny needs a reason and you gave none; nothing was recorded"},
		{"a reason and no consent", []string{"approve", "stop-cross"}, "why\nn\n", awaiting(), exitRefused, "", "you did not agree"},
		{"no reason for what would come to nothing", []string{"deny", "stop-cross"}, "why\n", verified(), exitRefused, "", "too late to deny"},
		{"approve on a pipe", []string{"approve", "stop-cross", "--yes"}, "", awaiting(), exitNotUnderstood, "", "approve needs a reason, for the decision log"},
		{"override on a pipe", []string{"override", "stop-cross", "--yes", "--reason="}, "", guarded(), exitNotUnderstood, "", "add --reason TEXT"},
		{"false-alarm on a pipe", []string{"false-alarm", "pnl-1"}, "", incident(), exitNotUnderstood, "", "add --reason TEXT"},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, test.types, test.object)
			if code := w.run(t, test.args...); code != test.code {
				t.Fatalf("exit code %d, want %d: %s", code, test.code, w.err)
			}
			if said := w.out.String() + w.err.String(); !strings.Contains(said, test.says) {
				t.Errorf("it does not say %q:\n%s", test.says, said)
			}
			made := w.decisions(t)
			if (len(made) == 1) != (test.code == exitDone) {
				t.Fatalf("%d decisions", len(made))
			}
			if len(made) == 1 && made[0].Spec.Reason != test.reason {
				t.Errorf("reason %q, want %q", made[0].Spec.Reason, test.reason)
			}
		})
	}
}

func TestInterruptedQuestions(t *testing.T) {
	for _, args := range [][]string{{"approve", "stop-cross"}, {"approve", "stop-cross", "--reason", "why"}} {
		w := newWorld(t, "", awaiting())
		ctx, cancel := context.WithCancel(t.Context())
		w.isPerson = func() bool { cancel(); return true }
		w.In = blocked{}
		if code := run(ctx, w.app, args); code != exitRefused || len(w.decisions(t)) != 0 || !strings.Contains(w.err.String(), "interrupted") {
			t.Errorf("%v: exit code %d, %s", args, code, w.err)
		}
	}
}

type blocked struct{}

func (blocked) Read([]byte) (int, error) { select {} }
