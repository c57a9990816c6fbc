package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// ReviewState is what a playbook's second person still has to do.
// +kubebuilder:validation:Enum=Awaited
type ReviewState string

// ReviewAwaited is the one that there is.
const ReviewAwaited ReviewState = "Awaited"

// StrategyIncidentStatus is how far the procedure is, and what it found.
type StrategyIncidentStatus struct {
	// observedGeneration is the generation that this status is about.
	// +optional
	// +kubebuilder:validation:Minimum=1
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// state is how far the procedure is, in one word. The reason of Ready says more.
	// +optional
	State IncidentPhase `json:"state,omitempty"`

	// waitsFor is whose turn it is.
	// +optional
	WaitsFor Who `json:"waitsFor,omitempty"`

	// dueTime is until when: of a level its deadline, of an approver the end of the time to approve, of the operator when it
	// goes on by time; absent = no end.
	// +optional
	DueTime *metav1.Time `json:"dueTime,omitempty"`

	// conditions are Triaged, Acknowledged, Escalated, LeadCalled, Diagnosed, Contained, Quiet, Resolved, SLAMet,
	// SignalsKnown, OnHold, Ready, Stalled and, where the playbook has notifications, Notified; where a proposal is pushed, Committed.
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=16
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// playbookRevision is the ControllerRevision with the playbook as it was when this incident started.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	PlaybookRevision string `json:"playbookRevision,omitempty"`

	// review is Awaited while nobody has approved playbookRevision, and the namespace wants two persons for a playbook. Only clocks and calls run,
	// until a version is approved; then the incident goes on on that one. Absent = nothing is awaited.
	// +optional
	Review ReviewState `json:"review,omitempty"`

	// adoptedChecks are the checks of a later revision that somebody took over; absent = those of playbookRevision count.
	// +optional
	AdoptedChecks *AdoptedChecks `json:"adoptedChecks,omitempty"`

	// severity as it counts now: the one of the spec, or a higher one that a later report of the same fault had. It only rises.
	// +optional
	Severity Severity `json:"severity,omitempty"`

	// branch is the stage of checks that began last, and which severities' checks it runs; absent = none began.
	// +optional
	Branch *BranchStatus `json:"branch,omitempty"`

	// level of support that deals with it now: the highest that was called.
	// +optional
	Level Level `json:"level,omitempty"`

	// deadlines are absolute; they are set when the incident starts, and anew when it is reopened or relapses.
	// +optional
	// +listType=map
	// +listMapKey=level
	// +kubebuilder:validation:MaxItems=8
	Deadlines []Deadline `json:"deadlines,omitempty"`

	// acknowledgement is the newest one; absent = none.
	// +optional
	Acknowledgement *AcknowledgementStatus `json:"acknowledgement,omitempty"`

	// waitingSince is since when people have been asked for something; absent while nobody is. When nobody answers for as long as a level
	// has to respond, the next level is called.
	// +optional
	WaitingSince *metav1.Time `json:"waitingSince,omitempty"`

	// question is what people are asked now; absent while nobody is.
	// +optional
	Question *QuestionStatus `json:"question,omitempty"`

	// unanswered is how often it was told that no level answered, until somebody last did; absent = never.
	// +optional
	Unanswered *UnansweredStatus `json:"unanswered,omitempty"`

	// onCall is who was on call for the level when it was called last, by level.
	// +optional
	// +listType=map
	// +listMapKey=level
	// +kubebuilder:validation:MaxItems=3
	OnCall []OnCallStatus `json:"onCall,omitempty"`

	// dashboards of the playbook.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=16
	Dashboards []Dashboard `json:"dashboards,omitempty"`

	// notifications are what people were to be told, oldest first; the newest 64.
	// +optional
	// +listType=map
	// +listMapKey=key
	// +kubebuilder:validation:MaxItems=64
	Notifications []NotificationStatus `json:"notifications,omitempty"`

	// unreached is how often people could not be told of something, though it was still wanted; absent = never.
	// +optional
	Unreached *UnreachedStatus `json:"unreached,omitempty"`

	// alertCount is how often alerts of the incident have begun to fire. It never falls.
	// +optional
	// +kubebuilder:validation:Minimum=1
	AlertCount int64 `json:"alertCount,omitempty"`

	// firingCount is how many of them fire; absent = none.
	// +optional
	// +kubebuilder:validation:Minimum=1
	FiringCount int64 `json:"firingCount,omitempty"`

	// alerts are those that fire, and the newest others; 32 at most.
	// +optional
	// +listType=map
	// +listMapKey=objectName
	// +kubebuilder:validation:MaxItems=32
	Alerts []IncidentAlert `json:"alerts,omitempty"`

	// signals as they were when the incident last took a step, or later: while a change for it is in force, they are renewed after two
	// minutes, or four samples if that is longer. Other samples do not change the status.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=32
	Signals []SignalStatus `json:"signals,omitempty"`

	// checks that were judged, in order; the newest 64.
	// +optional
	// +listType=map
	// +listMapKey=stage
	// +listMapKey=name
	// +listMapKey=attempt
	// +kubebuilder:validation:MaxItems=64
	Checks []CheckStatus `json:"checks,omitempty"`

	// running are the checks that were asked for and are not judged yet.
	// +optional
	// +listType=map
	// +listMapKey=stage
	// +listMapKey=name
	// +listMapKey=attempt
	// +kubebuilder:validation:MaxItems=64
	Running []RunningCheck `json:"running,omitempty"`

	// cause as the diagnosis found it.
	// +optional
	Cause *CauseStatus `json:"cause,omitempty"`

	// proposal for people, when the remedy is one.
	// +optional
	Proposal *ProposalStatus `json:"proposal,omitempty"`

	// parentName is the incident on the same scheduler that has the same cause, and began before.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	ParentName string `json:"parentName,omitempty"`

	// parentUID is the UID of that incident: a later one of its name is not followed.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	ParentUID string `json:"parentUID,omitempty"`

	// containedTime is when a change first contained the incident, in this round; absent = none did. Only what was contained can recover.
	// +optional
	ContainedTime *metav1.Time `json:"containedTime,omitempty"`

	// quietTime is since when alerts and signals have been quiet; absent while they are not.
	// +optional
	QuietTime *metav1.Time `json:"quietTime,omitempty"`

	// restoredTime is since when the change is undone that contained the incident; absent while there is none, or it stands.
	// +optional
	RestoredTime *metav1.Time `json:"restoredTime,omitempty"`

	// round is how often the remedy was begun anew, by a relapse or by a Reopen decision, and one; absent = 1. Rollbacks that ended before
	// roundTime belong to an earlier round.
	// +optional
	// +kubebuilder:validation:Minimum=2
	Round int32 `json:"round,omitempty"`

	// roundTime is when this round began; absent in the first.
	// +optional
	RoundTime *metav1.Time `json:"roundTime,omitempty"`

	// relapses is how often the fault came back after its change was undone. Each counts as a strike.
	// +optional
	// +kubebuilder:validation:Minimum=1
	Relapses int32 `json:"relapses,omitempty"`

	// reopened is the newest Reopen decision that was honoured. Decisions that are not newer are about the time before it.
	// +optional
	Reopened *DecisionReference `json:"reopened,omitempty"`

	// closedTime is when the incident was closed.
	// +optional
	ClosedTime *metav1.Time `json:"closedTime,omitempty"`

	// report of the incident in the operator's bucket, stored after it was closed; absent = not yet, or it is open.
	// +optional
	Report *ReportStatus `json:"report,omitempty"`

	// strikes is how many incidents with a remedy the same playbook, type and target had within the playbook's window when
	// this one was closed, this one included.
	// +optional
	// +kubebuilder:validation:Minimum=1
	Strikes int32 `json:"strikes,omitempty"`

	// nextAllowedTime is before when the operator asks for no other remedy for the same playbook, type and target.
	// +optional
	NextAllowedTime *metav1.Time `json:"nextAllowedTime,omitempty"`

	// rollbacks that belong to this incident.
	// +optional
	// +listType=map
	// +listMapKey=uid
	// +kubebuilder:validation:MaxItems=16
	Rollbacks []IncidentRollback `json:"rollbacks,omitempty"`

	// hold is who holds back what would be started, by a Hold decision; absent while nobody does.
	// +optional
	Hold *HoldStatus `json:"hold,omitempty"`

	// answers are what became of the newest decisions about this object; each decision says so, too.
	// +optional
	// +listType=map
	// +listMapKey=uid
	// +kubebuilder:validation:MaxItems=64
	Answers []AnsweredDecision `json:"answers,omitempty"`

	// timeline of what happened; the newest 48, and more while the log cannot be written. Entry n is entry n of the decision log.
	// +optional
	// +listType=map
	// +listMapKey=seq
	// +kubebuilder:validation:MaxItems=256
	Timeline []TimelineEntry `json:"timeline,omitempty"`

	// log is the head of the decision log.
	// +optional
	Log *LogStatus `json:"log,omitempty"`
}

