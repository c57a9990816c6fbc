package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// Deadline is the time by which a level must have answered.
type Deadline struct {
	// level that must answer.
	// +required
	Level Level `json:"level,omitempty"`

	// time by which it must.
	// +required
	Time metav1.Time `json:"time,omitempty,omitzero"`

	// answeredTime is when a person's first decision answered it; a time after the deadline, or none, is a breach, unless the level was
	// relieved or the incident was closed before.
	// +optional
	AnsweredTime *metav1.Time `json:"answeredTime,omitempty"`

	// answeredBy is who decided.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	AnsweredBy string `json:"answeredBy,omitempty"`

	// machineTime is when the operator had its own result for this level: of L1 that of triage, of L2 the cause or that there is none. It
	// answers nothing: the deadline is for people.
	// +optional
	MachineTime *metav1.Time `json:"machineTime,omitempty"`

	// relievedTime is when a rule handed the incident over to the next level. Before the deadline it means that this level has nothing to
	// answer any more.
	// +optional
	RelievedTime *metav1.Time `json:"relievedTime,omitempty"`

	// breachTime is when the breach was recorded. Nothing takes it back.
	// +optional
	BreachTime *metav1.Time `json:"breachTime,omitempty"`
}

// UnansweredStatus is how often it was told that no level answered.
type UnansweredStatus struct {
	// times it was told; the pause doubles with each, up to a day.
	// +required
	// +kubebuilder:validation:Minimum=1
	Times int32 `json:"times,omitempty"`

	// lastTime it was told.
	// +required
	LastTime metav1.Time `json:"lastTime,omitempty,omitzero"`
}

// AcknowledgementStatus says who is on it, and until when.
type AcknowledgementStatus struct {
	// name of the StrategyDecision.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name,omitempty"`

	// by whom.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	By string `json:"by,omitempty"`

	// time of the decision.
	// +required
	Time metav1.Time `json:"time,omitempty,omitzero"`

	// untilTime is when it ends.
	// +required
	UntilTime metav1.Time `json:"untilTime,omitempty,omitzero"`
}

// IncidentAlert is one alert of the incident, as its StrategyAlert said last.
type IncidentAlert struct {
	// objectName is the StrategyAlert.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	ObjectName string `json:"objectName,omitempty"`

	// name of the alert: its label alertname.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name,omitempty"`

	// severity that it has as an incident.
	// +optional
	Severity Severity `json:"severity,omitempty"`

	// state as last heard. One whose StrategyAlert was deleted keeps the state that it had.
	// +required
	State AlertState `json:"state,omitempty"`

	// occurrences is how often it has begun to fire.
	// +optional
	// +kubebuilder:validation:Minimum=1
	Occurrences int64 `json:"occurrences,omitempty"`

	// startTime of the alert.
	// +optional
	StartTime *metav1.Time `json:"startTime,omitempty"`

	// endTime of a resolved alert.
	// +optional
	EndTime *metav1.Time `json:"endTime,omitempty"`
}
