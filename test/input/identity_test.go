package input

import (
	"strings"
	"testing"
	"time"

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

// TestADecisionOlderThanThePoliciesIsNobodys: they were away, or other ones, and were put back before the operator looked.
func TestADecisionOlderThanThePoliciesIsNobodys(t *testing.T) {
	for _, c := range []struct {
		name    string
		before  func(*sim.World) bool
		waiting string
		verdict strategyv1.DecisionVerdict
		then    string
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
			s.Installed.Since = s.Clock.Now().Add(time.Minute)
			s.Decide("bob", "pnl", c.verdict, "")
			s.breaks()
			s.Pass(2 * time.Minute)
			s.settle()
			s.changedNothing()
			var list strategyv1.StrategyDecisionList
			s.List(&list)
			last := list.Items[len(list.Items)-1].Status.Answer
			if last == nil || last.Outcome != strategyv1.OutcomeVoided || !strings.Contains(last.Message, "they were installed or changed meanwhile") {
				t.Fatalf("it is answered %+v", last)
			}
			s.later(recheck)
			s.is(aRollback(), "pnl", c.waiting)
			s.People = func(w *sim.World) bool { return w.DecideOn(c.waiting, c.verdict, 1) }
			s.settle()
			s.is(aRollback(), "pnl", c.then)
		})
	}
}

// TestPoliciesThatDifferProveNothing: the dry runs are refused, and another sentence of them may say something else.
func TestPoliciesThatDifferProveNothing(t *testing.T) {
	s := tell(t, nil)
	s.AskRollback("pnl", nil)
	s.settle()
	s.Installed.Differs = "ValidatingAdmissionPolicy strategy-operator-rollbacks is not there"
	s.Decide("bob", "pnl", strategyv1.DecisionApprove, "")
	s.breaks()
	s.settle()
	s.stalls(aRollback(), "pnl", "IdentityNotEnforced", "strategy-operator-rollbacks is not there")
	s.changedNothing()
}

// TestNobodyClosesAnIncidentInAFalseName: it would end that anybody looks.
func TestNobodyClosesAnIncidentInAFalseName(t *testing.T) {
	for _, verdict := range []strategyv1.DecisionVerdict{strategyv1.DecisionResolve, strategyv1.DecisionFalseAlarm} {
		t.Run(string(verdict), func(t *testing.T) {
			s := tell(t, nil)
			s.ReportIncident(nil)
			s.settle()
			before := s.Incident().Status.ClosedTime
			s.withoutPolicies(func() {
				s.As("mallory", &strategyv1.StrategyDecision{
					ObjectMeta: metav1.ObjectMeta{Name: "forged"},
					Spec: strategyv1.StrategyDecisionSpec{
						Target: strategyv1.DecisionTarget{Kind: strategyv1.KindIncident, Name: "pnl"}, Verdict: verdict, By: "bob", Reason: "forged",
					},
				})
				s.settle()
			})
			if closed := s.Incident().Status.ClosedTime; before != nil || closed != nil {
				t.Fatalf("it was closed at %v, and before at %v", closed, before)
			}
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
