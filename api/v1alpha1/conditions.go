package v1alpha1

// Condition types. Ready is the summary of every kind: its reason is the one word that `kubectl get` shows.
// Stalled=True means that the operator waits for a person.
const (
	ConditionReady   = "Ready"
	ConditionStalled = "Stalled"

	// Of incidents.
	ConditionTriaged   = "Triaged"
	ConditionEscalated = "Escalated"
	ConditionDiagnosed = "Diagnosed"
	ConditionContained = "Contained"
	ConditionResolved  = "Resolved"
	ConditionSLAMet    = "SLAMet"

	// Of rollbacks.
	ConditionPlanned  = "Planned"
	ConditionApproved = "Approved"
	ConditionApplied  = "Applied"
	ConditionInEffect = "InEffect"
	ConditionVerified = "Verified"
	ConditionRestored = "Restored"
)

// Reasons that say what is wrong with the input, on the Ready condition of every kind.
const (
	ReasonPlaybookNotFound      = "PlaybookNotFound"
	ReasonPlaybookNotReady      = "PlaybookNotReady"
	ReasonRemediationNotFound   = "RemediationNotFound"
	ReasonScheduleNotFound      = "ScheduleNotFound"
	ReasonConfigMapNotFound     = "ConfigMapNotFound"
	ReasonConfigMapNotLabelled  = "ConfigMapNotLabelled"
	ReasonConfigMapImmutable    = "ConfigMapImmutable"
	ReasonConfigKeyNotFound     = "ConfigKeyNotFound"
	ReasonConfigInvalid         = "ConfigInvalid"
	ReasonDeploymentNotFound    = "DeploymentNotFound"
	ReasonPodTemplateNotFound   = "PodTemplateNotFound"
	ReasonSecretNotFound        = "SecretNotFound"
	ReasonSecretNotLabelled     = "SecretNotLabelled"
	ReasonSecretInvalid         = "SecretInvalid"
	ReasonRuleInvalid           = "RuleInvalid"
	ReasonReferenceInvalid      = "ReferenceInvalid"
	ReasonNamespaceNotServed    = "NamespaceNotServed"
	ReasonNameConflict          = "NameConflict"
	ReasonLogConflict           = "LogConflict"
	ReasonTargetBelongsToOthers = "PathHeldByOther"
)

// Reasons of the Ready condition of a playbook.
const ReasonValid = "Valid"

// Reasons of the Ready condition of an incident: how far it is.
const (
	ReasonTriaging      = "Triaging"
	ReasonDiagnosing    = "Diagnosing"
	ReasonMitigating    = "Mitigating"
	ReasonContained     = "Contained"
	ReasonNeedsPerson   = "NeedsPerson"
	ReasonFalseAlarm    = "FalseAlarm"
	ReasonResolved      = "Resolved"
	ReasonChecksJudged  = "ChecksJudged"
	ReasonRuleHeld      = "RuleHeld"
	ReasonRuleErrored   = "RuleErrored"
	ReasonDeadlinePast  = "DeadlinePassed"
	ReasonPersonDecided = "PersonDecided"
	ReasonCauseFound    = "CauseFound"
	ReasonCauseUnknown  = "CauseUnknown"
	ReasonWithinLimits  = "WithinLimits"
)

// Reasons of the conditions of a rollback: how far it is.
const (
	ReasonPlanned            = "Planned"
	ReasonEditRefused        = "EditRefused"
	ReasonAwaitingApproval   = "AwaitingApproval"
	ReasonApproved           = "Approved"
	ReasonAutomatic          = "Automatic"
	ReasonDenied             = "Denied"
	ReasonApprovalExpired    = "ApprovalExpired"
	ReasonPlanChanged        = "PlanChanged"
	ReasonIdentityUnenforced = "IdentityNotEnforced"
	ReasonCheckingBefore     = "CheckingBefore"
	ReasonApplying           = "Applying"
	ReasonEdited             = "Edited"
	ReasonRollingOut         = "RollingOut"
	ReasonProving            = "Proving"
	ReasonProved             = "Proved"
	ReasonNotInEffect        = "NotInEffect"
	ReasonUnproved           = "Unproved"
	ReasonCheckingAfter      = "CheckingAfter"
	ReasonVerified           = "Verified"
	ReasonFailedAfter        = "FailedAfter"
	ReasonUnmeasuredAfter    = "UnmeasuredAfter"
	ReasonCheckingRestore    = "CheckingRestore"
	ReasonRestoreGateFailed  = "RestoreGateFailed"
	ReasonRestoring          = "Restoring"
	ReasonRestored           = "Restored"
	ReasonRestoreConflict    = "RestoreConflict"
	ReasonReverting          = "Reverting"
	ReasonReverted           = "Reverted"
	ReasonWithdrawn          = "Withdrawn"
	ReasonExpired            = "Expired"
	ReasonOverwritten        = "Overwritten"
	ReasonProbing            = "Probing"
	ReasonProbeFailed        = "ProbeFailed"
	ReasonGuardExceeded      = "GuardExceeded"
	ReasonRenewing           = "Renewing"
	ReasonDryRun             = "DryRun"
	ReasonConfigNotMounted   = "ConfigNotMounted"
	ReasonRetained           = "Retained"
)
