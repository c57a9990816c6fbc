package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// AlertState is what the sender says of an alert.
// +kubebuilder:validation:Enum=Firing;Resolved
type AlertState string

// The two states.
const (
	AlertFiring   AlertState = "Firing"
	AlertResolved AlertState = "Resolved"
)

// AlertText is the value of a label or an annotation of an alert.
// +kubebuilder:validation:MaxLength=1024
type AlertText string

// AlertOutcome is what became of an alert.
// +kubebuilder:validation:Enum=Opened;Joined;Collected;Ignored;Heartbeat;Unroutable;NotOpened
type AlertOutcome string

// The outcomes.
const (
	// AlertOpened: an incident was opened for it.
	AlertOpened AlertOutcome = "Opened"
	// AlertJoined: an incident about the same was open.
	AlertJoined AlertOutcome = "Joined"
	// AlertCollected: too many incidents were opened within an hour; the incident of that storm holds it.
	AlertCollected AlertOutcome = "Collected"
	// AlertIgnored: the playbook says that it is nobody's incident.
	AlertIgnored AlertOutcome = "Ignored"
	// AlertHeartbeat: it always fires; that it is heard shows that the way from Prometheus to here works.
	AlertHeartbeat AlertOutcome = "Heartbeat"
	// AlertUnroutable: no playbook says what it is. It is asked again whenever a playbook changes.
	AlertUnroutable AlertOutcome = "Unroutable"
	// AlertNotOpened: it was resolved before anybody could look at it.
	AlertNotOpened AlertOutcome = "NotOpened"
)

// StrategyAlertSpec is what the sender said last of one alert. The alert intake writes it. All messages with the same labels are about one alert.
// +kubebuilder:validation:XValidation:rule="self.labels == oldSelf.labels",message="the labels of an alert never change; other labels are another alert"
type StrategyAlertSpec struct {
	// labels of the alert; alertname is its rule.
	// +required
	// +kubebuilder:validation:MinProperties=1
	// +kubebuilder:validation:MaxProperties=64
	Labels map[string]AlertText `json:"labels,omitempty"`

	// annotations of the alert, as last heard.
	// +optional
	// +kubebuilder:validation:MaxProperties=16
	Annotations map[string]AlertText `json:"annotations,omitempty"`

	// leftOut is what of the labels and annotations was too large to be kept; absent = nothing.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	LeftOut string `json:"leftOut,omitempty"`

	// fingerprint that the sender gives it; absent = it gave none.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	Fingerprint string `json:"fingerprint,omitempty"`

	// generatorURL is where the alert comes from, for people.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	GeneratorURL string `json:"generatorURL,omitempty"`

	// sender is the user who sent the newest message, as the API server knows it.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:Pattern=`^[^\p{Cc}\x{061C}\x{200E}\x{200F}\x{2028}-\x{202E}\x{2066}-\x{2069}\x{FEFF}]*$`
	Sender string `json:"sender,omitempty"`

	// state as last heard.
	// +required
	State AlertState `json:"state,omitempty"`

	// startTime is since when it fires, as the sender says, or when it was heard first where the sender does not say or its clock is ahead;
	// the last endTime where it was resolved and the sender says that it fires since before.
	// +required
	StartTime metav1.Time `json:"startTime,omitempty,omitzero"`

	// endTime is when it was resolved; absent while it fires.
	// +optional
	EndTime *metav1.Time `json:"endTime,omitempty"`

	// occurrence counts how often it began to fire, from 1.
	// +required
	// +kubebuilder:validation:Minimum=1
	Occurrence int64 `json:"occurrence,omitempty"`

	// changedTime is when it was heard that it began to fire, or was resolved, by the operator's clock.
	// +required
	ChangedTime metav1.Time `json:"changedTime,omitempty,omitzero"`

	// heard counts the messages about it, repeated ones included. It may lag minutes behind, and what was not written yet is lost with a restart.
	// +required
	// +kubebuilder:validation:Minimum=1
	Heard int64 `json:"heard,omitempty"`

	// heardTime is when it was heard of last. It may lag minutes behind.
	// +required
	HeardTime metav1.Time `json:"heardTime,omitempty,omitzero"`
}

// StrategyAlertStatus is what became of the alert. The operator writes it.
type StrategyAlertStatus struct {
	// conditions are Routed and Ready.
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=8
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// outcome in one word; the message of Ready says more.
	// +optional
	Outcome AlertOutcome `json:"outcome,omitempty"`

	// playbookName whose route holds for it; absent = none does.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	PlaybookName string `json:"playbookName,omitempty"`

	// route of that playbook.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	Route string `json:"route,omitempty"`

	// severity that it has as an incident.
	// +optional
	Severity Severity `json:"severity,omitempty"`

	// incidentName is the incident that it opened or joined.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	IncidentName string `json:"incidentName,omitempty"`

	// incidentUID is the UID of that incident: a later one of its name is another one.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	IncidentUID string `json:"incidentUID,omitempty"`

	// occurrence of the alert that this is about. A later one that comes when the incident is closed opens another one.
	// +optional
	// +kubebuilder:validation:Minimum=1
	Occurrence int64 `json:"occurrence,omitempty"`

	// nextTime is when an alert that goes on firing though its incident is closed opens another one; absent = it does not wait for that.
	// +optional
	NextTime *metav1.Time `json:"nextTime,omitempty"`
}

// StrategyAlert is one alert that came in, and what became of it.
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=sal,categories=strategy
// +kubebuilder:printcolumn:name="Alert",type=string,JSONPath=`.spec.labels.alertname`
// +kubebuilder:printcolumn:name="State",type=string,JSONPath=`.spec.state`
// +kubebuilder:printcolumn:name="Outcome",type=string,JSONPath=`.status.outcome`
// +kubebuilder:printcolumn:name="Incident",type=string,JSONPath=`.status.incidentName`
// +kubebuilder:printcolumn:name="Heard",type=date,JSONPath=`.spec.heardTime`
// +kubebuilder:printcolumn:name="Occurrence",type=integer,JSONPath=`.spec.occurrence`,priority=1
// +kubebuilder:printcolumn:name="Severity",type=string,JSONPath=`.status.severity`,priority=1
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`,priority=1
// +kubebuilder:printcolumn:name="Status",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].message`,priority=1
// +kubebuilder:selectablefield:JSONPath=`.spec.state`
// +kubebuilder:selectablefield:JSONPath=`.status.outcome`
type StrategyAlert struct {
	metav1.TypeMeta `json:",inline"`
	// metadata is the standard object metadata.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty,omitzero"`

	// spec is what the sender said last. Written by the alert intake.
	// +required
	Spec StrategyAlertSpec `json:"spec,omitempty,omitzero"`

	// status is written by the operator.
	// +optional
	Status StrategyAlertStatus `json:"status,omitempty,omitzero"`
}

// StrategyAlertList is a list of alerts.
// +kubebuilder:object:root=true
type StrategyAlertList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []StrategyAlert `json:"items"`
}
