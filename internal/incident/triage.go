package incident

import (
	"fmt"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/bounded"
	"tradeops.dev/strategy-operator/internal/checks"
	"tradeops.dev/strategy-operator/internal/pass"
	"tradeops.dev/strategy-operator/internal/rules"
	"tradeops.dev/strategy-operator/internal/subject"
)

// triage is L1: its checks run side by side; a rule or time hands over to L2.
func (p *plan) triage() pass.Outcome {
	spec := p.seen.Playbook.Spec.Triage
	stage, all := p.run(strategyv1.StageTriage, spec.Checks)
	if stage.Missing != "" {
		return pass.Ends
	}
	if p.escalatedByRule(stage, spec.Escalate) {
		return pass.GoOn
	}
	if !stage.Done {
		if p.out.Is(strategyv1.ConditionTriaged) { // all were judged, and now there are more
			p.out.Set(strategyv1.ConditionTriaged, metav1.ConditionUnknown, strategyv1.ReasonTriaging, "more triage checks are to be judged")
		}
		p.out.Working(strategyv1.ReasonTriaging, progressOf(stage, all))
		return pass.Ends
	}
	if p.falseAlarm(stage, spec.FalseAlarm) {
		return pass.Ends
	}
	p.machineDone(strategyv1.LevelL1)
	p.out.Set(strategyv1.ConditionTriaged, metav1.ConditionTrue, strategyv1.ReasonChecksJudged, "all triage checks were judged; no rule closed or escalated the incident")
	p.turnOf(strategyv1.WhoL1, p.dueOf(strategyv1.LevelL1))
	why := "no rule fired"
	if missing := unmeasured(stage); spec.FalseAlarm != nil && missing != "" {
		why += ": no rule may call it a false alarm, since " + missing
	}
	p.out.Working(strategyv1.ReasonTriaging, fmt.Sprintf("all triage checks were judged and %s; it goes to L2 by time. To decide now: %s", why,
		commandTo(p.seen.Incident, "acknowledge | escalate | false-alarm")))
	return pass.Ends
}

// escalatedByRule: a rule that cannot be evaluated escalates, too, but only after all checks are judged: before, a report that is missing yet
// is the usual cause.
func (p *plan) escalatedByRule(stage checks.Result, escalate []strategyv1.EscalateRule) bool {
	vars := p.vars(stage.Final)
	for _, rule := range escalate {
		if rule.AfterSeconds > 0 {
			if p.escalatedByTime(rule) {
				return true
			}
			continue
		}
		held, err := rules.Eval(rule.When, vars)
		if err != nil && stage.Done {
			p.escalate(strategyv1.ReasonRuleErrored, fmt.Sprintf("rule %s cannot be evaluated, which escalates: %v", rule.Name, err), "")
			return true
		}
		if held {
			p.escalate(strategyv1.ReasonRuleHeld, fmt.Sprintf("rule %s: %s", rule.Name, p.because(rule.When)), "")
			return true
		}
	}
	return false
}

func (p *plan) escalatedByTime(rule strategyv1.EscalateRule) bool {
	due := p.after(rule.AfterSeconds).Time
	if p.now.Before(due) {
		p.out.Wake(due)
		return false
	}
	if p.someoneIsOnIt() {
		return false
	}
	p.escalate(strategyv1.ReasonRuleHeld, fmt.Sprintf("rule %s: the incident lasts longer than %d s", rule.Name, rule.AfterSeconds), "")
	return true
}

// run runs the incident's branch of a stage; all is how many checks that is.
func (p *plan) run(stage strategyv1.Stage, stageChecks []strategyv1.StageCheck) (result checks.Result, all int) {
	round := p.roundOf(stage)
	uses, optional := checks.Branch(stageChecks, p.seen.Incident.Spec.Type, p.branch(stage, round)...)
	context := subject.Context(p.seen.Incident.Name, p.seen.Incident, p.seen.Playbook.Spec.Scheduler)
	context.Severity = string(p.severity())
	return p.out.Run(checks.Stage{
		Namespace: p.seen.Incident.Namespace,
		Owner:     *metav1.NewControllerRef(p.seen.Incident, strategyv1.GroupVersion.WithKind(strategyv1.KindIncident)),
		Stage:     stage, Round: round, Uses: uses, Optional: optional, Specs: p.seen.Playbook.Spec.Checks, Templates: p.templates,
		Context: context,
	}, p.seen.Runs.Jobs), len(uses)
}

// branch is the severities whose checks a stage runs: the one that counted when it began, and each that counts since. What it began with
// stays: a verdict that is there must not vanish from a rule's sight.
func (p *plan) branch(stage strategyv1.Stage, round int32) []strategyv1.Severity {
	if branch := p.next.Branch; branch == nil || branch.Stage != stage || branch.Round != round {
		p.next.Branch = &strategyv1.BranchStatus{Stage: stage, Round: round, Severities: []strategyv1.Severity{p.severity()}}
	}
	return p.next.Branch.Severities
}

// roundOf a stage: the diagnosis is made anew in each round of the incident, and an open stage when other checks were taken over.
func (p *plan) roundOf(stage strategyv1.Stage) int32 {
	round := int32(1)
	if stage == strategyv1.StageDiagnosis {
		round = max(1, p.next.Round)
	}
	if p.next.AdoptedChecks != nil {
		round += p.next.AdoptedChecks.Count
	}
	return round
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
