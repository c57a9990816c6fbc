package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// ProposalStatus is a change that people are asked to make.
type ProposalStatus struct {
	// remediation of the playbook.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=40
	Remediation string `json:"remediation,omitempty"`

	// document that is to be changed.
	// +required
	Document DocumentReference `json:"document,omitempty,omitzero"`

	// patch is a unified diff without context, at most 4 KiB of it; the whole is in the evidence.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=4096
	Patch string `json:"patch,omitempty"`

	// evidenceKey is where the whole patch is in the operator's bucket.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	EvidenceKey string `json:"evidenceKey,omitempty"`

	// alerts that came in for the playbook lately, by rule, as they were when the patch was proposed; the 16 that began to fire most often.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=16
	Alerts []AlertRuleStatus `json:"alerts,omitempty"`

	// edits that the patch makes, as they are pushed for people to merge; absent = the patch is only shown.
	// +optional
	// +listType=map
	// +listMapKey=path
	// +kubebuilder:validation:MaxItems=16
	Edits []PlannedEdit `json:"edits,omitempty"`

	// writeBack is the push of the patch; absent = it was not asked for.
	// +optional
	WriteBack *WriteBackStatus `json:"writeBack,omitempty"`
}

// AlertRuleStatus is how often the alerts of one rule came in.
type AlertRuleStatus struct {
	// name of the rule: the label alertname.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name,omitempty"`

	// series is how many alerts with other labels it has.
	// +required
	// +kubebuilder:validation:Minimum=1
	Series int64 `json:"series,omitempty"`

	// occurrences is how often they began to fire, together.
	// +required
	// +kubebuilder:validation:Minimum=1
	Occurrences int64 `json:"occurrences,omitempty"`

	// incidents is how many of them opened, joined or are held by an incident; absent = none.
	// +optional
	// +kubebuilder:validation:Minimum=1
	Incidents int64 `json:"incidents,omitempty"`

	// sinceTime is when the first of them came in that is still kept.
	// +required
	SinceTime metav1.Time `json:"sinceTime,omitempty,omitzero"`
}

// IncidentRollback is a rollback of the incident, as it was last seen.
type IncidentRollback struct {
	// name of the StrategyRollback.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name,omitempty"`

	// uid of it: one that was made again under its name is another one.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	UID string `json:"uid,omitempty"`

	// remediation that it carries out; empty for one without.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=40
	Remediation string `json:"remediation,omitempty"`

	// round of the incident that it belongs to; absent = 1.
	// +optional
	// +kubebuilder:validation:Minimum=2
	Round int32 `json:"round,omitempty"`

	// status is the reason of its Ready condition.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	Status string `json:"status,omitempty"`

	// writtenTime is when its edits were first seen in the configuration; absent = never. Strikes count those that were.
	// +optional
	WrittenTime *metav1.Time `json:"writtenTime,omitempty"`

	// edits of it that reached the configuration, until it has ended; the first 8 of them.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=8
	Edits []StandingEdit `json:"edits,omitempty"`

	// editTotal is how many edits there were; absent = those in the list.
	// +optional
	// +kubebuilder:validation:Minimum=1
	EditTotal int32 `json:"editTotal,omitempty"`

	// leftTime is when the rollback was deleted and its edits stayed, or nobody could see whether they did: from then on nobody watches them,
	// and nobody undoes them. Absent = somebody does, or nothing stayed.
	// +optional
	LeftTime *metav1.Time `json:"leftTime,omitempty"`
}

// StandingEdit is one edit that stands in the configuration.
type StandingEdit struct {
	// path is a JSON pointer; list items by [name=value].
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	Path string `json:"path,omitempty"`

	// from is the YAML text that was there before, the first 256 bytes of it; absent = nothing was there.
	// +optional
	// +kubebuilder:validation:MinLength=0
	// +kubebuilder:validation:MaxLength=256
	From *string `json:"from,omitempty"`

	// to is the YAML text that is there, the first 256 bytes of it.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	To string `json:"to,omitempty"`
}
