package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// ActionType is one way to change the scheduler's configuration.
// +kubebuilder:validation:Enum=DisableSchedule;SetAllocation
type ActionType string

// The actions.
const (
	// ActionDisableSchedule suspends a schedule from the scheduler's next start, until the end of the time box.
	ActionDisableSchedule ActionType = "DisableSchedule"
	// ActionSetAllocation sets the weight of a bucket in a risk profile.
	ActionSetAllocation ActionType = "SetAllocation"
)

// RollbackState is what a rollback is meant to be.
// +kubebuilder:validation:Enum=Applied;Restored
type RollbackState string

// The two states.
const (
	StateApplied  RollbackState = "Applied"
	StateRestored RollbackState = "Restored"
)

// RollbackAction is one change of the configuration.
// +kubebuilder:validation:XValidation:rule="self.type == 'SetAllocation' ? has(self.riskProfile) && has(self.bucket) && has(self.allocation) : !has(self.riskProfile) && !has(self.bucket) && !has(self.allocation)",message="riskProfile, bucket and allocation belong to SetAllocation, which needs all three"
// +kubebuilder:validation:XValidation:rule="self.type == 'DisableSchedule' || !has(self.schedule)",message="schedule belongs to DisableSchedule"
type RollbackAction struct {
	// type of the action.
	// +required
	Type ActionType `json:"type,omitempty"`

	// schedule to disable, by its name in the configuration (DisableSchedule).
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	Schedule string `json:"schedule,omitempty"`

	// riskProfile whose allocation is set (SetAllocation).
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	RiskProfile string `json:"riskProfile,omitempty"`

	// bucket of the risk profile's strategy_allocations (SetAllocation).
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	Bucket string `json:"bucket,omitempty"`

	// allocation is the new weight, a decimal like "0.0" or "0.15" (SetAllocation).
	// +optional
	// +kubebuilder:validation:Pattern=`^[0-9]{1,6}(\.[0-9]{1,9})?$`
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=16
	Allocation string `json:"allocation,omitempty"`
}

// StrategyRollbackSpec is one reversible change.
// +kubebuilder:validation:XValidation:rule="self.playbookName == oldSelf.playbookName && self.actions == oldSelf.actions && has(self.incidentName) == has(oldSelf.incidentName) && (!has(self.incidentName) || self.incidentName == oldSelf.incidentName) && has(self.remediationName) == has(oldSelf.remediationName) && (!has(self.remediationName) || self.remediationName == oldSelf.remediationName) && has(self.maxDurationSeconds) == has(oldSelf.maxDurationSeconds) && (!has(self.maxDurationSeconds) || self.maxDurationSeconds == oldSelf.maxDurationSeconds) && has(self.requestedBy) == has(oldSelf.requestedBy) && (!has(self.requestedBy) || self.requestedBy == oldSelf.requestedBy) && has(self.reason) == has(oldSelf.reason) && (!has(self.reason) || self.reason == oldSelf.reason)",message="only desiredState of a rollback may change; create another rollback"
// +kubebuilder:validation:XValidation:rule="oldSelf.desiredState != 'Restored' || self.desiredState == 'Restored'",message="a restored rollback cannot be applied again; create another rollback"
// +kubebuilder:validation:XValidation:rule="!has(self.remediationName) || !has(self.maxDurationSeconds)",message="maxDurationSeconds comes from the remediation; leave it out when remediationName is set"
type StrategyRollbackSpec struct {
	// playbookName in the same namespace: which scheduler, which checks.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	PlaybookName string `json:"playbookName,omitempty"`

	// incidentName of the incident that this change is for. Default: none.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	IncidentName string `json:"incidentName,omitempty"`

	// remediationName takes approval, checks and time box from the playbook. Without it: approval by another person
	// within 900 seconds, no checks but the proof, time box from maxDurationSeconds.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=40
	RemediationName string `json:"remediationName,omitempty"`

	// maxDurationSeconds is the time box, from the plan; 0 = until a person restores it. Default: 14400 seconds.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=2592000
	MaxDurationSeconds *int32 `json:"maxDurationSeconds,omitempty"`

	// reason for people; it is written into the scheduler's configuration, too.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	Reason string `json:"reason,omitempty"`

	// actions in order.
	// +required
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:XValidation:rule="self.all(a, a.type != 'DisableSchedule' || has(a.schedule))",message="DisableSchedule names its schedule"
	Actions []RollbackAction `json:"actions,omitempty"`

	// desiredState is Applied, or Restored to undo exactly this change. Changing it needs the verb restore on
	// strategyrollbacks. Default: Applied.
	// +optional
	// +default="Applied"
	DesiredState RollbackState `json:"desiredState,omitempty"`

	// requestedBy is who asked. It is stamped at creation by an admission policy; a client may only name itself. On a
	// rollback that an incident asked for it is who reported the incident.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	RequestedBy string `json:"requestedBy,omitempty"`
}

