package v1alpha1

// Condition types. Ready is the summary of every kind: its reason is the one word that `kubectl get` shows.
// Stalled=True means that the operator cannot go on by itself; waitsFor says who has to act.
const (
	ConditionReady   = "Ready"
	ConditionStalled = "Stalled"

	// OnHold=True, of every kind but decisions: somebody holds new effects back.
	ConditionOnHold = "OnHold"

	// Of playbooks.
	ConditionOnCallKnown = "OnCallKnown"
	// OnCallMayDecide=False: somebody whom the rotation names may not do what their level is called for. Only where there is a rotation.
	ConditionOnCallMayDecide = "OnCallMayDecide"
	// Reviewed=True: a second person approved it as it is now. Only where the namespace asks for that.
	ConditionReviewed = "Reviewed"

	// Of incidents.
	ConditionTriaged      = "Triaged"
	ConditionAcknowledged = "Acknowledged"
	ConditionEscalated    = "Escalated"
	ConditionLeadCalled   = "LeadCalled"
	ConditionDiagnosed    = "Diagnosed"
	ConditionContained    = "Contained"
	ConditionQuiet        = "Quiet"
	ConditionResolved     = "Resolved"
	ConditionSLAMet       = "SLAMet"
	ConditionSignalsKnown = "SignalsKnown"
	// Notified=True: every notification that was wanted was delivered, or is on its way. Only where the playbook has notifications.
	ConditionNotified = "Notified"

	// Of rollbacks.
	ConditionPlanned  = "Planned"
	ConditionApproved = "Approved"
	ConditionApplied  = "Applied"
	ConditionInEffect = "InEffect"
	ConditionVerified = "Verified"
	ConditionRestored = "Restored"
	// Committed=True: the branch that the GitOps tool applies holds the edits. Only where the playbook writes them back. Of incidents, too: the branch
	// holds what was proposed, as far as it was looked at. Only where the playbook has the proposal pushed.
	ConditionCommitted = "Committed"
)

// Reasons that say what is wrong with the input, on the Ready condition of every kind.
const (
	ReasonPlaybookNotFound      = "PlaybookNotFound"
	ReasonPlaybookNotReady      = "PlaybookNotReady"
	ReasonRemediationNotFound   = "RemediationNotFound"
	ReasonIncidentMismatch      = "IncidentMismatch" // a rollback is not for the incident that it names: another playbook, or another mode
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
	ReasonSecretForbidden       = "SecretForbidden"
	ReasonSecretInvalid         = "SecretInvalid"
	ReasonRuleInvalid           = "RuleInvalid"
	ReasonReferenceInvalid      = "ReferenceInvalid"
	ReasonNamespaceNotServed    = "NamespaceNotServed"
	ReasonNameConflict          = "NameConflict"
	ReasonForeignJob            = "ForeignJob"
	ReasonPodTemplateNotAllowed = "PodTemplateNotAllowed"
	ReasonLogConflict           = "LogConflict"
	ReasonEffectRefused         = "EffectRefused"       // the API server refuses a Job, rollback, write or restart: a quota, a policy, a webhook
	ReasonAPIUnavailable        = "APIUnavailable"      // the API server gives no answer to what must be asked at once: pods, who may decide
	ReasonEvidenceUnavailable   = "EvidenceUnavailable" // the bucket cannot be read, or holds something else than the status says
	ReasonEvidenceForged        = "EvidenceForged"      // an outcome of a check in the bucket is not one that the operator signed
	ReasonReportNotStored       = "ReportNotStored"     // of an event: the report of a closed incident could not be made or stored
	ReasonTargetBelongsToOthers = "PathHeldByOther"
)

// Reasons of the conditions of a playbook.
const (
	ReasonValid           = "Valid"
	ReasonBeingChecked    = "BeingChecked"    // the rules and samples of its newest version are not judged yet
	ReasonSampleMisjudged = "SampleMisjudged" // the rules give a sample report another verdict than its author expects
	ReasonAwaitingReview  = "AwaitingReview"  // a second person is to approve it: until then the last approved version runs, or only clocks and calls
	ReasonRotationRead    = "RotationRead"
	ReasonRotationInvalid = "RotationInvalid"
	ReasonNobodyOnCall    = "NobodyOnCall"
	ReasonRightsGranted   = "RightsGranted" // whoever the rotation names may do what their level is called for
	ReasonRightsMissing   = "RightsMissing" // and somebody may not
	ReasonRightsUnknown   = "RightsUnknown" // the API server did not say so of everybody
)

