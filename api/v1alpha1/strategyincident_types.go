package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// IncidentType is what went wrong, as the alert saw it.
// +kubebuilder:validation:Enum=PnL;Risk;Latency;NoSignals;AdapterFailure;AlertFatigue;ResourceBudget;Compliance
type IncidentType string

// IncidentTypes are all types.
func IncidentTypes() []IncidentType {
	return []IncidentType{"PnL", "Risk", "Latency", "NoSignals", "AdapterFailure", "AlertFatigue", "ResourceBudget", "Compliance"}
}

// Severity of an incident.
// +kubebuilder:validation:Enum=Info;Warning;Critical
type Severity string

// The severities.
const (
	SeverityInfo     Severity = "Info"
	SeverityWarning  Severity = "Warning"
	SeverityCritical Severity = "Critical"
)

// Above says whether a severity is higher than another one. One that is not given counts as Info.
func (s Severity) Above(other Severity) bool { return s.rank() > other.rank() }

func (s Severity) rank() int {
	switch s {
	case SeverityCritical:
		return 2
	case SeverityWarning:
		return 1
	}
	return 0
}

// Level is who deals with an incident.
// +kubebuilder:validation:Enum=L1;L2;TechLead
type Level string

// The levels of support.
const (
	LevelL1   Level = "L1"
	LevelL2   Level = "L2"
	LevelLead Level = "TechLead"
)

// IncidentMode says whether an incident is real.
// +kubebuilder:validation:Enum=Live;Drill
type IncidentMode string

// The two modes.
const (
	IncidentLive IncidentMode = "Live"
	// IncidentDrill is an exercise: the whole procedure, with a copy of the configuration that no scheduler reads.
	IncidentDrill IncidentMode = "Drill"
)

// IncidentPhase is how far the procedure is.
// +kubebuilder:validation:Enum=New;Triage;Diagnosis;Mitigation;Recovery;Closed
type IncidentPhase string

// The phases of an incident, in order.
const (
	// IncidentNew has not started: its input is missing or wrong.
	IncidentNew IncidentPhase = "New"
	// IncidentTriage is with L1.
	IncidentTriage IncidentPhase = "Triage"
	// IncidentDiagnosis is with L2, which looks for the cause.
	IncidentDiagnosis IncidentPhase = "Diagnosis"
	// IncidentMitigation has a cause, or none could be found; its remedy is asked for, made or in force.
	IncidentMitigation IncidentPhase = "Mitigation"
	// IncidentRecovery has its change undone again, and must stay quiet before it closes.
	IncidentRecovery IncidentPhase = "Recovery"
	// IncidentClosed is over.
	IncidentClosed IncidentPhase = "Closed"
)