// CauseStatus is the cause and the rule that chose it.
type CauseStatus struct {
	// name of the cause; Unknown if no rule held.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	Name string `json:"name,omitempty"`

	// rule that chose it.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=2048
	Rule string `json:"rule,omitempty"`

	// remediation that the rule names.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=40
	Remediation string `json:"remediation,omitempty"`

	// schedules concerned, taken from the configuration when the cause was found; at most the first 16 of them.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=128
	Schedules []string `json:"schedules,omitempty"`

	// scheduleTotal is how many schedules are concerned; absent = those in the list.
	// +optional
	// +kubebuilder:validation:Minimum=17
	ScheduleTotal int32 `json:"scheduleTotal,omitempty"`
}

// SignalStatus is one signal: a value, or why there is none.
type SignalStatus struct {
	// name of the playbook's query.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	Name string `json:"name,omitempty"`

	// value as a decimal; absent when it is unknown.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	Value string `json:"value,omitempty"`

	// unit for people.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=32
	Unit string `json:"unit,omitempty"`

	// problem is why it is unknown.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	Problem string `json:"problem,omitempty"`

	// time of the sample; absent when there never was one.
	// +optional
	Time *metav1.Time `json:"time,omitempty"`
}

// BranchStatus is which checks of a stage are for the incident. A stage keeps those that it began with; when the incident is raised, those
// for the higher severity are added.
type BranchStatus struct {
	// stage is Triage or Diagnosis.
	// +required
	Stage Stage `json:"stage,omitempty"`

	// round of the stage, from 1: it is entered again after a relapse, or when checks of a later revision were taken over.
	// +required
	// +kubebuilder:validation:Minimum=1
	Round int32 `json:"round,omitempty"`

	// severities that have counted since the stage began, in order; its checks are those for any of them.
	// +required
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=3
	Severities []Severity `json:"severities,omitempty"`
}

// ReportStatus is where the report of an incident is, or why there is none.
type ReportStatus struct {
	// pages of the report: HTML, Markdown, and the same Markdown under the day and the playbook's name.
	// +optional
	// +listType=map
	// +listMapKey=key
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=4
	Pages []EvidenceReference `json:"pages,omitempty"`

	// problem is why it could not be stored; it is tried again. Absent = none.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	Problem string `json:"problem,omitempty"`
}
