package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// DecisionVerdict is what a person decided.
// +kubebuilder:validation:Enum=Acknowledge;Escalate;FalseAlarm;Resolve;Reopen;Hold;Release;Approve;Deny;Override;Renew;Restore;AdoptChecks
type DecisionVerdict string

// The verdicts. Acknowledge, Escalate, FalseAlarm, Resolve and Reopen are about incidents, Hold and Release about incidents and playbooks,
// Approve and Deny about rollbacks and playbooks, AdoptChecks about incidents and rollbacks, the others about rollbacks.
const (
	// DecisionAcknowledge says that a person is on it: until it ends, time alone does not call the next level.
	DecisionAcknowledge DecisionVerdict = "Acknowledge"
	DecisionEscalate    DecisionVerdict = "Escalate"
	DecisionFalseAlarm  DecisionVerdict = "FalseAlarm"
	DecisionResolve     DecisionVerdict = "Resolve"
	// DecisionReopen takes back that an incident was closed, by whatever: it goes on at L2, with new deadlines.
	DecisionReopen DecisionVerdict = "Reopen"
	// DecisionHold stops what would be started: no Job, no edit, no restart, no restore. What is in force stays in force, and the
	// strategies go on trading.
	DecisionHold DecisionVerdict = "Hold"
	// DecisionRelease ends what Hold decisions began.
	DecisionRelease DecisionVerdict = "Release"
	DecisionApprove DecisionVerdict = "Approve"
	DecisionDeny    DecisionVerdict = "Deny"
	// DecisionOverride lifts what holds a rollback back: the playbook's guard before the change, the restore gate after it.
	DecisionOverride DecisionVerdict = "Override"
	// DecisionRenew moves the end of the time box: its full length again, from the decision.
	DecisionRenew   DecisionVerdict = "Renew"
	DecisionRestore DecisionVerdict = "Restore"
	// DecisionAdoptChecks takes over the checks and the proof of the playbook's newest revision: what they could not tell, or told wrongly,
	// is asked again. All else stays as it was when the object started.
	DecisionAdoptChecks DecisionVerdict = "AdoptChecks"
)

// NeedsReason tells the verdicts that are recorded only with a reason: they change what is traded or how it is judged, lift a limit, stop
// what is automatic, or close or reopen an incident. The rule of StrategyDecisionSpec is the same list.
func (v DecisionVerdict) NeedsReason() bool {
	switch v {
	case DecisionApprove, DecisionDeny, DecisionOverride, DecisionResolve, DecisionFalseAlarm, DecisionReopen, DecisionHold, DecisionRelease,
		DecisionAdoptChecks:
		return true
	}
	return false
}

// DecisionTarget is what a decision is about.
type DecisionTarget struct {
	// kind of the object.
	// +required
	// +kubebuilder:validation:Enum=StrategyPlaybook;StrategyIncident;StrategyRollback
	// +kubebuilder:validation:MaxLength=63
	Kind string `json:"kind,omitempty"`

	// name of the object, in the decision's namespace.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$`
	Name string `json:"name,omitempty"`
}

// StrategyDecisionSpec is immutable as a whole: a decision is a record.
// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="a decision is a record and cannot be changed; make another decision"
// +kubebuilder:validation:XValidation:rule="!(self.verdict in ['Approve', 'Override', 'Renew']) || has(self.digest)",message="Approve, Override and Renew name what was looked at: set digest to the rollback's status.plan.digest, or the playbook's status.digest"
// +kubebuilder:validation:XValidation:rule="!(self.verdict == 'Deny' && self.target.kind == 'StrategyPlaybook') || has(self.digest)",message="Deny of a playbook names what was looked at: set digest to the playbook's status.digest"
// +kubebuilder:validation:XValidation:rule="!(self.verdict in ['Approve', 'Deny', 'Override', 'Resolve', 'FalseAlarm', 'Reopen', 'Hold', 'Release', 'AdoptChecks']) || has(self.reason)",message="Approve, Deny, Override, Resolve, FalseAlarm, Reopen, Hold, Release and AdoptChecks need a reason: say in reason why, for whoever reads the log later"
// +kubebuilder:validation:XValidation:rule="self.verdict in {'StrategyPlaybook': ['Hold', 'Release', 'Approve', 'Deny'], 'StrategyIncident': ['Acknowledge', 'Escalate', 'FalseAlarm', 'Resolve', 'Reopen', 'Hold', 'Release', 'AdoptChecks'], 'StrategyRollback': ['Approve', 'Deny', 'Override', 'Renew', 'Restore', 'AdoptChecks']}[self.target.kind]",message="Acknowledge, Escalate, FalseAlarm, Resolve and Reopen are about a StrategyIncident; Hold and Release about a StrategyIncident or a StrategyPlaybook; AdoptChecks about a StrategyIncident or a StrategyRollback; Approve and Deny about a StrategyRollback or a StrategyPlaybook; Override, Renew and Restore about a StrategyRollback"
// +kubebuilder:validation:XValidation:rule="self.verdict == 'Acknowledge' || !has(self.validSeconds)",message="validSeconds belongs to Acknowledge"
type StrategyDecisionSpec struct {
	// target is what the decision is about.
	// +required
	Target DecisionTarget `json:"target,omitempty,omitzero"`

	// verdict is the decision.
	// +required
	Verdict DecisionVerdict `json:"verdict,omitempty"`

	// digest binds an approval to what was looked at: one plan, the rollback's status.plan.digest; or one version of a playbook, its
	// status.digest.
	// +optional
	// +kubebuilder:validation:Pattern=`^sha256:[0-9a-f]{64}$`
	// +kubebuilder:validation:MinLength=71
	// +kubebuilder:validation:MaxLength=71
	Digest string `json:"digest,omitempty"`

	// validSeconds is how long an acknowledgement holds. Default: 600 seconds.
	// +optional
	// +kubebuilder:validation:Minimum=60
	// +kubebuilder:validation:Maximum=14400
	ValidSeconds int32 `json:"validSeconds,omitempty"`

	// reason for people, in the log and in what is shown. Approve, Deny, Override, Resolve, FalseAlarm, Reopen, Hold,
	// Release and AdoptChecks need one.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:Pattern=`^([^\p{Cc}\x{061C}\x{200E}\x{200F}\x{2028}-\x{202E}\x{2066}-\x{2069}\x{FEFF}]|[\n\t])*$`
	Reason string `json:"reason,omitempty"`

	// by is who decided: the user who creates the decision, and nobody else. Clients name themselves, or leave it to the
	// stamping policies where these are installed.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:Pattern=`^[^\p{Cc}\x{061C}\x{200E}\x{200F}\x{2028}-\x{202E}\x{2066}-\x{2069}\x{FEFF}]*$`
	By string `json:"by,omitempty"`
}

