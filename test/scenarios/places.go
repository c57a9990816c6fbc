package scenarios

import (
	"slices"
	"strings"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/conditions"
	"tradeops.dev/strategy-operator/internal/lifecycle"
	"tradeops.dev/strategy-operator/internal/sim"
)

// Places say in which states a reason of Ready may stand. State is made of facts and the reason is a word for people, so nothing but
// this table keeps the two together: a reason that is not in it fails TestEveryReasonHasItsPlace.
type Places struct {
	Incident []strategyv1.IncidentPhase
	Rollback []strategyv1.RollbackPhase
	Other    string // of which other condition, or kind, it is a reason
}

var (
	everyOpen = []strategyv1.IncidentPhase{
		strategyv1.IncidentNew, strategyv1.IncidentTriage, strategyv1.IncidentDiagnosis, strategyv1.IncidentMitigation, strategyv1.IncidentRecovery,
	}
	everyStage = []strategyv1.RollbackPhase{
		strategyv1.RollbackPlanning, strategyv1.RollbackAwaitingApproval, strategyv1.RollbackWaiting, strategyv1.RollbackApplying,
		strategyv1.RollbackInForce, strategyv1.RollbackRestoring, strategyv1.RollbackLeaving,
	}
	wrongInput = Places{Incident: everyOpen, Rollback: everyStage}
)

func incidentIn(phases ...strategyv1.IncidentPhase) Places { return Places{Incident: phases} }
func rollbackIn(phases ...strategyv1.RollbackPhase) Places { return Places{Rollback: phases} }
func reasonOf(what string) Places                          { return Places{Other: what} }

