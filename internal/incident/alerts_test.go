package incident_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/testkit"
)

// alerted is an alert of the incident, as its object is.
func (s *story) alerted(name string, severity strategyv1.Severity, state strategyv1.AlertState) {
	now := metav1.NewTime(s.Now)
	alert := strategyv1.StrategyAlert{
		ObjectMeta: metav1.ObjectMeta{Namespace: s.incident.Namespace, Name: name},
		Spec: strategyv1.StrategyAlertSpec{
			Labels: map[string]strategyv1.AlertText{"alertname": "MultiStrategyPnlDrawdown"}, State: state, StartTime: now, Occurrence: 1,
		},
		Status: strategyv1.StrategyAlertStatus{Outcome: strategyv1.AlertOpened, Severity: severity, IncidentUID: string(s.incident.UID)},
	}
	if state == strategyv1.AlertResolved {
		alert.Spec.EndTime = &now
	}
	s.alerts = append(slices.DeleteFunc(s.alerts, func(a strategyv1.StrategyAlert) bool { return a.Name == name }), alert)
}

// alertNotes are what the timeline says of alerts, in order.
func (s *story) alertNotes() string {
	var notes []string
	for _, entry := range s.incident.Status.Timeline {
		if entry.Event == strategyv1.EventAlert || entry.Event == strategyv1.EventRaised {
			notes = append(notes, entry.Message)
		}
	}
	return strings.Join(notes, "; ")
}

func TestAnIncidentTellsItsAlerts(t *testing.T) {
	s := newStory(t)
	s.quiet()
	expect(t, "before", s.alertNotes(), "")
	s.alerted("a", "Warning", strategyv1.AlertFiring)
	s.alerted("b", "Warning", strategyv1.AlertFiring)
	s.quiet()
	expect(t, "count", fmt.Sprint(s.incident.Status.AlertCount, s.incident.Status.FiringCount), "2 2")
	one := "alert MultiStrategyPnlDrawdown, severity Warning, fires since 2026-11-23T10:00:00Z"
	expect(t, "noted", s.alertNotes(), one+"; "+one)
	s.alerted("a", "Warning", strategyv1.AlertResolved)
	s.quiet()
	expect(t, "one ends", fmt.Sprint(s.incident.Status.AlertCount, s.incident.Status.FiringCount, " "+s.incident.Status.Alerts[0].ObjectName), "2 1 b")
	s.alerted("b", "Warning", strategyv1.AlertResolved)
	s.quiet()
	s.alerted("b", "Warning", strategyv1.AlertFiring)
	s.quiet()
	expect(t, "noted", s.alertNotes(), one+"; "+one+"; no alert fires any more (they began to fire 2 times); fires again: MultiStrategyPnlDrawdown")
}

// Whoever may delete alerts ends no fault.
func TestAnAlertThatWasDeletedKeepsItsState(t *testing.T) {
	s := newStory(t)
	s.alerted("a", "Warning", strategyv1.AlertFiring)
	s.quiet()
	s.alerts = nil
	s.quiet()
	expect(t, "alerts", fmt.Sprint(s.incident.Status.AlertCount, s.incident.Status.FiringCount, " "+s.incident.Status.Alerts[0].State), "1 1 Firing")
}

func TestAnAlertRaisesTheSeverityAndNeverLowersIt(t *testing.T) {
	s := newStory(t)
	s.incident.Spec.Severity = "Info"
	s.alerted("a", "Warning", strategyv1.AlertFiring)
	s.quiet()
	expect(t, "raised", string(s.incident.Status.Severity), "Warning")
	s.alerted("b", "Critical", strategyv1.AlertResolved)
	s.quiet()
	expect(t, "by one that fires only", string(s.incident.Status.Severity), "Warning")
	s.alerted("b", "Critical", strategyv1.AlertFiring)
	s.quiet()
	s.alerted("a", "Info", strategyv1.AlertFiring)
	s.alerted("b", "Critical", strategyv1.AlertResolved)
	s.quiet()
	expect(t, "never lowered", string(s.incident.Status.Severity), "Critical")
	if notes := s.alertNotes(); strings.Count(notes, "severity Critical instead of Warning: alert MultiStrategyPnlDrawdown has it") != 1 {
		t.Error(notes)
	}
}

// A storm must not push everything else out of the status.
func TestAStormOfAlertsFitsInAStatus(t *testing.T) {
	s := newStory(t)
	s.quiet()
	for i := range 500 {
		s.alerted(fmt.Sprintf("a-%03d", i), "Warning", strategyv1.AlertFiring)
	}
	s.quiet()
	s.At(time.Minute)
	for i := range 499 {
		s.alerted(fmt.Sprintf("a-%03d", i), "Warning", strategyv1.AlertResolved)
	}
	s.quiet()
	status := s.incident.Status
	expect(t, "count", fmt.Sprint(status.AlertCount, status.FiringCount, len(status.Alerts), " "+status.Alerts[0].ObjectName), "500 1 32 a-499")
	if notes := strings.Count(s.alertNotes(), "fires since"); notes != 16 {
		t.Errorf("%d alerts are noted one by one", notes)
	}
}

// What no other incident was opened for is closed by people alone.
func TestARuleClosesNoStorm(t *testing.T) {
	s := newStory(t)
	s.incident.Spec.RequestedBy = "system:serviceaccount:strategy-operator-system:strategy-operator"
	s.alerted("a", "Warning", strategyv1.AlertFiring)
	s.alerts[0].Status.Outcome = strategyv1.AlertCollected
	s.quiet()
	s.reports(reports{"audit": testkit.OK(), "load": testkit.OK()})
	s.quiet()
	expect(t, "Triaged", s.condition(strategyv1.ConditionTriaged), "True/LooksLikeFalseAlarm")
}
