package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// Verdict is what a check's report was judged to be.
// Pass, Warn and Fail are measured. Inconclusive is a report that no rule could judge; Error is no report at all.
// +kubebuilder:validation:Enum=Pass;Warn;Fail;Inconclusive;Error
type Verdict string

// The five verdicts.
const (
	VerdictPass         Verdict = "Pass"
	VerdictWarn         Verdict = "Warn"
	VerdictFail         Verdict = "Fail"
	VerdictInconclusive Verdict = "Inconclusive"
	VerdictError        Verdict = "Error"
)

// Stage is the part of the procedure that a check belongs to.
// +kubebuilder:validation:Enum=Triage;Diagnosis;Probe;Before;Proof;After;Restore;RestoreProof
type Stage string

// The stages of an incident (Triage, Diagnosis) and of a rollback (the others).
const (
	StageTriage       Stage = "Triage"
	StageDiagnosis    Stage = "Diagnosis"
	StageProbe        Stage = "Probe"
	StageBefore       Stage = "Before"
	StageProof        Stage = "Proof"
	StageAfter        Stage = "After"
	StageRestore      Stage = "Restore"
	StageRestoreProof Stage = "RestoreProof"
)

// Who is whose turn it is: a level of support, whoever may approve, the operator, or nobody.
// +kubebuilder:validation:Enum=L1;L2;TechLead;Approver;Machine;Nobody
type Who string

// Whose turn it is.
const (
	WhoL1       Who = "L1"
	WhoL2       Who = "L2"
	WhoTechLead Who = "TechLead"
	// WhoApprover is somebody with the verb of the decision that is asked for: approve, override, renew or restore.
	WhoApprover Who = "Approver"
	// WhoMachine is the operator, or the cluster that it waits for.
	WhoMachine Who = "Machine"
	// WhoNobody: it is over, or in order as it is.
	WhoNobody Who = "Nobody"
)

// EnvVar is one environment variable of a check. Values are literal: what a check may read from Secrets is decided by
// its PodTemplate.
type EnvVar struct {
	// name of the variable. Set by the playbook's author.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	// +kubebuilder:validation:Pattern=`^[A-Za-z_][A-Za-z0-9_]*$`
	Name string `json:"name,omitempty"`

	// value of the variable. Default: empty.
	// +optional
	// +kubebuilder:validation:MinLength=0
	// +kubebuilder:validation:MaxLength=1024
	Value *string `json:"value,omitempty"`
}

// CheckUse is one use of a check of the playbook.
type CheckUse struct {
	// name of the check in spec.checks. Set by the playbook's author.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=40
	Name string `json:"name,omitempty"`

	// env overrides or adds environment variables for this use.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=32
	Env []EnvVar `json:"env,omitempty"`
}

// StageCheck is one use of a check in a stage of an incident. Types and severities make a branch of the procedure: a check that
// is not for an incident is as if it were not there.
type StageCheck struct {
	// name of the check in spec.checks. Set by the playbook's author.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=40
	Name string `json:"name,omitempty"`

	// env overrides or adds environment variables for this use.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=32
	Env []EnvVar `json:"env,omitempty"`

	// types of incidents that the check is for. Default: all.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=8
	Types []IncidentType `json:"types,omitempty"`

	// severities of incidents that the check is for. Default: all.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=3
	Severities []Severity `json:"severities,omitempty"`

	// need says what follows when the check could not be measured, after its retries: Required, rules see the verdict Error;
	// Optional, the stage goes on as if the check were not there. Default: Required.
	// +optional
	// +default="Required"
	Need CheckNeed `json:"need,omitempty"`
}

// OnCallStatus is who is on call for a level.
type OnCallStatus struct {
	// level of support.
	// +required
	Level Level `json:"level,omitempty"`

	// name of the person; empty: nobody is on call.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	Name string `json:"name,omitempty"`

	// contact of the person, as the rotation file gives it.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	Contact string `json:"contact,omitempty"`

	// untilTime is when the shift, or the gap, ends; absent: never.
	// +optional
	UntilTime *metav1.Time `json:"untilTime,omitempty"`

	// nextName is who is on call next; empty: nobody ever.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	NextName string `json:"nextName,omitempty"`

	// nextTime is when that person's shift begins; absent: nobody ever.
	// +optional
	NextTime *metav1.Time `json:"nextTime,omitempty"`
}

