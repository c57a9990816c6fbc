package v1alpha1

// CheckNeed says what it means that a check could not be measured.
// +kubebuilder:validation:Enum=Required;Optional
type CheckNeed string

// The two needs.
const (
	// NeedRequired: rules see a check that could not be measured, with the verdict Error.
	NeedRequired CheckNeed = "Required"
	// NeedOptional: the stage goes on without a check that could not be measured, and rules do not see it.
	NeedOptional CheckNeed = "Optional"
)

// EscalationSpec is who is called.
// +kubebuilder:validation:MinProperties=1
type EscalationSpec struct {
	// rotation is the file that says who is on call (docs/oncall.md). Default: nobody is known.
	// +optional
	Rotation *DocumentReference `json:"rotation,omitempty"`

	// levels that have something of their own.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=3
	Levels []LevelSpec `json:"levels,omitempty"`
}

// LevelSpec is what is special about a level. L1 and L2 are called by spec.triage; only the technical lead has rules here. Without any
// the lead is called all the same when nobody answers for L2.
// +kubebuilder:validation:XValidation:rule="self.name == 'TechLead'",message="only TechLead has rules here; when L2 is called is said in spec.triage"
type LevelSpec struct {
	// name of the level: TechLead.
	// +required
	Name Level `json:"name,omitempty"`

	// rules call the level as soon as one holds, at any time until the incident is closed, once.
	// +required
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	Rules []LeadRule `json:"rules,omitempty"`
}

// LeadRule calls the technical lead.
type LeadRule struct {
	// name of the rule, shown when it fires.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	Name string `json:"name,omitempty"`

	// when is a CEL expression over incident, signals, limits and risk that yields a bool; an error in it means no, and is told.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=2048
	When string `json:"when,omitempty"`
}

// RecoverySpec is the way back to normal. Contained is not resolved: an incident closes by itself when its change was
// restored and the world has been quiet for a while.
// +kubebuilder:validation:MinProperties=1
type RecoverySpec struct {
	// quiet is a CEL expression over incident, signals, limits and risk that yields a bool; an error in it means not quiet.
	// Alerts count besides it: one that still fires is not quiet. Default: only alerts count.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=2048
	Quiet string `json:"quiet,omitempty"`

	// quietSeconds is how long it must stay quiet. Default: no time at all.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=86400
	QuietSeconds int32 `json:"quietSeconds,omitempty"`

	// reopenSeconds is how long after it was closed an incident can be reopened, and is kept for that. Default: 86400 seconds.
	// +optional
	// +default=86400
	// +kubebuilder:validation:Minimum=60
	// +kubebuilder:validation:Maximum=2592000
	ReopenSeconds int32 `json:"reopenSeconds,omitempty"`

	// backoffSeconds is how long after the end of an incident with a remedy the operator asks for no other remedy for the
	// same playbook, type and target; it doubles with each one within strikeWindowSeconds. Default: 300 seconds.
	// +optional
	// +default=300
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=86400
	BackoffSeconds *int32 `json:"backoffSeconds,omitempty"`

	// maxStrikes is how many incidents with a remedy the same playbook, type and target may have within
	// strikeWindowSeconds; after that only people apply remedies. Default: 3.
	// +optional
	// +default=3
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100
	MaxStrikes int32 `json:"maxStrikes,omitempty"`

	// strikeWindowSeconds is how long an incident counts as a strike. Default: 86400 seconds.
	// +optional
	// +default=86400
	// +kubebuilder:validation:Minimum=60
	// +kubebuilder:validation:Maximum=2592000
	StrikeWindowSeconds int32 `json:"strikeWindowSeconds,omitempty"`
}

// TriageSpec is L1's part.
// +kubebuilder:validation:MinProperties=1
type TriageSpec struct {
	// respondWithinSeconds from detection until somebody answers for L1: a person, not a check. Default: 300 seconds.
	// +optional
	// +default=300
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=86400
	RespondWithinSeconds int32 `json:"respondWithinSeconds,omitempty"`

	// checks run in parallel.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=16
	Checks []StageCheck `json:"checks,omitempty"`

	// falseAlarm closes the incident, or proposes that, when its rule holds after all checks were judged, at least one was, and none
	// could not be measured. Without it only a FalseAlarm decision can.
	// +optional
	FalseAlarm *FalseAlarmRule `json:"falseAlarm,omitempty"`

	// escalate hands over to L2 as soon as one rule holds, also while checks still run.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=16
	Escalate []EscalateRule `json:"escalate,omitempty"`
}

// FalseAlarmRule decides that nothing is wrong.
type FalseAlarmRule struct {
	// when is a CEL expression over incident, checks, signals, limits and risk that yields a bool; an error in it means no.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=2048
	When string `json:"when,omitempty"`

	// reportedBy is whose reports the rule may close. AlertsOnly: an incident that a person reported is only proposed as a false alarm,
	// and people decide. One that somebody acknowledged is never more than proposed. Default: AlertsOnly.
	// +optional
	// +default="AlertsOnly"
	ReportedBy ReportedBy `json:"reportedBy,omitempty"`
}

// ReportedBy is whose reports a rule may close.
// +kubebuilder:validation:Enum=AlertsOnly;Anyone
type ReportedBy string

// Whose reports a rule may close.
const (
	ReportedByAlerts ReportedBy = "AlertsOnly"
	ReportedByAnyone ReportedBy = "Anyone"
)

// EscalateRule hands an incident over to L2.
// +kubebuilder:validation:XValidation:rule="has(self.when) != has(self.afterSeconds)",message="an escalate rule has either when or afterSeconds"
type EscalateRule struct {
	// name of the rule, shown when it fires.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	Name string `json:"name,omitempty"`

	// when is a CEL expression over incident, checks (those judged so far), signals, limits and risk that yields a bool; an
	// error in it means yes.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=2048
	When string `json:"when,omitempty"`

	// afterSeconds from detection.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=86400
	AfterSeconds int32 `json:"afterSeconds,omitempty"`
}

// DiagnosisSpec is L2's part.
// +kubebuilder:validation:MinProperties=1
type DiagnosisSpec struct {
	// respondWithinSeconds from detection until somebody answers for L2: a person, not a check. A question to people that stays open
	// for as long calls the next level. Default: 900 seconds.
	// +optional
	// +default=900
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=86400
	RespondWithinSeconds int32 `json:"respondWithinSeconds,omitempty"`

	// checks run in parallel and gather evidence.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=16
	Checks []StageCheck `json:"checks,omitempty"`

	// causes in order: the first whose rule holds is the cause; none -> Unknown, and L2 decides.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=32
	Causes []CauseRule `json:"causes,omitempty"`
}

// CauseRule names one cause.
type CauseRule struct {
	// name of the cause.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	Name string `json:"name,omitempty"`

	// when is a CEL expression over incident, checks (of the diagnosis), signals, limits and risk that yields a bool; an
	// error in it stops the search, and L2 decides.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=2048
	When string `json:"when,omitempty"`

	// remediation is the remedy by name. Empty: L2 decides.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=40
	Remediation string `json:"remediation,omitempty"`
}
