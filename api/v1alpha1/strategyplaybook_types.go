package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// ConfigFormat is the dialect that knows where things live in a scheduler's configuration.
// +kubebuilder:validation:Enum=BotCore
type ConfigFormat string

// FormatBotCore is the core.yaml of bot_core.
const FormatBotCore ConfigFormat = "BotCore"

// StrategyPlaybookSpec is the procedure: which scheduler, which checks, when to escalate, which remedies.
// Rules are CEL; every number in them is a double, so write 250.0 and not 250.
type StrategyPlaybookSpec struct {
	// suspend puts the playbook on hold: while it is true the operator starts nothing new for any incident or rollback of it,
	// neither Jobs nor edits nor restarts, restores included. Deadlines, records and what is in force go on.
	// It acts at once, also on what runs on an earlier revision of the playbook. Default: false.
	// +optional
	Suspend bool `json:"suspend,omitempty"`

	// scheduler is the scheduler that this playbook serves.
	// +required
	Scheduler SchedulerSpec `json:"scheduler,omitempty,omitzero"`

	// signals are the numbers that rules see as signals.<name>. Default: none.
	// +optional
	Signals *SignalsSpec `json:"signals,omitempty"`

	// alerts say what the alerts become that are sent to this namespace. Default: none becomes an incident.
	// +optional
	Alerts *AlertsSpec `json:"alerts,omitempty"`

	// notifications are sent when people are called or asked. Default: none are.
	// +optional
	Notifications *NotificationsSpec `json:"notifications,omitempty"`

	// dashboards are shown on each incident, for people.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=16
	Dashboards []Dashboard `json:"dashboards,omitempty"`

	// checks are the Jobs whose reports are judged; the stages use them by name.
	// +required
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=32
	Checks []CheckSpec `json:"checks,omitempty"`

	// triage is what L1 does: false alarm, or hand over to L2.
	// +required
	Triage TriageSpec `json:"triage,omitempty,omitzero"`

	// diagnosis is what L2 does: evidence, then the cause.
	// +required
	Diagnosis DiagnosisSpec `json:"diagnosis,omitempty,omitzero"`

	// remediations are the remedies that a cause may name.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=16
	Remediations []RemediationSpec `json:"remediations,omitempty"`

	// feeds are the fallback feeds that the action SwitchFeed may name.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=16
	Feeds []FeedSpec `json:"feeds,omitempty"`

	// guard limits what rollbacks may do to this configuration at the same time. Above it a rollback waits for room, or
	// for an Override decision. Default: no limit.
	// +optional
	Guard *GuardSpec `json:"guard,omitempty"`

	// escalation is who is on call, and when the technical lead is called. Default: nobody is known, the lead is not called.
	// +optional
	Escalation *EscalationSpec `json:"escalation,omitempty"`

	// recovery is when an incident may close by itself, and how often its remedy may be repeated. Default: see its fields.
	// +optional
	Recovery *RecoverySpec `json:"recovery,omitempty"`

	// history is how many closed incidents are kept as objects; their evidence stays in the bucket. Default: see its fields.
	// +optional
	History *HistorySpec `json:"history,omitempty"`

	// signingKeySecretName names the decision log's HMAC key: the Secret <namespace of the playbook>.<this name> in the operator's namespace or,
	// where there is none, the Secret of this name in the playbook's. It has the key "hmac-key" (at least 32 bytes), which
	// signs, optionally its id "key-id", and those that signed before it, each as "hmac-key.<id>": what they signed still verifies. It must carry the
	// label strategy.tradeops.dev/managed: "true".
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$`
	SigningKeySecretName string `json:"signingKeySecretName,omitempty"`
}

// Dashboard is a link for people.
type Dashboard struct {
	// name of the dashboard or panel.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	Name string `json:"name,omitempty"`

	// url of it.
	// +required
	// +kubebuilder:validation:Pattern=`^https?://`
	// +kubebuilder:validation:MinLength=8
	// +kubebuilder:validation:MaxLength=1024
	URL string `json:"url,omitempty"`
}

// DocumentReference names one key of a ConfigMap in the playbook's namespace, which must carry the label
// strategy.tradeops.dev/managed: "true".
type DocumentReference struct {
	// configMapName of the document.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$`
	ConfigMapName string `json:"configMapName,omitempty"`

	// key in the ConfigMap's data.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Key string `json:"key,omitempty"`
}

// HistorySpec bounds what closed incidents leave in the cluster. An incident goes with its ended rollbacks and its
// decisions; one whose rollback has not ended stays.
// +kubebuilder:validation:MinProperties=1
type HistorySpec struct {
	// keepIncidents is how many closed incidents of this playbook stay. As many duplicates and false alarms, and as many drills, stay beside
	// them. One with a rollback or a decision stays for 24 hours, or retainSeconds if that is less, however many there are. Default: 50.
	// +optional
	// +default=50
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000
	KeepIncidents int32 `json:"keepIncidents,omitempty"`

	// retainSeconds is how long a closed incident stays. Default: 2592000 seconds (30 days).
	// +optional
	// +default=2592000
	// +kubebuilder:validation:Minimum=60
	// +kubebuilder:validation:Maximum=31536000
	RetainSeconds int32 `json:"retainSeconds,omitempty"`
}

