package v1alpha1

// ReportSource is where a check's report is read.
// +kubebuilder:validation:Enum=Log;TerminationMessage;ExitCode
type ReportSource string

// The three sources of a report.
const (
	// ReportFromLog is a complete JSON object in the container's log.
	ReportFromLog ReportSource = "Log"
	// ReportFromTerminationMessage is the container's termination message, a JSON object.
	ReportFromTerminationMessage ReportSource = "TerminationMessage"
	// ReportFromExitCode is the object {"exit_code": n}.
	ReportFromExitCode ReportSource = "ExitCode"
)

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
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$`
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

	// reportMatch chooses the report among the JSON objects of the log or termination message: a CEL expression over report that yields a bool,
	// such as has(report.sharpe). It must hold for one object, which may stand there more than once; several different ones are
	// Inconclusive. Default: the object that has a field that the rules of verdicts name; if none has, the last one.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=2048
	ReportMatch string `json:"reportMatch,omitempty"`

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

	// exitCode of the container; above 128 it was ended by a signal, which is Error whatever the report. Default: 0.
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
	// +kubebuilder:validation:Pattern=`^([^\p{Cc}\x{061C}\x{200E}\x{200F}\x{2028}-\x{202E}\x{2066}-\x{2069}\x{FEFF}]|[\n\t])*$`
	Message string `json:"message,omitempty"`
}
