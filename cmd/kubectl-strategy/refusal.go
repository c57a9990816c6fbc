package main

import (
	"fmt"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/conditions"
	"tradeops.dev/strategy-operator/internal/lifecycle"
)

// Decisions that the operator would not honour are refused here, before they are recorded, in a sentence. This is a courtesy:
// the operator decides on what it observes then.

// incidentRefusal says why a decision about an incident would come to nothing, or "".
func incidentRefusal(incident *strategyv1.StrategyIncident, value strategyv1.DecisionVerdict) string {
	status := incident.Status
	switch {
	case !incident.DeletionTimestamp.IsZero():
		return fmt.Sprintf("incident %s is being deleted", incident.Name)
	case value == strategyv1.DecisionReopen && lifecycle.Closed(status):
		return "" // only the playbook says whether it is too late
	case value == strategyv1.DecisionReopen:
		return fmt.Sprintf("incident %s is not closed, so there is nothing to reopen", incident.Name)
	case lifecycle.Closed(status):
		return fmt.Sprintf("incident %s is closed already (%s): %s. To go on with it: kubectl strategy reopen %s -n %s", incident.Name,
			conditions.Reason(status.Conditions, strategyv1.ConditionReady), conditions.Message(status.Conditions, strategyv1.ConditionReady), incident.Name, incident.Namespace)
	case value == strategyv1.DecisionEscalate && status.Level == strategyv1.LevelLead:
		return fmt.Sprintf("incident %s is with the technical lead already, and nobody is above", incident.Name)
	case value == strategyv1.DecisionFalseAlarm && len(status.Rollbacks) > 0:
		return fmt.Sprintf("incident %s has rollback %s, so it cannot be closed as a false alarm; restore or deny that one, then: kubectl strategy resolve %s -n %s",
			incident.Name, status.Rollbacks[0].Name, incident.Name, incident.Namespace)
	}
	return ""
}

// rollbackRefusal says why a decision about a rollback would come to nothing, or "".
func rollbackRefusal(rollback *strategyv1.StrategyRollback, value strategyv1.DecisionVerdict) string {
	if !rollback.DeletionTimestamp.IsZero() {
		return fmt.Sprintf("rollback %s is being deleted (%s)", rollback.Name, readyOf(rollback))
	}
	if lifecycle.Ended(rollback.Status) {
		return ended(rollback)
	}
	switch value {
	case strategyv1.DecisionApprove:
		return approvalRefusal(rollback)
	case strategyv1.DecisionRenew:
		return renewalRefusal(rollback)
	case strategyv1.DecisionOverride:
		return overrideRefusal(rollback)
	case strategyv1.DecisionDeny:
		if lifecycle.Claim(rollback.Status) != "" {
			return fmt.Sprintf("rollback %s is applied already, so it is too late to deny it; to undo it: kubectl strategy restore %s -n %s",
				rollback.Name, rollback.Name, rollback.Namespace)
		}
	case strategyv1.DecisionRestore:
		return restoreRefusal(rollback)
	}
	return ""
}

func ended(rollback *strategyv1.StrategyRollback) string {
	return fmt.Sprintf("rollback %s has ended (%s): %s; create another rollback", rollback.Name, rollback.Status.End.How,
		conditions.Message(rollback.Status.Conditions, strategyv1.ConditionReady))
}

// readyOf is where a rollback stands.
func readyOf(rollback *strategyv1.StrategyRollback) string {
	list := rollback.Status.Conditions
	if conditions.Reason(list, strategyv1.ConditionReady) == "" {
		return "the operator has not looked at it yet"
	}
	return fmt.Sprintf("%s: %s", conditions.Reason(list, strategyv1.ConditionReady), conditions.Message(list, strategyv1.ConditionReady))
}

