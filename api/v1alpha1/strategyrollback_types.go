package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// ActionType is one way to change the scheduler's configuration.
// +kubebuilder:validation:Enum=DisableSchedule;SetAllocation;SwitchFeed;SetResourceLimits;SetSignalLimit
type ActionType string

// The actions.
const (
	// ActionDisableSchedule suspends a schedule, or all schedules of a strategy, from the scheduler's next start until the
	// end of the time box.
	ActionDisableSchedule ActionType = "DisableSchedule"
	// ActionSetAllocation sets the weight of a bucket in a risk profile.
	ActionSetAllocation ActionType = "SetAllocation"
	// ActionSwitchFeed makes the edits of one of the playbook's feeds, after its probe has passed.
	ActionSwitchFeed ActionType = "SwitchFeed"
	// ActionSetResourceLimits sets the scheduler's resource budgets.
	ActionSetResourceLimits ActionType = "SetResourceLimits"
	// ActionSetSignalLimit limits how many signals a strategy may emit in a cycle, until the end of the time box.
	ActionSetSignalLimit ActionType = "SetSignalLimit"
)

// RollbackMode says whether a rollback has effects.
// +kubebuilder:validation:Enum=Live;DryRun;Drill
type RollbackMode string

// The modes.
const (
	ModeLive RollbackMode = "Live"
	// ModeDrill does everything, on a copy of the configuration that no scheduler reads; nothing is restarted or proved.
	ModeDrill RollbackMode = "Drill"
	// ModeDryRun plans, probes and measures, and changes nothing.
	ModeDryRun RollbackMode = "DryRun"
)

// DeletionPolicy says what becomes of the change when its rollback is deleted.
// +kubebuilder:validation:Enum=Retain;Restore
type DeletionPolicy string

// The two policies.
const (
	// DeletionRetain leaves the configuration as it is: deleting a rollback must not re-enable trading by accident.
	DeletionRetain DeletionPolicy = "Retain"
	// DeletionRestore undoes the change first.
	DeletionRestore DeletionPolicy = "Restore"
)

// RollbackState is what a rollback is meant to be.
// +kubebuilder:validation:Enum=Applied;Restored
type RollbackState string

// The two states.
const (
	StateApplied  RollbackState = "Applied"
	StateRestored RollbackState = "Restored"
)

// RollbackPhase is where a rollback is on its way.
// +kubebuilder:validation:Enum=Planning;AwaitingApproval;Waiting;Applying;InForce;Restoring;Leaving;Ended
type RollbackPhase string

// The phases of a rollback.
const (
	// RollbackPlanning has no plan to approve: its input is missing or wrong, a feed is being probed, or it is planned again.
	RollbackPlanning RollbackPhase = "Planning"
	// RollbackAwaitingApproval has a plan that is not approved.
	RollbackAwaitingApproval RollbackPhase = "AwaitingApproval"
	// RollbackWaiting is approved, and nothing is written: for room, its turn, the baseline, or because it is on hold.
	RollbackWaiting RollbackPhase = "Waiting"
	// RollbackApplying has asked for its edits, and it was not judged yet what they did.
	RollbackApplying RollbackPhase = "Applying"
	// RollbackInForce has its edits in the configuration, and it was judged what they did.
	RollbackInForce RollbackPhase = "InForce"
	// RollbackRestoring is to be undone.
	RollbackRestoring RollbackPhase = "Restoring"
	// RollbackLeaving was deleted, and its edits stay in the configuration for good.
	RollbackLeaving RollbackPhase = "Leaving"
	// RollbackEnded is over; end says how.
	RollbackEnded RollbackPhase = "Ended"
)

// Ending is how a rollback ended.
// +kubebuilder:validation:Enum=Denied;ApprovalExpired;ProbeFailed;DryRun;Withdrawn;Restored;Reverted
type Ending string

