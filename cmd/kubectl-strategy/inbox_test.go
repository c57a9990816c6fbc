package main

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	authorizationv1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/conditions"
)

// openWork is what an inbox has: an approval, a call of L1, and something of another namespace.
func openWork() []client.Object {
	rollback := awaiting()
	rollback.Status.WaitsFor, rollback.Status.DueTime = strategyv1.WhoApprover, new(metav1.NewTime(now.Add(11*time.Minute)))
	decided := incident()
	decided.Status.WaitsFor = strategyv1.WhoApprover
	called := renamed(incident(), "trading", "latency-2").(*strategyv1.StrategyIncident)
	called.Status.WaitsFor = strategyv1.WhoMachine
	called.Status.Deadlines = []strategyv1.Deadline{{Level: strategyv1.LevelL1, Time: metav1.NewTime(now.Add(-time.Minute))}}
	closed := renamed(incident(), "trading", "old").(*strategyv1.StrategyIncident)
	closed.Status.ClosedTime = new(metav1.NewTime(now))
	far := renamed(incident(), "other", "far").(*strategyv1.StrategyIncident)
	far.Status.WaitsFor = strategyv1.WhoL2
	book := published("multi-strategy")
	book.Status.OnCall = []strategyv1.OnCallStatus{{Level: strategyv1.LevelL1, Name: "alice", Contact: "+48 1"}}
	return []client.Object{rollback, decided, called, closed, far, book}
}

// TestTheInboxIsWhatIsOpen: what waits for whoever looks comes first, an incident whose rollback waits is there once, and with the command.
func TestTheInboxIsWhatIsOpen(t *testing.T) {
	w := newWorld(t, "", openWork()...)
	if code := w.run(t); code != exitDone {
		t.Fatalf("exit code %d: %s", code, w.err)
	}
	text, at := w.out.String(), 0
	for _, part := range []string{
		"trading · 2 open · bob · 10:15 UTC",
		"11m left", "YOU, Approver", "approve: disable schedule cross_exchange_watch (pnl-1 PnL Critical)", "kubectl strategy approve stop-cross -n trading",
		"overdue 60s", "L1", "say that you are on it: Triaging (PnL Critical)", "kubectl strategy acknowledge latency-2 -n trading",
		"on call for multi-strategy: L1 alice +48 1",
	} {
		found := strings.Index(text[at:], part)
		if found < 0 {
			t.Fatalf("want %q behind %d in\n%s", part, at, text)
		}
		at += found
	}
	for _, not := range []string{"old", "far"} {
		if strings.Contains(text, not) {
			t.Errorf("%s is shown:\n%s", not, text)
		}
	}
}

func TestTheInboxForPrograms(t *testing.T) {
	for line, want := range map[string]string{
		"-o name": "strategyrollback/stop-cross\nstrategyincident/latency-2\n", "-A -o name": "strategyincident/far\n", "-A": "all namespaces · 3 open",
		"-o json": `"command": "kubectl strategy acknowledge latency-2 -n trading"`, "-o yaml": "mine: true",
	} {
		w := newWorld(t, "", openWork()...)
		if code := w.run(t, strings.Fields(line)...); code != exitDone || !strings.Contains(w.out.String(), want) {
			t.Errorf("%s: exit code %d, without %q:\n%s%s", line, code, want, w.out, w.err)
		}
	}
	w := newWorld(t, "")
	if code := w.run(t, "approv"); code != exitNotUnderstood || !strings.Contains(w.err.String(), `unknown command "approv" (did you mean approve?)`) {
		t.Errorf("exit code %d: %s", code, w.err)
	}
}

// TestWhoseTurnItIsIsNotGuessed: alice asked for the change herself, and who is not known is asked for nothing.
func TestWhoseTurnItIsIsNotGuessed(t *testing.T) {
	objects := openWork()
	objects[0].(*strategyv1.StrategyRollback).Spec.RequestedBy = "bob"
	other := published("other") // whose people are not asked for what this one runs
	other.Status.OnCall = []strategyv1.OnCallStatus{{Level: strategyv1.LevelL1, Name: "bob"}}
	w := newWorld(t, "", append(objects, other)...)
	if code := w.run(t); code != exitDone || strings.Contains(w.out.String(), "YOU") {
		t.Errorf("exit code %d: %s%s", code, w.out, w.err)
	}
}

// TestOnlyWhoHasTheRightIsAsked: what the guard holds back asks for another right than an approval.
func TestOnlyWhoHasTheRightIsAsked(t *testing.T) {
	for right, mine := range map[string]bool{"approve": false, "override": true} {
		held := guarded()
		w := newWorldWith(t, "", interceptor.Funcs{Create: func(ctx context.Context, c client.WithWatch, object client.Object, options ...client.CreateOption) error {
			if review, ok := object.(*authorizationv1.SelfSubjectAccessReview); ok {
				review.Status.Allowed = review.Spec.ResourceAttributes.Verb == right
				return nil
			}
			return bobRuns(ctx, c, object, options...)
		}}, held)
		if code := w.run(t); code != exitDone || strings.Contains(w.out.String(), "YOU") != mine || !strings.Contains(w.out.String(), "kubectl strategy override stop-cross") {
			t.Errorf("who may %s: exit code %d: %s%s", right, code, w.out, w.err)
		}
	}
}

// TestWhoWritesAPlaybookIsNotItsSecondPerson, even with the right to approve: the API server refuses it.
func TestWhoWritesAPlaybookIsNotItsSecondPerson(t *testing.T) {
	for rights, mine := range map[string]bool{"approve": true, "approve create": false, "approve author": false, "create": false} {
		book := published("multi-strategy")
		conditions.Set(&book.Status.Conditions, now, 1, strategyv1.ConditionReviewed, metav1.ConditionFalse, strategyv1.ReasonAwaitingReview, "somebody else is to approve it")
		w := newWorldWith(t, "", interceptor.Funcs{Create: func(ctx context.Context, c client.WithWatch, object client.Object, options ...client.CreateOption) error {
			if review, ok := object.(*authorizationv1.SelfSubjectAccessReview); ok {
				review.Status.Allowed = slices.Contains(strings.Fields(rights), review.Spec.ResourceAttributes.Verb)
				return nil
			}
			return bobRuns(ctx, c, object, options...)
		}}, book)
		if code := w.run(t); code != exitDone || strings.Contains(w.out.String(), "YOU") != mine || !strings.Contains(w.out.String(), "kubectl strategy review multi-strategy") {
			t.Errorf("who may %s: exit code %d: %s%s", rights, code, w.out, w.err)
		}
	}
}
