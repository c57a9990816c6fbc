//go:build e2e

package e2e

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
)

func TestArgoPutsTheChangeBackAndNothingIsWrittenAgain(t *testing.T) {
	s := tell(t)
	s.putsBack(s.argo(ignoresNothing), strategyv1.GitOpsReport, 20*time.Second)
}

// Argo CD waits longer and longer before it puts back the same again, so this takes half a minute.
func TestTheOperatorWritesThreeTimesAgainstArgoAndNoMore(t *testing.T) {
	s := tell(t)
	s.putsBack(s.argo(ignoresNothing), strategyv1.GitOpsCoexist, 10*time.Second)
}

// The shipped Application: what Argo CD looks at by itself and what somebody syncs by hand leave the change alone, and bring what others commit. Once it
// is undone, commits of the document arrive again.
func TestArgoLeavesTheChangeAloneWithTheShippedApplication(t *testing.T) {
	s := tell(t)
	a := s.argo(nil)
	incident, rollback := s.planned(a, strategyv1.GitOpsPause)
	s.says(rollback, strategyv1.ConditionPlanned, "has to be done by hand", "managedFieldsManagers", a.marks().keep)
	a.resume()
	s.decides("bob", strategyv1.DecisionApprove, rollback)
	s.reaches(rollback, "Verified", time.Minute)
	s.must(a.Sync(s.ctx, time.Now()))
	s.nothingIsWritten(a, rollback, "Verified", 20*time.Second)
	s.onlyAddedLines(s.config())

	s.must(a.Commit([]byte(strings.Replace(s.manifest(s.original), "  labels:\n", "  labels:\n    desk: west\n", 1))))
	s.eventually("a commit of something else arrives", 20*time.Second, func(ctx context.Context) error {
		var configMap corev1.ConfigMap
		if err := admin.Get(ctx, s.configAt(), &configMap); err != nil {
			return err
		}
		if configMap.Labels["desk"] != "west" {
			return errors.New("the label is not there")
		}
		return nil
	})
	s.nothingIsWritten(a, rollback, "Verified", 4*time.Second)
	s.onlyAddedLines(s.config())
	s.isSuspended("cross_exchange_watch")

	s.decides("bob", strategyv1.DecisionRestore, rollback)
	s.reaches(incident, "Resolved", time.Minute)
	s.configIsAsBefore()
	s.commitArrives(a)
	s.logHolds(rollback)
}
