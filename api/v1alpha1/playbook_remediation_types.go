package v1alpha1

import apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"

// ApprovalMode says whether somebody has to approve a rollback.
// +kubebuilder:validation:Enum=Required;Automatic
type ApprovalMode string

// The two modes of approval.
const (
	ApprovalRequired  ApprovalMode = "Required"
	ApprovalAutomatic ApprovalMode = "Automatic"
)

// FailedAfterPolicy says what happens when the checks after a change fail.
// +kubebuilder:validation:Enum=Revert;Keep;Next
type FailedAfterPolicy string

// The policies.
const (
	FailedAfterRevert FailedAfterPolicy = "Revert"
	FailedAfterKeep   FailedAfterPolicy = "Keep"
	// FailedAfterNext reverts the change; then the incident asks for the next remedy of the ladder.
	FailedAfterNext FailedAfterPolicy = "Next"
)

// RemediationSpec is one remedy: a reversible change with the checks around it, or a proposal to people.
// +kubebuilder:validation:XValidation:rule="has(self.actions) != has(self.proposal)",message="a remediation has either actions or a proposal"
// +kubebuilder:validation:XValidation:rule="(has(self.onFailedAfter) && self.onFailedAfter == 'Next') == has(self.then)",message="onFailedAfter Next and then belong together: then names the next remedy"
type RemediationSpec struct {
	// name of the remedy.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=40
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	Name string `json:"name,omitempty"`

	// approval says who must agree. Default: somebody other than the requester, within 900 seconds.
	// +optional
	// +default={"mode":"Required"}
	Approval ApprovalSpec `json:"approval,omitempty,omitzero"`

	// before are the checks before the change. Their reports are the baseline that the checks after are compared with;
	// a bad verdict does not block, because the fault is often why we are here.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=8
	Before []CheckUse `json:"before,omitempty"`

	// actions change the configuration. DisableSchedule without a schedule means the incident's.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=8
	Actions []RollbackAction `json:"actions,omitempty"`

	// proposal is for people to carry out, instead of actions: the operator shows it and changes nothing.
	// +optional
	Proposal *ProposalSpec `json:"proposal,omitempty"`

	// after are the checks after the change; their rules see the earlier report of the same check as `before`.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=8
	After []CheckUse `json:"after,omitempty"`

	// onFailedAfter says what happens when a check after the change fails, or the change does not come into effect in
	// time. A check that could not be measured never reverts: the change is kept, and L2 looks at it. Default: Revert.
	// +optional
	// +default="Revert"
	OnFailedAfter FailedAfterPolicy `json:"onFailedAfter,omitempty"`

	// then is the next remedy of the ladder, by name: the incident asks for it when this one was reverted, or when the probe
	// of its feed failed. It has its own plan and its own approval.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=40
	Then string `json:"then,omitempty"`

	// maxDurationSeconds is the time box of the change, from its plan; 0 = until somebody restores it. Default: 14400 seconds.
	// +optional
	// +default=14400
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=2592000
	MaxDurationSeconds *int32 `json:"maxDurationSeconds,omitempty"`

	// restore is the gate before the change is undone. Default: only that the cause of the incident is gone.
	// +optional
	Restore *RestoreGate `json:"restore,omitempty"`
}

// ProposalSpec is a change of a document that is not the scheduler's, such as the rules of Prometheus. The operator shows it as
// a patch on the incident, and pushes it to a branch for people to merge, if the playbook says so.
// +kubebuilder:validation:XValidation:rule="!has(self.writeBack) || has(self.writeBack.pushBranch)",message="a proposal is pushed for people to merge, never to the branch that is applied: set writeBack.pushBranch"
type ProposalSpec struct {
	// document to change.
	// +required
	Document DocumentReference `json:"document,omitempty,omitzero"`

	// edits of the document, in order.
	// +required
	// +listType=map
	// +listMapKey=path
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	Edits []DocumentEdit `json:"edits,omitempty"`

	// writeBack is the file that the document comes from. The patch is pushed to a branch of its own under pushBranch, which the operator never changes
	// again, and people merge it, or not. timeoutSeconds is not for proposals: nothing waits for a push. Absent = the patch is only shown.
	// +optional
	WriteBack *WriteBackSpec `json:"writeBack,omitempty"`
}

