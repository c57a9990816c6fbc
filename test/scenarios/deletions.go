package scenarios

import (
	"fmt"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/conditions"
	"tradeops.dev/strategy-operator/internal/sim"
)

// restoring sets the deletionPolicy to Restore.
func restoring(spec *strategyv1.StrategyRollbackSpec) {
	spec.DeletionPolicy = strategyv1.DeletionRestore
}

// halved is what allocate("0.5") leaves behind when nobody undoes it.
var halved = strings.NewReplacer(allIn, "trend: 0.5 # all in")

// halves has the incident's remedy do what allocate("0.5") does.
func halves(spec *strategyv1.StrategyPlaybookSpec) {
	for i := range spec.Remediations {
		if spec.Remediations[i].Name == "disable" {
			spec.Remediations[i].Actions = []strategyv1.RollbackAction{allocate("0.5")}
		}
	}
}

func contained(w *sim.World) bool {
	return w.Incident() != nil && conditions.True(w.Incident().Status.Conditions, strategyv1.ConditionContained)
}

// lastSchedule is the line of the document behind which suspensions are written.
const lastSchedule = "trend_watch: {strategy: trend}\n"

// suspended is what disable("slow") writes.
func suspended(reason string) string {
	return fmt.Sprintf("      initial_suspensions:\n        - schedule: slow\n          reason: %q\n          until: \"\"\n", reason)
}

// loses: something of the cluster is deleted.
func losesConfig(w *sim.World)     { w.Delete(sim.ConfigMap, &corev1.ConfigMap{}) }
func losesDeployment(w *sim.World) { w.Delete(sim.Deployment, &appsv1.Deployment{}) }

// getsConfig: the configuration is created again, as it was at first.
func getsConfig(w *sim.World) { w.Create(w.ConfigMap()) }

// overdue: the clock goes on until a deletion may not take any longer.
func overdue(name string) func(*sim.World) {
	return func(w *sim.World) { w.PassUntil(w.RollbackNamed(name).DeletionTimestamp.Add(5 * time.Minute)) }
}

// deleting: a rollback waits for its finalizer.
func deleting(name string) func(*sim.World) bool {
	return func(w *sim.World) bool {
		rollback := w.RollbackNamed(name)
		return rollback != nil && !rollback.DeletionTimestamp.IsZero()
	}
}

