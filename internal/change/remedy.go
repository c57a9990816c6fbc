package change

import (
	"slices"

	"k8s.io/apimachinery/pkg/api/equality"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
)

// maxActions is how many actions a rollback may have, as the API has it.
const maxActions = 16

// ForIncident are a remedy's actions for an incident: a DisableSchedule that says neither which schedule nor which strategy means the
// incident's schedules; of a strategy that has more of them than a rollback may name, the strategy. False: it means them, and there are none.
func ForIncident(remedy []strategyv1.RollbackAction, schedules []string, strategy string) (actions []strategyv1.RollbackAction, named bool) {
	for _, wanted := range remedy {
		if wanted.Type != strategyv1.ActionDisableSchedule || wanted.Schedule != "" || wanted.Strategy != "" {
			actions = append(actions, wanted)
			continue
		}
		if len(schedules) == 0 {
			return nil, false
		}
		if strategy != "" && len(schedules)+len(remedy) > maxActions {
			actions = append(actions, strategyv1.RollbackAction{Type: strategyv1.ActionDisableSchedule, Strategy: strategy})
			continue
		}
		for _, schedule := range schedules {
			actions = append(actions, strategyv1.RollbackAction{Type: strategyv1.ActionDisableSchedule, Schedule: schedule})
		}
	}
	return actions, true
}

// NotAsked is what is wrong with a rollback that is just as its incident would ask for it.
const NotAsked = "its incident did not ask for it"

// NotOfRemedy says why a rollback is not what the remedy that it names means for its incident, or is empty. Only of what the playbook
// means for a diagnosed incident did its author say who has to agree, and only at the time at which the incident asks for it: somebody else
// may ask for a later rung of the ladder, or once more. Who may set incidentUID is the operator alone, an admission policy says.
func NotOfRemedy(spec strategyv1.StrategyRollbackSpec, remedies []strategyv1.RemediationSpec, incident *strategyv1.StrategyIncident) string {
	if incident == nil {
		return "it is for no incident"
	}
	cause := incident.Status.Cause
	if cause == nil {
		return "the cause of its incident is not known"
	}
	for _, remedy := range ladder(cause.Remediation, remedies) {
		if remedy.Name != spec.RemediationName {
			continue
		}
		if actions, _ := ForIncident(remedy.Actions, cause.Schedules, incident.Spec.Strategy); equality.Semantic.DeepEqual(actions, spec.Actions) {
			if spec.IncidentUID == "" {
				return NotAsked
			}
			return ""
		}
		return "its actions are not those of remedy " + spec.RemediationName + " for the incident"
	}
	return "remedy " + spec.RemediationName + " is not one for cause " + cause.Name + " of the incident"
}

// ladder are a remedy and those that may follow it.
func ladder(first string, remedies []strategyv1.RemediationSpec) []strategyv1.RemediationSpec {
	var rungs []strategyv1.RemediationSpec
	for next := first; len(rungs) < len(remedies); { // one that leads back to itself has an end, too
		at := slices.IndexFunc(remedies, func(remedy strategyv1.RemediationSpec) bool { return remedy.Name == next })
		if at < 0 {
			break
		}
		rungs, next = append(rungs, remedies[at]), remedies[at].Then
	}
	return rungs
}
