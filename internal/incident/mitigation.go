package incident

import (
	"fmt"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/action"
	"tradeops.dev/strategy-operator/internal/bounded"
	"tradeops.dev/strategy-operator/internal/change"
	"tradeops.dev/strategy-operator/internal/lifecycle"
	"tradeops.dev/strategy-operator/internal/pass"
)

// remediate asks for the rollback that the cause names, or for the next one of the ladder, each once.
func (p *plan) remediate() pass.Outcome {
	if len(p.current()) > 0 {
		next := p.nextRung()
		if next == "" {
			return pass.GoOn
		}
		return p.ask(next)
	}
	if left := p.left(); left != "" {
		p.out.Stall(strategyv1.ReasonNeedsPerson, left+". "+p.putBack())
		return pass.Ends
	}
	if known := p.knownRollbacks(); len(known) > 0 {
		p.out.Stall(strategyv1.ReasonNeedsPerson, fmt.Sprintf("rollback %s was deleted; create another one with spec.incidentName %s, or %s",
			known[0].Name, p.seen.Incident.Name, commandTo(p.seen.Incident, "resolve")))
		return pass.Ends
	}
	name := p.next.Cause.Remediation
	if name == "" {
		p.out.Stall(strategyv1.ReasonNeedsPerson, fmt.Sprintf("cause %s has no remedy: %s. The reports are in status.checks. Apply a StrategyRollback with spec.incidentName %s, or %s",
			p.next.Cause.Name, p.out.Message(strategyv1.ConditionDiagnosed), p.seen.Incident.Name, commandTo(p.seen.Incident, "resolve | false-alarm")))
		return pass.Ends
	}
	if !p.mayAsk() {
		return pass.Ends
	}
	return p.ask(name)
}

// nextRung is the remedy that follows the newest one, which was reverted or could not begin; empty if there is none, or if it
// was asked for already.
func (p *plan) nextRung() string {
	all := p.current()
	newest := all[len(all)-1]
	if !lifecycle.EndedAs(newest.Status, strategyv1.EndReverted, strategyv1.EndProbeFailed) {
		return ""
	}
	remediation, found := p.remediation(newest.Spec.RemediationName)
	if !found || remediation.OnFailedAfter != strategyv1.FailedAfterNext || p.askedFor(remediation.Then) {
		return ""
	}
	return remediation.Then
}

func (p *plan) askedFor(remediation string) bool {
	return slices.ContainsFunc(p.current(), func(r strategyv1.StrategyRollback) bool { return r.Spec.RemediationName == remediation }) ||
		slices.ContainsFunc(p.knownRollbacks(), func(r strategyv1.IncidentRollback) bool { return r.Remediation == remediation })
}

// ask asks for a remedy of the playbook. It always ends the pass.
func (p *plan) ask(name string) pass.Outcome {
	remediation, found := p.remediation(name)
	if !found {
		p.out.Stall(strategyv1.ReasonRemediationNotFound, fmt.Sprintf("the playbook has no remediation %s", name))
		return pass.Ends
	}
	if remediation.Proposal != nil {
		p.propose(remediation)
		return pass.Ends
	}
	actions, problem := p.actions(remediation)
	if problem != "" {
		p.out.Stall(strategyv1.ReasonNeedsPerson, problem)
		return pass.Ends
	}
	if p.out.Held() {
		p.out.Working(strategyv1.ReasonMitigating, fmt.Sprintf("cause %s: remedy %s will be asked for when new effects are allowed again", p.next.Cause.Name, name))
		return pass.Ends
	}
	p.out.Do(action.CreateRollback{Rollback: p.rollback(remediation, actions)})
	p.out.Set(strategyv1.ConditionContained, metav1.ConditionFalse, strategyv1.ReasonMitigating, "a rollback was asked for")
	p.out.Working(strategyv1.ReasonMitigating, fmt.Sprintf("cause %s: asking for remedy %s", p.next.Cause.Name, name))
	p.out.Wake(p.now.Add(pass.Recheck))
	return pass.Ends
}

func (p *plan) remediation(name string) (strategyv1.RemediationSpec, bool) {
	for _, remediation := range p.seen.Playbook.Spec.Remediations {
		if remediation.Name == name {
			return remediation, true
		}
	}
	return strategyv1.RemediationSpec{}, false
}

// actions names the incident's schedules where the playbook's remedy does not.
func (p *plan) actions(remediation strategyv1.RemediationSpec) (actions []strategyv1.RollbackAction, problem string) {
	actions, named := change.ForIncident(remediation.Actions, p.next.Cause.Schedules, p.seen.Incident.Spec.Strategy)
	if !named {
		return nil, fmt.Sprintf("remedy %s disables the incident's schedule, but the incident names none. Apply a StrategyRollback with spec.incidentName %s",
			remediation.Name, p.seen.Incident.Name)
	}
	return actions, ""
}

// rollback has a name that the same incident always gives it, so it cannot be asked for twice.
func (p *plan) rollback(remediation strategyv1.RemediationSpec, actions []strategyv1.RollbackAction) *strategyv1.StrategyRollback {
	reason := fmt.Sprintf("incident %s: %s", p.seen.Incident.Name, p.next.Cause.Name)
	if p.seen.Incident.Spec.Summary != "" {
		reason += ", " + p.seen.Incident.Spec.Summary
	}
	mode := strategyv1.ModeLive
	if p.isDrill() {
		mode = strategyv1.ModeDrill
	}
	return &strategyv1.StrategyRollback{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: p.seen.Incident.Namespace,
			Name:      p.rollbackName(remediation.Name),
			Labels:    map[string]string{strategyv1.LabelIncident: labelValue(p.seen.Incident)},
		},
		Spec: strategyv1.StrategyRollbackSpec{
			PlaybookName: p.seen.Incident.Spec.PlaybookName, IncidentName: p.seen.Incident.Name, IncidentUID: string(p.seen.Incident.UID),
			RemediationName: remediation.Name,
			Reason:          bounded.Text(reason, 512), Actions: actions, DesiredState: strategyv1.StateApplied,
			RequestedBy: p.seen.Incident.Spec.RequestedBy, Mode: mode,
		},
	}
}

// rollbackName: the remedy of the cause has the incident's name; those that follow on the ladder have theirs, too, and those of a later
// round its number.
func (p *plan) rollbackName(remediation string) string {
	name := fmt.Sprintf("%.190s-%.8s", p.seen.Incident.Name, p.seen.Incident.UID)
	if remediation != p.next.Cause.Remediation {
		name += "-" + remediation
	}
	if p.next.Round > 1 {
		name += fmt.Sprintf("-r%d", p.next.Round)
	}
	return name
}

// labelValue is the incident's name, shortened to what a label may hold.
func labelValue(incident *strategyv1.StrategyIncident) string {
	if len(incident.Name) <= 63 {
		return incident.Name
	}
	return fmt.Sprintf("%.54s-%.8s", incident.Name, incident.UID)
}
