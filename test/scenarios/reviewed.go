package scenarios

import (
	"time"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/conditions"
	"tradeops.dev/strategy-operator/internal/sim"
)

// twoPersons: the namespace asks for a second person for each playbook.
func twoPersons(w *sim.World) {
	w.Labels = map[string]string{strategyv1.LabelPlaybookReview: "true"}
}

// automates is carol, who takes the second person out of the remedies, and so would change trading alone.
func automates(w *sim.World) {
	sim.Change(w, sim.Playbook, &strategyv1.StrategyPlaybook{}, func(playbook *strategyv1.StrategyPlaybook) {
		for i := range playbook.Spec.Remediations {
			playbook.Spec.Remediations[i].Approval.Mode = strategyv1.ApprovalAutomatic
		}
	})
}

// reviews: the second person decides about the playbook.
func reviews(verdict strategyv1.DecisionVerdict) func(*sim.World) {
	return func(w *sim.World) { w.Review(sim.Reviewer, verdict) }
}

// reviewIs says what its Ready and Reviewed conditions say of its newest version.
func reviewIs(ready, reviewed string) func(*sim.World) bool {
	return func(w *sim.World) bool {
		var playbook strategyv1.StrategyPlaybook
		w.Get(sim.Playbook, &playbook)
		all := playbook.Status.Conditions
		return playbook.Status.ObservedGeneration == playbook.Generation && conditions.Reason(all, strategyv1.ConditionReady) == ready &&
			conditions.Reason(all, strategyv1.ConditionReviewed) == reviewed
	}
}

// awaitsReview: the incident calls people, and starts nothing.
func awaitsReview(w *sim.World) bool {
	return w.Idle && w.Incident().Status.Review == strategyv1.ReviewAwaited && incidentHeld(w)
}

// reviewed are stories of a playbook that has two persons.
var reviewed = []Scenario{{
	Name: "nobody approved the playbook: the incident waits, and goes on when somebody does", Report: sim.Losing,
	Begin: func(w *sim.World) { twoPersons(w); w.ReportIncident(nil) },
	Script: []Step{
		{awaitsReview, reviews(strategyv1.DecisionApprove)}, approve(""), restore(""),
	},
	Incident: "Resolved", Rollbacks: ends("pnl", "Restored"),
}, {
	Name: "an author takes the second person out of an approved playbook: the approved version runs", Report: sim.Losing, Begin: twoPersons,
	Script: []Step{
		{reviewIs("AwaitingReview", "AwaitingReview"), reviews(strategyv1.DecisionApprove)},
		{reviewIs("Valid", "Approved"), automates},
		{reviewIs("AwaitingReview", "AwaitingReview"), func(w *sim.World) { w.Pass(time.Second); w.ReportIncident(nil) }},
		approve(""), restore(""),
	},
	Incident: "Resolved", Rollbacks: ends("pnl", "Restored"),
}, {
	Name: "a version is denied and another approved while an incident waits", Report: sim.Losing,
	Begin: func(w *sim.World) { twoPersons(w); w.ReportIncident(nil) },
	Script: []Step{
		{awaitsReview, fixesChecks},
		{reviewIs("AwaitingReview", "AwaitingReview"), reviews(strategyv1.DecisionDeny)},
		{reviewIs("AwaitingReview", "Denied"), automates},
		{reviewIs("AwaitingReview", "AwaitingReview"), reviews(strategyv1.DecisionApprove)},
		restore(""),
	},
	Incident: "Resolved", Rollbacks: ends("pnl", "Restored"),
}, {
	Name: "alerts of a playbook that nobody approved call people, and it ignores none until somebody does", Playbook: routed,
	Begin: begin(twoPersons, fires("loss", "fast", "critical"), fires("noise", "fast", "none")),
	Script: []Step{
		{both(became("noise", strategyv1.AlertUnroutable), both(became("loss", strategyv1.AlertOpened), reviewIs("AwaitingReview", "AwaitingReview"))), reviews(strategyv1.DecisionApprove)},
		{both(became("noise", strategyv1.AlertIgnored), incidentOfAlert("loss", "FalseAlarm")), begin(ended("loss"), ended("noise"))},
	},
	Others: ends(ofLosses, "FalseAlarm"),
}}