// The endings. After all but the last two nothing was changed by this rollback, or was taken back before it had an effect.
const (
	// EndDenied by somebody.
	EndDenied Ending = "Denied"
	// EndApprovalExpired: nobody approved in time, or the time box was over before the change could be made.
	EndApprovalExpired Ending = "ApprovalExpired"
	// EndProbeFailed: the feed to switch to is not usable.
	EndProbeFailed Ending = "ProbeFailed"
	// EndDryRun: nothing was to be changed.
	EndDryRun Ending = "DryRun"
	// EndWithdrawn: it was to be undone before anything was changed.
	EndWithdrawn Ending = "Withdrawn"
	// EndRestored: undone when it had been in force.
	EndRestored Ending = "Restored"
	// EndReverted: undone because the checks after the change failed.
	EndReverted Ending = "Reverted"
)

// RollbackEnd is how and when a rollback ended.
type RollbackEnd struct {
	// how it ended.
	// +required
	How Ending `json:"how,omitempty"`

	// time when it ended.
	// +required
	Time metav1.Time `json:"time,omitempty,omitzero"`
}

// RestoreResult is what a request to undo a change came to, when it was not undone.
// +kubebuilder:validation:Enum=GateFailed;Superseded;NotInEffect
type RestoreResult string

// The results.
const (
	// RestoreGateFailed: the gate does not hold; the change stays.
	RestoreGateFailed RestoreResult = "GateFailed"
	// RestoreSuperseded: the time box was renewed meanwhile; the change stays.
	RestoreSuperseded RestoreResult = "Superseded"
	// RestoreNotInEffect: the edits were undone, and it could not be proved that the scheduler runs without them.
	RestoreNotInEffect RestoreResult = "NotInEffect"
)

// RollbackAction is one change of the configuration.
// +kubebuilder:validation:XValidation:rule="self.type == 'DisableSchedule' ? !has(self.schedule) || !has(self.strategy) : !has(self.schedule)",message="schedule belongs to DisableSchedule, which takes either a schedule or a strategy"
// +kubebuilder:validation:XValidation:rule="self.type == 'SetAllocation' ? has(self.riskProfile) && has(self.bucket) && has(self.allocation) : !has(self.bucket) && !has(self.allocation)",message="bucket and allocation belong to SetAllocation, which needs riskProfile, bucket and allocation"
// +kubebuilder:validation:XValidation:rule="self.type == 'SetSignalLimit' ? has(self.strategy) && has(self.riskProfile) && has(self.limit) : !has(self.limit)",message="limit belongs to SetSignalLimit, which needs strategy, riskProfile and limit"
// +kubebuilder:validation:XValidation:rule="self.type in ['SetAllocation', 'SetSignalLimit'] || !has(self.riskProfile)",message="riskProfile belongs to SetAllocation and SetSignalLimit"
// +kubebuilder:validation:XValidation:rule="self.type in ['DisableSchedule', 'SetSignalLimit'] || !has(self.strategy)",message="strategy belongs to DisableSchedule and SetSignalLimit"
// +kubebuilder:validation:XValidation:rule="(self.type == 'SwitchFeed') == has(self.feed)",message="feed belongs to SwitchFeed, which needs it"
// +kubebuilder:validation:XValidation:rule="(self.type == 'SetResourceLimits') == has(self.limits)",message="limits belong to SetResourceLimits, which needs them"
type RollbackAction struct {
	// type of the action.
	// +required
	Type ActionType `json:"type,omitempty"`

	// schedule to disable, by its name in the configuration (DisableSchedule).
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	Schedule string `json:"schedule,omitempty"`

	// strategy whose schedules are all disabled (DisableSchedule), or whose signals are limited (SetSignalLimit).
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	Strategy string `json:"strategy,omitempty"`

	// riskProfile whose allocation is set (SetAllocation), or in which signals are limited (SetSignalLimit).
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

	// feed of the playbook to switch to, by name (SwitchFeed).
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=40
	Feed string `json:"feed,omitempty"`

	// limits are the new resource budgets; those left out stay as they are (SetResourceLimits).
	// +optional
	Limits *ResourceLimits `json:"limits,omitempty"`

	// limit is how many signals the strategy may emit in a cycle; 0 = none, while the schedule keeps running (SetSignalLimit).
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=100000
	Limit *int32 `json:"limit,omitempty"`
}

