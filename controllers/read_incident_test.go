package controllers

import (
	"context"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
)

// lists answers every list with the same rollbacks.
type lists struct {
	client.Reader
	rollbacks []strategyv1.StrategyRollback
}

func (l lists) List(_ context.Context, into client.ObjectList, _ ...client.ListOption) error {
	into.(*strategyv1.StrategyRollbackList).Items = l.rollbacks
	return nil
}

// TestWhichRollbacksAreAnIncidents: an exercise fixes no real fault, and what another incident asked for is that one's.
func TestWhichRollbacksAreAnIncidents(t *testing.T) {
	named := func(name, uid string, mode strategyv1.RollbackMode) strategyv1.StrategyRollback {
		return strategyv1.StrategyRollback{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: strategyv1.StrategyRollbackSpec{IncidentUID: uid, Mode: mode}}
	}
	all := []strategyv1.StrategyRollback{
		named("live", "u1", strategyv1.ModeLive), named("by-hand", "", strategyv1.ModeLive), named("of-another", "u2", strategyv1.ModeLive),
		named("drill", "u1", strategyv1.ModeDrill), named("dry", "u1", strategyv1.ModeDryRun),
	}
	for mode, want := range map[strategyv1.IncidentMode]string{strategyv1.IncidentLive: "by-hand live", strategyv1.IncidentDrill: "drill"} {
		r := &reader{Client: lists{rollbacks: all}}
		ours, err := r.observeRollbacksOf(t.Context(), &strategyv1.StrategyIncident{
			ObjectMeta: metav1.ObjectMeta{Name: "pnl", UID: "u1"}, Spec: strategyv1.StrategyIncidentSpec{Mode: mode},
		})
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, rollback := range ours {
			names = append(names, rollback.Name)
		}
		if got := strings.Join(names, " "); got != want {
			t.Errorf("%s: %q, want %q", mode, got, want)
		}
	}
}
