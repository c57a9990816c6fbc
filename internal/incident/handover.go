package incident

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/conditions"
	"tradeops.dev/strategy-operator/internal/lifecycle"
)

// How long nobody may answer before that is told again: the time of L2, doubled each time.
const (
	defaultRespond    = 900 * time.Second
	longestUnanswered = 24 * time.Hour
)

// whose turn it is, as the rules have decided so far.
func (p *plan) whose() lifecycle.Turn {
	if p.turn != nil && !p.isClosed() {
		return *p.turn
	}
	return lifecycle.IncidentTurn(p.next)
}

// asks remembers since when people have been asked for something, and what they are asked now.
func (p *plan) asks() {
	who := p.whose().Who
	if who == strategyv1.WhoMachine || who == strategyv1.WhoNobody {
		p.next.WaitingSince, p.next.Question = nil, nil
		return
	}
	if p.next.WaitingSince == nil {
		p.next.WaitingSince = new(p.out.Stamp())
	}
	if digest := p.question(who); p.next.Question == nil || p.next.Question.Digest != digest {
		p.next.Question = &strategyv1.QuestionStatus{Digest: digest, Time: p.out.Stamp()}
	}
}

// numbers in a message are measured anew all the time.
var numbers = regexp.MustCompile(`-?[0-9][0-9.]*`)

// question tells what is asked now from what was. An approver is asked about a plan, whatever else the message says; another plan is
// another question. Other numbers are none: people would be told of each sample of a signal.
func (p *plan) question(who strategyv1.Who) string {
	text := string(who) + numbers.ReplaceAllString(p.out.Message(strategyv1.ConditionReady), "#")
	if who == strategyv1.WhoApprover && len(p.current()) > 0 {
		text = string(who) + string(p.currentRollback().UID)
		if planned := p.currentRollback().Status.Plan; planned != nil {
			text += fmt.Sprint(planned.Revision)
		}
	}
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:8])
}

// handOver calls the next level when the one that has the incident does not answer. While somebody is on it, time calls nobody.
func (p *plan) handOver() {
	if p.someoneIsOnIt() {
		return
	}
	for p.handedOver() { // after an outage several levels may be due
	}
	p.unanswered()
}

// handedOver calls the level after the one that has the incident, if it is time.
func (p *plan) handedOver() bool {
	level := lifecycle.Level(p.next)
	due, why := p.patience(level)
	reason := strategyv1.ReasonDeadlinePast
	if sooner, unheard := p.unheard(level); !sooner.IsZero() && (due.IsZero() || sooner.Before(due)) {
		due, why, reason = sooner, unheard, strategyv1.ReasonNobodyReached
	}
	switch {
	case due.IsZero():
		return false
	case p.now.Before(due):
		p.out.Wake(due)
		return false
	}
	if reason == strategyv1.ReasonNobodyReached {
		p.out.Tell(corev1.EventTypeWarning, reason, why)
	}
	if level == strategyv1.LevelL1 {
		p.escalate(reason, why, "")
	} else {
		p.callTheLead(reason, why, "")
	}
	p.out.Wake(p.now) // what the next level does starts in the next pass
	return true
}

// patience is until when a level has the incident before the next one is called, and why it is then; zero = for good.
func (p *plan) patience(level strategyv1.Level) (due time.Time, why string) {
	switch level {
	case strategyv1.LevelL1: // answered or not: it is to be closed by then
		due = p.dueOf(level) // fixed at the start: the playbook may not be readable now
		return due, fmt.Sprintf("not closed within L1's %d s", int(due.Sub(p.began()).Seconds()))
	case strategyv1.LevelL2:
		return p.patienceOfL2()
	}
	return time.Time{}, ""
}

func (p *plan) patienceOfL2() (due time.Time, why string) {
	sooner := func(at time.Time, reason string) {
		if !at.IsZero() && (due.IsZero() || at.Before(due)) {
			due, why = at, reason
		}
	}
	if deadline := p.deadline(strategyv1.LevelL2); deadline != nil && deadline.AnsweredTime == nil {
		sooner(deadline.Time.Time, "nobody answered for L2 by "+deadline.Time.UTC().Format(time.RFC3339))
	}
	if expired := p.approvalExpired(); expired.After(p.lastDecision()) {
		sooner(expired, "nobody approved or denied its rollback in time")
	}
	if p.next.WaitingSince != nil {
		since := latest(p.next.WaitingSince.Time, p.lastDecision(), timeOf(p.next.RoundTime), conditions.Since(p.next.Conditions, strategyv1.ConditionEscalated))
		sooner(since.Add(p.respond()), fmt.Sprintf("nobody answered since %s what is asked", since.UTC().Format(time.RFC3339)))
	}
	return due, why
}