// deletions are stories of rollbacks that are deleted, or whose surroundings are.
var deletions = []Scenario{{
	Name: "deleted before the plan", Begin: ask("less", disable("nobody")),
	Script:    []Step{{ready("less", "EditRefused"), deletes("less")}},
	Rollbacks: ends("less", sim.Gone),
}, {
	Name: "deleted while it awaits approval", Begin: ask("less", allocate("0.5")),
	Script:    []Step{{both(ready("less", "AwaitingApproval"), logged("less")), deletes("less")}},
	Rollbacks: ends("less", sim.Gone),
}, {
	Name: "deleted between claim and write", Begin: ask("less", allocate("0.5")),
	Script:    []Step{approve("less"), {claimed("less", strategyv1.ClaimHold), deletes("less")}},
	Rollbacks: ends("less", sim.Gone),
}, {
	Name: "deleted while it waits for room", Playbook: oneAtATime, Begin: begin(ask("first", allocate("0.5")), ask("second", disable("slow"))),
	Script: then(approveAtOnce,
		Step{both(ready("first", "Verified"), ready("second", "GuardExceeded")), deletes("second")},
		restoreAfter("second", sim.Gone, "first")),
	Rollbacks: two("Restored", sim.Gone),
}, {
	Name: "deleted while applied", Begin: ask("less", allocate("0.5")),
	Script:    []Step{approve("less"), {ready("less", "Verified"), deletes("less")}},
	Rollbacks: ends("less", sim.Gone), Leaves: halved,
}, {
	Name: "what contains an incident is deleted", Begin: pnlIncident, Report: sim.Losing, Playbook: halves,
	Script:   []Step{approve(""), {contained, func(w *sim.World) { w.DeleteRollback(w.Rollback().Name) }}},
	Incident: "NeedsPerson", Rollbacks: ends("pnl", sim.Gone), Leaves: halved,
}, {
	Name: "deleted while its checks run", Begin: askWith("less", remedied, allocate("0.5")),
	Script:    []Step{approve("less"), {ready("less", "CheckingAfter"), deletes("less")}},
	Rollbacks: ends("less", sim.Gone), Leaves: halved,
}, {
	Name: "deleted while it is renewed", Begin: ask("less", allocate("0.5"), disable("slow")),
	Script: []Step{
		approve("less"), {ready("less", "Verified"), begin(func(w *sim.World) { w.Pass(time.Hour) }, renews("less"))},
		{both(condition("less", strategyv1.ConditionInEffect, "Renewing"), unwritten("less")), deletes("less")},
	},
	Rollbacks: ends("less", sim.Gone), Leaves: strings.NewReplacer(allIn, "trend: 0.5 # all in", lastSchedule, lastSchedule+suspended("rollback less: less of it")),
}, {
	Name: "deleted while it is about to be restored", Begin: ask("less", allocate("0.5")),
	Script:    []Step{approve("less"), restore("less"), {claimed("less", strategyv1.ClaimRelease), deletes("less")}},
	Rollbacks: ends("less", sim.Gone), Leaves: halved,
}, {
	Name: "deleted while the scheduler restarts without its edits", Begin: ask("less", allocate("0.5")),
	Script:    []Step{approve("less"), restore("less"), {released("less"), deletes("less")}},
	Rollbacks: ends("less", sim.Gone),
}, {
	Name: "deleted after it was restored", Begin: ask("less", allocate("0.5")),
	Script:    []Step{approve("less"), restore("less"), {ready("less", "Restored"), deletes("less")}},
	Rollbacks: ends("less", sim.Gone),
}, {
	Name: "deleted, to be restored", Begin: askWith("less", restoring, allocate("0.5"), disable("slow")),
	Script:    []Step{approve("less"), {ready("less", "Verified"), deletes("less")}},
	Rollbacks: ends("less", sim.Gone),
}, {
	Name: "deleted, to be restored, one of two with the same value", Begin: begin(askWith("first", restoring, allocate("0.5")), ask("second", allocate("0.5"))),
	Script: []Step{
		approve("first"), approveAfter("first", "second"), {both(ready("first", "Verified"), ready("second", "Verified")), deletes("first")},
		restoreAfter("first", sim.Gone, "second"),
	},
	Rollbacks: two(sim.Gone, "Restored"),
}, {
	Name: "retained, one of two with the same value", Begin: begin(ask("first", allocate("0.5")), ask("second", allocate("0.5"))),
	Script: []Step{
		approve("first"), approveAfter("first", "second"), {both(ready("first", "Verified"), ready("second", "Verified")), deletes("first")},
		restoreAfter("first", sim.Gone, "second"),
	},
	Rollbacks: two(sim.Gone, "Restored"),
}, {
	Name: "deleted by force while applied, and its place taken", Begin: ask("first", allocate("0.5")),
	Script: []Step{
		approve("first"), {both(ready("first", "Verified"), logged("first")), func(w *sim.World) {
			w.Release("first")
			w.DeleteRollback("first")
			w.AskRollback("second", func(spec *strategyv1.StrategyRollbackSpec) {
				spec.Actions = []strategyv1.RollbackAction{allocate("0.3")}
			})
		}},
		approve("second"), restore("second"),
	},
	Rollbacks: two(sim.Gone, "Restored"), Leaves: halved,
}, {
	Name: "the configuration is deleted and created again", Begin: ask("less", allocate("0.5"), disable("slow")),
	Script: []Step{
		approve("less"), {ready("less", "Verified"), losesConfig}, {ready("less", "ConfigMapNotFound"), getsConfig},
		restoreWhen("less", "Overwritten"), // what was replaced is shown, and not written again
	},
	Rollbacks: ends("less", "Restored"),
}, {
	Name: "deleted, to be restored, without a configuration", Begin: askWith("less", restoring, allocate("0.5")),
	Script: []Step{
		approve("less"), {ready("less", "Verified"), losesConfig}, {ready("less", "ConfigMapNotFound"), deletes("less")},
		{ready("less", sim.Gone), getsConfig},
	},
	Rollbacks: ends("less", sim.Gone),
}, {
	Name: "the configuration is deleted while the deletion restores", Begin: askWith("less", restoring, allocate("0.5")),
	Script: []Step{
		approve("less"), {ready("less", "Verified"), deletes("less")}, {claimed("less", strategyv1.ClaimRelease), losesConfig},
		{ready("less", sim.Gone), getsConfig},
	},
	Rollbacks: ends("less", sim.Gone),
}, {
	Name: "the Deployment is deleted while the deletion restores", Begin: askWith("less", restoring, allocate("0.5")),
	Script: []Step{
		approve("less"), {ready("less", "Verified"), begin(losesDeployment, deletes("less"))},
		{both(deleting("less"), ready("less", "DeploymentNotFound")), overdue("less")},
	},
	Rollbacks: ends("less", sim.Gone),
}}
