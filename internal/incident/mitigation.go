package incident

import (
	"fmt"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/action"
	"tradeops.dev/strategy-operator/internal/bounded"
	"tradeops.dev/strategy-operator/internal/conditions"
	"tradeops.dev/strategy-operator/internal/pass"
)

// ended are the words with which a rollback that changed nothing, or changed it back, ends without containing anything.
var ended = []string{
	strategyv1.ReasonDenied, strategyv1.ReasonApprovalExpired, strategyv1.ReasonProbeFailed, strategyv1.ReasonReverted, strategyv1.ReasonWithdrawn,
}

// remediate asks for the rollback that the cause names, once.
func (p *plan) remediate() bool {
	if len(p.Rollbacks) > 0 {
		return false
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
	remediation, found := p.remediation(name)
	if !found {
		p.Stall(strategyv1.ReasonRemediationNotFound, fmt.Sprintf("the playbook has no remediation %s", name))
		return true
	}
	actions, problem := p.actions(remediation)
	if problem != "" {
		p.Stall(strategyv1.ReasonNeedsPerson, problem)
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
	return &strategyv1.StrategyRollback{
		ObjectMeta: metav1.ObjectMeta{
			Namespace:   p.Incident.Namespace,
			Name:        fmt.Sprintf("%.200s-%.8s", p.Incident.Name, p.Incident.UID),
			Labels:      map[string]string{strategyv1.LabelIncident: labelValue(p.Incident)},
			Annotations: map[string]string{strategyv1.AnnotationIncidentUID: string(p.Incident.UID)},
		},
		Spec: strategyv1.StrategyRollbackSpec{
			PlaybookName: p.Incident.Spec.PlaybookName, IncidentName: p.Incident.Name, RemediationName: remediation.Name,
			Reason: bounded.Text(reason, 512), Actions: actions, DesiredState: strategyv1.StateApplied,
			RequestedBy: p.Incident.Spec.RequestedBy,
		},
	}
}

// labelValue is the incident's name, shortened to what a label may hold.
func labelValue(incident *strategyv1.StrategyIncident) string {
	if len(incident.Name) <= 63 {
		return incident.Name
	}
	return fmt.Sprintf("%.54s-%.8s", incident.Name, incident.UID)
}

// mitigate follows the rollbacks: contained while one is verified, resolved when it was restored.
func (p *plan) mitigate() bool {
	p.status.Rollbacks = p.status.Rollbacks[:0]
	for _, rollback := range p.Rollbacks {
		p.status.Rollbacks = append(p.status.Rollbacks, strategyv1.IncidentRollback{
			Name: rollback.Name, Status: conditions.Reason(rollback.Status.Conditions, strategyv1.ConditionReady),
		})
	}
	current := p.currentRollback()
	reason := conditions.Reason(current.Status.Conditions, strategyv1.ConditionReady)
	message := fmt.Sprintf("rollback %s: %s", current.Name, orElse(conditions.Message(current.Status.Conditions, strategyv1.ConditionReady), "not seen by its controller yet"))
	message += p.notHonoured()
	verified := conditions.True(current.Status.Conditions, strategyv1.ConditionInEffect) && conditions.True(current.Status.Conditions, strategyv1.ConditionVerified)
	if verified {
		p.contained(current)
	}
	switch {
	case reason == strategyv1.ReasonRestored:
		p.close(strategyv1.ReasonResolved, "closed", "back to normal: "+message, "")
	case conditions.True(current.Status.Conditions, strategyv1.ConditionStalled) || slices.Contains(ended, reason):
		if !verified {
			p.Set(strategyv1.ConditionContained, metav1.ConditionFalse, orElse(reason, strategyv1.ReasonMitigating), message)
		}
		p.Stall(strategyv1.ReasonNeedsPerson, message)
	case verified:
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
		reason := conditions.Reason(r.Status.Conditions, strategyv1.ConditionReady)
		switch {
		case slices.Contains(ended, reason):
			return 0
		case reason == strategyv1.ReasonRestored:
			return 1
		}
		return 2
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
		p.Note("contained", message, "")
	}
	p.Set(strategyv1.ConditionContained, metav1.ConditionTrue, strategyv1.ReasonVerified, message)
}

// close ends the incident. Contained is not closed: a mitigation is temporary.
func (p *plan) close(reason, event, message, by string) {
	p.recordBreaches()
	p.Note(event, message, by)
	p.Set(strategyv1.ConditionResolved, metav1.ConditionTrue, reason, message)
	p.Set(strategyv1.ConditionStalled, metav1.ConditionFalse, reason, "closed")
	if p.Reason(strategyv1.ConditionSLAMet) == strategyv1.ReasonWithinLimits {
		p.Set(strategyv1.ConditionSLAMet, metav1.ConditionTrue, strategyv1.ReasonWithinLimits, "every deadline was met")
	}
	p.Set(strategyv1.ConditionReady, metav1.ConditionTrue, reason, message)
}

// answered records the first time a level gave its answer.
func (p *plan) answered(level strategyv1.Level) {
	for i := range p.status.Deadlines {
		if p.status.Deadlines[i].Level == level && p.status.Deadlines[i].AnsweredTime == nil {
			p.status.Deadlines[i].AnsweredTime = new(metav1.NewTime(p.Now.UTC().Truncate(time.Second)))
		}
	}
}

// breaches records missed deadlines, and hands over to L2 what is still with L1 when its time is up, answered or not.
func (p *plan) breaches() {
	for _, deadline := range p.status.Deadlines {
		waited := deadline.AnsweredTime == nil || deadline.Level == strategyv1.LevelL1 && p.status.Level == strategyv1.LevelL1
		if waited && p.Now.Before(deadline.Time.Time) {
			p.Wake(deadline.Time.Time)
		}
	}
	p.recordBreaches()
	due := p.after(p.Playbook.Spec.Triage.RespondWithinSeconds)
	if p.status.Level == strategyv1.LevelL1 && !p.Now.Before(due.Time) {
		p.escalate(strategyv1.ReasonDeadlinePast, fmt.Sprintf("not closed within L1's %d s", p.Playbook.Spec.Triage.RespondWithinSeconds), "")
		p.Wake(p.Now) // L2's checks start in the next pass
	}
}

// recordBreaches records each deadline that passed without an answer, or was answered late.
func (p *plan) recordBreaches() {
	var late []string
	for _, deadline := range p.status.Deadlines {
		answered := p.Now
		if deadline.AnsweredTime != nil {
			answered = deadline.AnsweredTime.Time
		}
		if deadline.AnsweredTime != nil && answered.After(deadline.Time.Time) || deadline.AnsweredTime == nil && !answered.Before(deadline.Time.Time) {
			late = append(late, fmt.Sprintf("%s had to answer by %s", deadline.Level, deadline.Time.UTC().Format(time.RFC3339)))
		}
	}
	if len(late) == 0 {
		return
	}
	message := strings.Join(late, "; ")
	if p.Message(strategyv1.ConditionSLAMet) != message {
		p.Note("sla_breached", message, "")
	}
	p.Set(strategyv1.ConditionSLAMet, metav1.ConditionFalse, strategyv1.ReasonDeadlinePast, message)
}
