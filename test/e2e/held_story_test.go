//go:build e2e

package e2e

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
)

// alice, who is L1, holds everything back before bob approves. Nothing happens until bob, who may approve, lets it go on.
func TestAHoldStopsWhatIsApprovedAndItGoesOnWhenReleased(t *testing.T) {
	s := tell(t)
	playbook := s.quick("killed")
	name := s.playbook(playbook)
	incident := s.report("alice", name, nil)
	rollback := s.rollbackOf(incident, time.Minute)
	s.reaches(rollback, "AwaitingApproval", 30*time.Second)
	s.decides("alice", strategyv1.DecisionHold, playbook)
	s.decides("bob", strategyv1.DecisionApprove, rollback)
	s.reaches(rollback, "Approved", 15*time.Second)
	s.expect(rollback, "Approved=True/Approved", "OnHold=True/PlaybookHeld")
	restarted := s.restarts(func() { // a write would come after a quarter of that time (--pause-gather)
		s.stays("nothing is written", 4*time.Second, func(context.Context) error {
			if now := s.config(); now != s.original {
				return errors.New(firstDifference(s.original, now))
			}
			return nil
		})
	})
	for _, object := range []client.Object{incident, playbook} {
		s.must(s.refresh(s.ctx, object))
		s.expect(object, "OnHold=True/PlaybookHeld")
	}
	var jobs batchv1.JobList
	s.must(admin.List(s.ctx, &jobs, client.InNamespace(s.namespace)))
	if restarted != 0 || len(jobs.Items) != 0 {
		s.Errorf("%d restarts and %d Jobs while everything is held back", restarted, len(jobs.Items))
	}
	_, err := s.decide("alice", strategyv1.DecisionRelease, playbook)
	s.refused(err, "alice may not Release: the verb release on strategyplaybooks")
	s.refused(as("bob").Patch(s.ctx, playbook.DeepCopy(), client.RawPatch("application/merge-patch+json", []byte(`{"spec":{"suspend":false}}`))), `cannot patch resource "strategyplaybooks"`)

	release := s.decides("bob", strategyv1.DecisionRelease, playbook)
	s.eventually("the release is answered", 15*time.Second, func(ctx context.Context) error {
		if err := s.refresh(ctx, release); err != nil {
			return err
		}
		if answer := release.Status.Answer; answer == nil || answer.Outcome != strategyv1.OutcomeHonoured || answer.Seq != 2 {
			return fmt.Errorf("it hears %+v", answer)
		}
		return nil
	})
	s.reaches(rollback, "Verified", time.Minute)
	s.isSuspended("cross_exchange_watch")
	s.expect(rollback, "OnHold=False/Released")
	s.reaches(incident, "Contained", 10*time.Second)
	s.decides("bob", strategyv1.DecisionRestore, rollback)
	s.reaches(rollback, "Restored", time.Minute)
	s.logVerifies(rollback)
}

// A suspended incident starts nothing; resumed, it goes on.
func TestASuspendedIncidentStartsNothingUntilItIsResumed(t *testing.T) {
	s := tell(t)
	incident := s.report("alice", s.playbook(s.quick("paused")), func(spec *strategyv1.StrategyIncidentSpec) { spec.Suspend = true })
	s.eventually("it shows", 15*time.Second, func(ctx context.Context) error {
		if err := s.refresh(ctx, incident); err != nil {
			return err
		}
		if !isTrue(incident, strategyv1.ConditionOnHold) {
			return errors.New("it is at:\n" + describe(incident))
		}
		return nil
	})
	s.stays("no Job is started", 5*time.Second, func(ctx context.Context) error {
		var jobs batchv1.JobList
		if err := admin.List(ctx, &jobs, client.InNamespace(s.namespace)); err != nil {
			return err
		}
		if len(jobs.Items) > 0 {
			return fmt.Errorf("there is Job %s", jobs.Items[0].Name)
		}
		return nil
	})
	s.must(admin.Patch(s.ctx, incident, client.RawPatch("application/merge-patch+json", []byte(`{"spec":{"suspend":false}}`))))
	s.rollbackOf(incident, time.Minute)
	s.must(s.refresh(s.ctx, incident))
	s.expect(incident, "OnHold=False/Released")
}

// The whole procedure as an exercise: nothing of the real thing is touched.
func TestADrillChangesACopyAndNothingElse(t *testing.T) {
	s := tell(t)
	var before, after corev1.ConfigMap
	s.must(admin.Get(s.ctx, s.configAt(), &before))
	playbook := s.quick("drill")
	playbook.Spec.Triage.RespondWithinSeconds = 1 // late, which is no breach in a drill
	incident := s.report("alice", s.playbook(playbook), func(spec *strategyv1.StrategyIncidentSpec) { spec.Mode = strategyv1.IncidentDrill })
	var rollback *strategyv1.StrategyRollback
	restarted := s.restarts(func() {
		rollback = s.rollbackOf(incident, time.Minute)
		s.reaches(rollback, "AwaitingApproval", 30*time.Second)
		_, err := s.decide("alice", strategyv1.DecisionApprove, rollback)
		s.refused(err, "alice may not Approve")
		s.decides("bob", strategyv1.DecisionApprove, rollback)
		s.reaches(rollback, "Verified", time.Minute)
		s.expect(rollback, "InEffect=True/Drill")
		s.reaches(incident, "Contained", 10*time.Second)
		s.isSuspended()
		var copied corev1.ConfigMap
		s.must(admin.Get(s.ctx, client.ObjectKey{Namespace: s.namespace, Name: rollback.Status.Config.ConfigMapName}, &copied))
		s.onlyAddedLines(copied.Data[configKey])
		s.decides("bob", strategyv1.DecisionRestore, rollback)
		s.reaches(incident, "Resolved", time.Minute)
		s.must(admin.Get(s.ctx, client.ObjectKeyFromObject(&copied), &copied))
		if copied.Data[configKey] != s.original {
			s.Errorf("the copy is not as it was: %s", firstDifference(s.original, copied.Data[configKey]))
		}
	})
	s.expect(incident, "SLAMet=Unknown/Drill", "Contained=False/Restored")
	s.reaches(rollback, "Restored", 10*time.Second)
	s.must(admin.Get(s.ctx, s.configAt(), &after))
	if restarted != 0 || after.ResourceVersion != before.ResourceVersion {
		s.Errorf("%d restarts; the real ConfigMap went from version %s to %s", restarted, before.ResourceVersion, after.ResourceVersion)
	}
	s.logVerifies(incident)
	s.logVerifies(rollback)
	s.must(admin.Delete(s.ctx, rollback))
	s.eventually("the copy goes with its rollback", time.Minute, func(ctx context.Context) error {
		var left corev1.ConfigMap
		err := admin.Get(ctx, client.ObjectKey{Namespace: s.namespace, Name: rollback.Status.Config.ConfigMapName}, &left)
		if err == nil {
			return errors.New("it is still there")
		}
		return client.IgnoreNotFound(err)
	})
}
