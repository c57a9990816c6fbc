//go:build e2e

package e2e

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
)

// The same fault is reported twice, and by its risk, too: one incident does the work, and the others say which.
func TestADuplicateIsClosedAndACommonCauseIsFollowed(t *testing.T) {
	s := tell(t)
	playbook := s.quick("several")
	playbook.Spec.Diagnosis.Causes = []strategyv1.CauseRule{{Name: "SignalDegradation", When: "true", Remediation: "disable-schedule"}}
	name := s.playbook(playbook)
	first := s.report("alice", name, nil)
	rollback := s.rollbackOf(first, time.Minute)
	s.reaches(rollback, "AwaitingApproval", 30*time.Second)

	twice := s.report("alice", name, func(spec *strategyv1.StrategyIncidentSpec) { spec.Severity = "Warning" })
	s.reaches(twice, "Duplicate", 15*time.Second)
	s.says(twice, strategyv1.ConditionReady, first.Name)

	child := s.report("alice", name, typed("Risk"))
	s.reaches(child, "FollowsParent", time.Minute)
	if child.Status.ParentName != first.Name {
		s.Errorf("its parent is %q", child.Status.ParentName)
	}
	s.decides("bob", strategyv1.DecisionApprove, rollback)
	s.reaches(first, "Contained", time.Minute)
	s.eventually("the child is contained", 15*time.Second, func(ctx context.Context) error {
		if err := s.refresh(ctx, child); err != nil {
			return err
		}
		if !isTrue(child, strategyv1.ConditionContained) {
			return errors.New("it is at:\n" + describe(child))
		}
		return nil
	})
	s.decides("bob", strategyv1.DecisionRestore, rollback)
	s.reaches(first, "Resolved", time.Minute)
	s.reaches(child, "Resolved", 30*time.Second)
	s.rollbackOf(first, time.Second) // there was never another one
	s.configIsAsBefore()
	s.logVerifies(child)
}

// The second time within a day the remedy is not asked for any more: it does not fix the fault.
func TestAfterTheLastStrikeOnlyPeopleApplyRemedies(t *testing.T) {
	s := tell(t)
	playbook := s.quick("strikes")
	playbook.Spec.Recovery = &strategyv1.RecoverySpec{MaxStrikes: 1, BackoffSeconds: new(int32(0))}
	name := s.playbook(playbook)
	first := s.report("alice", name, nil)
	rollback := s.rollbackOf(first, time.Minute)
	s.reaches(rollback, "AwaitingApproval", 30*time.Second)
	s.decides("bob", strategyv1.DecisionApprove, rollback)
	s.reaches(rollback, "Verified", time.Minute)
	s.decides("bob", strategyv1.DecisionRestore, rollback)
	s.reaches(first, "Resolved", time.Minute)
	if first.Status.Strikes != 1 || first.Status.NextAllowedTime == nil {
		s.Errorf("strikes %d, next allowed %v", first.Status.Strikes, first.Status.NextAllowedTime)
	}
	second := s.report("alice", name, nil)
	s.reaches(second, "StrikesUsedUp", time.Minute)
	s.says(second, strategyv1.ConditionReady, first.Name, "it does not fix the fault")
	s.rollbackOf(first, time.Second) // the first one alone
	s.configIsAsBefore()
}

// Restored is not resolved while an alert still fires. The alert intake stores alerts; here the administrator plays it.
func TestARestoredIncidentClosesOnlyWhenItIsQuiet(t *testing.T) {
	s := tell(t)
	playbook := s.quick("quiet")
	playbook.Spec.Recovery = &strategyv1.RecoverySpec{QuietSeconds: 4, BackoffSeconds: new(int32(0))}
	incident := s.report("alice", s.playbook(playbook), nil)
	rollback := s.rollbackOf(incident, time.Minute)
	s.reaches(rollback, "AwaitingApproval", 30*time.Second)
	s.alert(incident, strategyv1.AlertFiring)
	s.decides("bob", strategyv1.DecisionApprove, rollback)
	s.reaches(incident, "Contained", time.Minute)
	s.decides("bob", strategyv1.DecisionRestore, rollback)
	again := &strategyv1.StrategyRollback{ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: rollback.Name + "-r2"}}
	s.eventually("it is a relapse, and the remedy is asked for again", time.Minute, func(ctx context.Context) error {
		return s.refresh(ctx, again)
	})
	s.must(s.refresh(s.ctx, incident))
	s.expect(incident, "Quiet=False/AlertFiring")
	if incident.Status.Relapses != 1 || isTrue(incident, strategyv1.ConditionReady) {
		s.Errorf("%d relapses; it is at:\n%s", incident.Status.Relapses, describe(incident))
	}
	s.reaches(again, "AwaitingApproval", 30*time.Second)
	s.decides("bob", strategyv1.DecisionApprove, again)
	s.reaches(incident, "Contained", time.Minute)
	s.alert(incident, strategyv1.AlertResolved)
	s.decides("bob", strategyv1.DecisionRestore, again)
	s.reaches(incident, "Resolved", time.Minute)
	if quiet := incident.Status.ClosedTime.Sub(incident.Status.QuietTime.Time); quiet < 4*time.Second {
		s.Errorf("it was quiet for %s", quiet)
	}
	s.configIsAsBefore()
	s.logVerifies(incident)
}

// toldByHand is the route by which an alert of a story joins the incident about a loss.
const toldByHand = `{"spec":{"alerts":{"routes":[{"name":"told-by-hand","matchers":["alertname=\"ToldByHand\""],"type":"PnL","target":{"scheduleLabel":"schedule"}}]}}}`

// alert stores what the alert intake stores, and waits until the incident has heard of it. The playbook says what it becomes.
func (s *story) alert(incident *strategyv1.StrategyIncident, state strategyv1.AlertState) {
	s.Helper()
	playbook := &strategyv1.StrategyPlaybook{ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: incident.Spec.PlaybookName}}
	s.must(admin.Patch(s.ctx, playbook, client.RawPatch("application/merge-patch+json", []byte(toldByHand))))
	now := metav1.NewTime(time.Now().UTC().Truncate(time.Second))
	intake := as("system:serviceaccount:" + operatorNamespace + ":" + operatorName) // nobody else may store one
	alert := &strategyv1.StrategyAlert{ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: "told-by-hand"}}
	s.eventually("the alert is "+string(state), 15*time.Second, func(ctx context.Context) error {
		err := s.refresh(ctx, alert)
		if client.IgnoreNotFound(err) != nil {
			return err
		}
		alert.Spec.State, alert.Spec.ChangedTime, alert.Spec.HeardTime = state, now, now
		if err == nil {
			alert.Spec.EndTime = &now
			return intake.Update(ctx, alert)
		}
		alert.Spec.Labels = map[string]strategyv1.AlertText{"alertname": "ToldByHand", "schedule": strategyv1.AlertText(incident.Spec.Schedule)}
		// What a person sends opens and joins nothing.
		alert.Spec.Sender, alert.Spec.StartTime, alert.Spec.Occurrence, alert.Spec.Heard = "system:serviceaccount:monitoring:alertmanager", now, 1, 1
		return intake.Create(ctx, alert)
	})
	s.eventually("the incident has heard of it", 20*time.Second, func(ctx context.Context) error {
		if err := s.refresh(ctx, incident); err != nil {
			return err
		}
		if len(incident.Status.Alerts) != 1 || incident.Status.Alerts[0].State != state {
			return fmt.Errorf("it has %v", incident.Status.Alerts)
		}
		return nil
	})
	s.trace("the alert is %s", state)
}
