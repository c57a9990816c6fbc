package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// StrategyRollbackStatus is how far the change is, and the proof.
type StrategyRollbackStatus struct {
	// observedGeneration is the generation that this status is about.
	// +optional
	// +kubebuilder:validation:Minimum=1
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// state is where the rollback is on its way, in one word. The reason of Ready says more.
	// +optional
	State RollbackPhase `json:"state,omitempty"`

	// waitsFor is whose turn it is.
	// +optional
	WaitsFor Who `json:"waitsFor,omitempty"`

	// dueTime is until when: the end of the time to approve, or of the time box; absent = no end.
	// +optional
	DueTime *metav1.Time `json:"dueTime,omitempty"`

	// end is how it ended; absent while it has not. Nothing takes it back.
	// +optional
	End *RollbackEnd `json:"end,omitempty"`

	// conditions are Planned, Approved, Applied, Committed, InEffect, Verified, Restored, OnHold, Ready, Stalled.
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

	// adoptedChecks are the checks of a later revision that somebody took over; absent = those of playbookRevision count.
	// +optional
	AdoptedChecks *AdoptedChecks `json:"adoptedChecks,omitempty"`

	// plan is what would be, or was, changed.
	// +optional
	Plan *RollbackPlan `json:"plan,omitempty"`

	// decision that approved, denied or renewed the plan.
	// +optional
	Decision *DecisionReference `json:"decision,omitempty"`

	// override is the decision that lifted the playbook's guard for this plan, or the gate of a restore.
	// +optional
	Override *DecisionReference `json:"override,omitempty"`

	// voidedTime is when the newest Override, Renew or Restore decision was made that was seen while identities were not
	// enforced. It never counts, and neither does one that is as old or older: nobody can vouch for who made them.
	// +optional
	VoidedTime *metav1.Time `json:"voidedTime,omitempty"`

	// cause of the incident when this rollback began: it must be gone before the change is undone, whatever the incident looks for since.
	// +optional
	Cause *CauseStatus `json:"cause,omitempty"`

	// config is what this rollback asks of the scheduler's configuration.
	// +optional
	Config *ConfigClaim `json:"config,omitempty"`

	// writeBack is what is committed to the repository that the configuration comes from; absent = nothing is.
	// +optional
	WriteBack *WriteBackStatus `json:"writeBack,omitempty"`

	// proof that the running scheduler has the change: the hash that it reports must be one of the other two.
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

	// running are the checks that were asked for and are not judged yet.
	// +optional
	// +listType=map
	// +listMapKey=stage
	// +listMapKey=name
	// +listMapKey=attempt
	// +kubebuilder:validation:MaxItems=64
	Running []RunningCheck `json:"running,omitempty"`

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

// RollbackPlan is the change, before anyone agrees to it.
type RollbackPlan struct {
	// revision grows whenever an approval could not be honoured any more because the plan changed.
	// +required
	// +kubebuilder:validation:Minimum=1
	Revision int64 `json:"revision,omitempty"`

	// digest is what an approval names: sha256 over the rollback's UID, the revision, the edits and gitOps.
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

	// until is the end of the time box, pinned at the first plan and written into the scheduler's configuration; absent =
	// no end. Only a Renew decision moves it.
	// +optional
	Until *metav1.Time `json:"until,omitempty"`

	// renewals counts the Renew decisions that moved until; absent = none.
	// +optional
	// +kubebuilder:validation:Minimum=1
	Renewals int32 `json:"renewals,omitempty"`

	// disables are the schedules that do not trade with these edits; the guard counts them.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=128
	Disables []string `json:"disables,omitempty"`

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

	// owner is the tool that applies the ConfigMap, too, and may put the edits back, as it was before they were claimed; absent: the ConfigMap
	// names none that the operator knows. The digest does not cover it.
	// +optional
	Owner *ConfigOwner `json:"owner,omitempty"`

	// gitOps is what the operator does besides the edits because of such a tool; absent = nothing. The digest covers it.
	// +optional
	GitOps *PlannedGitOps `json:"gitOps,omitempty"`
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
// +kubebuilder:validation:Enum=Hold;Release;Forget
type ClaimState string

// The claims.
const (
	// ClaimHold asks for the plan's edits to stand in the configuration.
	ClaimHold ClaimState = "Hold"
	// ClaimRelease asks for them to be undone.
	ClaimRelease ClaimState = "Release"
	// ClaimForget asks for them to stay and for the record of them to be dropped: nobody undoes them then.
	ClaimForget ClaimState = "Forget"
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

	// claim is what is asked: Hold asks for the edits, Release asks to undo them, Forget to leave them for good; absent =
	// nothing is asked yet.
	// +optional
	Claim ClaimState `json:"claim,omitempty"`

	// revision of the plan whose edits are claimed.
	// +optional
	// +kubebuilder:validation:Minimum=1
	Revision int64 `json:"revision,omitempty"`

	// guard is the limit that the claim must keep when it is written; absent = none, or overridden.
	// +optional
	Guard *GuardSpec `json:"guard,omitempty"`

	// claimedTime is when the claim was made. The rollout's time-out counts from it, or from the newest write of the configuration
	// or the end of a hold, if that is later.
	// +optional
	ClaimedTime *metav1.Time `json:"claimedTime,omitempty"`

	// writtenTime is when edits of this rollback were first seen in the configuration; absent = never.
	// +optional
	WrittenTime *metav1.Time `json:"writtenTime,omitempty"`

	// writtenRevision is the revision of the plan whose edits were last seen in the configuration; absent = none were. What was written and
	// is not there any more was overwritten by somebody: it is shown, and not written again.
	// +optional
	// +kubebuilder:validation:Minimum=1
	WrittenRevision int64 `json:"writtenRevision,omitempty"`

	// reapplies is how often the edits of this revision were to be written again, because a GitOps tool had put back what was there before; absent =
	// never. At most three times; the playbook's scheduler.gitOps says whether at all.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=3
	Reapplies int32 `json:"reapplies,omitempty"`

	// receipts are the entries, as JSON, that the operator wrote for this rollback into the record of the edits on the ConfigMap, or was
	// about to write; the newest last. An entry there that is none of them is not the operator's, and nothing is undone from it.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=4
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=32768
	Receipts []string `json:"receipts,omitempty"`

	// undoneFrom says from what the edits are undone: Receipt where the record on the ConfigMap is lost or was forged, and somebody decided it;
	// then from the oldest of the receipts, where the edits still stand. Absent = from the record.
	// +optional
	UndoneFrom UndoSource `json:"undoneFrom,omitempty"`
}

// UndoSource is from what edits are undone.
// +kubebuilder:validation:Enum=Receipt
type UndoSource string

// UndoneFromReceipt is the operator's own copy of the record.
const UndoneFromReceipt UndoSource = "Receipt"

// ProofStatus is what the scheduler is said to run, or to load, beside what it should. A change that is only written is not in effect.
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

	// round counts how often the running scheduler was asked anew: once for each configuration, since other rollbacks may
	// change it meanwhile, once more after a restart for a stale copy, and whenever the check's own pod had a stale copy.
	// +optional
	// +kubebuilder:validation:Minimum=1
	Round int32 `json:"round,omitempty"`

	// restartedFor is the sha256 for which the scheduler was restarted once more.
	// +optional
	// +kubebuilder:validation:MinLength=64
	// +kubebuilder:validation:MaxLength=64
	RestartedFor string `json:"restartedFor,omitempty"`

	// running is the sha256 that the running scheduler reports; absent = not asked yet, its report has none, or the playbook's proof is
	// of what is loaded.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	Running string `json:"running,omitempty"`

	// loaded is the sha256 of what the scheduler's loader read in the check's pod, where the playbook's proof is of that.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	Loaded string `json:"loaded,omitempty"`

	// pods is the sha256 over the scheduler's pods and containers that ran when the change came into effect; absent = it did not yet, or is a
	// drill. With another one something has started since, or will: whatever any clock says.
	// +optional
	// +kubebuilder:validation:MinLength=64
	// +kubebuilder:validation:MaxLength=64
	Pods string `json:"pods,omitempty"`
}

// RestorePurpose is why a change is undone.
// +kubebuilder:validation:Enum=Restore;Revert
type RestorePurpose string

// The purposes.
const (
	// PurposeRestore: it has done what it should, or is not wanted any more.
	PurposeRestore RestorePurpose = "Restore"
	// PurposeRevert: it did harm, or nothing.
	PurposeRevert RestorePurpose = "Revert"
)

// RestoreStatus is one request to undo the change.
type RestoreStatus struct {
	// request names what asked: the StrategyDecision, "spec.desiredState", "onFailedAfter", "timeBox" or "deletion".
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Request string `json:"request,omitempty"`

	// by whom, if a decision asked.
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

	// seen are the Restore and Override decisions, by UID, that were there when the request was seen: only another one is a new
	// request. UIDs and not times, because the operator's clock is not the API server's.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=253
	Seen []string `json:"seen,omitempty"`

	// attempt counts the requests; the gate's checks run once for each.
	// +required
	// +kubebuilder:validation:Minimum=1
	Attempt int32 `json:"attempt,omitempty"`

	// purpose is Revert where a check after the change failed, or it did not come into effect; whoever asks again, it stays one. Else Restore.
	// +optional
	Purpose RestorePurpose `json:"purpose,omitempty"`

	// allowedTime is when the gate held, or none was asked; from then on the edits are undone. Absent = not yet.
	// +optional
	AllowedTime *metav1.Time `json:"allowedTime,omitempty"`

	// result is what the request came to, when the change was not undone; absent while it is carried out.
	// +optional
	Result RestoreResult `json:"result,omitempty"`
}