// Reasons of OnHold.
const (
	ReasonPlaybookSuspended = "PlaybookSuspended" // spec.suspend, which is the way of Git
	ReasonPlaybookHeld      = "PlaybookHeld"      // by a Hold decision
	ReasonPlaybookGone      = "PlaybookGone"      // it was deleted: nobody can say any more whether it is on hold
	ReasonIncidentSuspended = "IncidentSuspended"
	ReasonIncidentHeld      = "IncidentHeld"
	ReasonReleased          = "Released"
)

// Reasons of events on a ConfigMap, which has no conditions. Those of other events are reasons of conditions, or name one: OnHold, LeadCalled.
const (
	ReasonEditsLeft   = "EditsLeft"   // a rollback was deleted, and its edits stay
	ReasonOrphanEdits = "OrphanEdits" // the record names a rollback that does not exist
)

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

	ReasonLooksFalse     = "LooksLikeFalseAlarm" // the rule of false alarms holds; people decide
	ReasonUnanswered     = "Unanswered"          // every level was called, and nobody answers
	ReasonNobodyReached  = "NobodyReached"       // no channel takes the call of a level, so the next one is called
	ReasonReopened       = "Reopened"            // somebody took back that it was closed
	ReasonRelapsed       = "Relapsed"            // the change was undone, and the fault is there again
	ReasonRaised         = "SeverityRaised"      // a later report of the same fault has a higher severity
	ReasonProposed       = "Proposed"            // a change that people are asked to make
	ReasonRecovering     = "Recovering"          // restored; it must stay quiet before it closes
	ReasonDuplicate      = "Duplicate"           // another incident of the same playbook, type and target is open
	ReasonFollowsParent  = "FollowsParent"       // the incident with the same cause has the remedy
	ReasonBackingOff     = "BackingOff"          // the last remedy of the same playbook, type and target is too fresh
	ReasonStrikesUsedUp  = "StrikesUsedUp"       // the remedy was repeated too often
	ReasonAwaitingOthers = "AwaitingOthers"      // another incident is changing the same scheduler
	ReasonAcknowledged   = "Acknowledged"        // somebody is on it
	ReasonAckEnded       = "Ended"               // and was, until the acknowledgement ended
	ReasonDelivered      = "Delivered"           // a notification was taken by a channel of the playbook
	ReasonNotDelivered   = "NotDelivered"        // and was not, again and again: call people yourself
	ReasonChannelFailed  = "ChannelFailed"       // a channel or a person did not get a notification, and another one did
	ReasonPartDelivered  = "PartlyDelivered"     // the newest was, and some before it were not
	ReasonSampled        = "Sampled"             // every signal is known
	ReasonSignalUnknown  = "SignalUnknown"       // a signal is not known
	ReasonLeadUnjudged   = "LeadRuleErrored"     // and so a rule that would call the lead cannot be evaluated
	ReasonAlertFiring    = "AlertFiring"         // an alert still fires
	ReasonNotQuiet       = "NotQuiet"            // the playbook's rule of quiet does not hold
	ReasonQuiet          = "Quiet"               // nothing fires, and the rule holds
	ReasonDrill          = "Drill"               // an exercise: no deadline counts, nothing was proved
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
	ReasonProved             = "Proved" // the running scheduler says so
	ReasonLoaded             = "Loaded" // its loader says so, and it was restarted
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
	ReasonPutBack            = "PutBack"
	ReasonRecordForged       = "RecordForged" // the record of the edits says what the operator did not write
	ReasonRecordLost         = "RecordLost"   // it does not name edits that stand
	ReasonProbing            = "Probing"
	ReasonProbeFailed        = "ProbeFailed"
	ReasonGuardExceeded      = "GuardExceeded"
	ReasonRenewing           = "Renewing"
	ReasonDryRun             = "DryRun"
	ReasonConfigNotMounted   = "ConfigNotMounted"
	ReasonRetained           = "Retained"
	ReasonCommitting         = "Committing"
	ReasonCommitted          = "Committed"
	ReasonPullRequestOpen    = "PullRequestOpen"       // pushed to a branch that somebody has to merge
	ReasonCommitUndone       = "CommitUndone"          // the branch does not hold the edits, or not any more
	ReasonNotOurCommit       = "NotOurCommit"          // it holds what somebody else wrote there, which stays
	ReasonRepositoryInvalid  = "RepositoryInvalid"     // what the playbook or its Secret says of it
	ReasonRepositoryAway     = "RepositoryUnreachable" // it gives no answer
	ReasonPushRefused        = "PushRefused"           // it does not take the commit from the operator
	ReasonFileDiffers        = "FileDiffers"           // the file does not hold what the edits were planned on
	ReasonBranchMoved        = "BranchMoved"           // others push all the time
)