// ReasonPlaces is the place of every reason in api/v1alpha1/conditions.go.
var ReasonPlaces = map[string]Places{
	strategyv1.ReasonPlaybookNotFound: wrongInput, strategyv1.ReasonPlaybookNotReady: wrongInput,
	strategyv1.ReasonConfigMapNotFound: wrongInput, strategyv1.ReasonConfigMapNotLabelled: wrongInput,
	strategyv1.ReasonConfigMapImmutable: wrongInput, strategyv1.ReasonConfigKeyNotFound: wrongInput,
	strategyv1.ReasonConfigInvalid: wrongInput, strategyv1.ReasonDeploymentNotFound: wrongInput,
	strategyv1.ReasonPodTemplateNotFound: wrongInput, strategyv1.ReasonPodTemplateNotAllowed: wrongInput, strategyv1.ReasonSecretNotFound: wrongInput,
	strategyv1.ReasonSecretNotLabelled: wrongInput, strategyv1.ReasonSecretForbidden: wrongInput, strategyv1.ReasonSecretInvalid: wrongInput,
	strategyv1.ReasonNamespaceNotServed: wrongInput, strategyv1.ReasonLogConflict: wrongInput, strategyv1.ReasonEvidenceUnavailable: wrongInput,
	strategyv1.ReasonEvidenceForged: wrongInput,
	strategyv1.ReasonEffectRefused:  wrongInput, strategyv1.ReasonAPIUnavailable: wrongInput,
	strategyv1.ReasonRemediationNotFound: wrongInput, strategyv1.ReasonIncidentMismatch: wrongInput,
	strategyv1.ReasonScheduleNotFound: incidentIn(strategyv1.IncidentTriage, strategyv1.IncidentDiagnosis),
	strategyv1.ReasonReopened:         reasonOf("Resolved, of Escalated and of Diagnosed"),
	strategyv1.ReasonRaised:           reasonOf("an event"),
	strategyv1.ReasonForeignJob:       reasonOf("an event"),
	strategyv1.ReasonUnanswered:       reasonOf("an event"),
	strategyv1.ReasonEditsLeft:        reasonOf("an event"),
	strategyv1.ReasonReportNotStored:  reasonOf("an event"),
	strategyv1.ReasonOrphanEdits:      reasonOf("an event"),
	strategyv1.ReasonRelapsed:         reasonOf("Contained"),
	strategyv1.ReasonLooksFalse:       incidentIn(strategyv1.IncidentTriage, strategyv1.IncidentDiagnosis), // as with Triaging
	strategyv1.ReasonConfigNotMounted: rollbackIn(strategyv1.RollbackPlanning, strategyv1.RollbackAwaitingApproval, strategyv1.RollbackWaiting),

	strategyv1.ReasonRuleInvalid: reasonOf("a playbook"), strategyv1.ReasonReferenceInvalid: reasonOf("a playbook"), strategyv1.ReasonNameConflict: reasonOf("a playbook"),
	strategyv1.ReasonValid: reasonOf("a playbook"), strategyv1.ReasonSampleMisjudged: reasonOf("a playbook"),
	strategyv1.ReasonBeingChecked:   reasonOf("a playbook"),
	strategyv1.ReasonAwaitingReview: rollbackIn(strategyv1.RollbackPlanning), // of a rollback that a person asked for; else of a playbook, and of OnHold
	strategyv1.ReasonRotationRead:   reasonOf("OnCallKnown"), strategyv1.ReasonRotationInvalid: reasonOf("OnCallKnown"), strategyv1.ReasonNobodyOnCall: reasonOf("OnCallKnown"),
	strategyv1.ReasonRightsGranted: reasonOf("OnCallMayDecide"), strategyv1.ReasonRightsMissing: reasonOf("OnCallMayDecide"), strategyv1.ReasonRightsUnknown: reasonOf("OnCallMayDecide"),
	strategyv1.ReasonIncidentSuspended: reasonOf("OnHold"), strategyv1.ReasonIncidentHeld: reasonOf("OnHold"), strategyv1.ReasonReleased: reasonOf("OnHold"),
	strategyv1.ReasonPlaybookGone:      reasonOf("OnHold"),
	strategyv1.ReasonPlaybookHeld:      rollbackIn(strategyv1.RollbackApplying, strategyv1.RollbackInForce, strategyv1.RollbackRestoring),
	strategyv1.ReasonPlaybookSuspended: rollbackIn(strategyv1.RollbackApplying, strategyv1.RollbackInForce, strategyv1.RollbackRestoring),

	strategyv1.ReasonCommitted: reasonOf("Committed"), strategyv1.ReasonCommitUndone: reasonOf("Committed"), strategyv1.ReasonNotOurCommit: reasonOf("Committed"),
	strategyv1.ReasonPullRequestOpen:   rollbackIn(strategyv1.RollbackRestoring), // else of Committed
	strategyv1.ReasonCommitting:        rollbackIn(strategyv1.RollbackInForce, strategyv1.RollbackRestoring),
	strategyv1.ReasonRepositoryInvalid: rollbackIn(strategyv1.RollbackInForce, strategyv1.RollbackRestoring),
	strategyv1.ReasonRepositoryAway:    rollbackIn(strategyv1.RollbackInForce, strategyv1.RollbackRestoring),
	strategyv1.ReasonPushRefused:       rollbackIn(strategyv1.RollbackInForce, strategyv1.RollbackRestoring),
	strategyv1.ReasonFileDiffers:       rollbackIn(strategyv1.RollbackInForce, strategyv1.RollbackRestoring),
	strategyv1.ReasonBranchMoved:       rollbackIn(strategyv1.RollbackInForce, strategyv1.RollbackRestoring),

	strategyv1.ReasonTriaging:      incidentIn(strategyv1.IncidentTriage, strategyv1.IncidentDiagnosis), // handed over by time in this very pass
	strategyv1.ReasonDiagnosing:    incidentIn(strategyv1.IncidentDiagnosis),
	strategyv1.ReasonMitigating:    incidentIn(strategyv1.IncidentMitigation),
	strategyv1.ReasonContained:     incidentIn(strategyv1.IncidentMitigation),
	strategyv1.ReasonProposed:      incidentIn(strategyv1.IncidentMitigation),
	strategyv1.ReasonFollowsParent: incidentIn(strategyv1.IncidentMitigation),
	strategyv1.ReasonBackingOff:    incidentIn(strategyv1.IncidentMitigation),
	strategyv1.ReasonStrikesUsedUp: incidentIn(strategyv1.IncidentMitigation),
	strategyv1.ReasonNeedsPerson:   incidentIn(strategyv1.IncidentMitigation, strategyv1.IncidentRecovery),
	strategyv1.ReasonRecovering:    incidentIn(strategyv1.IncidentRecovery),
	strategyv1.ReasonFalseAlarm:    incidentIn(strategyv1.IncidentClosed),
	strategyv1.ReasonResolved:      incidentIn(strategyv1.IncidentClosed),
	strategyv1.ReasonDuplicate:     incidentIn(strategyv1.IncidentClosed),

	strategyv1.ReasonChecksJudged: reasonOf("Triaged"), strategyv1.ReasonRuleHeld: reasonOf("Escalated"), strategyv1.ReasonRuleErrored: reasonOf("Escalated"),
	strategyv1.ReasonDeadlinePast: reasonOf("SLAMet"), strategyv1.ReasonNobodyReached: reasonOf("Escalated"), strategyv1.ReasonPersonDecided: reasonOf("Escalated"), strategyv1.ReasonWithinLimits: reasonOf("SLAMet"),
	strategyv1.ReasonCauseFound: reasonOf("Diagnosed"), strategyv1.ReasonCauseUnknown: reasonOf("Diagnosed"),
	strategyv1.ReasonAcknowledged: reasonOf("Acknowledged"), strategyv1.ReasonAckEnded: reasonOf("Acknowledged"),
	strategyv1.ReasonDelivered: reasonOf("Notified"), strategyv1.ReasonNotDelivered: reasonOf("Notified"), strategyv1.ReasonPartDelivered: reasonOf("Notified"), strategyv1.ReasonChannelFailed: reasonOf("Notified"),
	strategyv1.ReasonSampled: reasonOf("SignalsKnown"), strategyv1.ReasonSignalUnknown: reasonOf("SignalsKnown"), strategyv1.ReasonLeadUnjudged: reasonOf("SignalsKnown"),
	strategyv1.ReasonAlertFiring: reasonOf("Quiet"), strategyv1.ReasonNotQuiet: reasonOf("Quiet"), strategyv1.ReasonQuiet: reasonOf("Quiet"),

	strategyv1.ReasonProbing:               rollbackIn(strategyv1.RollbackPlanning, strategyv1.RollbackAwaitingApproval, strategyv1.RollbackWaiting),
	strategyv1.ReasonPlanChanged:           rollbackIn(strategyv1.RollbackPlanning, strategyv1.RollbackRestoring),
	strategyv1.ReasonAwaitingApproval:      rollbackIn(strategyv1.RollbackAwaitingApproval),
	strategyv1.ReasonIdentityUnenforced:    rollbackIn(everyStage...),
	strategyv1.ReasonApproved:              rollbackIn(strategyv1.RollbackWaiting),
	strategyv1.ReasonAwaitingOthers:        rollbackIn(strategyv1.RollbackWaiting),
	strategyv1.ReasonGuardExceeded:         rollbackIn(strategyv1.RollbackWaiting),
	strategyv1.ReasonTargetBelongsToOthers: rollbackIn(strategyv1.RollbackPlanning, strategyv1.RollbackWaiting),
	strategyv1.ReasonEditRefused:           rollbackIn(strategyv1.RollbackPlanning, strategyv1.RollbackWaiting, strategyv1.RollbackInForce),
	strategyv1.ReasonCheckingBefore:        rollbackIn(strategyv1.RollbackPlanning, strategyv1.RollbackWaiting), // a dry run is not approved
	strategyv1.ReasonDrill:                 rollbackIn(strategyv1.RollbackPlanning),
	strategyv1.ReasonApplying:              rollbackIn(strategyv1.RollbackWaiting, strategyv1.RollbackApplying, strategyv1.RollbackInForce), // renewed
	strategyv1.ReasonRollingOut:            rollbackIn(strategyv1.RollbackApplying, strategyv1.RollbackInForce),                             // renewed
	strategyv1.ReasonProving:               rollbackIn(strategyv1.RollbackApplying, strategyv1.RollbackInForce),
	strategyv1.ReasonRenewing:              rollbackIn(strategyv1.RollbackApplying, strategyv1.RollbackInForce),
	strategyv1.ReasonCheckingAfter:         rollbackIn(strategyv1.RollbackApplying),
	strategyv1.ReasonVerified:              rollbackIn(strategyv1.RollbackInForce),
	strategyv1.ReasonFailedAfter:           rollbackIn(strategyv1.RollbackInForce),
	strategyv1.ReasonUnmeasuredAfter:       rollbackIn(strategyv1.RollbackInForce),
	strategyv1.ReasonUnproved:              rollbackIn(strategyv1.RollbackInForce),
	strategyv1.ReasonPutBack:               rollbackIn(strategyv1.RollbackInForce, strategyv1.RollbackApplying),
	strategyv1.ReasonOverwritten:           rollbackIn(strategyv1.RollbackInForce, strategyv1.RollbackApplying), // before it was proved
	strategyv1.ReasonRecordForged:          rollbackIn(everyStage...),                                           // a record that cannot be read at all is wrong input
	strategyv1.ReasonRecordLost:            rollbackIn(strategyv1.RollbackInForce, strategyv1.RollbackApplying),
	strategyv1.ReasonExpired:               rollbackIn(strategyv1.RollbackInForce),
	strategyv1.ReasonRestoreGateFailed:     rollbackIn(strategyv1.RollbackInForce, strategyv1.RollbackApplying),
	strategyv1.ReasonNotInEffect:           rollbackIn(strategyv1.RollbackInForce, strategyv1.RollbackRestoring),
	strategyv1.ReasonCheckingRestore:       rollbackIn(strategyv1.RollbackRestoring),
	strategyv1.ReasonRestoring:             rollbackIn(strategyv1.RollbackRestoring, strategyv1.RollbackWaiting), // deleted before it was written
	strategyv1.ReasonReverting:             rollbackIn(strategyv1.RollbackRestoring),
	strategyv1.ReasonRetained:              rollbackIn(strategyv1.RollbackLeaving, strategyv1.RollbackRestoring, strategyv1.RollbackInForce), // let go before it was done
	strategyv1.ReasonDenied:                rollbackIn(strategyv1.RollbackEnded),
	strategyv1.ReasonApprovalExpired:       rollbackIn(strategyv1.RollbackEnded),
	strategyv1.ReasonProbeFailed:           rollbackIn(strategyv1.RollbackEnded),
	strategyv1.ReasonDryRun:                rollbackIn(strategyv1.RollbackEnded),
	strategyv1.ReasonWithdrawn:             rollbackIn(strategyv1.RollbackEnded),
	strategyv1.ReasonRestored:              rollbackIn(strategyv1.RollbackEnded),
	strategyv1.ReasonReverted:              rollbackIn(strategyv1.RollbackEnded),

	strategyv1.ReasonPlanned: reasonOf("Planned"), strategyv1.ReasonAutomatic: reasonOf("Approved"), strategyv1.ReasonEdited: reasonOf("Applied"),
	strategyv1.ReasonProved: reasonOf("InEffect"), strategyv1.ReasonLoaded: reasonOf("InEffect"), strategyv1.ReasonRestoreConflict: reasonOf("Restored"),
}

