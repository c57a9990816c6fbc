package incident

import (
	"fmt"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/action"
	"tradeops.dev/strategy-operator/internal/bounded"
	"tradeops.dev/strategy-operator/internal/conditions"
	"tradeops.dev/strategy-operator/internal/lifecycle"
	"tradeops.dev/strategy-operator/internal/pass"
)

// remediate asks for the rollback that the cause names, or for the next one of the ladder, each once.
func (p *plan) remediate() bool {
	if len(p.Rollbacks) > 0 {
		next := p.nextRung()
		if next == "" {
			return false
		}
		p.follow()
		return p.ask(next)
	}
	if len(p.status.Rollbacks) > 0 {
		p.Stall(strategyv1.ReasonNeedsPerson, fmt.Sprintf("rollback %s was deleted; create another one with spec.incidentName %s, or %s",
			p.status.Rollbacks[0].Name, p.Incident.Name, decide(p.Incident, "resolve")))
		return true
	}
	name := p.status.Cause.Remediation
	if name == "" {
		p.Stall(strategyv1.ReasonNeedsPerson, fmt.Sprintf("cause %s has no remedy: %s. The reports are in status.checks. Apply a StrategyRollback with spec.incidentName %s, or %s",
			p.status.Cause.Name, p.Message(strategyv1.ConditionDiagnosed), p.Incident.Name, decide(p.Incident, "resolve | false-alarm")))
		return true
	}
	return !p.mayAsk() || p.ask(name)
}

// nextRung is the remedy that follows the newest one, which was reverted or could not begin; empty if there is none, or if it
// was asked for already.
func (p *plan) nextRung() string {
	newest := p.Rollbacks[len(p.Rollbacks)-1]
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
	return slices.ContainsFunc(p.Rollbacks, func(r strategyv1.StrategyRollback) bool { return r.Spec.RemediationName == remediation }) ||
		slices.ContainsFunc(p.status.Rollbacks, func(r strategyv1.IncidentRollback) bool { return r.Remediation == remediation })
}

// ask asks for a remedy of the playbook. It always ends the pass.
func (p *plan) ask(name string) bool {
	remediation, found := p.remediation(name)
	if !found {
		p.Stall(strategyv1.ReasonRemediationNotFound, fmt.Sprintf("the playbook has no remediation %s", name))
		return true
	}
	if remediation.Proposal != nil {
		p.propose(remediation)
		return true
	}
	actions, problem := p.actions(remediation)
	if problem != "" {
		p.Stall(strategyv1.ReasonNeedsPerson, problem)
		return true
	}
	if p.Held() {
		p.Working(strategyv1.ReasonMitigating, fmt.Sprintf("cause %s: remedy %s will be asked for when new effects are allowed again", p.status.Cause.Name, name))
		return true
	}
	p.Do(action.CreateRollback{Rollback: p.rollback(remediation, actions)})
	p.Set(strategyv1.ConditionContained, metav1.ConditionFalse, strategyv1.ReasonMitigating, "a rollback was asked for")
	p.Working(strategyv1.ReasonMitigating, fmt.Sprintf("cause %s: asking for remedy %s", p.status.Cause.Name, name))
	p.Wake(p.Now.Add(pass.Recheck))
	return true
}

func (p *plan) remediation(name string) (strategyv1.RemediationSpec, bool) {
	for _, remediation := range p.Playbook.Spec.Remediations {
		if remediation.Name == name {
			return remediation, true
		}
	}
	return strategyv1.RemediationSpec{}, false
}

// actions names the incident's schedules where the playbook's remedy does not.
func (p *plan) actions(remediation strategyv1.RemediationSpec) (actions []strategyv1.RollbackAction, problem string) {
	for _, wanted := range remediation.Actions {
		if wanted.Type != strategyv1.ActionDisableSchedule || wanted.Schedule != "" {
			actions = append(actions, wanted)
			continue
		}
		if len(p.status.Cause.Schedules) == 0 {
			return nil, fmt.Sprintf("remedy %s disables the incident's schedule, but the incident names none. Apply a StrategyRollback with spec.incidentName %s",
				remediation.Name, p.Incident.Name)
		}
		for _, schedule := range p.status.Cause.Schedules {
			actions = append(actions, strategyv1.RollbackAction{Type: strategyv1.ActionDisableSchedule, Schedule: schedule})
		}
	}
	return actions, ""
}

// rollback has a name that the same incident always gives it, so it cannot be asked for twice.
func (p *plan) rollback(remediation strategyv1.RemediationSpec, actions []strategyv1.RollbackAction) *strategyv1.StrategyRollback {
	reason := fmt.Sprintf("incident %s: %s", p.Incident.Name, p.status.Cause.Name)
	if p.Incident.Spec.Summary != "" {
		reason += ", " + p.Incident.Spec.Summary
	}
	mode := strategyv1.ModeLive
	if p.isDrill() {
		mode = strategyv1.ModeDrill
	}
	return &strategyv1.StrategyRollback{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: p.Incident.Namespace,
			Name:      p.rollbackName(remediation.Name),
			Labels:    map[string]string{strategyv1.LabelIncident: labelValue(p.Incident)},
		},
		Spec: strategyv1.StrategyRollbackSpec{
			PlaybookName: p.Incident.Spec.PlaybookName, IncidentName: p.Incident.Name, IncidentUID: string(p.Incident.UID),
			RemediationName: remediation.Name,
			Reason:          bounded.Text(reason, 512), Actions: actions, DesiredState: strategyv1.StateApplied,
			RequestedBy: p.Incident.Spec.RequestedBy, Mode: mode,
		},
	}
}

