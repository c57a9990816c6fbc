package scenarios

import (
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/conditions"
	"tradeops.dev/strategy-operator/internal/sim"
	"tradeops.dev/strategy-operator/internal/testkit"
)

// lostAndFound are stories in which an object that others stand on comes, goes or changes.
var lostAndFound = []Scenario{{
	Name: "a lost revision of the playbook is made again", Begin: pnlIncident, Report: sim.Losing,
	Script: []Step{
		{incidentIs("pnl", "Triaging"), func(w *sim.World) {
			w.Delete(playbookNamed(w, sim.Playbook).Status.Revision, &appsv1.ControllerRevision{})
		}},
		approve(""), restore(""),
	},
	Incident: "Resolved", Rollbacks: ends("pnl", "Restored"),
}, {
	Name: "a second playbook on the same ConfigMap, until the first is gone",
	Begin: func(w *sim.World) {
		w.Pass(time.Second) // it is the younger one
		sim.Change(w, sim.ConfigMap, &corev1.ConfigMap{}, func(c *corev1.ConfigMap) { c.Data["other.yaml"] = testkit.Document })
		spec := testkit.Playbook()
		spec.Scheduler.Config.Key = "other.yaml"
		w.Create(&strategyv1.StrategyPlaybook{ObjectMeta: metav1.ObjectMeta{Namespace: w.Namespace, Name: "second"}, Spec: spec})
	},
	Script: []Step{
		{playbookIs("second", strategyv1.ReasonReferenceInvalid), func(w *sim.World) { w.Delete(sim.Playbook, &strategyv1.StrategyPlaybook{}) }},
		{playbookIs("second", strategyv1.ReasonValid), func(*sim.World) {}},
	},
}, {
	Name: "a later report is more severe", Report: sim.Losing,
	Begin: func(w *sim.World) {
		w.ReportIncident(func(spec *strategyv1.StrategyIncidentSpec) { spec.Severity = strategyv1.SeverityWarning })
	},
	Script: []Step{
		{ready("", "AwaitingApproval"), func(w *sim.World) { w.Pass(time.Second); w.ReportAs("again", nil) }},
		{func(w *sim.World) bool { return w.IncidentNamed("again").Status.ClosedTime != nil }, decides("bob", "", strategyv1.DecisionApprove)},
		restore(""),
	},
	Incident: "Resolved", Others: map[string]string{"again": "Duplicate"}, Rollbacks: ends("pnl", "Restored"),
}}

func playbookNamed(w *sim.World, name string) *strategyv1.StrategyPlaybook {
	var list strategyv1.StrategyPlaybookList
	w.List(&list)
	for i := range list.Items {
		if list.Items[i].Name == name {
			return &list.Items[i]
		}
	}
	return &strategyv1.StrategyPlaybook{}
}

func playbookIs(name, reason string) func(*sim.World) bool {
	return func(w *sim.World) bool {
		return conditions.Reason(playbookNamed(w, name).Status.Conditions, strategyv1.ConditionReady) == reason
	}
}
