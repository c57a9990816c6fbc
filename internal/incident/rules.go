package incident

import (
	"fmt"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/bounded"
	"tradeops.dev/strategy-operator/internal/checks"
	"tradeops.dev/strategy-operator/internal/conditions"
	"tradeops.dev/strategy-operator/internal/config/botcore"
	"tradeops.dev/strategy-operator/internal/facts"
	"tradeops.dev/strategy-operator/internal/pass"
	"tradeops.dev/strategy-operator/internal/rules"
)

// deleted: owner references take the Jobs along; a rollback stays, since deleting an incident must not re-enable trading.
func (p *plan) deleted() bool {
	return !p.Incident.DeletionTimestamp.IsZero()
}

// closed: only Jobs that are still there are removed.
func (p *plan) closed() bool {
	if !p.isClosed() {
		return false
	}
	p.DeleteJobs(p.Runs.Jobs)
	if p.LogHead.Problem != nil {
		p.Wake(p.Now.Add(pass.Recheck)) // the last entry is not lost when the key is gone for a while
	}
	return true
}

func (p *plan) badInput() bool {
	problem := p.problem()
	if problem == nil {
		return false
	}
	p.BadInput(problem.Reason, problem.Message)
	return true
}

func (p *plan) scheduleProblem() *facts.Problem {
	schedules := p.Config.Summary.Schedules
	known := make([]string, len(schedules))
	for i, schedule := range schedules {
		known[i] = schedule.Name
	}
	name := p.Incident.Spec.Schedule
	if name != "" && !slices.Contains(known, name) {
		return &facts.Problem{Reason: strategyv1.ReasonScheduleNotFound, Message: fmt.Sprintf(
			"the configuration has no schedule %q; it has: %s. Delete this incident and create one with a schedule that exists", name, strings.Join(known, ", "))}
	}
	if strategy := p.Incident.Spec.Strategy; strategy != "" && len(botcore.SchedulesOf(p.Config.Summary, strategy)) == 0 {
		return &facts.Problem{Reason: strategyv1.ReasonScheduleNotFound, Message: fmt.Sprintf(
			"no schedule of the configuration uses strategy %q. Delete this incident and create one with a strategy that is used", strategy)}
	}
	return nil
}

// start freezes the playbook and fixes the deadlines, once.
func (p *plan) start() bool {
	if p.status.PlaybookRevision != "" {
		return false
	}
	p.status.PlaybookRevision = p.Playbook.Revision
	p.status.Level = strategyv1.LevelL1
	p.status.Deadlines = []strategyv1.Deadline{
		{Level: strategyv1.LevelL1, Time: p.after(p.Playbook.Spec.Triage.RespondWithinSeconds)},
		{Level: strategyv1.LevelL2, Time: p.after(p.Playbook.Spec.Diagnosis.RespondWithinSeconds)},
	}
	p.StartLog()
	spec := p.Incident.Spec
	p.Note("incident", fmt.Sprintf("%s incident, severity %s%s, reported by %s: %s",
		spec.Type, spec.Severity, about(spec), orElse(spec.RequestedBy, "unknown"), orElse(spec.Summary, "no summary")), spec.RequestedBy)
	p.Set(strategyv1.ConditionTriaged, metav1.ConditionUnknown, strategyv1.ReasonTriaging, "the triage checks have not been judged yet")
	p.Set(strategyv1.ConditionSLAMet, metav1.ConditionUnknown, strategyv1.ReasonWithinLimits, "no deadline has passed")
	return false
}

// decidedByPerson: a person can close or escalate at any time.
func (p *plan) decidedByPerson() bool {
	for _, decided := range p.Decided {
		switch decided.Verdict {
		case strategyv1.DecisionResolve:
			p.close(strategyv1.ReasonResolved, "closed", because("closed", decided)+p.leftInEffect(), decided.By)
			return true
		case strategyv1.DecisionFalseAlarm:
			if len(p.Rollbacks) == 0 {
				p.close(strategyv1.ReasonFalseAlarm, "acknowledged", because("false alarm", decided), decided.By)
				return true
			}
		}
	}
	return false
}

// leftInEffect says what closing an incident does not undo.
func (p *plan) leftInEffect() string {
	for _, rollback := range p.Rollbacks {
		if conditions.True(rollback.Status.Conditions, strategyv1.ConditionApplied) {
			return fmt.Sprintf("; rollback %s stays applied until it is restored", rollback.Name)
		}
	}
	return ""
}

