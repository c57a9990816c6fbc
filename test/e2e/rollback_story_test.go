//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
)

func TestAChangeThatMakesThingsWorseIsReverted(t *testing.T) {
	s := tell(t)
	playbook := s.quick("worse-afterwards")
	playbook.Spec.Checks = append(playbook.Spec.Checks, misbehaving("always-fails", "escapes"))
	remediation(&playbook.Spec, "disable-schedule").After = []strategyv1.CheckUse{{Name: "always-fails"}}
	incident := s.report("alice", s.playbook(playbook), nil)
	rollback := s.rollbackOf(incident, time.Minute)
	s.reaches(rollback, "AwaitingApproval", 20*time.Second)
	s.decides("bob", strategyv1.DecisionApprove, rollback)
	s.reaches(rollback, "Reverted", 2*time.Minute)
	s.passes(rollback, 5*time.Second, "CheckingAfter", "Reverting", "Reverted")
	s.expect(rollback, "Verified=False/FailedAfter", "InEffect=False/Restored", "Applied=False/Restored", "Restored=True/Restored", "Ready=False/Reverted", "Stalled=True/Reverted")
	s.configIsAsBefore()
	s.isSuspended()
	s.runs(s.original)
	s.reaches(incident, "NeedsPerson", 20*time.Second)
	s.expect(incident, "Stalled=True/NeedsPerson", "Contained=False/Reverted")
	events := s.logHolds(rollback)
	if local && !containsAllOf(events, "disabled", "failed", "restore_requested", "restored") {
		s.Errorf("the log says %v", events)
	}
	s.oneJobPerAttempt(rollback)
	s.evidenceHolds(rollback)
	s.events(rollback, "Reverting", "Reverted")

	s.decides("bob", strategyv1.DecisionResolve, incident)
	s.reaches(incident, "Resolved", 20*time.Second)
	s.logHolds(incident)
}

// A proof that could not be measured is not a proof that fails: a strategy that loses money must not be enabled again because
// a tool broke.
func TestAChangeWhoseProofCannotBeMeasuredIsKeptAndAPersonIsAsked(t *testing.T) {
	s := tell(t)
	playbook := s.quick("unproved")
	playbook.Spec.Checks = append(playbook.Spec.Checks, misbehaving("broken-tool", "crash"))
	playbook.Spec.Scheduler.Proof.Check = "broken-tool"
	playbook.Spec.Scheduler.Rollout.TimeoutSeconds = 30
	incident := s.report("alice", s.playbook(playbook), nil)
	rollback := s.rollbackOf(incident, time.Minute)
	s.reaches(rollback, "AwaitingApproval", 20*time.Second)
	s.decides("bob", strategyv1.DecisionApprove, rollback)
	s.passes(rollback, 30*time.Second, "Proving")
	s.eventually("the rollback waits for a person", 75*time.Second, func(ctx context.Context) error {
		if err := s.refresh(ctx, rollback); err != nil {
			return err
		}
		if !isTrue(rollback, strategyv1.ConditionStalled) {
			return fmt.Errorf("it is at:\n%s", describe(rollback))
		}
		return nil
	})
	if went := s.seen.wentThrough(rollback); slices.Contains(went, "Reverting") {
		s.Errorf("it was reverted: %v", went)
	}
	if isTrue(rollback, strategyv1.ConditionInEffect) {
		s.Error("it is in effect without a proof")
	}
	s.onlyAddedLines(s.config())
	s.isSuspended("cross_exchange_watch")
	s.reaches(incident, "NeedsPerson", 20*time.Second)
}

func TestADeniedChangeIsNotMadeAndAPersonsOwnChangeContainsTheIncident(t *testing.T) {
	s := tell(t)
	incident := s.report("alice", s.playbook(s.quick("denied")), nil)
	rollback := s.rollbackOf(incident, time.Minute)
	s.reaches(rollback, "AwaitingApproval", 20*time.Second)
	s.decides("bob", strategyv1.DecisionDeny, rollback)
	s.reaches(rollback, "Denied", 20*time.Second)
	s.expect(rollback, "Approved=False/Denied", "Ready=False/Denied", "Stalled=True/Denied")
	s.reaches(incident, "NeedsPerson", 20*time.Second)
	s.expect(incident, "Contained=False/Denied", "Stalled=True/NeedsPerson")
	s.configIsAsBefore()
	s.isSuspended()
	if jobs := s.oneJobPerAttempt(rollback); len(jobs) != 0 {
		s.Errorf("the denied rollback ran %v", jobs)
	}
	s.logHolds(rollback)

	own := &strategyv1.StrategyRollback{Spec: strategyv1.StrategyRollbackSpec{
		PlaybookName: "denied", IncidentName: incident.Name, Reason: "bob has looked at it himself", MaxDurationSeconds: new(int32(3600)),
		Actions: []strategyv1.RollbackAction{{Type: strategyv1.ActionDisableSchedule, Schedule: "cross_exchange_watch"}},
	}}
	own.Namespace, own.Name = s.namespace, "bobs-own"
	s.must(as("bob").Create(s.ctx, own))
	s.reaches(own, "AwaitingApproval", 20*time.Second)
	_, err := s.decide("bob", strategyv1.DecisionApprove, own)
	s.must(err) // bob is an approver; that he asked is the controller's business
	s.eventually("bob's own approval is not honoured", 10*time.Second, func(ctx context.Context) error {
		if err := s.refresh(ctx, own); err != nil {
			return err
		}
		if message := condition(own, strategyv1.ConditionApproved).Message; !containsAll(message, "four eyes") {
			return fmt.Errorf("it says %q", message)
		}
		return nil
	})
	s.eventually("carol may approve", 10*time.Second, func(context.Context) error {
		_, err := s.decide("carol", strategyv1.DecisionApprove, own)
		return err
	})
	s.trace("carol approves bob's own rollback")
	s.reaches(incident, "Contained", 90*time.Second)
	s.expect(incident, "Contained=True/Verified", "Stalled=False/Contained")
	s.must(s.refresh(s.ctx, own))
	s.expect(own, "InEffect=True/Proved", "Verified=True/Verified", "Ready=True/Verified")
	s.onlyAddedLines(s.config())
	s.isSuspended("cross_exchange_watch")

	s.decides("carol", strategyv1.DecisionRestore, own)
	s.reaches(incident, "Resolved", 90*time.Second)
	s.must(s.refresh(s.ctx, own))
	s.expect(own, "Restored=True/Restored", "Ready=True/Restored")
	s.configIsAsBefore()
	s.isSuspended()
	s.logHolds(own)
	s.logHolds(incident)
}

