package lifecycle

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/conditions"
)

// Closed says whether an incident is over.
func Closed(status strategyv1.StrategyIncidentStatus) bool { return status.ClosedTime != nil }

// Open says whether an incident goes on: neither closed nor being deleted.
func Open(incident *strategyv1.StrategyIncident) bool {
	return !Closed(incident.Status) && incident.DeletionTimestamp.IsZero()
}

// Identity is what an incident is about: of each there is one open incident at a time, and strikes count for it.
func Identity(spec strategyv1.StrategyIncidentSpec) string {
	target := "schedule " + spec.Schedule
	if spec.Schedule == "" {
		target = "strategy " + spec.Strategy
	}
	mode := spec.Mode
	if mode == "" {
		mode = strategyv1.IncidentLive
	}
	return string(mode) + "/" + spec.PlaybookName + "/" + string(spec.Type) + "/" + target
}

// Dormant: nobody and nothing is at work on an open incident, or its change is undone: a new report is news.
func Dormant(incident *strategyv1.StrategyIncident) bool {
	all := incident.Status.Conditions
	return conditions.True(all, strategyv1.ConditionOnHold) || conditions.True(all, strategyv1.ConditionStalled) || incident.Status.RestoredTime != nil
}

// Detected is when the clocks of an incident start: when its fault was detected. A clock that was ahead must not switch them off, so a
// time after the incident's creation does not count.
func Detected(incident *strategyv1.StrategyIncident) time.Time {
	created, detected := incident.CreationTimestamp.Time, incident.Spec.DetectedTime
	if detected == nil || detected.After(created) {
		return created
	}
	return detected.Time
}

// Severity is the one that counts: as it was reported, or as a later report raised it.
func Severity(incident *strategyv1.StrategyIncident) strategyv1.Severity {
	if incident.Status.Severity != "" {
		return incident.Status.Severity
	}
	return incident.Spec.Severity
}

// Level is the highest level of support that was called; empty before the start.
func Level(status strategyv1.StrategyIncidentStatus) strategyv1.Level {
	switch {
	case conditions.True(status.Conditions, strategyv1.ConditionLeadCalled):
		return strategyv1.LevelLead
	case conditions.True(status.Conditions, strategyv1.ConditionEscalated):
		return strategyv1.LevelL2
	case status.PlaybookRevision != "":
		return strategyv1.LevelL1
	}
	return ""
}

// IncidentPhase is where an incident is.
func IncidentPhase(status strategyv1.StrategyIncidentStatus) strategyv1.IncidentPhase {
	switch {
	case Closed(status):
		return strategyv1.IncidentClosed
	case status.PlaybookRevision == "":
		return strategyv1.IncidentNew
	case status.RestoredTime != nil:
		return strategyv1.IncidentRecovery
	case status.Cause != nil:
		return strategyv1.IncidentMitigation
	case conditions.True(status.Conditions, strategyv1.ConditionEscalated):
		return strategyv1.IncidentDiagnosis
	}
	return strategyv1.IncidentTriage
}

// IncidentSince is when an incident came where it is, from the times of its status. Triage counts from the report on, whatever it had
// to wait for.
func IncidentSince(created metav1.Time, status strategyv1.StrategyIncidentStatus) time.Time {
	switch IncidentPhase(status) {
	case strategyv1.IncidentClosed:
		return status.ClosedTime.Time
	case strategyv1.IncidentRecovery:
		return status.RestoredTime.Time
	case strategyv1.IncidentMitigation:
		return conditions.Since(status.Conditions, strategyv1.ConditionDiagnosed)
	case strategyv1.IncidentDiagnosis:
		return conditions.Since(status.Conditions, strategyv1.ConditionEscalated)
	}
	return created.Time
}

// IncidentTurn is whose turn it is, and until when, where no rule knows better.
func IncidentTurn(status strategyv1.StrategyIncidentStatus) Turn {
	if Closed(status) {
		return Turn{Who: strategyv1.WhoNobody}
	}
	turn := Turn{Who: strategyv1.WhoMachine}
	if conditions.True(status.Conditions, strategyv1.ConditionStalled) {
		turn.Who = Caller(Level(status))
	}
	for _, deadline := range status.Deadlines {
		if deadline.AnsweredTime == nil && deadline.RelievedTime == nil && deadline.BreachTime == nil && (turn.Until.IsZero() || deadline.Time.Time.Before(turn.Until)) {
			turn.Until = deadline.Time.Time
		}
	}
	return turn
}

// Caller is who looks at an incident of this level; L1 before it has one.
func Caller(level strategyv1.Level) strategyv1.Who {
	switch level {
	case strategyv1.LevelLead:
		return strategyv1.WhoTechLead
	case strategyv1.LevelL2:
		return strategyv1.WhoL2
	}
	return strategyv1.WhoL1
}