// DecisionOutcome is what became of a decision.
// +kubebuilder:validation:Enum=Honoured;Refused;Voided
type DecisionOutcome string

// The outcomes. None is taken back.
const (
	// OutcomeHonoured: it counted.
	OutcomeHonoured DecisionOutcome = "Honoured"
	// OutcomeRefused: it does not count, and never will; whoever made it may make another one.
	OutcomeRefused DecisionOutcome = "Refused"
	// OutcomeVoided: nobody knows who made it, since identities were not enforced then.
	OutcomeVoided DecisionOutcome = "Voided"
)

// DecisionAnswer is what became of a decision, and where that is on record.
type DecisionAnswer struct {
	// outcome of the decision.
	// +required
	Outcome DecisionOutcome `json:"outcome,omitempty"`

	// message for people: what came of it, or why nothing did.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	Message string `json:"message,omitempty"`

	// time of the answer, by the operator's clock, in whole seconds.
	// +required
	Time metav1.Time `json:"time,omitempty,omitzero"`

	// seq is the number of its entry in the decision log of the target; absent where the target has no log.
	// +optional
	// +kubebuilder:validation:Minimum=1
	Seq int64 `json:"seq,omitempty"`
}

// StrategyDecisionStatus is empty until the operator has answered the decision. Set by the operator.
type StrategyDecisionStatus struct {
	// answer of the operator. Absent: the decision still waits for the moment in which it counts.
	// +optional
	Answer *DecisionAnswer `json:"answer,omitempty"`
}

// AnsweredDecision is an answer in the status of the target of the decision. It is written there first, with what the decision
// changes, so that the decision hears of it whatever happens in between.
type AnsweredDecision struct {
	// name of the StrategyDecision.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name,omitempty"`

	// uid of the StrategyDecision.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	UID string `json:"uid,omitempty"`

	DecisionAnswer `json:",inline"`
}

// StrategyDecision is one human decision, an append-only record. Its time is metadata.creationTimestamp.
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=sdec,categories=strategy
// +kubebuilder:printcolumn:name="Target",type=string,JSONPath=`.spec.target.name`
// +kubebuilder:printcolumn:name="Verdict",type=string,JSONPath=`.spec.verdict`
// +kubebuilder:printcolumn:name="By",type=string,JSONPath=`.spec.by`
// +kubebuilder:printcolumn:name="Outcome",type=string,JSONPath=`.status.answer.outcome`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Kind",type=string,JSONPath=`.spec.target.kind`,priority=1
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.spec.reason`,priority=1
// +kubebuilder:printcolumn:name="Answer",type=string,JSONPath=`.status.answer.message`,priority=1
// +kubebuilder:selectablefield:JSONPath=`.spec.target.kind`
// +kubebuilder:selectablefield:JSONPath=`.spec.target.name`
// +kubebuilder:selectablefield:JSONPath=`.spec.verdict`
// +kubebuilder:selectablefield:JSONPath=`.spec.by`
// +kubebuilder:selectablefield:JSONPath=`.status.answer.outcome`
type StrategyDecision struct {
	metav1.TypeMeta `json:",inline"`
	// metadata is the standard object metadata.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty,omitzero"`

	// spec is the decision. Set by people.
	// +required
	Spec StrategyDecisionSpec `json:"spec,omitempty,omitzero"`

	// status is what became of it. Set by the operator.
	// +optional
	Status StrategyDecisionStatus `json:"status,omitempty,omitzero"`
}

// StrategyDecisionList is a list of decisions.
// +kubebuilder:object:root=true
type StrategyDecisionList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []StrategyDecision `json:"items"`
}