// asAsked: what was asked of a rollback last is done. It is in force and verified, was undone or withdrawn as somebody wanted, or was a dry run.
func asAsked(status strategyv1.StrategyRollbackStatus) bool {
	if status.End != nil {
		return slices.Contains([]strategyv1.Ending{strategyv1.EndRestored, strategyv1.EndWithdrawn, strategyv1.EndDryRun}, status.End.How)
	}
	return lifecycle.RollbackPhase(status) == strategyv1.RollbackInForce && conditions.True(status.Conditions, strategyv1.ConditionVerified)
}

// place: after a status write, the state is one in which the reason of Ready may stand.
func (o *Watch) place(w *sim.World, effect string) {
	if name, found := strings.CutPrefix(effect, "update strategyincidents/"); found {
		incident := w.IncidentNamed(strings.TrimSuffix(name, "/status"))
		if incident == nil {
			return
		}
		reason, state := conditions.Reason(incident.Status.Conditions, strategyv1.ConditionReady), incident.Status.State
		if reason != "" && !slices.Contains(ReasonPlaces[reason].Incident, state) {
			o.problem("incident %s is %s with the reason %s", incident.Name, state, reason)
		}
		if ready := conditions.True(incident.Status.Conditions, strategyv1.ConditionReady); ready != lifecycle.Closed(incident.Status) {
			o.problem("incident %s is Ready: %v, and its end is %v", incident.Name, ready, incident.Status.ClosedTime)
		}
	}
	if name, found := strings.CutPrefix(effect, "update strategyrollbacks/"); found {
		rollback := w.RollbackNamed(strings.TrimSuffix(name, "/status"))
		if rollback == nil {
			return
		}
		reason, state := conditions.Reason(rollback.Status.Conditions, strategyv1.ConditionReady), rollback.Status.State
		if reason != "" && !slices.Contains(ReasonPlaces[reason].Rollback, state) {
			o.problem("rollback %s is %s with the reason %s", rollback.Name, state, reason)
		}
		if ready := conditions.True(rollback.Status.Conditions, strategyv1.ConditionReady); ready && !asAsked(rollback.Status) {
			o.problem("rollback %s is Ready, %s, and what was asked of it last is not done", rollback.Name, reason)
		} else if end := rollback.Status.End; end != nil && !ready && asAsked(rollback.Status) {
			o.problem("rollback %s did what was asked of it (%s), and is not Ready", rollback.Name, end.How)
		}
	}
}
