package controllers

import (
	"maps"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
)

var reported = time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)

func after(minutes int) metav1.Time {
	return metav1.NewTime(reported.Add(time.Duration(minutes) * time.Minute))
}

// TestAStageIsCountedWhenItIsLeft, from the times that the status has.
func TestAStageIsCountedWhenItIsLeft(t *testing.T) {
	restored, closed := after(60), after(90)
	triage := strategyv1.StrategyIncidentStatus{State: strategyv1.IncidentTriage, PlaybookRevision: "r"}
	diagnosis := triage
	diagnosis.State = strategyv1.IncidentDiagnosis
	diagnosis.Conditions = []metav1.Condition{{Type: strategyv1.ConditionEscalated, Status: metav1.ConditionTrue, LastTransitionTime: after(5)}}
	mitigation := diagnosis
	mitigation.State, mitigation.Cause = strategyv1.IncidentMitigation, &strategyv1.CauseStatus{}
	mitigation.Conditions = append(mitigation.Conditions, metav1.Condition{Type: strategyv1.ConditionDiagnosed, Status: metav1.ConditionTrue, LastTransitionTime: after(20)})
	recovery := mitigation
	recovery.State, recovery.RestoredTime = strategyv1.IncidentRecovery, &restored
	over := recovery
	over.State, over.ClosedTime = strategyv1.IncidentClosed, &closed
	for name, c := range map[string]struct {
		mode          strategyv1.IncidentMode
		before, after strategyv1.StrategyIncidentStatus
		want          map[string]string
	}{
		"the start":            {"", strategyv1.StrategyIncidentStatus{State: strategyv1.IncidentNew}, triage, map[string]string{}},
		"no other stage":       {"", diagnosis, diagnosis, map[string]string{}},
		"triage":               {"", triage, diagnosis, map[string]string{"Triage": "1 in 5m0s"}},
		"triage, a false one":  {"", triage, over, map[string]string{"Triage": "1 in 1h30m0s"}},
		"diagnosis":            {"", diagnosis, mitigation, map[string]string{"Diagnosis": "1 in 15m0s"}},
		"mitigation":           {"", mitigation, recovery, map[string]string{"Mitigation": "1 in 40m0s"}},
		"recovery":             {"", recovery, over, map[string]string{"Recovery": "1 in 30m0s"}},
		"the change is back":   {"", recovery, mitigation, map[string]string{}},
		"drills are not meant": {strategyv1.IncidentDrill, triage, diagnosis, map[string]string{}},
	} {
		t.Run(name, func(t *testing.T) {
			stageSeconds.Reset()
			incident := &strategyv1.StrategyIncident{ObjectMeta: metav1.ObjectMeta{CreationTimestamp: after(0)}, Status: c.after}
			incident.Spec.Mode = c.mode
			countStage(incident, c.before)
			if got := seconds(t, stageSeconds); !maps.Equal(got, c.want) {
				t.Errorf("counted %v, want %v", got, c.want)
			}
		})
	}
}

// TestTheTimeForADecisionIsAFigureApart: what machines take is not in it.
func TestTheTimeForADecisionIsAFigureApart(t *testing.T) {
	decided := func(verdict strategyv1.DecisionVerdict, minutes int) *strategyv1.DecisionReference {
		return &strategyv1.DecisionReference{Name: string(verdict), Verdict: verdict, Time: after(minutes)}
	}
	for name, c := range map[string]struct {
		mode          strategyv1.RollbackMode
		before, after *strategyv1.DecisionReference
		want          map[string]string
	}{
		"nobody decided":         {"", nil, nil, map[string]string{}},
		"approved":               {"", nil, decided("Approve", 17), map[string]string{"Approve": "1 in 7m0s"}},
		"approved before":        {"", decided("Approve", 17), decided("Approve", 17), map[string]string{}},
		"denied after that":      {"", decided("Approve", 17), decided("Deny", 20), map[string]string{"Deny": "1 in 10m0s"}},
		"denied an earlier plan": {"", nil, decided("Deny", 2), map[string]string{"Deny": "1 in 0s"}},
		"renewed":                {"", decided("Approve", 17), decided("Renew", 40), map[string]string{}},
		"a drill":                {strategyv1.ModeDrill, nil, decided("Approve", 17), map[string]string{}},
	} {
		t.Run(name, func(t *testing.T) {
			approvalSeconds.Reset()
			rollback := &strategyv1.StrategyRollback{Status: strategyv1.StrategyRollbackStatus{Plan: &strategyv1.RollbackPlan{RevisionTime: after(10)}, Decision: c.after}}
			rollback.Spec.Mode = c.mode
			countApproval(rollback, strategyv1.StrategyRollbackStatus{Decision: c.before})
			if got := seconds(t, approvalSeconds); !maps.Equal(got, c.want) {
				t.Errorf("counted %v, want %v", got, c.want)
			}
		})
	}
}