func TestAnAllocationIsReducedAndRestoredByDesiredStateWithoutAnIncident(t *testing.T) {
	s := tell(t)
	rollback := &strategyv1.StrategyRollback{Spec: strategyv1.StrategyRollbackSpec{
		PlaybookName: samplePlaybook, RemediationName: "reduce-allocation", Reason: "less risk over the weekend",
		Actions: []strategyv1.RollbackAction{{Type: strategyv1.ActionSetAllocation, RiskProfile: "aggressive", Bucket: "cross_exchange", Allocation: "0.1"}},
	}}
	rollback.Namespace, rollback.Name = s.namespace, "less-risk"
	s.refused(as("alice").Create(s.ctx, rollback.DeepCopy()), "forbidden", `User "alice"`)
	s.must(as("bob").Create(s.ctx, rollback))
	s.reaches(rollback, "AwaitingApproval", 20*time.Second)
	s.decides("carol", strategyv1.DecisionApprove, rollback)
	s.reaches(rollback, "Verified", 2*time.Minute)
	s.expect(rollback, "InEffect=True/Proved", "Verified=True/Verified", "Ready=True/Verified")
	if diff := changedLines(s.original, s.config()); !slices.Equal(diff, []string{"      cross_exchange: 0.5 -> cross_exchange: 0.1"}) {
		s.Errorf("the changed lines are %q", diff)
	}
	s.allocation(0.1)
	s.isSuspended()

	// Git changes desiredState with update; so that only the verb restore tells the two people apart, both may patch.
	restored := client.RawPatch("application/merge-patch+json", []byte(`{"spec":{"desiredState":"Restored"}}`))
	s.refused(as("alice").Patch(s.ctx, rollback.DeepCopy(), restored), "forbidden", `cannot patch`)
	patcher := &rbacv1.Role{
		ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: "patcher", Labels: ours},
		Rules:      []rbacv1.PolicyRule{{APIGroups: []string{"strategy.tradeops.dev"}, Resources: []string{"strategyrollbacks"}, Verbs: []string{"patch"}}},
	}
	s.must(admin.Create(s.ctx, patcher))
	for _, user := range []string{"alice", "bob"} {
		s.bindTo(user, rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: patcher.Name})
	}
	s.eventually("alice's patch is refused for want of the verb restore", 10*time.Second, func(context.Context) error {
		err := as("alice").Patch(s.ctx, rollback.DeepCopy(), restored)
		if err == nil {
			s.Fatal("alice may not restore, but her patch was accepted")
		}
		if !containsAll(err.Error(), "alice may not change desiredState", "the verb restore") {
			return err
		}
		return nil
	})
	s.must(as("bob").Patch(s.ctx, rollback, restored))
	s.trace("bob sets desiredState: Restored")
	s.reaches(rollback, "Restored", 90*time.Second)
	s.expect(rollback, "Restored=True/Restored", "InEffect=False/Restored")
	s.configIsAsBefore()
	s.allocation(0.5)
	s.logHolds(rollback)
	s.evidenceHolds(rollback)
	s.oneJobPerAttempt(rollback)
}

// allocation waits for what the running scheduler gives to the bucket.
func (s *story) allocation(wanted float64) {
	s.Helper()
	s.eventually("the running scheduler's allocation", 20*time.Second, func(ctx context.Context) error {
		plan, err := s.runningPlan(ctx)
		if err != nil {
			return err
		}
		if got := plan.Allocations["aggressive"]["cross_exchange"]; got != wanted {
			return fmt.Errorf("it is %v, not %v", got, wanted)
		}
		return nil
	})
}
