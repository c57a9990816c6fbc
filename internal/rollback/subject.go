package rollback

import (
	"cmp"
	"slices"
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/checks"
	"tradeops.dev/strategy-operator/internal/rules"
	"tradeops.dev/strategy-operator/internal/subject"
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
		Metadata: subject.Metadata(cmp.Or(p.firstSchedule(), p.Rollback.Name), p.Rollback.CreationTimestamp, p.Config.Summary, p.riskProfile()),
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

// riskProfile of that schedule; empty if the configuration does not have it.
func (p *plan) riskProfile() string {
	for _, schedule := range p.Config.Summary.Schedules {
		if schedule.Name == p.firstSchedule() {
			return schedule.RiskProfile
		}
	}
	return ""
}

// run runs the checks of one stage.
func (p *plan) run(stage strategyv1.Stage, round int32, uses []strategyv1.CheckUse) checks.Result {
	context := subject.Context(p.Rollback.Spec.IncidentName, p.Incident, p.Playbook.Spec.Scheduler)
	context.Schedule = p.firstSchedule() // what the rollback is about
	return p.Run(checks.Stage{
		Namespace: p.Rollback.Namespace,
		Owner:     *metav1.NewControllerRef(p.Rollback, strategyv1.GroupVersion.WithKind(strategyv1.KindRollback)),
		Stage:     stage, Round: round, Uses: uses, Specs: p.Playbook.Spec.Checks, Templates: p.templates, Context: context,
	}, p.Runs.Jobs)
}

// verdictVars are the variables of the verdict rules of the checks that are judged now: the incident, the rollback, and the
// earlier report of the same check. What is the same for all of them is made once, and only if there is a check to judge.
func (p *plan) verdictVars() func(checks.ID) rules.Vars {
	same := sync.OnceValue(func() rules.Vars {
		return rules.Vars{Incident: subject.Variables(p.Rollback.Spec.IncidentName, p.Incident), Rollback: p.facts()}
	})
	return func(id checks.ID) rules.Vars {
		vars := same()
		if id.Stage != strategyv1.StageBefore {
			vars.Before = p.before(id.Check)
		}
		return vars
	}
}

// before is the newest report of a check from before the change.
func (p *plan) before(check string) rules.Value {
	for _, record := range slices.Backward(p.status.Checks) {
		if record.Stage == strategyv1.StageBefore && record.Name == check {
			return p.Runs.Outcomes[checks.IDOf(record)].Report.Value()
		}
	}
	return rules.Value{}
}
