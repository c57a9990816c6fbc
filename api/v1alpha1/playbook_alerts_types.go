package v1alpha1

// AlertsSpec says what alerts become. See docs/alerts.md.
type AlertsSpec struct {
	// routes are asked in order; the first that matches an alert says what it becomes.
	// +required
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	Routes []AlertRoute `json:"routes,omitempty"`

	// maxIncidentsPerHour is how many incidents alerts open for this playbook within an hour. What comes beyond is held by one incident of
	// type AlertFatigue, which says so. Default: 20.
	// +optional
	// +default=20
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000
	MaxIncidentsPerHour int32 `json:"maxIncidentsPerHour,omitempty"`

	// reopenAfterSeconds is how long an alert may go on firing after its incident was closed, before it opens another one. One that
	// was resolved in between and fires again opens one at once. Default: 3600 seconds.
	// +optional
	// +default=3600
	// +kubebuilder:validation:Minimum=60
	// +kubebuilder:validation:Maximum=604800
	ReopenAfterSeconds int32 `json:"reopenAfterSeconds,omitempty"`
}

// AlertAction is what is done with an alert.
// +kubebuilder:validation:Enum=Incident;Ignore;Heartbeat
type AlertAction string

// The actions.
const (
	// AlertActionIncident opens an incident, or joins one.
	AlertActionIncident AlertAction = "Incident"
	// AlertActionIgnore opens none.
	AlertActionIgnore AlertAction = "Ignore"
	// AlertActionHeartbeat opens none; that the alert is heard is shown as a metric.
	AlertActionHeartbeat AlertAction = "Heartbeat"
)

// AlertRoute says what the alerts become that match it.
// +kubebuilder:validation:XValidation:rule="has(self.action) && self.action != 'Incident' ? !has(self.type) && !has(self.severity) && !has(self.target) : has(self.type)",message="a route has a type, or the action Ignore or Heartbeat, and then neither type, severity nor target"
type AlertRoute struct {
	// name of the route.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	Name string `json:"name,omitempty"`

	// matchers hold all of them, written as in Alertmanager: alertname="MultiStrategyPnlDrawdown", severity=~"warning|critical".
	// +required
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=1024
	Matchers []string `json:"matchers,omitempty"`

	// action is Incident, Ignore or Heartbeat. Default: Incident.
	// +optional
	// +default="Incident"
	Action AlertAction `json:"action,omitempty"`

	// type of the incident.
	// +optional
	Type IncidentType `json:"type,omitempty"`

	// severity of the incident. Default: what the label severity says (info, warning, critical), else Warning.
	// +optional
	Severity Severity `json:"severity,omitempty"`

	// target is the schedule or strategy that is concerned. Default: all schedules of the scheduler.
	// +optional
	Target *AlertTarget `json:"target,omitempty"`
}

// AlertTarget is how an alert tells which schedule or strategy is concerned: by name, or by the value of one of its labels. An alert without that
// label, or with a value that is no name, concerns all schedules of the scheduler.
// +kubebuilder:validation:XValidation:rule="[has(self.schedule), has(self.scheduleLabel), has(self.strategy), has(self.strategyLabel)].filter(x, x).size() == 1",message="name one of schedule, scheduleLabel, strategy and strategyLabel"
// +kubebuilder:validation:XValidation:rule="!has(self.values) || has(self.scheduleLabel) || has(self.strategyLabel)",message="values stand for those of a label: name scheduleLabel or strategyLabel"
type AlertTarget struct {
	// schedule that is concerned.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	Schedule string `json:"schedule,omitempty"`

	// scheduleLabel is the label whose value names the schedule.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	ScheduleLabel string `json:"scheduleLabel,omitempty"`

	// strategy that is concerned.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	Strategy string `json:"strategy,omitempty"`

	// strategyLabel is the label whose value names the strategy.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	StrategyLabel string `json:"strategyLabel,omitempty"`

	// values say which name stands for a value of the label. One that is not listed is the name itself. Default: each value is the name.
	// +optional
	// +listType=map
	// +listMapKey=value
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	Values []AlertTargetValue `json:"values,omitempty"`
}

// AlertTargetValue is the name that a value of a label stands for.
type AlertTargetValue struct {
	// value of the label.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	Value string `json:"value,omitempty"`

	// name of the schedule or strategy.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	Name string `json:"name,omitempty"`
}
