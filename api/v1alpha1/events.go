package v1alpha1

// Event is the decision log's word for what happened. The list is a contract: reports, notifications and exports rely on it, so a
// word is never given another meaning.
// +kubebuilder:validation:Enum=incident;alert;acknowledged;escalated;sla_breached;check;diagnosed;linked;proposed;contained;closed;unanswered;looks_false;relapsed;reopened;raised;rollback_requested;approved;approval_voided;denied;not_honoured;held_back;overridden;dry_run;config_change;config_applied;disabled;verified;unverified;failed;expired;renewed;restore_requested;restore_refused;restored;withdrawn;retained;left;record_doubted;committed;not_committed;checks_adopted;playbook_approved;playbook_denied;on_hold;released
type Event string

// Events of the log of an incident.
const (
	// EventIncident: the incident started; what was reported, and by whom.
	EventIncident Event = "incident"
	// EventAlert: the incident has another alert; or none of its alerts fires any more, or one does again.
	EventAlert Event = "alert"
	// EventAcknowledged: somebody is on it; or it was closed as a false alarm, by a rule or by somebody.
	EventAcknowledged Event = "acknowledged"
	// EventEscalated: the next level was called, by a rule, by time or by somebody.
	EventEscalated Event = "escalated"
	// EventSLABreached: a level did not answer in time.
	EventSLABreached Event = "sla_breached"
	// EventDiagnosed: the diagnosis ended, with a cause or without one.
	EventDiagnosed Event = "diagnosed"
	// EventLinked: an older incident on the same scheduler has the same cause.
	EventLinked Event = "linked"
	// EventProposed: a change of another document was proposed to people.
	EventProposed Event = "proposed"
	// EventContained: a rollback is in effect and verified; the incident is not closed by that.
	EventContained Event = "contained"
	// EventClosed: the incident was closed, by a rule, by time or by somebody.
	EventClosed Event = "closed"
	// EventUnanswered: every level was called, and nobody answers.
	EventUnanswered Event = "unanswered"
	// EventLooksFalse: the rule of false alarms holds; people decide, since one of them reported or acknowledged the incident.
	EventLooksFalse Event = "looks_false"
	// EventRelapsed: the change was undone, and the fault is there again.
	EventRelapsed Event = "relapsed"
	// EventReopened: somebody took back that the incident was closed.
	EventReopened Event = "reopened"
	// EventRaised: a later report of the same fault has a higher severity, which counts now.
	EventRaised Event = "raised"
)

// Events of both logs.
const (
	// EventCheck: an attempt of a check was judged.
	EventCheck Event = "check"
	// EventChecksAdopted: somebody took over the checks and the proof of the playbook's newest revision.
	EventChecksAdopted Event = "checks_adopted"
	// EventPlaybookApproved: a second person approved a version of the playbook; or an incident that waited for that goes on.
	EventPlaybookApproved Event = "playbook_approved"
	// EventPlaybookDenied: somebody denied a version of the playbook, or took back that it was approved.
	EventPlaybookDenied Event = "playbook_denied"
	// EventOnHold: nothing new is started until EventReleased.
	EventOnHold Event = "on_hold"
	// EventReleased: what was on hold goes on.
	EventReleased Event = "released"
	// EventRetained: a rollback was deleted; its edits stay in the configuration, and nobody undoes them.
	EventRetained Event = "retained"
)

// Events of the log of a rollback.
const (
	// EventRollbackRequested: the change was planned for the first time, and who asked for it.
	EventRollbackRequested Event = "rollback_requested"
	// EventApproved: the plan, or its renewal, was approved, by somebody or as the playbook says.
	EventApproved Event = "approved"
	// EventApprovalVoided: an approval does not count any more, since the plan changed.
	EventApprovalVoided Event = "approval_voided"
	// EventDenied: somebody denied the plan; nothing was changed.
	EventDenied Event = "denied"
	// EventNotHonoured: a decision that does not count, and why.
	EventNotHonoured Event = "not_honoured"
	// EventHeldBack: the approved change waits, for room, for its turn or for another rollback at the same place.
	EventHeldBack Event = "held_back"
	// EventOverridden: somebody lifted the guard, or the gate of a restore.
	EventOverridden Event = "overridden"
	// EventDryRun: what the rollback would have done; nothing was changed.
	EventDryRun Event = "dry_run"
	// EventConfigChange: edits are about to be written, or to be undone.
	EventConfigChange Event = "config_change"
	// EventConfigApplied: the change is in effect, as the playbook's proof says.
	EventConfigApplied Event = "config_applied"
	// EventDisabled: the same, of a change with which some schedule does not trade.
	EventDisabled Event = "disabled"
	// EventVerified: the checks after the change are not worse than before.
	EventVerified Event = "verified"
	// EventUnverified: it could not be shown that the change is in effect, or that it does no harm.
	EventUnverified Event = "unverified"
	// EventFailed: a probe, the proof or a check after the change failed.
	EventFailed Event = "failed"
	// EventExpired: the approval came too late, or the time box ended.
	EventExpired Event = "expired"
	// EventRenewed: the change is in effect with its new end.
	EventRenewed Event = "renewed"
	// EventRestoreRequested: the change is to be undone, and who or what asks for it.
	EventRestoreRequested Event = "restore_requested"
	// EventRecordDoubted: the record of its edits on the ConfigMap is gone, or somebody else changed it; nothing is undone from it.
	EventRecordDoubted Event = "record_doubted"
	// EventRestoreRefused: the gate of the restore does not hold, or the record of the edits cannot be believed; the change stays.
	EventRestoreRefused Event = "restore_refused"
	// EventCommitted: the repository that the configuration comes from holds the edits, or their inverse, or somebody is to merge them.
	EventCommitted Event = "committed"
	// EventNotCommitted: it does not, and why.
	EventNotCommitted Event = "not_committed"
	// EventRestored: the change was undone, as the playbook's proof says.
	EventRestored Event = "restored"
	// EventWithdrawn: ended before anything was changed.
	EventWithdrawn Event = "withdrawn"
	// EventLeft: deleted, and what was left undone.
	EventLeft Event = "left"
)
