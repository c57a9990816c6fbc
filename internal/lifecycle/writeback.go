package lifecycle

import strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"

// CommitPending says whether something is to be committed for a rollback, or to be looked at until somebody merged it.
func CommitPending(status strategyv1.StrategyRollbackStatus) bool {
	asked := status.WriteBack
	return asked != nil && (asked.State == "" || asked.State == strategyv1.WriteBackOpen) && !Ended(status)
}
