//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
)

// An approval is for one plan of one object: it does not survive a change of the plan, nor the object.
func TestAnApprovalHoldsForItsPlanAlone(t *testing.T) {
	s := tell(t)
	rollback := s.asks("changing", samplePlaybook, nil, allocate("aggressive", "cross_exchange", "0.1"))
	s.reaches(rollback, "AwaitingApproval", 20*time.Second)
	old := rollback.Status.Plan.Digest
	s.must(s.putConfig(s.ctx, strings.Replace(s.original, "cross_exchange: 0.5", "cross_exchange: 0.4", 1)))
	s.eventually("the plan is another one", 20*time.Second, func(ctx context.Context) error {
		if err := s.refresh(ctx, rollback); err != nil {
			return err
		}
		if rollback.Status.Plan.Digest == old || *rollback.Status.Plan.Edits[0].From != "0.4" {
			return fmt.Errorf("it is %+v", rollback.Status.Plan)
		}
		return nil
	})
	s.approvesPlan("carol", rollback, old)
	s.isAt(rollback, "AwaitingApproval", "is not honoured: it names another plan")

	// The same name again is another object: what carol says about the first one's plan is nothing to it.
	was := rollback.Status.Plan.Digest
	s.must(as("bob").Delete(s.ctx, rollback))
	s.isGone(rollback, 20*time.Second)
	again := s.asks("changing", samplePlaybook, nil, allocate("aggressive", "cross_exchange", "0.1"))
	s.reaches(again, "AwaitingApproval", 20*time.Second)
	s.approvesPlan("carol", again, was)
	s.isAt(again, "AwaitingApproval", "is not honoured: it names another plan")
	s.approvesPlan("carol", again, again.Status.Plan.Digest)
	s.reaches(again, "Verified", time.Minute)
	s.allocation(0.1)
	s.restores(again)
	s.reaches(again, "Restored", time.Minute)
	s.allocation(0.4)
}

// approvesPlan is an approval of a plan by its digest.
func (s *story) approvesPlan(by string, rollback *strategyv1.StrategyRollback, digest string) {
	s.Helper()
	decision := &strategyv1.StrategyDecision{Spec: strategyv1.StrategyDecisionSpec{
		Target: strategyv1.DecisionTarget{Kind: strategyv1.KindRollback, Name: rollback.Name}, Verdict: strategyv1.DecisionApprove, Digest: digest,
		Reason: "the story says so",
	}}
	decision.Namespace, decision.GenerateName = s.namespace, by+"-"
	s.eventually(by+" approves", 10*time.Second, func(ctx context.Context) error {
		return as(by).Create(ctx, decision)
	})
	s.trace("%s approves %.15s", by, digest)
}