// ResourceLimits are budgets of runtime.resource_limits, as decimals.
// +kubebuilder:validation:MinProperties=1
type ResourceLimits struct {
	// cpuPercent is the CPU budget in percent of one core, above 0.
	// +optional
	// +kubebuilder:validation:Pattern=`^[0-9]{1,6}(\.[0-9]{1,3})?$`
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=10
	CPUPercent string `json:"cpuPercent,omitempty"`

	// memoryMB is the memory budget in megabytes, above 0.
	// +optional
	// +kubebuilder:validation:Pattern=`^[0-9]{1,9}(\.[0-9]{1,3})?$`
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=13
	MemoryMB string `json:"memoryMB,omitempty"`

	// ioReadMBs is the reading budget in megabytes per second.
	// +optional
	// +kubebuilder:validation:Pattern=`^[0-9]{1,9}(\.[0-9]{1,3})?$`
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=13
	IOReadMBs string `json:"ioReadMBs,omitempty"`

	// ioWriteMBs is the writing budget in megabytes per second.
	// +optional
	// +kubebuilder:validation:Pattern=`^[0-9]{1,9}(\.[0-9]{1,3})?$`
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=13
	IOWriteMBs string `json:"ioWriteMBs,omitempty"`
}

// StrategyRollbackSpec is one reversible change.
// +kubebuilder:validation:XValidation:rule="!has(oldSelf.requestedBy) || has(self.requestedBy)",message="requestedBy, which was set when it was created, is missing: kubectl replace (in Argo CD Replace=true) takes off what others set; use kubectl apply, which keeps it"
// +kubebuilder:validation:XValidation:rule="self.playbookName == oldSelf.playbookName && self.actions == oldSelf.actions && has(self.incidentName) == has(oldSelf.incidentName) && (!has(self.incidentName) || self.incidentName == oldSelf.incidentName) && has(self.remediationName) == has(oldSelf.remediationName) && (!has(self.remediationName) || self.remediationName == oldSelf.remediationName) && has(self.maxDurationSeconds) == has(oldSelf.maxDurationSeconds) && (!has(self.maxDurationSeconds) || self.maxDurationSeconds == oldSelf.maxDurationSeconds) && (has(oldSelf.requestedBy) || !has(self.requestedBy)) && (!has(self.requestedBy) || !has(oldSelf.requestedBy) || self.requestedBy == oldSelf.requestedBy) && has(self.reason) == has(oldSelf.reason) && (!has(self.reason) || self.reason == oldSelf.reason) && self.mode == oldSelf.mode",message="only desiredState and deletionPolicy of a rollback may change; create another rollback"
// +kubebuilder:validation:XValidation:rule="oldSelf.desiredState != 'Restored' || self.desiredState == 'Restored'",message="a restored rollback cannot be applied again; create another rollback"
// +kubebuilder:validation:XValidation:rule="has(self.incidentUID) == has(oldSelf.incidentUID) && (!has(self.incidentUID) || self.incidentUID == oldSelf.incidentUID)",message="only desiredState and deletionPolicy of a rollback may change; create another rollback"
// +kubebuilder:validation:XValidation:rule="has(self.incidentName) || !has(self.incidentUID)",message="incidentUID needs the incident's name, too"
// +kubebuilder:validation:XValidation:rule="!has(self.remediationName) || !has(self.maxDurationSeconds)",message="maxDurationSeconds comes from the remediation; leave it out when remediationName is set"
type StrategyRollbackSpec struct {
	// playbookName in the same namespace: which scheduler, which checks.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$`
	PlaybookName string `json:"playbookName,omitempty"`

	// incidentName of the incident that this change is for. Default: none.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$`
	IncidentName string `json:"incidentName,omitempty"`

	// incidentUID ties the rollback to this one incident, and to no later one of the same name. Set by the operator, and by nobody else, when an
	// incident asks for a remedy. Default: whichever incident has the name, if it began before the rollback.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	IncidentUID string `json:"incidentUID,omitempty"`

	// remediationName takes approval, checks and time box from the playbook. Without it: approval by another person
	// within 900 seconds, no checks but the proof, time box from maxDurationSeconds.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=40
	RemediationName string `json:"remediationName,omitempty"`

	// maxDurationSeconds is the time box, from the plan; 0 = until somebody restores it. Default: 14400 seconds.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=2592000
	MaxDurationSeconds *int32 `json:"maxDurationSeconds,omitempty"`

	// reason for people; it is written into the scheduler's configuration, too.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:Pattern=`^([^\p{Cc}\x{061C}\x{200E}\x{200F}\x{2028}-\x{202E}\x{2066}-\x{2069}\x{FEFF}]|[\n\t])*$`
	Reason string `json:"reason,omitempty"`

	// actions in order.
	// +required
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:XValidation:rule="self.all(a, a.type != 'DisableSchedule' || has(a.schedule) || has(a.strategy))",message="DisableSchedule names its schedule or strategy"
	Actions []RollbackAction `json:"actions,omitempty"`

	// desiredState is Applied, or Restored to undo exactly this change. Changing it needs the verb restore on
	// strategyrollbacks. Default: Applied.
	// +optional
	// +default="Applied"
	DesiredState RollbackState `json:"desiredState,omitempty"`

	// mode is Live; DryRun: plan, probe and measure, and change nothing; or Drill: do everything on a copy of the configuration
	// that no scheduler reads. Default: Live.
	// +optional
	// +default="Live"
	Mode RollbackMode `json:"mode,omitempty"`

	// deletionPolicy says what becomes of the change when this object is deleted: Retain leaves it in the configuration,
	// which nobody undoes then; Restore undoes it first, through the gate of a restore. Once the edits are asked for it can only become Retain. Changing it, and deleting with Restore, needs the verb restore on
	// strategyrollbacks. Default: Retain.
	// +optional
	// +default="Retain"
	DeletionPolicy DeletionPolicy `json:"deletionPolicy,omitempty"`

	// requestedBy is who asked. It is stamped at creation by an admission policy; a client may only name itself. On a
	// rollback that an incident asked for it is who reported the incident.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:Pattern=`^[^\p{Cc}\x{061C}\x{200E}\x{200F}\x{2028}-\x{202E}\x{2066}-\x{2069}\x{FEFF}]*$`
	RequestedBy string `json:"requestedBy,omitempty"`
}