// CheckStatus is one attempt of one check. It is written when the attempt was judged; a running Job is not in it.
type CheckStatus struct {
	// stage the check ran in.
	// +required
	Stage Stage `json:"stage,omitempty"`

	// name of the check.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=40
	Name string `json:"name,omitempty"`

	// attempt counts from 1; a check is repeated only for the verdict Error and at most `retries` times, or when its stage is
	// entered again.
	// +required
	// +kubebuilder:validation:Minimum=1
	Attempt int32 `json:"attempt,omitempty"`

	// verdict of this attempt.
	// +required
	Verdict Verdict `json:"verdict,omitempty"`

	// message says why, in a sentence.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	Message string `json:"message,omitempty"`

	// jobName is the Job that ran; it is deleted once its report is stored.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	JobName string `json:"jobName,omitempty"`

	// imageID is the digest of the image that ran, as the node reported it.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	ImageID string `json:"imageID,omitempty"`

	// startTime of the container, absent when it never started.
	// +optional
	StartTime *metav1.Time `json:"startTime,omitempty"`

	// completionTime of the container, or when the attempt was given up.
	// +optional
	CompletionTime *metav1.Time `json:"completionTime,omitempty"`

	// report is where the stored report is.
	// +optional
	Report *EvidenceReference `json:"report,omitempty"`
}

// RunningCheck is one attempt of one check that was asked for and is not judged yet. It is written before its Job is made: a Job that is
// not in it, or is asked for something else, is not judged.
type RunningCheck struct {
	// stage the check runs in.
	// +required
	Stage Stage `json:"stage,omitempty"`

	// name of the check.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=40
	Name string `json:"name,omitempty"`

	// attempt as in status.checks.
	// +required
	// +kubebuilder:validation:Minimum=1
	Attempt int32 `json:"attempt,omitempty"`

	// digest is the SHA-256 of what its Job is asked to run, in hex: of the annotation strategy.tradeops.dev/asked of its pod template.
	// +required
	// +kubebuilder:validation:Pattern=`^[0-9a-f]{64}$`
	// +kubebuilder:validation:MinLength=64
	// +kubebuilder:validation:MaxLength=64
	Digest string `json:"digest,omitempty"`

	// askedTime is when its Job was first asked for, by the operator's clock: time-outs count from it.
	// +required
	AskedTime metav1.Time `json:"askedTime,omitempty,omitzero"`
}

// EvidenceReference points at one object of the evidence bucket.
type EvidenceReference struct {
	// key of the object in the operator's bucket.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	Key string `json:"key,omitempty"`

	// sha256 of the object's bytes, in hex.
	// +required
	// +kubebuilder:validation:Pattern=`^[0-9a-f]{64}$`
	// +kubebuilder:validation:MinLength=64
	// +kubebuilder:validation:MaxLength=64
	SHA256 string `json:"sha256,omitempty"`

	// bytes is the object's size.
	// +required
	// +kubebuilder:validation:Minimum=0
	Bytes *int64 `json:"bytes,omitempty"`
}

// TimelineEntry is one thing that happened. Entry n of the timeline is entry n of the signed decision log.
type TimelineEntry struct {
	// seq is the entry's number, from 1, without gaps.
	// +required
	// +kubebuilder:validation:Minimum=1
	Seq int64 `json:"seq,omitempty"`

	// time it was observed.
	// +required
	Time metav1.Time `json:"time,omitempty,omitzero"`

	// event is the decision log's word for it.
	// +required
	Event Event `json:"event,omitempty"`

	// message is one sentence for people.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	Message string `json:"message,omitempty"`

	// by is the person who decided, empty when a rule did.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	By string `json:"by,omitempty"`

	// evidence that it rests on: of a check what came of it.
	// +optional
	Evidence *EvidenceReference `json:"evidence,omitempty"`
}

// LogStatus is the head of the object's decision log as it was last read from the bucket.
type LogStatus struct {
	// prefix of the log's objects in the bucket: <namespace>/<yyyy>/<mm>/<dd>/<name>-<uid8>/
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	Prefix string `json:"prefix,omitempty"`

	// entries is how many entries the log has.
	// +required
	// +kubebuilder:validation:Minimum=0
	Entries *int64 `json:"entries,omitempty"`

	// head is the SHA-256 of the last entry, in hex; empty while the log is.
	// +optional
	// +kubebuilder:validation:MinLength=64
	// +kubebuilder:validation:MaxLength=64
	Head string `json:"head,omitempty"`
}

// AdoptedChecks are the checks and the proof of a later revision of the playbook, which somebody took over for an object that runs.
type AdoptedChecks struct {
	// revision is the ControllerRevision with the playbook whose checks and proof count.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Revision string `json:"revision,omitempty"`

	// decision that took them over.
	// +required
	Decision DecisionReference `json:"decision,omitempty,omitzero"`

	// time when they were taken over, by the operator's clock; what is asked again has its full time from then on.
	// +required
	Time metav1.Time `json:"time,omitempty,omitzero"`

	// count is how often checks were taken over, this time included. Each time the checks of an open stage run in a new round.
	// +required
	// +kubebuilder:validation:Minimum=1
	Count int32 `json:"count,omitempty"`
}