// triage is L1: its checks run side by side; a rule, a person or time hands over to L2.
func (p *plan) triage() bool {
	if p.status.Level != strategyv1.LevelL1 {
		return false
	}
	spec := p.Playbook.Spec.Triage
	stage, all := p.run(strategyv1.StageTriage, spec.Checks)
	if stage.Missing != "" {
		return true
	}
	if p.escalatedByPerson() || p.escalatedByRule(stage, spec.Escalate) {
		return false
	}
	if !stage.Done {
		p.Working(strategyv1.ReasonTriaging, progressOf(stage, all))
		return true
	}
	if p.falseAlarm(stage, spec.FalseAlarm) {
		return true
	}
	p.answered(strategyv1.LevelL1)
	p.Set(strategyv1.ConditionTriaged, metav1.ConditionTrue, strategyv1.ReasonChecksJudged, "all triage checks were judged; no rule closed or escalated the incident")
	p.Working(strategyv1.ReasonTriaging, fmt.Sprintf("all triage checks were judged and no rule fired; it goes to L2 by time. To decide now: %s",
		decide(p.Incident, "escalate | false-alarm")))
	return true
}

func (p *plan) escalatedByPerson() bool {
	for _, decided := range p.Decided {
		if decided.Verdict == strategyv1.DecisionEscalate {
			p.escalate(strategyv1.ReasonPersonDecided, because("escalated", decided), decided.By)
			return true
		}
	}
	return false
}

// escalatedByRule: a rule that cannot be evaluated escalates, too, but only when nothing more will be known.
func (p *plan) escalatedByRule(stage checks.Result, escalate []strategyv1.EscalateRule) bool {
	for _, rule := range escalate {
		if rule.AfterSeconds > 0 {
			due := p.after(rule.AfterSeconds).Time
			if !p.Now.Before(due) {
				p.escalate(strategyv1.ReasonRuleHeld, fmt.Sprintf("rule %s: the incident lasts longer than %d s", rule.Name, rule.AfterSeconds), "")
				return true
			}
			p.Wake(due)
			continue
		}
		held, err := rules.Eval(rule.When, p.vars(stage.Final))
		if err != nil && stage.Done {
			p.escalate(strategyv1.ReasonRuleErrored, fmt.Sprintf("rule %s cannot be evaluated, which escalates: %v", rule.Name, err), "")
			return true
		}
		if held {
			p.escalate(strategyv1.ReasonRuleHeld, fmt.Sprintf("rule %s: %s", rule.Name, rule.When), "")
			return true
		}
	}
	return false
}

func (p *plan) escalate(reason, message, by string) {
	p.status.Level = strategyv1.LevelL2
	if !p.Is(strategyv1.ConditionTriaged) {
		p.Set(strategyv1.ConditionTriaged, metav1.ConditionTrue, reason, message)
	}
	p.Set(strategyv1.ConditionEscalated, metav1.ConditionTrue, reason, message)
	if reason != strategyv1.ReasonDeadlinePast {
		p.answered(strategyv1.LevelL1)
	}
	p.Note("escalated", "L1 to L2: "+message, by)
}

func (p *plan) falseAlarm(stage checks.Result, rule *strategyv1.FalseAlarmRule) bool {
	if rule == nil {
		return false
	}
	held, err := rules.Eval(rule.When, p.vars(stage.Final))
	if err != nil || !held { // an error means no: a person looks
		return false
	}
	p.answered(strategyv1.LevelL1)
	p.Set(strategyv1.ConditionTriaged, metav1.ConditionTrue, strategyv1.ReasonFalseAlarm, rule.When)
	p.close(strategyv1.ReasonFalseAlarm, "acknowledged", "false alarm by rule: "+rule.When, "")
	return true
}

// diagnose is L2: evidence side by side, then the first cause whose rule holds.
func (p *plan) diagnose() bool {
	if p.status.Cause != nil {
		return false
	}
	spec := p.Playbook.Spec.Diagnosis
	stage, all := p.run(strategyv1.StageDiagnosis, spec.Checks)
	if stage.Missing != "" {
		return true
	}
	if !stage.Done {
		p.Working(strategyv1.ReasonDiagnosing, progressOf(stage, all))
		return true
	}
	p.answered(strategyv1.LevelL2)
	p.findCause(stage, spec.Causes)
	return false
}

