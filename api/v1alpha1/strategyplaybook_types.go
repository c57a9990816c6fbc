package v1alpha1

import (
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// ConfigFormat is the dialect that knows where things live in a scheduler's configuration.
// +kubebuilder:validation:Enum=BotCore
type ConfigFormat string

// FormatBotCore is the core.yaml of bot_core.
const FormatBotCore ConfigFormat = "BotCore"

// ReportSource is where a check's report is read.
// +kubebuilder:validation:Enum=Log;TerminationMessage;ExitCode
type ReportSource string

// The three sources of a report.
const (
	// ReportFromLog is the last complete JSON object in the container's log.
	ReportFromLog ReportSource = "Log"
	// ReportFromTerminationMessage is the container's termination message, a JSON object.
	ReportFromTerminationMessage ReportSource = "TerminationMessage"
	// ReportFromExitCode is the object {"exit_code": n}.
	ReportFromExitCode ReportSource = "ExitCode"
)

// ApprovalMode says whether a rollback needs a person.
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

// StrategyPlaybookSpec is the procedure: which scheduler, which checks, when to escalate, which remedies.
// Rules are CEL; every number in them is a double, so write 250.0 and not 250.
type StrategyPlaybookSpec struct {
	// suspend is the kill switch: while it is true the operator starts nothing new for any incident or rollback of this
	// playbook, neither Jobs nor edits nor restarts, restores included. Deadlines, records and what is in force go on.
	// It acts at once, also on what runs on an earlier revision of the playbook. Default: false.
	// +optional
	Suspend bool `json:"suspend,omitempty"`

	// scheduler is the scheduler that this playbook serves.
	// +required
	Scheduler SchedulerSpec `json:"scheduler,omitempty,omitzero"`

	// signals are the numbers that rules see as signals.<name>. Default: none.
	// +optional
	Signals *SignalsSpec `json:"signals,omitempty"`

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

	// signingKeySecretName is the Secret with the decision log's HMAC key: key "hmac-key" (at least 32 bytes) and
	// optionally "key-id". The Secret must carry the label strategy.tradeops.dev/managed: "true".
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	SigningKeySecretName string `json:"signingKeySecretName,omitempty"`
}

// SignalsSpec is what is asked of Prometheus while an incident is open. See docs/signals.md.
type SignalsSpec struct {
	// prometheus is who is asked.
	// +required
	Prometheus PrometheusSpec `json:"prometheus,omitempty,omitzero"`

	// intervalSeconds between two samples; a number that is older than three intervals is unknown. Default: 30 seconds.
	// +optional
	// +default=30
	// +kubebuilder:validation:Minimum=5
	// +kubebuilder:validation:Maximum=3600
	IntervalSeconds int32 `json:"intervalSeconds,omitempty"`

	// queries yield one number each.
	// +required
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=32
	Queries []SignalQuery `json:"queries,omitempty"`
}

// PrometheusSpec is where Prometheus answers.
type PrometheusSpec struct {
	// url of Prometheus, without /api/v1.
	// +required
	// +kubebuilder:validation:Pattern=`^https?://`
	// +kubebuilder:validation:MinLength=8
	// +kubebuilder:validation:MaxLength=1024
	URL string `json:"url,omitempty"`

	// authSecretName is a Secret with the bearer token in "token", and in "url" the same text as url: whoever owns the
	// token says where it may be sent. The Secret must carry the label strategy.tradeops.dev/managed: "true". Default: no token.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	AuthSecretName string `json:"authSecretName,omitempty"`
}

// SignalQuery is one number.
type SignalQuery struct {
	// name in rules: signals.<name>.
	// +required
	// +kubebuilder:validation:Pattern=`^[a-z][a-z0-9_]*$`
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	Name string `json:"name,omitempty"`

	// query is a PromQL expression that yields one number. None, several or NaN is unknown, never zero.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=2048
	Query string `json:"query,omitempty"`

	// unit for people, such as "percent".
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=32
	Unit string `json:"unit,omitempty"`
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

// DocumentReference names one key of a ConfigMap in the playbook's namespace, which must carry the label
// strategy.tradeops.dev/managed: "true".
type DocumentReference struct {
	// configMapName of the document.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	ConfigMapName string `json:"configMapName,omitempty"`

	// key in the ConfigMap's data.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Key string `json:"key,omitempty"`
}

// LevelSpec is what is special about a level. L1 and L2 are called by spec.triage; only the technical lead has rules here.
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

// HistorySpec bounds what closed incidents leave in the cluster. An incident goes with its ended rollbacks and its
// decisions; one whose rollback has not ended stays.
// +kubebuilder:validation:MinProperties=1
type HistorySpec struct {
	// keepIncidents is how many closed incidents of this playbook stay. Default: 50.
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

	// proof is how the running scheduler shows what it has in force.
	// +required
	Proof ProofSpec `json:"proof,omitempty,omitzero"`
}

// ConfigReference names one key of a ConfigMap in the playbook's namespace.
type ConfigReference struct {
	// configMapName of the configuration. It must carry the label strategy.tradeops.dev/managed: "true".
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
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
	DeploymentName string `json:"deploymentName,omitempty"`

	// timeoutSeconds from the edit until the proof must have passed. Default: 180 seconds.
	// +optional
	// +default=180
	// +kubebuilder:validation:Minimum=5
	// +kubebuilder:validation:Maximum=3600
	TimeoutSeconds int32 `json:"timeoutSeconds,omitempty"`
}

// ProofSpec names the check that proves what the running scheduler has in force.
type ProofSpec struct {
	// check by name. Its rules see `rollback` (see docs/rules.md). If its report has a string field config_sha256, that
	// must be the hash of the stored configuration; a different one is a stale mount, cured by one more restart.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=40
	Check string `json:"check,omitempty"`
}

// CheckSpec is a Job whose JSON report is judged by rules.
type CheckSpec struct {
	// name of the check.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=40
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	Name string `json:"name,omitempty"`

	// podTemplateName is a core/v1 PodTemplate of this namespace: image, volumes, service account, security context.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	PodTemplateName string `json:"podTemplateName,omitempty"`

	// command replaces the command of the template's first container; $(VAR) is expanded by Kubernetes.
	// +required
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=1024
	Command []string `json:"command,omitempty"`

	// env adds environment variables. The operator adds INCIDENT, TYPE, SEVERITY, SCHEDULE, STRATEGY, SCHEDULER,
	// ENVIRONMENT, STAGE, CHECK and ATTEMPT, which cannot be overridden.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=32
	Env []EnvVar `json:"env,omitempty"`

	// timeoutSeconds is the longest running time of the pod; longer is Error. Default: 120 seconds.
	// +optional
	// +default=120
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=3600
	TimeoutSeconds int32 `json:"timeoutSeconds,omitempty"`

	// startTimeoutSeconds is the longest time until the container runs; longer is Error. Default: 300 seconds.
	// +optional
	// +default=300
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=3600
	StartTimeoutSeconds int32 `json:"startTimeoutSeconds,omitempty"`

	// retries after the verdict Error (could not measure); never after Fail (measured bad). Default: 0.
	// +optional
	// +default=0
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=5
	Retries *int32 `json:"retries,omitempty"`

	// reportFrom is where the report is read. Default: Log.
	// +optional
	// +default="Log"
	ReportFrom ReportSource `json:"reportFrom,omitempty"`

	// verdicts judge the report: the first rule that holds wins; none -> Inconclusive.
	// +required
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=32
	Verdicts []VerdictRule `json:"verdicts,omitempty"`

	// samples are reports whose verdict is known. The rules are tried on them whenever the playbook is applied and by
	// `kubectl strategy lint`: a rule with a typing error shows before an incident does.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=16
	Samples []ReportSample `json:"samples,omitempty"`
}

// ReportSample is a report and the verdict that the rules must give it.
type ReportSample struct {
	// report is a JSON object, as the check prints it.
	// +required
	// +kubebuilder:validation:MinLength=2
	// +kubebuilder:validation:MaxLength=4096
	Report string `json:"report,omitempty"`

	// before is the earlier report of the same check, a JSON object. Default: none.
	// +optional
	// +kubebuilder:validation:MinLength=2
	// +kubebuilder:validation:MaxLength=4096
	Before string `json:"before,omitempty"`

	// exitCode of the container. Default: 0.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=255
	ExitCode *int32 `json:"exitCode,omitempty"`

	// verdict that the rules must come to.
	// +required
	Verdict Verdict `json:"verdict,omitempty"`
}

// VerdictRule is one rule over a report.
type VerdictRule struct {
	// when is a CEL expression over report, exitCode, before, incident and rollback that yields a bool.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=2048
	When string `json:"when,omitempty"`

	// verdict if the rule holds: Pass, Warn, Fail or Inconclusive. Error is for what could not be measured.
	// +required
	// +kubebuilder:validation:XValidation:rule="self != 'Error'",message="Error means that nothing was measured; a rule judges a measurement: Pass, Warn, Fail or Inconclusive"
	Verdict Verdict `json:"verdict,omitempty"`

	// message for people. Default: the rule itself.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	Message string `json:"message,omitempty"`
}

// TriageSpec is L1's part.
// +kubebuilder:validation:MinProperties=1
type TriageSpec struct {
	// respondWithinSeconds from detection until triage has a result. Default: 300 seconds.
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

	// falseAlarm closes the incident when its rule holds after all checks were judged. Without it only a person can.
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
}

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
	// respondWithinSeconds from detection until the cause is known. Default: 900 seconds.
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

	// causes in order: the first whose rule holds is the cause; none -> Unknown, a person decides.
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
	// error in it stops the search and asks a person.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=2048
	When string `json:"when,omitempty"`

	// remediation is the remedy by name. Empty: a person decides.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=40
	Remediation string `json:"remediation,omitempty"`
}

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

	// approval says who must agree. Default: a person other than the requester, within 900 seconds.
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
	// time. A check that could not be measured never reverts: it asks a person. Default: Revert.
	// +optional
	// +default="Revert"
	OnFailedAfter FailedAfterPolicy `json:"onFailedAfter,omitempty"`

	// then is the next remedy of the ladder, by name: the incident asks for it when this one was reverted, or when the probe
	// of its feed failed. It has its own plan and its own approval.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=40
	Then string `json:"then,omitempty"`

	// maxDurationSeconds is the time box of the change, from its plan; 0 = until a person restores it. Default: 14400 seconds.
	// +optional
	// +default=14400
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=2592000
	MaxDurationSeconds *int32 `json:"maxDurationSeconds,omitempty"`

	// restore is the gate before the change is undone. Default: no gate.
	// +optional
	Restore *RestoreGate `json:"restore,omitempty"`
}

