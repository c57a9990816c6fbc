package lifecycle

import strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"

// CommitPending says whether something is to be committed for a rollback, or to be looked at until somebody merged it. The inverse is not where the
// restore that it was for came to nothing.
func CommitPending(status strategyv1.StrategyRollbackStatus) bool {
	asked := status.WriteBack
	if asked != nil && asked.Change == strategyv1.WriteBackUndone && Parked(status) {
		return false
	}
	return asked != nil && (asked.State == "" || asked.State == strategyv1.WriteBackOpen) && !Ended(status)
}

// PushPending says whether an incident's proposal is to be pushed, or to be looked at until somebody merged it.
func PushPending(status strategyv1.StrategyIncidentStatus) bool {
	if status.Proposal == nil || Closed(status) {
		return false
	}
	asked := status.Proposal.WriteBack
	return asked != nil && (asked.State == "" || asked.State == strategyv1.WriteBackOpen)
}
