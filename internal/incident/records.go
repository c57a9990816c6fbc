package incident

import (
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/checks"
	"tradeops.dev/strategy-operator/internal/conditions"
	"tradeops.dev/strategy-operator/internal/decide"
	"tradeops.dev/strategy-operator/internal/facts"
	"tradeops.dev/strategy-operator/internal/lifecycle"
)

// start freezes the playbook and fixes the deadlines, once. What else is wrong with the input keeps no clock from running, and nobody from
// being called: a typing error in a schedule, or a bucket that is away, does not make a fault smaller.
func (p *plan) start() {
	if p.next.PlaybookRevision != "" || p.isClosed() || p.isDeleted() || p.noPlaybook() != nil {
		return
	}
	p.next.PlaybookRevision = p.seen.Playbook.Revision
	if p.seen.Playbook.AwaitsReview {
		p.next.Review = strategyv1.ReviewAwaited
	}
	p.next.Dashboards = p.seen.Playbook.Spec.Dashboards
	p.next.Severity = p.seen.Incident.Spec.Severity
	p.setDeadlines()
	if p.next.Log == nil { // one that was closed before it could start, and reopened, has it
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
		p.notify(strategyv1.NotifyLevelCalled, strategyv1.LevelL1, p.report())
	}
}

// beginLog begins the log as soon as it can be read: an incident that starts while it cannot has its clocks, and calls people, and does nothing
// else. What was noted until then is logged then.
func (p *plan) beginLog() {
	if p.started() && p.next.Log == nil && p.seen.Log.Problem == nil {
		p.out.StartLog()
	}
}

// reported is the first entry of the log.
func (p *plan) reported() {
	p.out.Note(strategyv1.EventIncident, p.report()+p.aheadOfTime(), p.seen.Incident.Spec.RequestedBy)
}

