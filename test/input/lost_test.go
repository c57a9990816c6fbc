package input

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"tradeops.dev/strategy-operator/internal/playbook"
	"tradeops.dev/strategy-operator/internal/sim"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
)

// away is an API server that does not answer reads of one kind.
type away struct {
	client.Reader
	is *bool
}

func (a away) Get(ctx context.Context, key client.ObjectKey, object client.Object, options ...client.GetOption) error {
	if _, incident := object.(*strategyv1.StrategyIncident); incident && *a.is {
		return errors.New("the API server is away")
	}
	return a.Reader.Get(ctx, key, object, options...)
}

// TestDecisionsAboutNothingAreForgotten after a day, some at a time, so that they fill no quota. What cannot be read is not taken for gone.
func TestDecisionsAboutNothingAreForgotten(t *testing.T) {
	t.Parallel()
	unread := true
	s := &story{World: sim.New(t, nil), t: t}
	s.operator = s.Start(sim.Seams{Live: func(next client.Reader) client.Reader { return away{next, &unread} }})
	s.Play()
	s.ReportIncident(nil)
	s.settle()
	for n := range playbook.MaxForgotten + 3 {
		s.DecideAbout("bob", strategyv1.DecisionTarget{Kind: strategyv1.KindIncident, Name: fmt.Sprintf("gone-%d", n)}, strategyv1.DecisionEscalate)
	}
	s.DecideAbout("bob", strategyv1.DecisionTarget{Kind: strategyv1.KindPlaybook, Name: "gone"}, strategyv1.DecisionHold)
	s.DecideAbout("bob", strategyv1.DecisionTarget{Kind: strategyv1.KindPlaybook, Name: sim.Playbook}, strategyv1.DecisionHold)
	s.DecideAbout("bob", strategyv1.DecisionTarget{Kind: strategyv1.KindIncident, Name: "pnl"}, strategyv1.DecisionEscalate)
	made := s.Decisions("")
	s.later(23 * time.Hour)
	if left := s.Decisions(""); left != made {
		t.Errorf("%d of %d are left, and their target may still be made", left, made)
	}
	s.later(2 * time.Hour)
	if left := s.Decisions(""); left != made {
		t.Errorf("%d of %d are left, and nobody knows whether their target is there", left, made)
	}
	unread = false
	s.later(recheck)
	s.later(time.Minute)
	if left := s.Decisions(""); left != 3 {
		t.Errorf("%d are left: %v", left, s.Names(&strategyv1.StrategyDecisionList{}))
	}
	if holds := s.Decisions(strategyv1.DecisionHold); holds != 2 {
		t.Errorf("%d holds are left", holds)
	}
}
