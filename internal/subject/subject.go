// Package subject is an incident as others are told of it, by the incident and by its rollbacks in the same words: to rules
// (Variables), to the Jobs of checks (Context) and in each entry of a decision log (Metadata). The kinds do not know each
// other, and two copies of this drifted apart once: a rule saw the mode in one and not in the other.
//
// The package is pure. What may change while a check runs, like the level of an incident, is not here: a stored report is
// always judged the same way. The severity may change, too; a report is judged by the one that its Job was told.
package subject

import (
	"cmp"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/checks"
	"tradeops.dev/strategy-operator/internal/config/botcore"
	"tradeops.dev/strategy-operator/internal/lifecycle"
)

// Variables are what a verdict rule sees as `incident`. What the incident does not say is ”. Of a rollback without an
// incident, or whose incident was deleted, only the name is known (” without one): a rule that asks for more cannot be
// evaluated, which is Inconclusive. A guess would be judged as if somebody had said it.
func Variables(name string, incident *strategyv1.StrategyIncident) map[string]any {
	if incident == nil {
		return map[string]any{"name": name}
	}
	spec := incident.Spec
	return map[string]any{
		"name": name, "type": string(spec.Type), "severity": string(lifecycle.Severity(incident)), "schedule": spec.Schedule, "strategy": spec.Strategy,
		"mode": string(cmp.Or(spec.Mode, strategyv1.IncidentLive)),
	}
}

// Context is what a Job is told. Of an incident that is not there it is the name.
func Context(name string, incident *strategyv1.StrategyIncident, scheduler strategyv1.SchedulerSpec) checks.Context {
	context := checks.Context{Incident: name, Scheduler: scheduler.Name, Environment: scheduler.Environment}
	if incident != nil {
		spec := incident.Spec
		context.Type, context.Severity, context.Schedule, context.Strategy = string(spec.Type), string(lifecycle.Severity(incident)), spec.Schedule, spec.Strategy
	}
	return context
}

// Metadata is what each entry of a log says about where it belongs, in the fields of the scheduler's own journal.
func Metadata(target string, created metav1.Time, configuration botcore.Summary, riskProfile string) map[string]string {
	return map[string]string{
		"schedule_run_id":    fmt.Sprintf("%s:%s", target, created.UTC().Format(time.RFC3339)),
		"primary_exchange":   configuration.Exchange,
		"risk_budget_bucket": cmp.Or(riskProfile, "unknown"),
	}
}