// StrategyRollback is one reversible change of the scheduler's configuration.
// +kubebuilder:validation:XValidation:rule="oldSelf.spec.deletionPolicy == self.spec.deletionPolicy || self.spec.deletionPolicy == 'Retain' || !has(oldSelf.status) || !has(oldSelf.status.config) || !has(oldSelf.status.config.claim)",message="deletionPolicy cannot become Restore once the edits are asked for; to undo them: kubectl strategy restore"
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=srb,categories=strategy
// +kubebuilder:printcolumn:name="Status",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name="Waits-For",type=string,JSONPath=`.status.waitsFor`
// +kubebuilder:printcolumn:name="Due",type=string,JSONPath=`.status.dueTime`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Mode",type=string,JSONPath=`.spec.mode`,priority=1
// +kubebuilder:printcolumn:name="Incident",type=string,JSONPath=`.spec.incidentName`,priority=1
// +kubebuilder:printcolumn:name="State",type=string,JSONPath=`.status.state`,priority=1
// +kubebuilder:printcolumn:name="InEffect",type=string,JSONPath=`.status.conditions[?(@.type=="InEffect")].status`,priority=1
// +kubebuilder:printcolumn:name="OnHold",type=string,JSONPath=`.status.conditions[?(@.type=="OnHold")].status`,priority=1
// +kubebuilder:printcolumn:name="Expires",type=string,JSONPath=`.status.plan.until`,priority=1
// +kubebuilder:printcolumn:name="Remedy",type=string,JSONPath=`.spec.remediationName`,priority=1
// +kubebuilder:printcolumn:name="By",type=string,JSONPath=`.spec.requestedBy`,priority=1
// +kubebuilder:printcolumn:name="Decided-By",type=string,JSONPath=`.status.decision.by`,priority=1
// +kubebuilder:selectablefield:JSONPath=`.spec.incidentName`
// +kubebuilder:selectablefield:JSONPath=`.spec.mode`
// +kubebuilder:selectablefield:JSONPath=`.status.state`
// +kubebuilder:selectablefield:JSONPath=`.status.waitsFor`
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
