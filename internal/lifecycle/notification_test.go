package lifecycle_test

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/conditions"
	"tradeops.dev/strategy-operator/internal/lifecycle"
)

// TestWhoIsStillToBeTold: an acknowledgement answers for no approver, and the technical lead is called beside L2.
func TestWhoIsStillToBeTold(t *testing.T) {
	asked := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	status := strategyv1.StrategyIncidentStatus{PlaybookRevision: "r", WaitsFor: strategyv1.WhoApprover, Acknowledgement: &strategyv1.AcknowledgementStatus{
		By: "bob", Time: metav1.NewTime(asked.Add(time.Second)), UntilTime: metav1.NewTime(asked.Add(time.Hour)),
	}}
	conditions.Set(&status.Conditions, asked, 1, strategyv1.ConditionEscalated, metav1.ConditionTrue, "RuleHeld", "")
	notice := func(event strategyv1.NotificationEvent) string {
		why, _ := lifecycle.NotWanted(status, strategyv1.NotificationStatus{Event: event, Level: strategyv1.LevelL2, AskedTime: metav1.NewTime(asked)}, asked.Add(time.Minute))
		return why
	}
	if why := notice(strategyv1.NotifyAwaitingApproval); why != "" {
		t.Errorf("the approver: %s", why)
	}
	if why := notice(strategyv1.NotifyLevelCalled); why != "bob acknowledged it" {
		t.Errorf("L2: %q", why)
	}
	status.Acknowledgement = nil
	conditions.Set(&status.Conditions, asked, 1, strategyv1.ConditionLeadCalled, metav1.ConditionTrue, "RuleHeld", "")
	if why := notice(strategyv1.NotifyLevelCalled); why != "" {
		t.Errorf("L2 beside the lead: %s", why)
	}
}