// ProposalSpec is a change of a document that is not the scheduler's, such as the rules of Prometheus. The operator shows it as
// a patch on the incident.
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

	// value is any YAML value; strings are quoted in the document where its reader would take them for something else.
	// +required
	// +kubebuilder:pruning:PreserveUnknownFields
	// +kubebuilder:validation:Schemaless
	Value *apiextensionsv1.JSON `json:"value,omitempty"`
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
	// mode is Required, or Automatic without a person. Default: Required.
	// +optional
	// +default="Required"
	Mode ApprovalMode `json:"mode,omitempty"`

	// timeoutSeconds from the plan until the approval; later the rollback is given up, nothing changed. Default: 900 seconds.
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

// RestoreGate must hold before a change is undone on request. A revert after failed checks has no gate.
type RestoreGate struct {
	// checks to run.
	// +required
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=8
	Checks []CheckUse `json:"checks,omitempty"`

	// when is a CEL expression over checks that yields a bool. Default: every check passes or warns.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=2048
	When string `json:"when,omitempty"`
}

// StrategyPlaybookStatus is what the operator sees of the playbook's world.
type StrategyPlaybookStatus struct {
	// observedGeneration is the generation that this status is about.
	// +optional
	// +kubebuilder:validation:Minimum=1
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// conditions are Ready, Stalled, Suspended and OnCallKnown.
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

	// config is the scheduler's configuration as it is now.
	// +optional
	Config *ConfigStatus `json:"config,omitempty"`

	// onCall is who is on call now, and who is next, by level.
	// +optional
	// +listType=map
	// +listMapKey=level
	// +kubebuilder:validation:MaxItems=3
	OnCall []OnCallStatus `json:"onCall,omitempty"`
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
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name="Suspended",type=string,JSONPath=`.spec.suspend`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
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
