package main

import (
	"context"
	"strings"
	"testing"

	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
)

// TestWhatBecameOfADecisionIsSaid, and the exit code says it, too.
func TestWhatBecameOfADecisionIsSaid(t *testing.T) {
	for name, c := range map[string]struct {
		outcome strategyv1.DecisionOutcome
		wait    string
		code    int
		out     string
		err     string
	}{
		"it counted":                   {strategyv1.OutcomeHonoured, "10s", exitDone, "honoured: why it is so\nto watch what happens: kubectl strategy status pnl-1 -n trading -w", ""},
		"it does not count":            {strategyv1.OutcomeRefused, "10s", exitRefused, "created", "is not honoured (Refused): why it is so"},
		"nobody knows who made it":     {strategyv1.OutcomeVoided, "10s", exitRefused, "created", "is not honoured (Voided): why it is so"},
		"nobody looks at it":           {"", "10ms", exitUnanswered, "created", "is recorded, and not answered within 10ms"},
		"nobody waits for it":          {"", "0", exitDone, "created", ""},
		"nobody waits, and it is told": {strategyv1.OutcomeRefused, "0", exitDone, "created", ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorldWith(t, "", interceptor.Funcs{Create: func(ctx context.Context, client client.WithWatch, object client.Object, options ...client.CreateOption) error {
				if review, ok := object.(*authenticationv1.SelfSubjectReview); ok {
					review.Status.UserInfo.Username = "bob"
					return nil
				}
				if err := client.Create(ctx, object, options...); err != nil || c.outcome == "" {
					return err
				}
				return answers(ctx, client, object, c.outcome, "why\nit is so")
			}}, incident())
			if code := w.run(t, "escalate", "pnl-1", "--wait", c.wait); code != c.code {
				t.Errorf("exit code %d, not %d", code, c.code)
			}
			if !strings.Contains(w.out.String(), c.out) || !strings.Contains(w.err.String(), c.err) || c.err == "" && w.err.Len() > 0 {
				t.Errorf("it says %q and %q", w.out, w.err)
			}
		})
	}
}

func TestHoldAndRelease(t *testing.T) {
	playbook := &strategyv1.StrategyPlaybook{ObjectMeta: metav1.ObjectMeta{Namespace: "trading", Name: "multi-strategy"}}
	for _, test := range []struct {
		args []string
		code int
		says string
		kind string // of the target of what is recorded
	}{
		{[]string{"hold", "playbook/multi-strategy", "--reason", "why"}, exitDone, "Hold of multi-strategy by bob\nhonoured: as bob says", strategyv1.KindPlaybook},
		{[]string{"hold", "incident/pnl-1", "--reason", "why"}, exitDone, "to watch what happens: kubectl strategy status pnl-1 -n trading -w", strategyv1.KindIncident},
		{[]string{"release", "playbook/multi-strategy", "--reason", "why"}, exitDone, "Release of multi-strategy by bob", strategyv1.KindPlaybook},
		{[]string{"release", "incident/pnl-1", "--reason", "why"}, exitDone, "Release of pnl-1 by bob", strategyv1.KindIncident},
		{[]string{"hold", "playbook/multi-strategy"}, exitNotUnderstood, "hold needs a reason", ""},
		{[]string{"hold", "rollback/stop-cross", "--reason", "why"}, exitNotUnderstood, "playbook/NAME or incident/NAME", ""},
		{[]string{"hold", "multi-strategy", "--reason", "why"}, exitNotUnderstood, "playbook/NAME or incident/NAME", ""},
		{[]string{"hold", "playbook/gone", "--reason", "why"}, exitNotUnderstood, `no StrategyPlaybook "gone" in namespace trading; list them: kubectl get strategyplaybooks`, ""},
		{[]string{"hold", "incident/gone", "--reason", "why"}, exitNotUnderstood, `no StrategyIncident "gone"`, ""},
		{[]string{"adopt-checks", "incident/pnl-1", "--reason", "why"}, exitDone, "AdoptChecks of pnl-1 by bob", strategyv1.KindIncident},
		{[]string{"adopt-checks", "rollback/stop-cross", "--reason", "why"}, exitDone, "kubectl strategy status pnl-1 -n trading -w", strategyv1.KindRollback},
		{[]string{"adopt-checks", "rollback/stop-cross"}, exitNotUnderstood, "adopt-checks needs a reason", ""},
		{[]string{"adopt-checks", "playbook/multi-strategy", "--reason", "why"}, exitNotUnderstood, "names no rollback/NAME or incident/NAME", ""},
		{[]string{"hold"}, exitNotUnderstood, "takes one playbook/NAME or incident/NAME", ""},
	} {
		t.Run(strings.Join(test.args, " "), func(t *testing.T) {
			w := newWorld(t, "", playbook.DeepCopy(), incident(), verified())
			if code := w.run(t, test.args...); code != test.code {
				t.Fatalf("exit code %d, not %d: %s", code, test.code, w.err)
			}
			if said := w.out.String() + w.err.String(); !strings.Contains(said, test.says) {
				t.Errorf("it says %q, without %q", said, test.says)
			}
			made := w.decisions(t)
			if (len(made) == 1) != (test.kind != "") || test.kind != "" && (made[0].Spec.Target.Kind != test.kind || made[0].Spec.Reason != "why") {
				t.Errorf("recorded %+v", made)
			}
		})
	}
}