// StrategyRollbackStatus is how far the change is, and the proof.
type StrategyRollbackStatus struct {
	// observedGeneration is the generation that this status is about.
	// +optional
	// +kubebuilder:validation:Minimum=1
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// conditions are Planned, Approved, Applied, InEffect, Verified, Restored, Ready, Stalled.
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=16
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// playbookRevision is the ControllerRevision with the playbook that this rollback runs on.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	PlaybookRevision string `json:"playbookRevision,omitempty"`

	// plan is what would be, or was, changed.
	// +optional
	Plan *RollbackPlan `json:"plan,omitempty"`

	// decision that approved or denied the plan.
	// +optional
	Decision *DecisionReference `json:"decision,omitempty"`

	// config is what this rollback asks of the scheduler's configuration.
	// +optional
	Config *ConfigClaim `json:"config,omitempty"`

	// proof that the running scheduler has the change: three hashes that must be equal.
	// +optional
	Proof *ProofStatus `json:"proof,omitempty"`

	// restore is the newest request to undo the change.
	// +optional
	Restore *RestoreStatus `json:"restore,omitempty"`

	// checks that were judged, in order; the newest 64.
	// +optional
	// +listType=map
	// +listMapKey=stage
	// +listMapKey=name
	// +listMapKey=attempt
	// +kubebuilder:validation:MaxItems=64
	Checks []CheckStatus `json:"checks,omitempty"`

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

// RollbackPlan is the change, before anyone agrees to it.
type RollbackPlan struct {
	// revision grows whenever an approval could not be honoured any more because the plan changed.
	// +required
	// +kubebuilder:validation:Minimum=1
	Revision int64 `json:"revision,omitempty"`

	// digest is what an approval names: sha256 over the rollback's UID, the revision and the edits.
	// +required
	// +kubebuilder:validation:Pattern=`^sha256:[0-9a-f]{64}$`
	// +kubebuilder:validation:MinLength=71
	// +kubebuilder:validation:MaxLength=71
	Digest string `json:"digest,omitempty"`

	// plannedTime of the first plan; the approval's time-out counts from the newest revision's time below.
	// +required
	PlannedTime metav1.Time `json:"plannedTime,omitempty,omitzero"`

	// revisionTime is when this revision was planned.
	// +required
	RevisionTime metav1.Time `json:"revisionTime,omitempty,omitzero"`

	// until is the end of the time box, pinned at the first plan and written into the scheduler's configuration; absent = no end.
	// +optional
	Until *metav1.Time `json:"until,omitempty"`

	// edits by path.
	// +required
	// +listType=map
	// +listMapKey=path
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=32
	Edits []PlannedEdit `json:"edits,omitempty"`

	// diff is the unified diff of the document, cut after 8192 characters.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=8400
	Diff string `json:"diff,omitempty"`
}

// PlannedEdit is one edit of the document.
type PlannedEdit struct {
	// path is a JSON pointer; list items by [name=value].
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	Path string `json:"path,omitempty"`

	// from is the YAML text at the path when it was planned; absent = nothing was there.
	// +optional
	// +kubebuilder:validation:MinLength=0
	// +kubebuilder:validation:MaxLength=4096
	From *string `json:"from,omitempty"`

	// to is the YAML text afterwards.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=4096
	To string `json:"to,omitempty"`
}

// DecisionReference is the decision that was honoured.
type DecisionReference struct {
	// name of the StrategyDecision.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name,omitempty"`

	// verdict of it.
	// +required
	Verdict DecisionVerdict `json:"verdict,omitempty"`

	// by whom.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	By string `json:"by,omitempty"`

	// time of the decision, from the API server.
	// +required
	Time metav1.Time `json:"time,omitempty,omitzero"`
}

// ClaimState is what a rollback asks of a configuration.
// +kubebuilder:validation:Enum=Hold;Release
type ClaimState string

// The two claims.
const (
	// ClaimHold asks for the plan's edits to stand in the configuration.
	ClaimHold ClaimState = "Hold"
	// ClaimRelease asks for them to be undone.
	ClaimRelease ClaimState = "Release"
)

// ConfigClaim is the durable request of a rollback to the one writer of the configuration.
type ConfigClaim struct {
	// configMapName of the configuration.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	ConfigMapName string `json:"configMapName,omitempty"`

	// key in its data.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Key string `json:"key,omitempty"`

	// claim is what is asked: Hold asks for the edits, Release asks to undo them; absent = nothing is asked yet.
	// +optional
	Claim ClaimState `json:"claim,omitempty"`

	// claimedTime is when the claim was made; the rollout's time-out counts from it.
	// +optional
	ClaimedTime *metav1.Time `json:"claimedTime,omitempty"`
}

// ProofStatus holds the three hashes of rule "disabled means disabled".
type ProofStatus struct {
	// edited is the sha256 of the configuration right after this rollback's edits were written (or undone).
	// +optional
	// +kubebuilder:validation:MinLength=64
	// +kubebuilder:validation:MaxLength=64
	Edited string `json:"edited,omitempty"`

	// stored is the sha256 of the configuration as it was read back.
	// +optional
	// +kubebuilder:validation:MinLength=64
	// +kubebuilder:validation:MaxLength=64
	Stored string `json:"stored,omitempty"`

	// running is the sha256 that the running scheduler reports.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	Running string `json:"running,omitempty"`
}

// RestoreStatus is one request to undo the change.
type RestoreStatus struct {
	// request names what asked: the StrategyDecision, "spec.desiredState" or "onFailedAfter".
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Request string `json:"request,omitempty"`

	// by whom, if a person asked.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	By string `json:"by,omitempty"`

	// requestedTime is when the request was seen.
	// +required
	RequestedTime metav1.Time `json:"requestedTime,omitempty,omitzero"`

	// specGeneration is the rollback's generation at that time: a later one is a new request by spec.desiredState.
	// +required
	// +kubebuilder:validation:Minimum=1
	SpecGeneration int64 `json:"specGeneration,omitempty"`

	// attempt counts the requests; the gate's checks run once for each.
	// +required
	// +kubebuilder:validation:Minimum=1
	Attempt int32 `json:"attempt,omitempty"`
}

// StrategyRollback is one reversible change of the scheduler's configuration.
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=srb,categories=strategy
// +kubebuilder:printcolumn:name="Incident",type=string,JSONPath=`.spec.incidentName`
// +kubebuilder:printcolumn:name="Status",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name="InEffect",type=string,JSONPath=`.status.conditions[?(@.type=="InEffect")].status`
// +kubebuilder:printcolumn:name="Expires",type=string,JSONPath=`.status.plan.until`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type StrategyRollback struct {
	metav1.TypeMeta `json:",inline"`
	// metadata is the standard object metadata.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty,omitzero"`

	// spec is the change. Set by an incident, people or Git.
	// +required
	Spec StrategyRollbackSpec `json:"spec,omitempty,omitzero"`

	// status is written by the operator.
	// +optional
	Status StrategyRollbackStatus `json:"status,omitempty,omitzero"`
}

// StrategyRollbackList is a list of rollbacks.
// +kubebuilder:object:root=true
type StrategyRollbackList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []StrategyRollback `json:"items"`
}
