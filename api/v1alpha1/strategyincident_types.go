package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// IncidentType is what went wrong, as the alert saw it.
// +kubebuilder:validation:Enum=PnL;Risk;Latency;NoSignals;AdapterFailure;AlertFatigue;ResourceBudget;Compliance
type IncidentType string

// Severity of an incident.
// +kubebuilder:validation:Enum=Info;Warning;Critical
type Severity string

// Level is who deals with an incident.
// +kubebuilder:validation:Enum=L1;L2
type Level string

// The levels of support.
const (
	LevelL1 Level = "L1"
	LevelL2 Level = "L2"
)

// StrategyIncidentSpec says what happened. It is immutable: a different fault is a different incident.
// +kubebuilder:validation:XValidation:rule="!(has(self.schedule) && has(self.strategy))",message="name a schedule or a strategy, not both"
// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="an incident's spec is immutable; create another incident"
type StrategyIncidentSpec struct {
	// playbookName is the procedure to run, in the same namespace.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	PlaybookName string `json:"playbookName,omitempty"`

	// type of the incident.
	// +required
	Type IncidentType `json:"type,omitempty"`

	// severity of the incident. Default: Warning.
	// +optional
	// +default="Warning"
	Severity Severity `json:"severity,omitempty"`

	// schedule of the scheduler that is concerned.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	Schedule string `json:"schedule,omitempty"`

	// strategy that is concerned: all schedules that use it.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	Strategy string `json:"strategy,omitempty"`

	// summary for people.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	Summary string `json:"summary,omitempty"`

	// detectedTime starts the clock of every deadline. Default: the incident's creation.
	// +optional
	DetectedTime *metav1.Time `json:"detectedTime,omitempty"`

	// requestedBy is who reported the incident. It is stamped at creation by an admission policy; a client may only
	// name itself.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	RequestedBy string `json:"requestedBy,omitempty"`
}

// StrategyIncidentStatus is how far the procedure is, and what it found.
type StrategyIncidentStatus struct {
	// observedGeneration is the generation that this status is about.
	// +optional
	// +kubebuilder:validation:Minimum=1
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// conditions are Triaged, Escalated, Diagnosed, Contained, Resolved, SLAMet, Ready, Stalled.
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

	// level of support that deals with it now.
	// +optional
	Level Level `json:"level,omitempty"`

	// deadlines are absolute; they are set once, when the incident starts.
	// +optional
	// +listType=map
	// +listMapKey=level
	// +kubebuilder:validation:MaxItems=8
	Deadlines []Deadline `json:"deadlines,omitempty"`

	// checks that were judged, in order; the newest 64.
	// +optional
	// +listType=map
	// +listMapKey=stage
	// +listMapKey=name
	// +listMapKey=attempt
	// +kubebuilder:validation:MaxItems=64
	Checks []CheckStatus `json:"checks,omitempty"`

	// cause as the diagnosis found it.
	// +optional
	Cause *CauseStatus `json:"cause,omitempty"`

	// rollbacks that belong to this incident.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=16
	Rollbacks []IncidentRollback `json:"rollbacks,omitempty"`

	// timeline of what happened; the newest 48. Entry n is entry n of the decision log.
	// +optional
	// +listType=map
	// +listMapKey=seq
	// +kubebuilder:validation:MaxItems=48
	Timeline []TimelineEntry `json:"timeline,omitempty"`

	// log is the head of the decision log.
	// +optional
	Log *LogStatus `json:"log,omitempty"`
}

// Deadline is the time by which a level must have answered.
type Deadline struct {
	// level that must answer.
	// +required
	Level Level `json:"level,omitempty"`

	// time by which it must.
	// +required
	Time metav1.Time `json:"time,omitempty,omitzero"`

	// answeredTime is when it did; a time after the deadline, or none, is a breach.
	// +optional
	AnsweredTime *metav1.Time `json:"answeredTime,omitempty"`
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

	// schedules concerned, taken from the configuration when the cause was found.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=128
	Schedules []string `json:"schedules,omitempty"`
}

// IncidentRollback is a rollback of the incident, as it was last seen.
type IncidentRollback struct {
	// name of the StrategyRollback.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name,omitempty"`

	// status is the reason of its Ready condition.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	Status string `json:"status,omitempty"`
}

// StrategyIncident is one run of a playbook.
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=sinc,categories=strategy
// +kubebuilder:printcolumn:name="Type",type=string,JSONPath=`.spec.type`
// +kubebuilder:printcolumn:name="Severity",type=string,JSONPath=`.spec.severity`
// +kubebuilder:printcolumn:name="Schedule",type=string,JSONPath=`.spec.schedule`
// +kubebuilder:printcolumn:name="Level",type=string,JSONPath=`.status.level`
// +kubebuilder:printcolumn:name="Status",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:validation:XValidation:rule="size(self.metadata.name) <= 200",message="the name of an incident has at most 200 characters, since its rollbacks are named after it"
type StrategyIncident struct {
	metav1.TypeMeta `json:",inline"`
	// metadata is the standard object metadata.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty,omitzero"`

	// spec says what happened. Set by whoever reports the incident.
	// +required
	Spec StrategyIncidentSpec `json:"spec,omitempty,omitzero"`

	// status is written by the operator.
	// +optional
	Status StrategyIncidentStatus `json:"status,omitempty,omitzero"`
}

// StrategyIncidentList is a list of incidents.
// +kubebuilder:object:root=true
type StrategyIncidentList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []StrategyIncident `json:"items"`
}