// FeedSpec is a fallback feed: what switching to it means for the configuration, and how to prove that it is usable.
type FeedSpec struct {
	// name of the feed.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=40
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	Name string `json:"name,omitempty"`

	// probe is a check by name. It must pass before anyone is asked to approve, and again right before the switch.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=40
	Probe string `json:"probe,omitempty"`

	// requiresExchange is an exchange that every instrument of the environment's universe must have a symbol for, or the
	// switch is refused. Default: not asked.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	RequiresExchange string `json:"requiresExchange,omitempty"`

	// edits make the switch, in order.
	// +required
	// +listType=map
	// +listMapKey=path
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	Edits []DocumentEdit `json:"edits,omitempty"`
}

// DocumentEdit is one value of a document.
type DocumentEdit struct {
	// path is a JSON pointer into the document; list items by index or [name=value]. All but its last step must exist.
	// +required
	// +kubebuilder:validation:Pattern=`^/`
	// +kubebuilder:validation:MinLength=2
	// +kubebuilder:validation:MaxLength=1024
	Path string `json:"path,omitempty"`

	// value is any YAML value, also null; strings are quoted in the document where its reader would take them for something else.
	// +required
	// +nullable
	// +kubebuilder:pruning:PreserveUnknownFields
	// +kubebuilder:validation:Schemaless
	Value *apiextensionsv1.JSON `json:"value,omitempty"`
}

// JSON is the value, as JSON.
func (e DocumentEdit) JSON() []byte {
	if e.Value == nil { // what null becomes when it is decoded
		return []byte("null")
	}
	return e.Value.Raw
}

// GuardSpec bounds what may be changed at the same time: the blast radius.
// +kubebuilder:validation:MinProperties=1
type GuardSpec struct {
	// maxDisabledSchedules is how many schedules rollbacks may keep from trading at the same time. Default: no limit.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000
	MaxDisabledSchedules int32 `json:"maxDisabledSchedules,omitempty"`

	// maxActiveRollbacks is how many rollbacks may have edits in the configuration at the same time. Default: no limit.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000
	MaxActiveRollbacks int32 `json:"maxActiveRollbacks,omitempty"`
}

// ApprovalSpec says who must agree to a change, and how fast.
// +kubebuilder:validation:MinProperties=1
type ApprovalSpec struct {
	// mode is Required, or Automatic: nobody is asked. Default: Required.
	// +optional
	// +default="Required"
	Mode ApprovalMode `json:"mode,omitempty"`

	// timeoutSeconds from the plan's newest revision until the approval; later the rollback ends, nothing changed. Default: 900
	// seconds.
	// +optional
	// +default=900
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=86400
	TimeoutSeconds int32 `json:"timeoutSeconds,omitempty"`

	// requester says whether the one who asked may also approve: Denied is the four-eyes rule. Default: Denied.
	// +optional
	// +default="Denied"
	Requester RequesterPolicy `json:"requester,omitempty"`
}

// RequesterPolicy says whether the one who asked for a change may approve it.
// +kubebuilder:validation:Enum=Denied;MayApprove
type RequesterPolicy string

// The two policies.
const (
	RequesterDenied     RequesterPolicy = "Denied"
	RequesterMayApprove RequesterPolicy = "MayApprove"
)

// RestoreCause says whether a change may be undone while the cause of its incident holds.
// +kubebuilder:validation:Enum=Gone;Ignored
type RestoreCause string

// The two policies.
const (
	// CauseGone: the rule that named the cause must not hold any more.
	CauseGone RestoreCause = "Gone"
	// CauseIgnored: nobody asks for the cause.
	CauseIgnored RestoreCause = "Ignored"
)

// RestoreGate must hold before a change is undone on request, or at the end of its time box. A revert after failed checks has no gate.
// +kubebuilder:validation:XValidation:rule="!has(self.when) || has(self.checks)",message="when is about checks: name them"
type RestoreGate struct {
	// checks to run. Default: none.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=8
	Checks []CheckUse `json:"checks,omitempty"`

	// when is a CEL expression over these checks that yields a bool. Default: every check passes or warns.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=2048
	When string `json:"when,omitempty"`

	// cause says what becomes of the incident's cause. Gone: the rule that named it must not hold any more. It is evaluated then, with the
	// signals of that moment, the configuration as it would be, and, if it looks at checks, the checks of the diagnosis run once more; what
	// cannot be told is not gone. Ignored: nobody asks. A rule that is only about what was reported can never stop to hold and is not asked.
	// Default: Gone, also of a remedy without a gate.
	// +optional
	// +default="Gone"
	Cause RestoreCause `json:"cause,omitempty"`
}
