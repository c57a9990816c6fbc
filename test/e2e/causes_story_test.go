//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
)

func typed(kind strategyv1.IncidentType) func(*strategyv1.StrategyIncidentSpec) {
	return func(spec *strategyv1.StrategyIncidentSpec) { spec.Type = kind }
}

// eventualRollback is the incident's rollback for a remedy.
func (s *story) eventualRollback(remedy string, within time.Duration) *strategyv1.StrategyRollback {
	s.Helper()
	var found strategyv1.StrategyRollback
	s.eventually("a rollback for "+remedy, within, func(ctx context.Context) error {
		var list strategyv1.StrategyRollbackList
		if err := admin.List(ctx, &list, client.InNamespace(s.namespace)); err != nil {
			return err
		}
		for _, rollback := range list.Items {
			if rollback.Spec.RemediationName == remedy {
				found = rollback
				return nil
			}
		}
		return fmt.Errorf("there are %d others", len(list.Items))
	})
	return &found
}

// toL2 hands an incident over that no rule hands over: nothing is wrong with the world, but alice knows more.
func (s *story) toL2(incident *strategyv1.StrategyIncident) {
	s.Helper()
	s.isTriaged(incident)
	s.decides("alice", strategyv1.DecisionEscalate, incident)
}

// Too many alerts: a patch for people, and nothing is changed.
func TestAlertFatigueIsAProposalAndChangesNothing(t *testing.T) {
	s := tell(t)
	var rules corev1.ConfigMap
	at := client.ObjectKey{Namespace: s.namespace, Name: "prometheus-rules"}
	s.must(admin.Get(s.ctx, at, &rules))
	incident := s.report("alice", samplePlaybook, typed("AlertFatigue"))
	s.toL2(incident)
	s.reaches(incident, "Proposed", time.Minute)
	proposal := incident.Status.Proposal
	if proposal == nil || !containsAll(proposal.Patch, "-    for: 1m", "+    for:", "10m") {
		s.Fatalf("the proposal is %+v", proposal)
	}
	s.expect(incident, "Stalled=True/Proposed")
	s.noRollback()
	s.configIsAsBefore()
	var after corev1.ConfigMap
	s.must(admin.Get(s.ctx, at, &after))
	if after.ResourceVersion != rules.ResourceVersion {
		s.Error("the rules were changed")
	}
	s.decides("alice", strategyv1.DecisionResolve, incident)
	s.reaches(incident, "Resolved", 10*time.Second)
	s.logVerifies(incident)
}

// A risk incident: the allocation is the remedy, and nothing happens without an approval.
func TestARiskIncidentAsksForASmallerAllocation(t *testing.T) {
	s := tell(t)
	incident := s.report("alice", samplePlaybook, typed("Risk"))
	s.toL2(incident)
	rollback := s.eventualRollback("reduce-allocation", time.Minute)
	s.reaches(rollback, "AwaitingApproval", 30*time.Second)
	if diff := rollback.Status.Plan.Diff; !containsAll(diff, "-      cross_exchange: 0.5", "+      cross_exchange: 0.1") {
		s.Errorf("the diff is:\n%s", diff)
	}
	s.decides("bob", strategyv1.DecisionDeny, rollback)
	s.reaches(incident, "NeedsPerson", 15*time.Second)
	s.configIsAsBefore()
}

// No rule knows the cause: a person gets everything that was gathered.
func TestAnUnknownCauseEndsAtAPersonWithTheEvidence(t *testing.T) {
	s := tell(t)
	incident := s.report("alice", samplePlaybook, typed("Compliance"))
	s.toL2(incident)
	s.reaches(incident, "NeedsPerson", time.Minute)
	s.expect(incident, "Diagnosed=False/CauseUnknown", "Stalled=True/NeedsPerson")
	if cause := incident.Status.Cause; cause == nil || cause.Name != "Unknown" {
		s.Errorf("the cause is %+v", cause)
	}
	for _, check := range incident.Status.Checks {
		if check.Report == nil {
			s.Errorf("check %s %s has no report", check.Stage, check.Name)
		}
	}
	if len(incident.Status.Checks) != 9 { // four of the triage; five of the diagnosis, for the smoke test is not for this type
		s.Errorf("checks: %+v", incident.Status.Checks)
	}
	if len(incident.Status.Dashboards) != 1 {
		s.Errorf("dashboards: %+v", incident.Status.Dashboards)
	}
	s.noRollback()
	s.evidenceHolds(incident)
}
