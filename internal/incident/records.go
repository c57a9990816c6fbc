package incident

import (
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/checks"
	"tradeops.dev/strategy-operator/internal/decide"
	"tradeops.dev/strategy-operator/internal/facts"
	"tradeops.dev/strategy-operator/internal/lifecycle"
)

// start freezes the playbook and fixes the deadlines, once. What else is wrong with the input keeps no clock from running, and nobody from
// being called: a typing error in a schedule does not make a fault smaller.
func (p *plan) start() {
	if p.next.PlaybookRevision != "" || p.isClosed() || p.isDeleted() || p.noProcedure() != nil {
		return
	}
	p.next.PlaybookRevision = p.seen.Playbook.Revision
	p.next.Dashboards = p.seen.Playbook.Spec.Dashboards
	p.next.Severity = p.seen.Incident.Spec.Severity
	p.setDeadlines()
	if p.next.Log == nil { // one that was closed before it could start, and reopened, has it
		p.out.StartLog()
		p.reported()
	}
	if p.next.Reopened == nil {
		p.out.Set(strategyv1.ConditionTriaged, metav1.ConditionUnknown, strategyv1.ReasonTriaging, "the triage checks have not been judged yet")
	}
	p.out.Set(strategyv1.ConditionSLAMet, metav1.ConditionUnknown, strategyv1.ReasonWithinLimits, "no deadline has passed")
	if p.isDrill() {
		p.out.Set(strategyv1.ConditionSLAMet, metav1.ConditionUnknown, strategyv1.ReasonDrill, "an exercise: a late answer is no breach")
	}
	if p.next.Reopened == nil {
		p.call(strategyv1.LevelL1)
	}
}

// reported is the first entry of the log.
func (p *plan) reported() {
	spec := p.seen.Incident.Spec
	kind := "incident"
	if p.isDrill() {
		kind = "drill"
	}
	p.out.Note(strategyv1.EventIncident, fmt.Sprintf("%s %s, severity %s%s, reported by %s: %s",
		spec.Type, kind, spec.Severity, about(spec), orElse(spec.RequestedBy, "unknown"), orElse(spec.Summary, "no summary"))+p.aheadOfTime(), spec.RequestedBy)
}

// aheadOfTime says that the reporter's clock was ahead, so that its time does not count.
func (p *plan) aheadOfTime() string {
	detected, counts := p.seen.Incident.Spec.DetectedTime, lifecycle.Detected(p.seen.Incident)
	if detected == nil || !detected.After(counts) {
		return ""
	}
	return fmt.Sprintf(" (detectedTime %s is after the incident was created, so its creation counts: %s)",
		detected.UTC().Format(time.RFC3339), counts.UTC().Format(time.RFC3339))
}

// holdBack: a suspended incident, or one of a suspended playbook, starts nothing new.
func (p *plan) holdBack() {
	name, namespace := p.seen.Incident.Spec.PlaybookName, p.seen.Incident.Namespace
	switch {
	case !p.running():
	case p.seen.Playbook.Suspended:
		p.out.Hold(strategyv1.ReasonPlaybookSuspended, fmt.Sprintf(
			"StrategyPlaybook %s is suspended: no Job and no change is started. To go on: kubectl strategy resume playbook/%s -n %s", name, name, namespace))
	case p.seen.Incident.Spec.Suspend:
		p.out.Hold(strategyv1.ReasonIncidentSuspended, fmt.Sprintf(
			"the incident is suspended: it starts no Job and asks for no remedy. To go on: kubectl strategy resume incident/%s -n %s", p.seen.Incident.Name, namespace))
	default:
		p.out.Resume()
	}
}

// collect takes up what ended Jobs tell, of any stage: evidence is kept even when the procedure has moved on.
func (p *plan) collect() {
	if p.running() {
		p.out.Collect(checks.Collect(p.seen.Playbook.Spec.Checks, p.next.Checks, p.seen.Runs.Jobs, p.verdictVars))
	}
}

// acknowledged takes up the newest acknowledgement, whatever is wrong with the input.
func (p *plan) acknowledged() {
	if !p.started() {
		return
	}
	if newest := decide.First(decide.Newest(p.decisions(), strategyv1.DecisionAcknowledge)); newest != nil {
		if known := p.next.Acknowledgement; known == nil || known.Name != newest.Name {
			p.acknowledge(*newest)
		}
	}
	known := p.next.Acknowledgement
	if known == nil {
		return
	}
	until := known.UntilTime.UTC().Format(time.RFC3339)
	if p.someoneIsOnIt() {
		p.out.Set(strategyv1.ConditionAcknowledged, metav1.ConditionTrue, strategyv1.ReasonAcknowledged, fmt.Sprintf("%s is on it until %s", known.By, until))
		p.out.Wake(known.UntilTime.Time)
		return
	}
	p.out.Set(strategyv1.ConditionAcknowledged, metav1.ConditionFalse, strategyv1.ReasonAckEnded, fmt.Sprintf("%s was on it until %s", known.By, until))
}

func (p *plan) acknowledge(decided facts.Decided) {
	valid := decided.Valid
	if valid == 0 {
		valid = defaultValid
	}
	until := metav1.NewTime(decided.Time.Add(valid).UTC())
	p.next.Acknowledgement = &strategyv1.AcknowledgementStatus{Name: decided.Name, By: decided.By, Time: decided.Time, UntilTime: until}
	p.out.Note(strategyv1.EventAcknowledged, decide.Because("acknowledged until "+until.Format(time.RFC3339), decided), decided.By)
}

// someoneIsOnIt: somebody acknowledged it, so time alone calls nobody.
func (p *plan) someoneIsOnIt() bool {
	known := p.next.Acknowledgement
	return known != nil && p.now.Before(known.UntilTime.Time)
}

// defaultValid is how long an acknowledgement holds that does not say so.
const defaultValid = 600 * time.Second

// decidedByPeople: whoever may close an incident can at any time, even where its input is so wrong that it could never start.
func (p *plan) decidedByPeople() {
	if p.isClosed() || p.isDeleted() {
		return
	}
	for _, decided := range p.decisions() {
		switch {
		case decided.Verdict == strategyv1.DecisionResolve:
			p.closeBy(decided, strategyv1.ReasonResolved, strategyv1.EventClosed, decide.Because("closed", decided)+p.leftInEffect())
		case decided.Verdict == strategyv1.DecisionFalseAlarm && len(p.seen.Rollbacks) == 0:
			p.closeBy(decided, strategyv1.ReasonFalseAlarm, strategyv1.EventAcknowledged, decide.Because("false alarm", decided))
		default:
			continue
		}
		return
	}
}

// escalatedByPeople: somebody hands over to L2, whatever is wrong with the input.
func (p *plan) escalatedByPeople() {
	if !p.started() || p.out.Is(strategyv1.ConditionEscalated) {
		return
	}
	if decided := decide.First(decide.Oldest(p.decisions(), strategyv1.DecisionEscalate)); decided != nil {
		p.escalate(strategyv1.ReasonPersonDecided, decide.Because("escalated", *decided), decided.By)
	}
}

// closeBy closes an incident that may not have started. If anybody knows where its log is to be, the log tells.
func (p *plan) closeBy(decided facts.Decided, reason string, event strategyv1.Event, message string) {
	if p.next.Log == nil && p.seen.Log.Problem == nil {
		p.out.StartLog()
		p.reported()
	}
	p.close(decided.Time.Time, reason, event, message, decided.By)
}