func (p *plan) findCause(stage checks.Result, causes []strategyv1.CauseRule) {
	for _, cause := range causes {
		held, err := rules.Eval(cause.When, p.vars(stage.Final))
		if err != nil { // a later rule might hold by mistake: ask
			message := fmt.Sprintf("the rule of cause %s cannot be evaluated: %v", cause.Name, err)
			p.status.Cause = &strategyv1.CauseStatus{Name: "Unknown"}
			p.Set(strategyv1.ConditionDiagnosed, metav1.ConditionFalse, strategyv1.ReasonRuleErrored, message)
			p.Note("diagnosed", message, "")
			return
		}
		if !held {
			continue
		}
		p.status.Cause = &strategyv1.CauseStatus{Name: cause.Name, Rule: cause.When, Remediation: cause.Remediation, Schedules: p.schedules()}
		message := fmt.Sprintf("%s, by rule: %s", cause.Name, cause.When)
		p.Set(strategyv1.ConditionDiagnosed, metav1.ConditionTrue, strategyv1.ReasonCauseFound, message)
		p.Note("diagnosed", message, "")
		return
	}
	p.status.Cause = &strategyv1.CauseStatus{Name: "Unknown"}
	p.Set(strategyv1.ConditionDiagnosed, metav1.ConditionFalse, strategyv1.ReasonCauseUnknown, "no cause rule holds")
	p.Note("diagnosed", "cause unknown: no cause rule holds", "")
}

// schedules concerned, as the configuration has them now.
func (p *plan) schedules() []string {
	if p.Incident.Spec.Schedule != "" {
		return []string{p.Incident.Spec.Schedule}
	}
	if p.Incident.Spec.Strategy != "" {
		return botcore.SchedulesOf(p.Config.Summary, p.Incident.Spec.Strategy)
	}
	return nil
}

// run runs the incident's branch of a stage; all is how many checks that is.
func (p *plan) run(stage strategyv1.Stage, stageChecks []strategyv1.StageCheck) (result checks.Result, all int) {
	spec := p.Incident.Spec
	uses, optional := checks.Branch(stageChecks, spec)
	return p.Run(checks.Stage{
		Namespace: p.Incident.Namespace,
		Owner:     *metav1.NewControllerRef(p.Incident, strategyv1.GroupVersion.WithKind(strategyv1.KindIncident)),
		Stage:     stage, Uses: uses, Optional: optional, Specs: p.Playbook.Spec.Checks, Templates: p.Runs.Templates,
		Context: checks.Context{
			Incident: p.Incident.Name, Type: string(spec.Type), Severity: string(spec.Severity), Schedule: spec.Schedule,
			Strategy: spec.Strategy, Scheduler: p.Playbook.Spec.Scheduler.Name, Environment: p.Playbook.Spec.Scheduler.Environment,
		},
	}, p.Runs.Jobs), len(uses)
}

func (p *plan) vars(judged []strategyv1.CheckStatus) rules.Vars {
	return rules.Vars{Incident: p.facts(), Checks: checks.Facts(judged, p.Runs.Outcomes)}
}

// varsOf are the variables of one check's verdict rules.
func (p *plan) varsOf(checks.ID) rules.Vars {
	return rules.Vars{Incident: p.facts()}
}

func (p *plan) facts() map[string]any {
	spec := p.Incident.Spec
	return map[string]any{
		"name": p.Incident.Name, "type": string(spec.Type), "severity": string(spec.Severity),
		"schedule": spec.Schedule, "strategy": spec.Strategy,
	}
}

func (p *plan) after(seconds int32) metav1.Time {
	return metav1.NewTime(p.detected().Add(time.Duration(seconds) * time.Second).UTC())
}

func progressOf(stage checks.Result, all int) string {
	message := fmt.Sprintf("%d of %d checks judged", len(stage.Final)+len(stage.Without), all)
	for _, name := range sorted(stage.Waiting) {
		message += fmt.Sprintf("; %s waits: %s", name, stage.Waiting[name])
	}
	return bounded.Text(message, 1024)
}

func sorted(waiting map[string]string) []string {
	names := make([]string, 0, len(waiting))
	for name := range waiting {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func because(what string, decided facts.Decided) string {
	message := fmt.Sprintf("%s by %s (StrategyDecision %s)", what, decided.By, decided.Name)
	if decided.Reason != "" {
		message += ": " + decided.Reason
	}
	return message
}

func about(spec strategyv1.StrategyIncidentSpec) string {
	switch {
	case spec.Schedule != "":
		return ", schedule " + spec.Schedule
	case spec.Strategy != "":
		return ", strategy " + spec.Strategy
	}
	return ""
}

func decide(incident *strategyv1.StrategyIncident, verdict string) string {
	return fmt.Sprintf("kubectl strategy %s %s -n %s", verdict, incident.Name, incident.Namespace)
}

func orElse(text, other string) string {
	if text == "" {
		return other
	}
	return text
}