// rollbackName: the remedy of the cause has the incident's name, and those that follow on the ladder have theirs, too.
func (p *plan) rollbackName(remediation string) string {
	name := fmt.Sprintf("%.200s-%.8s", p.Incident.Name, p.Incident.UID)
	if remediation != p.status.Cause.Remediation {
		name += "-" + remediation
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

// maxRollbacks is how many rollbacks stay in the status.
const maxRollbacks = 16

// follow records the rollbacks as they are. One that is gone stays as it was last seen: it must not be asked for again.
func (p *plan) follow() {
	for _, rollback := range p.Rollbacks {
		seen := strategyv1.IncidentRollback{
			Name: rollback.Name, Remediation: rollback.Spec.RemediationName, Status: conditions.Reason(rollback.Status.Conditions, strategyv1.ConditionReady),
		}
		if lifecycle.Changed(rollback.Status) {
			seen.WrittenTime = rollback.Status.Config.WrittenTime
		}
		at := slices.IndexFunc(p.status.Rollbacks, func(r strategyv1.IncidentRollback) bool { return r.Name == rollback.Name })
		if at >= 0 {
			p.status.Rollbacks[at] = seen
			continue
		}
		p.status.Rollbacks = append(p.status.Rollbacks, seen)
	}
	if extra := len(p.status.Rollbacks) - maxRollbacks; extra > 0 {
		p.status.Rollbacks = p.status.Rollbacks[extra:]
	}
}

// mitigate follows the rollbacks: contained while one is verified, recovering when it was restored.
func (p *plan) mitigate() bool {
	p.follow()
	current := p.currentRollback()
	reason := conditions.Reason(current.Status.Conditions, strategyv1.ConditionReady)
	message := fmt.Sprintf("rollback %s: %s", current.Name, orElse(conditions.Message(current.Status.Conditions, strategyv1.ConditionReady), "not seen by its controller yet"))
	message += p.notHonoured()
	verified, restored := lifecycle.Contains(current.Status), lifecycle.EndedAs(current.Status, strategyv1.EndRestored)
	if verified {
		p.contained(current)
	}
	if current.Status.WaitsFor == strategyv1.WhoApprover {
		p.turnOf(strategyv1.WhoApprover, timeOf(current.Status.DueTime))
	}
	if !restored {
		p.status.RestoredTime = nil
	}
	switch {
	case restored:
		p.recover(message, conditions.Since(current.Status.Conditions, strategyv1.ConditionRestored))
	case conditions.True(current.Status.Conditions, strategyv1.ConditionStalled) || lifecycle.Ended(current.Status):
		if !verified {
			p.Set(strategyv1.ConditionContained, metav1.ConditionFalse, orElse(reason, strategyv1.ReasonMitigating), message)
		}
		p.Stall(strategyv1.ReasonNeedsPerson, message)
	case verified:
		p.turnOf(strategyv1.WhoNobody, timeOf(current.Status.DueTime))
		p.Working(strategyv1.ReasonContained, message)
	default:
		p.Working(strategyv1.ReasonMitigating, message)
	}
	return true
}

// notHonoured tells whoever decided why nothing came of it.
func (p *plan) notHonoured() string {
	for _, decided := range p.Decided {
		if decided.Verdict == strategyv1.DecisionFalseAlarm {
			return fmt.Sprintf(" (StrategyDecision %s, FalseAlarm by %s, is not honoured: there is a rollback; restore or deny it, then resolve the incident)", decided.Name, decided.By)
		}
	}
	return ""
}

// currentRollback is the newest that has not ended, else the newest that was restored, else the newest.
func (p *plan) currentRollback() strategyv1.StrategyRollback {
	rank := func(r strategyv1.StrategyRollback) int {
		switch {
		case !lifecycle.Ended(r.Status):
			return 2
		case lifecycle.EndedAs(r.Status, strategyv1.EndRestored):
			return 1
		}
		return 0
	}
	best := p.Rollbacks[0]
	for _, rollback := range p.Rollbacks[1:] {
		if rank(rollback) >= rank(best) {
			best = rollback
		}
	}
	return best
}

func (p *plan) contained(rollback strategyv1.StrategyRollback) {
	message := fmt.Sprintf("rollback %s is in effect and verified", rollback.Name)
	if rollback.Status.Plan != nil && rollback.Status.Plan.Until != nil {
		message += " until " + rollback.Status.Plan.Until.UTC().Format(time.RFC3339)
	}
	if !p.Is(strategyv1.ConditionContained) {
		p.Note(strategyv1.EventContained, message, "")
	}
	p.Set(strategyv1.ConditionContained, metav1.ConditionTrue, strategyv1.ReasonVerified, message)
}