// report is what was reported, and by whom.
func (p *plan) report() string {
	spec := p.seen.Incident.Spec
	kind := "incident"
	if p.isDrill() {
		kind = "drill"
	}
	return fmt.Sprintf("%s %s, severity %s%s, reported by %s: %s",
		spec.Type, kind, spec.Severity, about(spec), orElse(spec.RequestedBy, "unknown"), orElse(spec.Summary, "no summary"))
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

// holdBack: an incident on hold, or one of a playbook on hold, starts nothing new. People come before what a file says: whose hold it is must be
// seen.
func (p *plan) holdBack() {
	if !p.running() {
		return
	}
	p.heldByPeople()
	name, namespace := p.seen.Incident.Name, p.seen.Incident.Namespace
	means := ": no Job is started and no remedy asked for; the strategies go on trading as they are. "
	switch hold := p.seen.Playbook.Hold; {
	case hold != nil:
		p.out.Hold(*hold, hold.Message+means+hold.Ends)
	case p.next.Hold != nil:
		p.out.StayHeld(strategyv1.ReasonIncidentHeld, "the incident is on hold"+decide.HeldBy(*p.next.Hold)+means+
			fmt.Sprintf("To go on: kubectl strategy release incident/%s -n %s", name, namespace))
	case p.seen.Incident.Spec.Suspend:
		p.out.Hold(facts.Hold{Reason: strategyv1.ReasonIncidentSuspended}, "the incident is on hold by spec.suspend"+means+
			"To go on, set it to false where the incident comes from")
	default:
		p.out.Resume()
	}
}

// onHold: somebody holds this incident itself, so no rule closes it.
func (p *plan) onHold() bool { return p.next.Hold != nil || p.seen.Incident.Spec.Suspend }

// heldByPeople takes up holds, and releases that are known to be by whom they say.
func (p *plan) heldByPeople() {
	for _, decided := range p.out.Unanswered() {
		switch decided.Verdict {
		case strategyv1.DecisionHold:
			p.next.Hold = decide.Hold(decided)
			message := decide.Because("put on hold", decided)
			p.out.Note(strategyv1.EventOnHold, message, decided.By)
			p.out.Tell(corev1.EventTypeWarning, strategyv1.ConditionOnHold, message)
			p.out.Honour(decided)
		case strategyv1.DecisionRelease:
			p.released(decided)
		}
	}
}

func (p *plan) released(decided facts.Decided) {
	switch {
	case p.next.Hold == nil:
		p.out.Refuse(decided, decide.NotHeld("incident", p.seen.Playbook.Hold, p.seen.Incident.Spec.Suspend))
	case decided.Time.Before(&p.next.Hold.Time):
		p.out.Refuse(decided, decide.HeldSince(*p.next.Hold))
	case p.vouchedFor(decided, "release again"):
		p.next.Hold = nil
		message := decide.Because("released", decided)
		p.out.Note(strategyv1.EventReleased, message, decided.By)
		p.out.Set(strategyv1.ConditionOnHold, metav1.ConditionFalse, strategyv1.ReasonReleased, message)
		p.out.Honour(decided)
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
	for _, decided := range p.pending() {
		if decided.Verdict == strategyv1.DecisionAcknowledge {
			p.acknowledge(decided)
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
	until := metav1.NewTime(earliest(decided.Time.Time, p.out.Stamp().Time).Add(valid).UTC())
	p.next.Acknowledgement = &strategyv1.AcknowledgementStatus{Name: decided.Name, By: decided.By, Time: decided.Time, UntilTime: until}
	p.out.Note(strategyv1.EventAcknowledged, decide.Because("acknowledged until "+until.Format(time.RFC3339), decided), decided.By)
	p.out.Honour(decided)
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
	for _, decided := range p.pending() {
		closes := decided.Verdict == strategyv1.DecisionResolve || decided.Verdict == strategyv1.DecisionFalseAlarm && len(p.seen.Rollbacks) == 0
		switch {
		case closes && p.seen.NotServed == nil && !p.vouchedFor(decided, "close it again"): // whoever closes ends that anybody looks; where nobody does, nobody can be asked
			continue
		case decided.Verdict == strategyv1.DecisionResolve:
			p.closeBy(decided, strategyv1.ReasonResolved, strategyv1.EventClosed, decide.Because("closed", decided)+p.leftInEffect())
		case decided.Verdict == strategyv1.DecisionFalseAlarm && len(p.seen.Rollbacks) == 0:
			p.closeBy(decided, strategyv1.ReasonFalseAlarm, strategyv1.EventAcknowledged, decide.Because("false alarm", decided)+p.leftInEffect())
		default:
			continue
		}
		return
	}
}

// escalatedByPeople: somebody calls the next level, whatever is wrong with the input. Two who call it at once do not call the one above it.
func (p *plan) escalatedByPeople() {
	if !p.started() {
		return
	}
	for decided := range decide.Oldest(p.pending(), strategyv1.DecisionEscalate) {
		message := decide.Because("escalated", decided)
		switch {
		case !p.out.Is(strategyv1.ConditionEscalated):
			p.escalate(strategyv1.ReasonPersonDecided, message, decided.By)
		case p.notEscalated(decided) == "":
			p.callTheLead(strategyv1.ReasonPersonDecided, message, decided.By)
		default:
			continue
		}
		p.out.Honour(decided)
	}
}

// notEscalated says why an Escalate decision about an incident that L2 has does not call the lead; empty: it does.
func (p *plan) notEscalated(decided facts.Decided) string {
	if p.out.Is(strategyv1.ConditionLeadCalled) {
		return "nobody is above the technical lead, who was called already: " + p.out.Message(strategyv1.ConditionLeadCalled)
	}
	if !decided.Time.After(conditions.Since(p.next.Conditions, strategyv1.ConditionEscalated)) {
		return "it was made before L2 was called: " + p.out.Message(strategyv1.ConditionEscalated) + ". To call the technical lead, escalate again"
	}
	return ""
}

// closeBy closes an incident that may not have started. If anybody knows where its log is to be, the log tells.
func (p *plan) closeBy(decided facts.Decided, reason string, event strategyv1.Event, message string) {
	if p.next.Log == nil && p.seen.Log.Problem == nil {
		p.out.StartLog()
		p.reported()
	}
	p.close(decided.Time.Time, reason, event, message, decided.By)
	p.out.Honour(decided)
}

// answerRest says of the decisions that no rule took up why they never will be; the others wait for their moment.
func (p *plan) answerRest() {
	for _, decided := range p.out.Unanswered() {
		if why := p.tooLate(decided); why != "" {
			p.out.Refuse(decided, why)
		}
	}
}

// tooLate says why a decision cannot count any more; empty: it may.
func (p *plan) tooLate(decided facts.Decided) string {
	switch {
	case p.isDeleted():
		return "the incident is being deleted"
	case p.next.Reopened != nil && !decided.Time.After(p.next.Reopened.Time.Time):
		return "the incident was reopened after that"
	case decided.Verdict == strategyv1.DecisionReopen:
		return p.notReopened(decided)
	case p.isClosed():
		return fmt.Sprintf("the incident was closed at %s: %s", p.next.ClosedTime.UTC().Format(time.RFC3339), p.out.Message(strategyv1.ConditionReady))
	case decided.Verdict == strategyv1.DecisionEscalate && p.out.Is(strategyv1.ConditionEscalated):
		return p.notEscalated(decided)
	case decided.Verdict == strategyv1.DecisionFalseAlarm && len(p.seen.Rollbacks) > 0:
		return fmt.Sprintf("there is rollback %s; restore or deny it, then resolve the incident", p.seen.Rollbacks[0].Name)
	}
	return ""
}
