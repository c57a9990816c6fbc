package main

import (
	"context"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
)

// remedied is a playbook with remedies of each sort.
func remedied() *strategyv1.StrategyPlaybook {
	book := published("multi-strategy")
	book.Spec.Remediations = []strategyv1.RemediationSpec{
		{Name: "stop-it", Actions: []strategyv1.RollbackAction{{Type: strategyv1.ActionDisableSchedule}}},
		{Name: "switch-feed", Actions: []strategyv1.RollbackAction{{Type: strategyv1.ActionSwitchFeed, Feed: "kraken"}}},
		{Name: "tune", Proposal: &strategyv1.ProposalSpec{}},
	}
	return book
}

// planning is an operator that plans what is asked for, at once.
func planning(plan func(*strategyv1.StrategyRollback)) interceptor.Funcs {
	return interceptor.Funcs{Create: func(ctx context.Context, c client.WithWatch, object client.Object, options ...client.CreateOption) error {
		if err := bobRuns(ctx, c, object, options...); err != nil {
			return err
		}
		if rollback, ok := object.DeepCopyObject().(*strategyv1.StrategyRollback); ok {
			plan(rollback)
			return c.Update(ctx, rollback)
		}
		return nil
	}}
}

func TestProposeAsksInOnesOwnName(t *testing.T) {
	plan := func(rollback *strategyv1.StrategyRollback) { rollback.Status = awaiting().Status }
	stalls := func(rollback *strategyv1.StrategyRollback) {
		rollback.Status.Conditions = []metav1.Condition{
			condition(strategyv1.ConditionReady, metav1.ConditionFalse, strategyv1.ReasonEditRefused, "no such schedule"),
			condition(strategyv1.ConditionStalled, metav1.ConditionTrue, strategyv1.ReasonEditRefused, "no such schedule"),
		}
	}
	open := incident()
	drill := renamed(incident(), "trading", "exercise").(*strategyv1.StrategyIncident)
	drill.Spec.Mode, drill.Spec.Schedule = strategyv1.IncidentDrill, "grid_btc"
	over := renamed(incident(), "trading", "over").(*strategyv1.StrategyIncident)
	over.Status.ClosedTime = new(metav1.NewTime(now))
	for name, test := range map[string]struct {
		args string
		plan func(*strategyv1.StrategyRollback)
		code int
		says string
		mode strategyv1.RollbackMode
		acts strategyv1.RollbackAction
	}{
		"a schedule": {
			"pnl-1 --disable Grid_BTC --for 2h", plan, exitDone, "somebody else decides: kubectl strategy approve own-pnl-1-", strategyv1.ModeLive,
			strategyv1.RollbackAction{Type: strategyv1.ActionDisableSchedule, Schedule: "grid_btc"},
		},
		"its plan is shown": {
			"pnl-1 --disable grid_btc --dry-run", plan, exitDone, "+  - {schedule: cross_exchange_watch}", strategyv1.ModeDryRun,
			strategyv1.RollbackAction{Type: strategyv1.ActionDisableSchedule, Schedule: "grid_btc"},
		},
		"a remedy": {
			"incident/pnl-1 --remedy switch-feed", plan, exitDone, "asked for by bob", strategyv1.ModeLive,
			strategyv1.RollbackAction{Type: strategyv1.ActionSwitchFeed, Feed: "kraken"},
		},
		"of a drill": {
			"exercise --remedy stop-it", plan, exitDone, "disable schedule grid_btc, asked for by bob", strategyv1.ModeDrill,
			strategyv1.RollbackAction{Type: strategyv1.ActionDisableSchedule, Schedule: "grid_btc"},
		},
		"without a plan": {
			"pnl-1 --remedy switch-feed", stalls, exitRefused, "cannot be planned (EditRefused: no such schedule)", strategyv1.ModeLive,
			strategyv1.RollbackAction{Type: strategyv1.ActionSwitchFeed, Feed: "kraken"},
		},
		"not in time": {
			"pnl-1 --remedy switch-feed --wait 1ms", func(*strategyv1.StrategyRollback) {}, exitUnanswered, "the operator has not planned it within 1ms", strategyv1.ModeLive,
			strategyv1.RollbackAction{Type: strategyv1.ActionSwitchFeed, Feed: "kraken"},
		},
		"schedules not known": {"pnl-1 --remedy stop-it", plan, exitRefused, "it is not known which those are; name one", "", strategyv1.RollbackAction{}},
		"a misspelt remedy":   {"pnl-1 --remedy switch-fed", plan, exitRefused, "(did you mean switch-feed?)", "", strategyv1.RollbackAction{}},
		"for people":          {"pnl-1 --remedy tune", plan, exitRefused, "is a proposal for people", "", strategyv1.RollbackAction{}},
		"a misspelt schedule": {"pnl-1 --disable grid_bct", plan, exitRefused, "(did you mean grid_btc?)", "", strategyv1.RollbackAction{}},
		"a closed incident":   {"over --disable grid_btc", plan, exitRefused, "incident over is not open", "", strategyv1.RollbackAction{}},
		"neither":             {"pnl-1", plan, exitNotUnderstood, "at least one of the flags", "", strategyv1.RollbackAction{}},
		"both":                {"pnl-1 --disable x --remedy y", plan, exitNotUnderstood, "none of the others can be", "", strategyv1.RollbackAction{}},
		"no time at all":      {"pnl-1 --disable grid_btc --for 0s", plan, exitNotUnderstood, "give --for a time from 1m to 720h", "", strategyv1.RollbackAction{}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorldWith(t, "", planning(test.plan), open.DeepCopy(), drill.DeepCopy(), over.DeepCopy(), remedied())
			code := w.run(t, append(append([]string{"propose"}, strings.Fields(test.args)...), "--reason", "it loses")...)
			if text := w.out.String() + w.err.String(); code != test.code || !strings.Contains(text, test.says) {
				t.Errorf("exit code %d, want %d and %q:\n%s", code, test.code, test.says, text)
			}
			var made strategyv1.StrategyRollbackList
			if err := w.List(t.Context(), &made); err != nil {
				t.Fatal(err)
			}
			if (len(made.Items) == 1) != (test.mode != "") {
				t.Fatalf("%d rollbacks", len(made.Items))
			}
			if test.mode == "" {
				return
			}
			spec := made.Items[0].Spec
			if spec.Mode != test.mode || spec.RequestedBy != "bob" || spec.Reason != "it loses" || spec.IncidentUID != "" || len(spec.Actions) != 1 || spec.Actions[0] != test.acts ||
				(spec.RemediationName != "") == (spec.MaxDurationSeconds != nil) {
				t.Errorf("asked for %+v", spec)
			}
		})
	}
}

