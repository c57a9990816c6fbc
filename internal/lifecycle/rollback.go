package lifecycle

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/conditions"
)

// Ended says whether a rollback is over.
func Ended(status strategyv1.StrategyRollbackStatus) bool { return status.End != nil }

// EndedAs says whether a rollback is over in one of these ways.
func EndedAs(status strategyv1.StrategyRollbackStatus, ways ...strategyv1.Ending) bool {
	for _, way := range ways {
		if status.End != nil && status.End.How == way {
			return true
		}
	}
	return false
}

// Claim is what a rollback asks of the configuration; empty = nothing.
func Claim(status strategyv1.StrategyRollbackStatus) strategyv1.ClaimState {
	if status.Config == nil {
		return ""
	}
	return status.Config.Claim
}

// RollbackPhase is where a rollback is.
func RollbackPhase(status strategyv1.StrategyRollbackStatus) strategyv1.RollbackPhase {
	claim := Claim(status)
	switch {
	case Ended(status):
		return strategyv1.RollbackEnded
	case claim == strategyv1.ClaimForget:
		return strategyv1.RollbackLeaving
	case Restoring(status):
		return strategyv1.RollbackRestoring
	case claim == strategyv1.ClaimHold && judged(status):
		return strategyv1.RollbackInForce
	case claim == strategyv1.ClaimHold:
		return strategyv1.RollbackApplying
	case status.Plan == nil || !conditions.True(status.Conditions, strategyv1.ConditionPlanned):
		return strategyv1.RollbackPlanning
	case conditions.True(status.Conditions, strategyv1.ConditionApproved):
		return strategyv1.RollbackWaiting
	case AwaitsApproval(status):
		return strategyv1.RollbackAwaitingApproval
	}
	return strategyv1.RollbackPlanning
}

// Restoring says whether a request to undo the change is being carried out, or what was written by mistake is taken back.
func Restoring(status strategyv1.StrategyRollbackStatus) bool {
	return Claim(status) == strategyv1.ClaimRelease || status.Restore != nil && !Parked(status)
}

// Parked says whether the newest request to undo came to nothing, and the change stays.
func Parked(status strategyv1.StrategyRollbackStatus) bool {
	restore := status.Restore
	return restore != nil && (restore.Result == strategyv1.RestoreGateFailed || restore.Result == strategyv1.RestoreSuperseded)
}

// GateFailed says whether the change stays because the gate of its restore does not hold.
func GateFailed(status strategyv1.StrategyRollbackStatus) bool {
	return status.Restore != nil && status.Restore.Result == strategyv1.RestoreGateFailed
}

// AwaitsApproval says whether the plan is there and somebody may approve it: the plan says so by Approved=Unknown.
func AwaitsApproval(status strategyv1.StrategyRollbackStatus) bool {
	return is(status.Conditions, strategyv1.ConditionApproved, metav1.ConditionUnknown)
}

// judged: what the change did was judged, for better or worse, or could not be.
func judged(status strategyv1.StrategyRollbackStatus) bool {
	return !is(status.Conditions, strategyv1.ConditionVerified, "")
}

// Contains says whether the change is in effect, somebody watches over it, and nothing got worse by it.
func Contains(status strategyv1.StrategyRollbackStatus) bool {
	return !Ended(status) && Claim(status) != strategyv1.ClaimForget && conditions.True(status.Conditions, strategyv1.ConditionInEffect) &&
		conditions.True(status.Conditions, strategyv1.ConditionVerified)
}

// Changed says whether an edit of it ever reached the configuration, whatever became of it since.
func Changed(status strategyv1.StrategyRollbackStatus) bool {
	return status.Config != nil && status.Config.WrittenTime != nil
}

// Busy says whether a rollback is changing the configuration now: others of the same configuration wait, or what they measure is its
// doing. One that waits for a person changes nothing.
func Busy(status strategyv1.StrategyRollbackStatus) bool {
	if Ended(status) || conditions.True(status.Conditions, strategyv1.ConditionStalled) {
		return false
	}
	switch Claim(status) {
	case strategyv1.ClaimRelease:
		return true
	case strategyv1.ClaimHold:
		return !conditions.True(status.Conditions, strategyv1.ConditionVerified)
	}
	return false
}

// RollbackTurn is whose turn it is, and until when; approveBy is when the time to approve ends.
func RollbackTurn(status strategyv1.StrategyRollbackStatus, approveBy time.Time) Turn {
	stalled := conditions.True(status.Conditions, strategyv1.ConditionStalled)
	switch phase := RollbackPhase(status); {
	case phase == strategyv1.RollbackEnded:
		return Turn{Who: strategyv1.WhoNobody}
	case phase == strategyv1.RollbackAwaitingApproval && !stalled:
		return Turn{strategyv1.WhoApprover, approveBy}
	case GateFailed(status):
		return Turn{strategyv1.WhoApprover, boxEnd(status)}
	case stalled:
		return Turn{strategyv1.WhoL2, boxEnd(status)}
	case phase == strategyv1.RollbackInForce:
		return Turn{strategyv1.WhoNobody, boxEnd(status)}
	}
	return Turn{strategyv1.WhoMachine, boxEnd(status)}
}

// boxEnd is the end of the time box; zero without one.
func boxEnd(status strategyv1.StrategyRollbackStatus) time.Time {
	if status.Plan == nil || status.Plan.Until == nil {
		return time.Time{}
	}
	return status.Plan.Until.Time
}
