package scenarios

import (
	"slices"
	"strings"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
)

// WorthAnAlert are the reasons of Warning events that somebody on call may have an alert on: docs/operate.md says what to do about each. They are
// a contract: none is renamed, or told as a Normal event.
var WorthAnAlert = []string{
	// Somebody is to decide, or to look.
	strategyv1.ReasonAwaitingApproval, strategyv1.ReasonAwaitingReview, strategyv1.ReasonLooksFalse, strategyv1.ReasonNeedsPerson, strategyv1.ReasonProposed,
	strategyv1.ReasonGuardExceeded, strategyv1.ReasonStrikesUsedUp, strategyv1.ReasonRestoreGateFailed,
	// Nobody answers, or nobody could be told.
	strategyv1.ReasonDeadlinePast, strategyv1.ReasonUnanswered, strategyv1.ConditionLeadCalled, strategyv1.ReasonNotDelivered, strategyv1.ReasonChannelFailed,
	strategyv1.ReasonApprovalExpired, strategyv1.ReasonRightsMissing, string(strategyv1.AlertUnroutable),
	// It got worse.
	strategyv1.ReasonRelapsed, strategyv1.ReasonRaised, strategyv1.ReasonReverted, strategyv1.ReasonProbeFailed,
	// A change is not what it is believed to be.
	strategyv1.ReasonOverwritten, strategyv1.ReasonRecordForged, strategyv1.ReasonRecordLost, strategyv1.ReasonNotInEffect, strategyv1.ReasonUnproved,
	strategyv1.ReasonFailedAfter, strategyv1.ReasonUnmeasuredAfter, strategyv1.ReasonExpired, strategyv1.ReasonRetained, strategyv1.ReasonEditsLeft,
	strategyv1.ReasonOrphanEdits,
	strategyv1.ReasonPushRefused, strategyv1.ReasonFileDiffers, strategyv1.ReasonRepositoryInvalid, strategyv1.ReasonRepositoryAway, strategyv1.ReasonBranchMoved,
	// The operator cannot do its work, or is not to.
	strategyv1.ConditionOnHold, strategyv1.ReasonSignalUnknown, strategyv1.ReasonLeadUnjudged, strategyv1.ReasonNamespaceNotServed,
	strategyv1.ReasonEvidenceUnavailable, strategyv1.ReasonEvidenceForged, strategyv1.ReasonLogConflict, strategyv1.ReasonEffectRefused,
	strategyv1.ReasonIdentityUnenforced, strategyv1.ReasonForeignJob, strategyv1.ReasonNameConflict,
	strategyv1.ReasonReportNotStored,
}

// alsoNormal are those of them that may be told as news, too: a new version waits while an approved one serves; edits are about to be left.
var alsoNormal = []string{strategyv1.ReasonAwaitingReview, strategyv1.ReasonRetained}

// event: what is worth an alert is a warning, whenever it is told.
func (o *Watch) event(line string) {
	kind, reason, found := Event(line)
	if found && kind != "Warning" && slices.Contains(WorthAnAlert, reason) && !slices.Contains(alsoNormal, reason) {
		o.problem("%s is worth an alert, and not told as a warning: %s", reason, line)
	}
}

// Event reads a line of the trace that tells an event.
func Event(line string) (kind, reason string, found bool) {
	words := strings.Fields(line)
	if len(words) < 3 || words[0] != "event" {
		return "", "", false
	}
	return words[1], words[2], true
}
