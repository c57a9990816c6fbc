package playbook_test

import (
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/facts"
	"tradeops.dev/strategy-operator/internal/playbook"
	"tradeops.dev/strategy-operator/internal/testkit"
)

// Until a spec is judged nothing starts on it: its generation is not observed, it has no revision, and after a moment it says why.
func TestASpecThatIsNotJudgedYet(t *testing.T) {
	ready := []metav1.Condition{{Type: strategyv1.ConditionReady, Status: metav1.ConditionTrue, Reason: strategyv1.ReasonValid, Message: "incidents can run", ObservedGeneration: 2}}
	for name, c := range map[string]struct {
		since  time.Duration
		status strategyv1.StrategyPlaybookStatus
		served *facts.Problem
		want   string
		next   time.Duration
	}{
		"it is new":                         {since: 0, next: 2 * time.Second},
		"it is new, and it takes long":      {since: 2 * time.Second, want: "Ready=False/BeingChecked", next: time.Minute},
		"it was changed":                    {since: time.Second, status: strategyv1.StrategyPlaybookStatus{ObservedGeneration: 2, Revision: "old", Conditions: ready}, want: "Ready=True/Valid", next: time.Second},
		"it was changed, and it takes long": {since: time.Minute, status: strategyv1.StrategyPlaybookStatus{ObservedGeneration: 2, Revision: "old", Conditions: ready}, want: "Ready=False/BeingChecked", next: time.Minute},
		"the operator was started again":    {since: time.Minute, status: strategyv1.StrategyPlaybookStatus{ObservedGeneration: 3, Revision: "old", Conditions: ready}, want: "Ready=True/Valid"},
		"the namespace is not served":       {served: &facts.Problem{Reason: "NamespaceNotServed", Message: "no"}, want: "Ready=False/NamespaceNotServed Stalled=True/NamespaceNotServed", next: 30 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			o := observed(t)
			o.Playbook.Status, o.AwaitedSince, o.NotServed, o.Frozen = c.status, testkit.T0.Add(-c.since), c.served, false
			decision := plan(t, o)
			if got := testkit.Conditions(decision.Status.Conditions); got != c.want {
				t.Errorf("conditions %s, not %s", got, c.want)
			}
			if c.served == nil && decision.Status.ObservedGeneration != c.status.ObservedGeneration || decision.Status.Revision != c.status.Revision {
				t.Errorf("generation %d, revision %q", decision.Status.ObservedGeneration, decision.Status.Revision)
			}
			for _, did := range testkit.Describe(decision.Actions) {
				if !strings.HasPrefix(did, "warn ") && did != "tell BeingChecked" {
					t.Errorf("it did %s", did)
				}
			}
			if wait := decision.NextAt.Sub(testkit.T0); !decision.NextAt.IsZero() && wait != c.next || decision.NextAt.IsZero() && c.next != 0 {
				t.Errorf("looked at again after %s, not %s", wait, c.next)
			}
		})
	}
}

// A judgement is remembered, so what it says is bounded.
func TestAJudgementIsShort(t *testing.T) {
	spec := testkit.Playbook()
	for range 40 {
		spec.Triage.Escalate = append(spec.Triage.Escalate, strategyv1.EscalateRule{Name: "x", When: strings.Repeat("x", 2000)})
	}
	if problem := playbook.Judge("trading", spec).Problem; problem == nil || len(problem.Message) > 4096 || problem.Reason != "RuleInvalid" {
		t.Errorf("%v", problem)
	}
}