// unanswered: every level was called, and nobody answers. That is told again and again, but less and less often.
func (p *plan) unanswered() {
	if lifecycle.Level(p.next) != strategyv1.LevelLead {
		return
	}
	deadline := p.deadline(strategyv1.LevelL2)
	if p.next.WaitingSince == nil && (deadline == nil || deadline.AnsweredTime != nil) {
		return // nothing is asked, and somebody is there
	}
	since := latest(timeOf(p.next.WaitingSince), p.lastDecision(), timeOf(p.next.RoundTime), conditions.Since(p.next.Conditions, strategyv1.ConditionLeadCalled))
	due, times := since.Add(p.respond()), int32(0)
	if told := p.next.Unanswered; told != nil && told.LastTime.After(since) {
		times = told.Times
		due = told.LastTime.Add(min(p.respond()<<min(times, 20), longestUnanswered))
	}
	if p.now.Before(due) {
		p.out.Wake(due)
		return
	}
	message := fmt.Sprintf("every level was called, and nobody has answered since %s. To say that you are on it: %s",
		since.UTC().Format(time.RFC3339), commandTo(p.seen.Incident, "acknowledge"))
	p.next.Unanswered = &strategyv1.UnansweredStatus{Times: times + 1, LastTime: p.out.Stamp()}
	p.out.Note(strategyv1.EventUnanswered, message, "")
	p.out.Tell(corev1.EventTypeWarning, strategyv1.ReasonUnanswered, message)
	p.notify(strategyv1.NotifyLevelCalled, strategyv1.LevelLead, message, "unanswered", p.now.UTC().Format(time.RFC3339))
	p.out.Wake(p.now.Add(min(p.respond()<<min(times+1, 20), longestUnanswered)))
}

// respond is how long L2 has for an answer.
func (p *plan) respond() time.Duration {
	if seconds := p.seen.Playbook.Spec.Diagnosis.RespondWithinSeconds; seconds > 0 {
		return time.Duration(seconds) * time.Second
	}
	return defaultRespond // the playbook cannot be read now
}

// lastDecision is when a person last decided anything about the incident or its rollbacks, or an acknowledgement ended; zero = never.
func (p *plan) lastDecision() (last time.Time) {
	seen := func(by string, at time.Time) {
		if p.seen.Machines.Person(by) && !at.After(p.now) { // by a clock that is ahead it would keep everybody from being called
			last = latest(last, at)
		}
	}
	for _, decided := range p.decisions() {
		seen(decided.By, decided.Time.Time)
	}
	for _, rollback := range p.current() {
		if decided := rollback.Status.Decision; decided != nil {
			seen(decided.By, decided.Time.Time)
		}
	}
	if known := p.next.Acknowledgement; known != nil && !p.now.Before(known.UntilTime.Time) {
		last = latest(last, known.UntilTime.Time)
	}
	return last
}

// approvalExpired is when the time to approve a rollback of the incident last ran out; zero = never.
func (p *plan) approvalExpired() (at time.Time) {
	for _, rollback := range p.current() {
		if lifecycle.EndedAs(rollback.Status, strategyv1.EndApprovalExpired) {
			at = latest(at, rollback.Status.End.Time.Time)
		}
	}
	return at
}

// callTheLead: the lead works with L2, which is called too if it was not.
func (p *plan) callTheLead(reason, message, by string) {
	if !p.out.Is(strategyv1.ConditionEscalated) {
		p.escalate(reason, "with the technical lead, "+message, "")
		p.out.Wake(p.now)
	}
	p.out.Set(strategyv1.ConditionLeadCalled, metav1.ConditionTrue, reason, message)
	p.out.Note(strategyv1.EventEscalated, "L2 to TechLead: "+message+p.call(strategyv1.LevelLead), by)
	p.out.Tell(corev1.EventTypeWarning, strategyv1.ConditionLeadCalled, message)
	p.notify(strategyv1.NotifyLevelCalled, strategyv1.LevelLead, message)
}

func latest(times ...time.Time) (last time.Time) {
	for _, at := range times {
		if at.After(last) {
			last = at
		}
	}
	return last
}
