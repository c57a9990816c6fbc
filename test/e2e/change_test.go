//go:build e2e

package e2e

import (
	"context"
	"errors"
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/util/retry"
	"sigs.k8s.io/controller-runtime/pkg/client"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
)

// asks is bob's own rollback, which carol may approve in this story.
func (s *story) asks(name, playbook string, change func(*strategyv1.StrategyRollbackSpec), actions ...strategyv1.RollbackAction) *strategyv1.StrategyRollback {
	s.Helper()
	rollback := &strategyv1.StrategyRollback{Spec: strategyv1.StrategyRollbackSpec{PlaybookName: playbook, Reason: "the story says so", Actions: actions}}
	rollback.Namespace, rollback.Name = s.namespace, name
	if change != nil {
		change(&rollback.Spec)
	}
	s.must(as("bob").Create(s.ctx, rollback))
	s.trace("bob asks for %s", name)
	return rollback
}

// carolApproves waits until she is asked, and until her role is known.
func (s *story) carolApproves(rollback *strategyv1.StrategyRollback) {
	s.Helper()
	s.reaches(rollback, "AwaitingApproval", 30*time.Second)
	s.eventually("carol approves", 10*time.Second, func(context.Context) error {
		_, err := s.decide("carol", strategyv1.DecisionApprove, rollback)
		return err
	})
	s.trace("carol approves %s", rollback.Name)
}

func disable(schedule string) strategyv1.RollbackAction {
	return strategyv1.RollbackAction{Type: strategyv1.ActionDisableSchedule, Schedule: schedule}
}

func allocate(profile, bucket, share string) strategyv1.RollbackAction {
	return strategyv1.RollbackAction{Type: strategyv1.ActionSetAllocation, RiskProfile: profile, Bucket: bucket, Allocation: share}
}

// lasts gives a rollback a time box.
func lasts(seconds int32) func(*strategyv1.StrategyRollbackSpec) {
	return func(spec *strategyv1.StrategyRollbackSpec) { spec.MaxDurationSeconds = &seconds }
}

// restores asks for the restore by desiredState, as Git would.
func (s *story) restores(rollback *strategyv1.StrategyRollback) {
	s.Helper()
	s.must(admin.Patch(s.ctx, rollback, client.RawPatch("application/merge-patch+json", []byte(`{"spec":{"desiredState":"Restored"}}`))))
	s.trace("%s shall be restored", rollback.Name)
}

// isGone waits until an object does not exist any more.
func (s *story) isGone(object client.Object, within time.Duration) {
	s.Helper()
	s.eventually(nameOf(object)+" is gone", within, func(ctx context.Context) error {
		err := s.refresh(ctx, object)
		if apierrors.IsNotFound(err) {
			return nil
		}
		return errors.Join(err, fmt.Errorf("it is still there:\n%s", describe(object)))
	})
	s.trace("%s is gone", nameOf(object))
}

// changeScheduler changes the scheduler's Deployment for the rest of the story.
func (s *story) changeScheduler(change func(*appsv1.Deployment)) {
	s.Helper()
	ctx := context.WithoutCancel(s.ctx)
	var original appsv1.Deployment
	s.must(admin.Get(ctx, s.schedulerAt(), &original))
	s.must(s.updateScheduler(ctx, change))
	s.Cleanup(func() {
		if s.Failed() { // its world is kept
			return
		}
		err := s.updateScheduler(ctx, func(now *appsv1.Deployment) {
			now.Spec, now.Annotations = original.Spec, original.Annotations
		})
		if apierrors.IsNotFound(err) {
			original.ObjectMeta = withoutIdentity(original.ObjectMeta)
			err = admin.Create(ctx, &original)
		}
		if err == nil {
			err = poll(ctx, time.Minute, func(ctx context.Context) error { return available(ctx, s.schedulerAt()) })
		}
		if err != nil {
			s.Errorf("the scheduler's Deployment cannot be brought back: %v", err)
		}
	})
}

func (w *world) updateScheduler(ctx context.Context, change func(*appsv1.Deployment)) error {
	return retry.RetryOnConflict(retry.DefaultRetry, func() error {
		var deployment appsv1.Deployment
		if err := admin.Get(ctx, w.schedulerAt(), &deployment); err != nil {
			return err
		}
		change(&deployment)
		return admin.Update(ctx, &deployment)
	})
}

// restarts counts how often the scheduler's pods were made anew during something.
func (s *story) restarts(during func()) int64 {
	s.Helper()
	var before, after appsv1.Deployment
	s.must(admin.Get(s.ctx, s.schedulerAt(), &before))
	during()
	s.must(admin.Get(s.ctx, s.schedulerAt(), &after))
	return after.Generation - before.Generation
}

// isAt waits until the object's Ready condition has the reason, and these words in its message.
func (s *story) isAt(object client.Object, reason string, words ...string) {
	s.Helper()
	s.eventually(fmt.Sprintf("%s is at %s: %q", nameOf(object), reason, words), time.Minute, func(ctx context.Context) error {
		if err := s.refresh(ctx, object); err != nil {
			return err
		}
		ready := condition(object, strategyv1.ConditionReady)
		if ready.Reason != reason || !containsAll(ready.Message, words...) {
			return errors.New("it is at:\n" + describe(object))
		}
		return nil
	})
	s.trace("%s: %s", object.GetName(), reason)
}