func approvalRefusal(rollback *strategyv1.StrategyRollback) string {
	list, ready := rollback.Status.Conditions, readyOf(rollback)
	switch {
	case conditions.True(list, strategyv1.ConditionApproved):
		return fmt.Sprintf("rollback %s is approved already (%s): %s", rollback.Name,
			conditions.Reason(list, strategyv1.ConditionApproved), conditions.Message(list, strategyv1.ConditionApproved))
	case rollback.Status.Restore != nil || undone(rollback):
		return fmt.Sprintf("rollback %s is to be undone, so there is nothing to approve (%s)", rollback.Name, ready)
	case !planned(rollback):
		return noPlan(rollback)
	case meta.IsStatusConditionFalse(list, strategyv1.ConditionPlanned):
		return fmt.Sprintf("rollback %s cannot be planned any more (%s)", rollback.Name, ready)
	case !lifecycle.AwaitsApproval(rollback.Status):
		return fmt.Sprintf("rollback %s does not wait for an approval now (%s); look at it: kubectl strategy status rollback/%s -n %s",
			rollback.Name, ready, rollback.Name, rollback.Namespace)
	}
	return ""
}

// renewalRefusal: what is in the configuration, has an end, and is not being undone.
func renewalRefusal(rollback *strategyv1.StrategyRollback) string {
	claim := lifecycle.Claim(rollback.Status)
	switch {
	case !planned(rollback):
		return noPlan(rollback)
	case rollback.Status.Plan.Until == nil:
		return fmt.Sprintf("rollback %s has no time box, so there is nothing to renew: it stays until a person restores it", rollback.Name)
	case undone(rollback):
		return fmt.Sprintf("rollback %s is to be undone, so there is nothing to renew (%s)", rollback.Name, readyOf(rollback))
	case claim == "" || !known(rollback.Status.Conditions, strategyv1.ConditionInEffect):
		return fmt.Sprintf("rollback %s is not in effect yet, so there is nothing to renew (%s)", rollback.Name, readyOf(rollback))
	case lifecycle.Restoring(rollback.Status) && !endsOnly(rollback):
		return fmt.Sprintf("rollback %s is being restored, so there is nothing to renew (%s)", rollback.Name, readyOf(rollback))
	}
	return ""
}

// requestTimeBox is the request in status.restore that the end of the time box makes.
const requestTimeBox = "timeBox"

// endsOnly: the restore that the end of the time box asked for still waits for its gate, so a renewal comes in time.
func endsOnly(rollback *strategyv1.StrategyRollback) bool {
	restore := rollback.Status.Restore
	return restore != nil && restore.Request == requestTimeBox && restore.AllowedTime == nil
}

// overrideRefusal: an override is for the guard, or for a restore gate that failed.
func overrideRefusal(rollback *strategyv1.StrategyRollback) string {
	if !planned(rollback) {
		return noPlan(rollback)
	}
	guarded := lifecycle.RollbackPhase(rollback.Status) == strategyv1.RollbackWaiting && rollback.Status.WaitsFor == strategyv1.WhoApprover
	if guarded || lifecycle.GateFailed(rollback.Status) {
		return ""
	}
	return fmt.Sprintf("rollback %s has nothing to override: neither the playbook's guard nor a restore gate holds it back (%s)", rollback.Name, readyOf(rollback))
}

func planned(rollback *strategyv1.StrategyRollback) bool {
	return rollback.Status.Plan != nil && rollback.Status.Plan.Digest != ""
}

func noPlan(rollback *strategyv1.StrategyRollback) string {
	return fmt.Sprintf("rollback %s has no plan yet (%s); try again when `kubectl strategy status rollback/%s -n %s` shows one",
		rollback.Name, readyOf(rollback), rollback.Name, rollback.Namespace)
}

// undone: the operator has not taken up yet that it is to be undone.
func undone(rollback *strategyv1.StrategyRollback) bool {
	return rollback.Spec.DesiredState == strategyv1.StateRestored && rollback.Status.Restore == nil
}

// restoreRefusal: one request at a time.
func restoreRefusal(rollback *strategyv1.StrategyRollback) string {
	restore := rollback.Status.Restore
	if restore == nil || restore.Result != "" {
		return ""
	}
	return fmt.Sprintf("rollback %s is being restored already, asked for by %s (%s)", rollback.Name, restore.Request,
		conditions.Message(rollback.Status.Conditions, strategyv1.ConditionReady))
}

func known(list []metav1.Condition, kind string) bool {
	return meta.FindStatusCondition(list, kind) != nil
}
