package rollback

import (
	"cmp"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/checks"
	"tradeops.dev/strategy-operator/internal/rules"
	"tradeops.dev/strategy-operator/internal/timeline"
)

// subject is what every entry of the rollback's log says about it.
func (p *plan) subject() timeline.Subject {
	severity := "warning"
	if p.Incident != nil {
		severity = string(p.Incident.Spec.Severity)
	}
	tags := []string{"rollback"}
	if p.isDrill() {
		tags = append(tags, "drill")
	}
	return timeline.Subject{
		UID: string(p.Rollback.UID), Kind: "rollback", Severity: severity, Tags: tags,
		Artefacts: map[string]string{
			"rollback": p.Rollback.Namespace + "/" + p.Rollback.Name, "incident": p.Rollback.Spec.IncidentName,
			"playbook_revision": p.status.PlaybookRevision, "plan_digest": p.planDigest(),
		},
		Metadata: map[string]string{
			"schedule_run_id":    fmt.Sprintf("%s:%s", cmp.Or(p.firstSchedule(), p.Rollback.Name), p.Rollback.CreationTimestamp.UTC().Format(time.RFC3339)),
			"primary_exchange":   p.Config.Summary.Exchange,
			"risk_budget_bucket": p.bucket(),
		},
	}
}

func (p *plan) planDigest() string {
	if p.status.Plan == nil {
		return ""
	}
	return p.status.Plan.Digest
}

// firstSchedule is empty when no schedule is disabled.
func (p *plan) firstSchedule() string {
	if p.status.Plan == nil || len(p.status.Plan.Disables) == 0 {
		return ""
	}
	return p.status.Plan.Disables[0]
}

func (p *plan) bucket() string {
	for _, schedule := range p.Config.Summary.Schedules {
		if schedule.Name == p.firstSchedule() {
			return schedule.RiskProfile
		}
	}
	return "unknown"
}

// run runs the checks of one stage.
func (p *plan) run(stage strategyv1.Stage, round int32, uses []strategyv1.CheckUse) checks.Result {
	context := checks.Context{
		Incident: p.Rollback.Spec.IncidentName, Schedule: p.firstSchedule(),
		Scheduler: p.Playbook.Spec.Scheduler.Name, Environment: p.Playbook.Spec.Scheduler.Environment,
	}
	if p.Incident != nil {
		context.Type, context.Severity, context.Strategy = string(p.Incident.Spec.Type), string(p.Incident.Spec.Severity), p.Incident.Spec.Strategy
	}
	return p.Run(checks.Stage{
		Namespace: p.Rollback.Namespace,
		Owner:     *metav1.NewControllerRef(p.Rollback, strategyv1.GroupVersion.WithKind(strategyv1.KindRollback)),
		Stage:     stage, Round: round, Uses: uses, Specs: p.Playbook.Spec.Checks, Templates: p.Runs.Templates, Context: context,
	}, p.Runs.Jobs)
}

// varsOf are the variables of one check's verdict rules: the rollback, and the earlier report of the same check.
func (p *plan) varsOf(id checks.ID) rules.Vars {
	vars := rules.Vars{Rollback: p.facts(), Incident: map[string]any{"name": p.Rollback.Spec.IncidentName}}
	if p.Incident != nil {
		spec := p.Incident.Spec
		vars.Incident = map[string]any{
			"name": p.Incident.Name, "type": string(spec.Type), "severity": string(spec.Severity),
			"schedule": spec.Schedule, "strategy": spec.Strategy,
		}
	}
	if id.Stage == strategyv1.StageBefore {
		return vars
	}
	for _, record := range p.status.Checks {
		if record.Stage == strategyv1.StageBefore && record.Name == id.Check {
			vars.Before = p.Runs.Outcomes[checks.IDOf(record)].Report.Value()
		}
	}
	return vars
}
