package incident

import (
	"fmt"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/checks"
	"tradeops.dev/strategy-operator/internal/decide"
	"tradeops.dev/strategy-operator/internal/rules"
)

// falseAlarm closes the incident when the rule says that nothing is wrong. A rule never overrules a person: where one reported,
// acknowledged or holds it, the rule only proposes.
func (p *plan) falseAlarm(stage checks.Result, rule *strategyv1.FalseAlarmRule) bool {
	if rule == nil || unmeasured(stage) != "" {
		return false
	}
	held, err := rules.Eval(rule.When, p.vars(stage.Final))
	if err != nil || !held { // an error means no: L1 looks
		return false
	}
	p.machineDone(strategyv1.LevelL1)
	if who := p.whoSaysItIsOne(rule); who != "" {
		p.looksFalse(rule, who)
		return true
	}
	p.out.Set(strategyv1.ConditionTriaged, metav1.ConditionTrue, strategyv1.ReasonFalseAlarm, rule.When)
	p.close(p.now, strategyv1.ReasonFalseAlarm, strategyv1.EventAcknowledged, "false alarm by rule: "+p.because(rule.When), "")
	return true
}

// unmeasured is what was not measured, so that no rule can know that nothing is wrong; empty: checks were judged, and all could be.
// "All are well" holds for none as well.
func unmeasured(stage checks.Result) string {
	missing := slices.Clone(stage.Without)
	for _, check := range stage.Final {
		if check.Verdict == strategyv1.VerdictError {
			missing = append(missing, check.Name)
		}
	}
	switch {
	case len(missing) > 0:
		return names(missing) + " could not be measured"
	case len(stage.Final) == 0:
		return "there is no triage check for it"
	}
	return ""
}

// whoSaysItIsOne is the person whom the rule would overrule, and what that one did; empty if there is none.
func (p *plan) whoSaysItIsOne(rule *strategyv1.FalseAlarmRule) string {
	reporter := p.seen.Incident.Spec.RequestedBy
	switch {
	case p.holdsStorm():
		return "it holds the alerts that no other incident was opened for"
	case p.next.Acknowledgement != nil:
		return p.next.Acknowledgement.By + " acknowledged it"
	case p.next.Hold != nil:
		return "it is on hold" + decide.HeldBy(*p.next.Hold)
	case p.onHold():
		return "it is on hold by spec.suspend"
	case rule.ReportedBy != strategyv1.ReportedByAnyone && p.seen.Machines.MayBePerson(reporter):
		return orElse(reporter, "somebody") + " reported it"
	}
	return ""
}

// looksFalse asks L1 to decide; it is noted once, however the signals change.
func (p *plan) looksFalse(rule *strategyv1.FalseAlarmRule, who string) {
	message := "it looks like a false alarm, by rule: " + p.because(rule.When)
	if !slices.ContainsFunc(p.next.Timeline, func(entry strategyv1.TimelineEntry) bool { return entry.Event == strategyv1.EventLooksFalse }) {
		p.out.Note(strategyv1.EventLooksFalse, message+"; "+who, "")
	}
	p.out.Set(strategyv1.ConditionTriaged, metav1.ConditionTrue, strategyv1.ReasonLooksFalse, message)
	p.turnOf(strategyv1.WhoL1, p.dueOf(strategyv1.LevelL1))
	p.out.Working(strategyv1.ReasonLooksFalse, fmt.Sprintf("%s; but %s, so a person decides, or it goes to L2 by time: %s",
		message, who, commandTo(p.seen.Incident, "false-alarm | escalate")))
}