// StrategyIncidentSpec says what happened. All but suspend is immutable: a different fault is a different incident.
// +kubebuilder:validation:XValidation:rule="!(has(self.schedule) && has(self.strategy))",message="name a schedule or a strategy, not both"
// +kubebuilder:validation:XValidation:rule="!has(oldSelf.requestedBy) || has(self.requestedBy)",message="requestedBy, which was set when it was created, is missing: kubectl replace (in Argo CD Replace=true) takes off what others set; use kubectl apply, which keeps it"
// +kubebuilder:validation:XValidation:rule="has(self.schedule) == has(oldSelf.schedule) && has(self.strategy) == has(oldSelf.strategy) && has(self.summary) == has(oldSelf.summary) && has(self.detectedTime) == has(oldSelf.detectedTime) && (has(oldSelf.requestedBy) || !has(self.requestedBy))",message="only suspend of an incident may change; create another incident"
type StrategyIncidentSpec struct {
	// playbookName is the procedure to run, in the same namespace.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="only suspend of an incident may change; create another incident"
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$`
	PlaybookName string `json:"playbookName,omitempty"`

	// type of the incident.
	// +required
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="only suspend of an incident may change; create another incident"
	Type IncidentType `json:"type,omitempty"`

	// severity of the incident as it was reported; status.severity is what counts. Default: Warning.
	// +optional
	// +default="Warning"
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="only suspend of an incident may change; create another incident"
	Severity Severity `json:"severity,omitempty"`

	// schedule of the scheduler that is concerned.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="only suspend of an incident may change; create another incident"
	// +kubebuilder:validation:Pattern=`^([^\p{Cc}\x{061C}\x{200E}\x{200F}\x{2028}-\x{202E}\x{2066}-\x{2069}\x{FEFF}]|[\n\t])*$`
	Schedule string `json:"schedule,omitempty"`

	// strategy that is concerned: all schedules that use it.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="only suspend of an incident may change; create another incident"
	// +kubebuilder:validation:Pattern=`^([^\p{Cc}\x{061C}\x{200E}\x{200F}\x{2028}-\x{202E}\x{2066}-\x{2069}\x{FEFF}]|[\n\t])*$`
	Strategy string `json:"strategy,omitempty"`

	// summary for people.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="only suspend of an incident may change; create another incident"
	// +kubebuilder:validation:Pattern=`^([^\p{Cc}\x{061C}\x{200E}\x{200F}\x{2028}-\x{202E}\x{2066}-\x{2069}\x{FEFF}]|[\n\t])*$`
	Summary string `json:"summary,omitempty"`

	// detectedTime starts the clock of every deadline. One after the incident's creation does not count. Default: the incident's creation.
	// +optional
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="only suspend of an incident may change; create another incident"
	DetectedTime *metav1.Time `json:"detectedTime,omitempty"`

	// mode is Live, or Drill: the whole procedure as an exercise, on a copy of the configuration that no scheduler reads,
	// without a restart and outside of the figures of deadlines. Default: Live.
	// +optional
	// +default="Live"
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="only suspend of an incident may change; create another incident"
	Mode IncidentMode `json:"mode,omitempty"`

	// suspend stops new effects of this incident while it is true: no Jobs, no rollbacks. Its rollbacks go on, and so do
	// deadlines and records. Default: false.
	// +optional
	Suspend bool `json:"suspend,omitempty"`

	// requestedBy is who reported the incident. It is stamped at creation by an admission policy; a client may only
	// name itself.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:Pattern=`^[^\p{Cc}\x{061C}\x{200E}\x{200F}\x{2028}-\x{202E}\x{2066}-\x{2069}\x{FEFF}]*$`
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="only suspend of an incident may change; create another incident"
	RequestedBy string `json:"requestedBy,omitempty"`
}

// StrategyIncident is one run of a playbook.
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=sinc,categories=strategy
// +kubebuilder:printcolumn:name="Severity",type=string,JSONPath=`.status.severity`
// +kubebuilder:printcolumn:name="Status",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name="Waits-For",type=string,JSONPath=`.status.waitsFor`
// +kubebuilder:printcolumn:name="Due",type=string,JSONPath=`.status.dueTime`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Mode",type=string,JSONPath=`.spec.mode`,priority=1
// +kubebuilder:printcolumn:name="Type",type=string,JSONPath=`.spec.type`,priority=1
// +kubebuilder:printcolumn:name="Schedule",type=string,JSONPath=`.spec.schedule`,priority=1
// +kubebuilder:printcolumn:name="Strategy",type=string,JSONPath=`.spec.strategy`,priority=1
// +kubebuilder:printcolumn:name="Level",type=string,JSONPath=`.status.level`,priority=1
// +kubebuilder:printcolumn:name="State",type=string,JSONPath=`.status.state`,priority=1
// +kubebuilder:printcolumn:name="OnHold",type=string,JSONPath=`.status.conditions[?(@.type=="OnHold")].status`,priority=1
// +kubebuilder:printcolumn:name="Cause",type=string,JSONPath=`.status.cause.name`,priority=1
// +kubebuilder:printcolumn:name="Remedy",type=string,JSONPath=`.status.cause.remediation`,priority=1
// +kubebuilder:printcolumn:name="By",type=string,JSONPath=`.spec.requestedBy`,priority=1
// +kubebuilder:selectablefield:JSONPath=`.spec.type`
// +kubebuilder:selectablefield:JSONPath=`.spec.severity`
// +kubebuilder:selectablefield:JSONPath=`.spec.schedule`
// +kubebuilder:selectablefield:JSONPath=`.spec.mode`
// +kubebuilder:selectablefield:JSONPath=`.status.severity`
// +kubebuilder:selectablefield:JSONPath=`.status.state`
// +kubebuilder:selectablefield:JSONPath=`.status.waitsFor`
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