// TestProposeNeedsAReasonAndTheRight: both are said, and nothing is recorded.
func TestProposeNeedsAReasonAndTheRight(t *testing.T) {
	w := newWorld(t, "", incident(), remedied())
	if code := w.run(t, "propose", "pnl-1", "--remedy", "switch-feed"); code != exitNotUnderstood || !strings.Contains(w.err.String(), "add --reason TEXT") {
		t.Errorf("exit code %d: %s", code, w.err)
	}
	w = newWorld(t, "\n", incident(), remedied())
	if code := w.run(t, "propose", "pnl-1", "--remedy", "switch-feed"); code != exitRefused || !strings.Contains(w.err.String(), "you gave none; nothing was recorded") {
		t.Errorf("exit code %d: %s", code, w.err)
	}
	w = newWorldWith(t, "", interceptor.Funcs{Create: func(ctx context.Context, c client.WithWatch, object client.Object, options ...client.CreateOption) error {
		if _, ok := object.(*strategyv1.StrategyRollback); ok {
			return apierrors.NewForbidden(schema.GroupResource{Resource: "strategyrollbacks"}, "", nil)
		}
		return bobRuns(ctx, c, object, options...)
	}}, incident(), remedied())
	if code := w.run(t, "propose", "pnl-1", "--remedy", "switch-feed", "--reason", "why"); code != exitRefused || !strings.Contains(w.err.String(), "forbidden") {
		t.Errorf("exit code %d: %s", code, w.err)
	}
}
