package input

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/sim"
)

// TestADecisionForgedWithoutPoliciesIsNeverHonoured, neither while the admission policies are missing nor when they are
// back; a true one is.
func TestADecisionForgedWithoutPoliciesIsNeverHonoured(t *testing.T) {
	for _, c := range []struct {
		name    string
		before  func(*sim.World) bool // what people did until then
		waiting string                // for the decision
		verdict strategyv1.DecisionVerdict
		then    string // after a true one
	}{
		{"an approval", nil, "AwaitingApproval", strategyv1.DecisionApprove, "Verified"},
		{"a restore", sim.People(sim.Approve), "Verified", strategyv1.DecisionRestore, "Restored"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := tell(t, nil)
			s.People = c.before
			s.AskRollback("pnl", nil)
			s.settle()
			s.is(aRollback(), "pnl", c.waiting)
			s.People = nil
			s.withoutPolicies(func() {
				s.As("mallory", &strategyv1.StrategyDecision{
					ObjectMeta: metav1.ObjectMeta{Name: "forged"},
					Spec: strategyv1.StrategyDecisionSpec{
						Target:  strategyv1.DecisionTarget{Kind: strategyv1.KindRollback, Name: "pnl"},
						Verdict: c.verdict, By: "bob", Digest: digestFor(c.verdict, s.Rollback()), Reason: "forged",
					},
				})
				s.breaks()
				s.settle()
				s.stalls(aRollback(), "pnl", "IdentityNotEnforced", "StrategyDecision forged by bob is not honoured", "install config/admission")
				s.changedNothing()
			})

			s.later(recheck)
			if now := s.outcome(); now.Content != s.seen.Content || now.Jobs != s.seen.Jobs {
				t.Fatalf("mallory's decision was honoured when the policies were back: %s", now.Content)
			}
			s.is(aRollback(), "pnl", c.waiting)
			s.People = func(w *sim.World) bool { return w.DecideOn(c.waiting, c.verdict, 1) }
			s.settle()
			s.is(aRollback(), "pnl", c.then)
		})
	}
}

func digestFor(verdict strategyv1.DecisionVerdict, rollback *strategyv1.StrategyRollback) string {
	if verdict == strategyv1.DecisionApprove {
		return rollback.Status.Plan.Digest
	}
	return ""
}

// withoutPolicies does something while the admission policies are missing, and puts them back.
func (s *story) withoutPolicies(do func()) {
	s.t.Helper()
	s.API.Seen().Policies = false
	do()
	s.API.Seen().Policies = true
}
