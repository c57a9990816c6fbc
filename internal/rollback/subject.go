package rollback

import (
	"cmp"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/checks"
	"tradeops.dev/strategy-operator/internal/lifecycle"
	"tradeops.dev/strategy-operator/internal/record"
	"tradeops.dev/strategy-operator/internal/subject"
	"tradeops.dev/strategy-operator/internal/timeline"
)

// subject is what every entry of the rollback's log says about it.
func (p *plan) subject() timeline.Subject {
	severity := "warning"
	if p.seen.Incident != nil {
		severity = string(lifecycle.Severity(p.seen.Incident))
	}
	tags := []string{"rollback"}
	if p.isDrill() {
		tags = append(tags, "drill")
	}
	return timeline.Subject{
		UID: string(p.seen.Rollback.UID), Kind: "rollback", Severity: severity, Tags: tags,
		Artefacts: map[string]string{
			"rollback": p.seen.Rollback.Namespace + "/" + p.seen.Rollback.Name, "incident": p.seen.Rollback.Spec.IncidentName,
			"playbook_revision": p.next.PlaybookRevision, "plan_digest": p.planDigest(),
		},
		Metadata: subject.Metadata(cmp.Or(p.firstSchedule(), p.seen.Rollback.Name), p.seen.Rollback.CreationTimestamp, p.seen.Config.Summary, p.riskProfile()),
	}
}

func (p *plan) planDigest() string {
	if p.next.Plan == nil {
		return ""
	}
	return p.next.Plan.Digest
}

// firstSchedule is empty when no schedule is disabled.
func (p *plan) firstSchedule() string {
	if p.next.Plan == nil || len(p.next.Plan.Disables) == 0 {
		return ""
	}
	return p.next.Plan.Disables[0]
}

// riskProfile of that schedule; empty if the configuration does not have it.
func (p *plan) riskProfile() string {
	for _, schedule := range p.seen.Config.Summary.Schedules {
		if schedule.Name == p.firstSchedule() {
			return schedule.RiskProfile
		}
	}
	return ""
}

// turn is whose turn it is, and until when.
func (p *plan) turn() lifecycle.Turn {
	var approveBy time.Time
	if p.next.Plan != nil {
		approveBy = p.approveBy()
	}
	turn := lifecycle.RollbackTurn(p.next, approveBy)
	if p.asks != "" && !p.hasEnded() {
		turn.Who = p.asks
	}
	return turn
}

// run runs the checks of one stage.
func (p *plan) run(stage strategyv1.Stage, round int32, uses []strategyv1.CheckUse) checks.Result {
	context := subject.Context(p.seen.Rollback.Spec.IncidentName, p.seen.Incident, p.seen.Playbook.Spec.Scheduler)
	context.Schedule = p.firstSchedule() // what the rollback is about
	return p.out.Run(checks.Stage{
		Namespace: p.seen.Rollback.Namespace,
		Owner:     *metav1.NewControllerRef(p.seen.Rollback, strategyv1.GroupVersion.WithKind(strategyv1.KindRollback)),
		Stage:     stage, Round: round, Uses: uses, Specs: p.seen.Playbook.Spec.Checks, Templates: p.templates, Context: context,
	}, p.seen.Runs.Jobs)
}

func (p *plan) uid() string { return string(p.seen.Rollback.UID) }

// holder is what this rollback has in the configuration, of whatever revision; nil = nothing.
func (p *plan) holder() *record.Holder {
	return p.seen.Config.State.Holder(p.uid())
}

// written says whether the record on the ConfigMap has this rollback's edits, in their newest revision.
func (p *plan) written() bool {
	holder := p.holder()
	return holder != nil && p.next.Plan != nil && holder.Revision == p.next.Plan.Revision
}

func (p *plan) claimed() strategyv1.ClaimState { return lifecycle.Claim(p.next) }

func (p *plan) restoreCommand() string {
	return fmt.Sprintf("kubectl strategy restore %s -n %s", p.seen.Rollback.Name, p.seen.Rollback.Namespace)
}

func (p *plan) renewCommand() string {
	return fmt.Sprintf("kubectl strategy renew %s -n %s", p.seen.Rollback.Name, p.seen.Rollback.Namespace)
}

func rfc3339(at time.Time) string {
	return at.UTC().Format(time.RFC3339)
}