// SchedulerSpec names the multi-strategy scheduler, its configuration and its Deployment.
type SchedulerSpec struct {
	// name of the scheduler: runtime.multi_strategy_schedulers.<name> in the configuration.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	Name string `json:"name,omitempty"`

	// environment the scheduler runs in: environments.<name> in the configuration.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	Environment string `json:"environment,omitempty"`

	// config is where the configuration is.
	// +required
	Config ConfigReference `json:"config,omitempty,omitzero"`

	// rollout is how a change reaches the running scheduler: it reads its configuration only at start.
	// +required
	Rollout RolloutSpec `json:"rollout,omitempty,omitzero"`

	// proof is how it is shown what the scheduler has in force.
	// +required
	Proof ProofSpec `json:"proof,omitempty,omitzero"`

	// gitOps is what is done about a GitOps tool that applies the ConfigMap, too; absent = its overwriting is told, and nothing is written again.
	// +optional
	GitOps *GitOpsSpec `json:"gitOps,omitempty"`
}

// ConfigReference names one key of a ConfigMap in the playbook's namespace.
type ConfigReference struct {
	// configMapName of the configuration. It must carry the label strategy.tradeops.dev/managed: "true".
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$`
	ConfigMapName string `json:"configMapName,omitempty"`

	// key in the ConfigMap's data. Default: core.yaml.
	// +optional
	// +default="core.yaml"
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Key string `json:"key,omitempty"`

	// format is the dialect of the document. Default: BotCore.
	// +optional
	// +default="BotCore"
	Format ConfigFormat `json:"format,omitempty"`
}

// RolloutSpec names the Deployment to restart.
type RolloutSpec struct {
	// deploymentName of the scheduler. Strategy Recreate is advised: a rolling update runs two traders at once.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$`
	DeploymentName string `json:"deploymentName,omitempty"`

	// timeoutSeconds from the edit until the proof must have passed. Default: 180 seconds.
	// +optional
	// +default=180
	// +kubebuilder:validation:Minimum=5
	// +kubebuilder:validation:Maximum=3600
	TimeoutSeconds int32 `json:"timeoutSeconds,omitempty"`
}

// ProofSpec names the check that proves what the scheduler has in force, and says of what it speaks.
type ProofSpec struct {
	// check by name. Its rules see `rollback` (see docs/rules.md). A string field config_sha256 of its report must be the hash of the
	// stored configuration; what a different one means depends on proves.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=40
	Check string `json:"check,omitempty"`

	// proves is of what the check speaks: of the running scheduler, or of what its loader reads in the check's own pod. Default: Loaded.
	// +optional
	// +default="Loaded"
	Proves ProofSubject `json:"proves,omitempty"`
}

// ProofSubject is of what a proof speaks.
// +kubebuilder:validation:Enum=Loaded;Running
type ProofSubject string

const (
	// ProvesLoaded: the scheduler's own loader reads the stored configuration, in the check's pod. That the scheduler was restarted for it
	// is seen by the operator; what the running one made of it is not proved. Another config_sha256 is a stale copy in the check's pod: it
	// is asked again, and neither restarts the scheduler nor undoes the change.
	ProvesLoaded ProofSubject = "Loaded"
	// ProvesRunning: the running scheduler itself answers. Another config_sha256 is a stale copy that it started with, cured by one more
	// restart.
	ProvesRunning ProofSubject = "Running"
)

