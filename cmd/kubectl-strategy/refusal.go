package main

import (
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/conditions"
	"tradeops.dev/strategy-operator/internal/show"
)

// Decisions that the operator would not honour are refused here, before they are recorded, in a sentence. This is a courtesy:
// the operator decides on what it observes then.

// incidentRefusal says why a decision about an incident would come to nothing, or "".
func incidentRefusal(incident *strategyv1.StrategyIncident, value strategyv1.DecisionVerdict) string {
	status := incident.Status
	switch {
	case !incident.DeletionTimestamp.IsZero():
		return fmt.Sprintf("incident %s is being deleted", incident.Name)
	case conditions.True(status.Conditions, strategyv1.ConditionReady):
		return fmt.Sprintf("incident %s is closed already (%s): %s", incident.Name,
			conditions.Reason(status.Conditions, strategyv1.ConditionReady), conditions.Message(status.Conditions, strategyv1.ConditionReady))
	case value == strategyv1.DecisionEscalate && status.Level == strategyv1.LevelL2:
		return fmt.Sprintf("incident %s is at L2 already", incident.Name)
	case value == strategyv1.DecisionFalseAlarm && len(status.Rollbacks) > 0:
		return fmt.Sprintf("incident %s has rollback %s, so it cannot be closed as a false alarm; restore or deny that one, then: kubectl strategy resolve %s -n %s",
			incident.Name, status.Rollbacks[0].Name, incident.Name, incident.Namespace)
	}
	return ""
}

// rollbackRefusal says why a decision about a rollback would come to nothing, or "".
func rollbackRefusal(rollback *strategyv1.StrategyRollback, value strategyv1.DecisionVerdict) string {
	if !rollback.DeletionTimestamp.IsZero() {
		return fmt.Sprintf("rollback %s is being deleted", rollback.Name)
	}
	if show.Ended(rollback) {
		return ended(rollback)
	}
	switch value {
	case strategyv1.DecisionApprove:
		return approvalRefusal(rollback)
	case strategyv1.DecisionDeny:
		if rollback.Status.Config != nil && rollback.Status.Config.Claim != "" {
			return fmt.Sprintf("rollback %s is applied already, so it is too late to deny it; to undo it: kubectl strategy restore %s -n %s",
				rollback.Name, rollback.Name, rollback.Namespace)
		}
	case strategyv1.DecisionRestore:
		return restoreRefusal(rollback)
	}
	return ""
}

func ended(rollback *strategyv1.StrategyRollback) string {
	list := rollback.Status.Conditions
	if conditions.True(list, strategyv1.ConditionRestored) {
		return fmt.Sprintf("rollback %s has ended (%s): %s; create another rollback to change anything", rollback.Name,
			conditions.Reason(list, strategyv1.ConditionRestored), conditions.Message(list, strategyv1.ConditionRestored))
	}
	return fmt.Sprintf("rollback %s was decided already (%s): %s; create another rollback to ask again", rollback.Name,
		conditions.Reason(list, strategyv1.ConditionApproved), conditions.Message(list, strategyv1.ConditionApproved))
}

func approvalRefusal(rollback *strategyv1.StrategyRollback) string {
	list := rollback.Status.Conditions
	reason, message := conditions.Reason(list, strategyv1.ConditionApproved), conditions.Message(list, strategyv1.ConditionApproved)
	ready := fmt.Sprintf("%s: %s", conditions.Reason(list, strategyv1.ConditionReady), conditions.Message(list, strategyv1.ConditionReady))
	if ready == ": " {
		ready = "the operator has not looked at it yet"
	}
	switch {
	case conditions.True(list, strategyv1.ConditionApproved):
		return fmt.Sprintf("rollback %s is approved already (%s): %s", rollback.Name, reason, message)
	case rollback.Status.Restore != nil || rollback.Spec.DesiredState == strategyv1.StateRestored:
		return fmt.Sprintf("rollback %s is to be undone, so there is nothing to approve (%s)", rollback.Name, ready)
	case rollback.Status.Plan == nil || rollback.Status.Plan.Digest == "":
		return fmt.Sprintf("rollback %s has no plan yet (%s); try again when `kubectl strategy status rollback/%s -n %s` shows one",
			rollback.Name, ready, rollback.Name, rollback.Namespace)
	case isFalse(list, strategyv1.ConditionPlanned):
		return fmt.Sprintf("rollback %s cannot be planned any more (%s)", rollback.Name, ready)
	case reason == strategyv1.ReasonIdentityUnenforced:
		return fmt.Sprintf("an approval of rollback %s is there and not honoured: %s", rollback.Name, message)
	case reason != strategyv1.ReasonAwaitingApproval:
		return fmt.Sprintf("rollback %s does not wait for an approval now (%s); look at it: kubectl strategy status rollback/%s -n %s",
			rollback.Name, ready, rollback.Name, rollback.Namespace)
	}
	return ""
}

// restoreRefusal: one request at a time, except after one that did not succeed.
func restoreRefusal(rollback *strategyv1.StrategyRollback) string {
	restore := rollback.Status.Restore
	if restore == nil {
		return ""
	}
	switch conditions.Reason(rollback.Status.Conditions, strategyv1.ConditionRestored) {
	case strategyv1.ReasonRestoreGateFailed, strategyv1.ReasonNotInEffect:
		return ""
	}
	return fmt.Sprintf("rollback %s is being restored already, asked for by %s (%s)", rollback.Name, restore.Request,
		conditions.Message(rollback.Status.Conditions, strategyv1.ConditionReady))
}

func isFalse(list []metav1.Condition, kind string) bool {
	for _, condition := range list {
		if condition.Type == kind {
			return condition.Status == metav1.ConditionFalse
		}
	}
	return false
}
