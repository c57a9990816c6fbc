//go:build e2e

package e2e

import (
	"context"
	"testing"
	"time"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
)

// Deleting a rollback must not re-enable trading by accident; with deletionPolicy Restore it does so on purpose.
func TestADeletedRollbackLeavesOrUndoesItsChange(t *testing.T) {
	s := tell(t)
	retained := s.asks("retained", samplePlaybook, nil, disable("cross_exchange_watch"))
	s.carolApproves(retained)
	s.reaches(retained, "Verified", time.Minute)
	s.refused(as("alice").Delete(s.ctx, retained), "forbidden")
	s.must(as("bob").Delete(s.ctx, retained))
	s.isGone(retained, 30*time.Second)
	s.onlyAddedLines(s.config())
	s.isSuspended("cross_exchange_watch")
	if holders := s.edits().Holders; len(holders) > 0 {
		s.Errorf("%s still holds the path", holders[0].Name)
	}
	kept := s.config()

	restored := s.asks("restored", samplePlaybook, func(spec *strategyv1.StrategyRollbackSpec) {
		spec.DeletionPolicy = strategyv1.DeletionRestore
	}, disable("mean_reversion_intraday"))
	s.carolApproves(restored)
	s.reaches(restored, "Verified", time.Minute)
	s.isSuspended("cross_exchange_watch", "mean_reversion_intraday")
	deleter := &rbacv1.Role{
		ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: "deleter", Labels: ours},
		Rules:      []rbacv1.PolicyRule{{APIGroups: []string{"strategy.tradeops.dev"}, Resources: []string{"strategyrollbacks"}, Verbs: []string{"delete"}}},
	}
	s.must(admin.Create(s.ctx, deleter))
	s.bindTo("dave", rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: deleter.Name})
	s.eventually("dave may delete, but not undo", 10*time.Second, func(context.Context) error {
		err := as("dave").Delete(s.ctx, restored.DeepCopy())
		if err == nil {
			s.Fatal("dave may not restore, but his deletion was accepted")
		}
		if !containsAll(err.Error(), "dave", "the verb restore") {
			return err
		}
		return nil
	})
	s.must(as("bob").Delete(s.ctx, restored))
	s.isGone(restored, time.Minute)
	if now := s.config(); now != kept {
		s.Errorf("the configuration is not as before: %s", firstDifference(kept, now))
	}
	s.runs(kept)
	s.isSuspended("cross_exchange_watch")
}

// Finalizers wait for the operator, and for nothing else.
func TestADeletionWaitsForTheOperatorAndForNothingElse(t *testing.T) {
	s := tell(t, alone)
	playbook := s.quick("short-lived")
	s.playbook(playbook)
	rollback := s.asks("away", playbook.Name, func(spec *strategyv1.StrategyRollbackSpec) {
		spec.DeletionPolicy = strategyv1.DeletionRestore
	}, disable("cross_exchange_watch"))
	s.carolApproves(rollback)
	s.reaches(rollback, "Verified", time.Minute)
	s.scaleOperator(0)
	s.must(as("bob").Delete(s.ctx, rollback))
	s.must(admin.Delete(s.ctx, playbook))
	s.isSuspended("cross_exchange_watch")
	s.must(s.refresh(s.ctx, rollback))
	s.scaleOperator(1)
	s.isGone(rollback, time.Minute)
	s.configIsAsBefore()
	s.isSuspended()
}