// StrategyPlaybookStatus is what the operator sees of the playbook's world.
type StrategyPlaybookStatus struct {
	// observedGeneration is the generation that this status is about.
	// +optional
	// +kubebuilder:validation:Minimum=1
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// conditions are Ready, Stalled, OnHold, OnCallKnown, OnCallMayDecide and, where two persons are needed, Reviewed.
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=16
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// revision is the ControllerRevision that holds this spec; incidents run on the revision they started with.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Revision string `json:"revision,omitempty"`

	// digest of this version of the spec, without suspend: what a decision about the playbook names.
	// +optional
	// +kubebuilder:validation:Pattern=`^sha256:[0-9a-f]{64}$`
	// +kubebuilder:validation:MinLength=71
	// +kubebuilder:validation:MaxLength=71
	Digest string `json:"digest,omitempty"`

	// approved is the version that a second person approved last; absent while there is none. In a namespace with the label
	// strategy.tradeops.dev/playbook-review nothing new runs on another one.
	// +optional
	Approved *ApprovedRevision `json:"approved,omitempty"`

	// config is the scheduler's configuration as it is now.
	// +optional
	Config *ConfigStatus `json:"config,omitempty"`

	// onCall is who is on call now, and who is next, by level.
	// +optional
	// +listType=map
	// +listMapKey=level
	// +kubebuilder:validation:MaxItems=3
	OnCall []OnCallStatus `json:"onCall,omitempty"`

	// hold is who holds back what would be started, by a Hold decision; absent while nobody does.
	// +optional
	Hold *HoldStatus `json:"hold,omitempty"`

	// answers are what became of the newest decisions about this object; each decision says so, too.
	// +optional
	// +listType=map
	// +listMapKey=uid
	// +kubebuilder:validation:MaxItems=64
	Answers []AnsweredDecision `json:"answers,omitempty"`

	// timeline of what was decided about the playbook; the newest 48, and more while the log cannot be written. Entry n is entry n of its decision log.
	// +optional
	// +listType=map
	// +listMapKey=seq
	// +kubebuilder:validation:MaxItems=256
	Timeline []TimelineEntry `json:"timeline,omitempty"`

	// log is the head of the playbook's decision log; absent until there was a decision about it.
	// +optional
	Log *LogStatus `json:"log,omitempty"`
}

// ApprovedRevision is a version of a playbook that a second person approved.
type ApprovedRevision struct {
	// revision is the ControllerRevision that holds it.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Revision string `json:"revision,omitempty"`

	// digest of its spec, without suspend.
	// +required
	// +kubebuilder:validation:Pattern=`^sha256:[0-9a-f]{64}$`
	// +kubebuilder:validation:MinLength=71
	// +kubebuilder:validation:MaxLength=71
	Digest string `json:"digest,omitempty"`

	// decision that approved it.
	// +required
	Decision DecisionReference `json:"decision,omitempty,omitzero"`
}

// HoldStatus is a hold that somebody decided. It ends by a Release decision.
type HoldStatus struct {
	// name of the StrategyDecision.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name,omitempty"`

	// by whom; absent where nobody could say.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	By string `json:"by,omitempty"`

	// reason that they gave.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	Reason string `json:"reason,omitempty"`

	// time of the decision, from the API server.
	// +required
	Time metav1.Time `json:"time,omitempty,omitzero"`
}

// ConfigStatus is a summary of the scheduler's configuration.
type ConfigStatus struct {
	// sha256 of the document, in hex.
	// +required
	// +kubebuilder:validation:MinLength=64
	// +kubebuilder:validation:MaxLength=64
	SHA256 string `json:"sha256,omitempty"`

	// schedules of the scheduler, in the document's order (the first 64).
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=64
	Schedules []ScheduleStatus `json:"schedules,omitempty"`

	// owner is the tool that applies the ConfigMap, too, and may put an edit back; absent: the ConfigMap names none that the operator knows.
	// +optional
	Owner *ConfigOwner `json:"owner,omitempty"`
}

// ScheduleStatus is one schedule of the configuration.
type ScheduleStatus struct {
	// name of the schedule.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	Name string `json:"name,omitempty"`

	// strategy it runs.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	Strategy string `json:"strategy,omitempty"`

	// riskProfile it runs under.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	RiskProfile string `json:"riskProfile,omitempty"`

	// suspendedUntil is the end of its suspension as written in the document, "forever" without an end, absent when it
	// is not suspended by name.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	SuspendedUntil string `json:"suspendedUntil,omitempty"`
}

// StrategyPlaybook is the support procedure for one multi-strategy scheduler.
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=spb,categories=strategy
// +kubebuilder:printcolumn:name="Scheduler",type=string,JSONPath=`.spec.scheduler.name`
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Status",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name="OnHold",type=string,JSONPath=`.status.conditions[?(@.type=="OnHold")].status`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="OnCall",type=string,JSONPath=`.status.conditions[?(@.type=="OnCallKnown")].reason`,priority=1
// +kubebuilder:printcolumn:name="May-Decide",type=string,JSONPath=`.status.conditions[?(@.type=="OnCallMayDecide")].status`,priority=1
// +kubebuilder:printcolumn:name="Reviewed",type=string,JSONPath=`.status.conditions[?(@.type=="Reviewed")].status`,priority=1
// +kubebuilder:printcolumn:name="Held-By",type=string,JSONPath=`.status.hold.by`,priority=1
type StrategyPlaybook struct {
	metav1.TypeMeta `json:",inline"`
	// metadata is the standard object metadata.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty,omitzero"`

	// spec is the procedure. Set by the platform team.
	// +required
	Spec StrategyPlaybookSpec `json:"spec,omitempty,omitzero"`

	// status is written by the operator.
	// +optional
	Status StrategyPlaybookStatus `json:"status,omitempty,omitzero"`
}

// StrategyPlaybookList is a list of playbooks.
// +kubebuilder:object:root=true
type StrategyPlaybookList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []StrategyPlaybook `json:"items"`
}
