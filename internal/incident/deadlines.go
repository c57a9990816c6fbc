package incident

import (
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/conditions"
	"tradeops.dev/strategy-operator/internal/facts"
)

// deadline of a level; nil if it has none.
func (p *plan) deadline(level strategyv1.Level) *strategyv1.Deadline {
	for i := range p.next.Deadlines {
		if p.next.Deadlines[i].Level == level {
			return &p.next.Deadlines[i]
		}
	}
	return nil
}

// dueOf is when a level must have answered; zero if it has no deadline.
func (p *plan) dueOf(level strategyv1.Level) time.Time {
	if deadline := p.deadline(level); deadline != nil {
		return deadline.Time.Time
	}
	return time.Time{}
}

// answers: the decisions of people answer the deadline of the level that had the incident when they were made, whenever the operator
// sees them and whatever is wrong with the input. What checks and rules find answers nothing: a deadline is for people.
func (p *plan) answers() {
	if !p.started() {
		return
	}
	late := p.lateDeadlines()
	for _, decided := range p.decisions() {
		again := p.out.Answered(decided) && !late // what was honoured before they could be set counts for them
		if again && (decided.Time.After(p.now) || p.next.RoundTime != nil) {
			continue // by a clock that is ahead it would answer for each level that is called later, or for a later round
		}
		if p.answersNow(decided.Time, decided.By) {
			p.answered(p.levelAt(decided), decided.Time, decided.By)
		}
	}
	for _, rollback := range p.current() {
		if decided := rollback.Status.Decision; decided != nil && p.answersNow(decided.Time, decided.By) {
			p.answered(strategyv1.LevelL2, decided.Time, decided.By)
		}
	}
}

// answersNow: it is a person's, and made since the deadlines of this round count.
func (p *plan) answersNow(at metav1.Time, by string) bool {
	return p.seen.Machines.Person(by) && (p.next.RoundTime == nil || !at.Time.Before(p.next.RoundTime.Time))
}

// levelAt is who had the incident when a decision was made. Whoever escalates speaks for the level that has it until then.
func (p *plan) levelAt(decided facts.Decided) strategyv1.Level {
	called := conditions.Since(p.next.Conditions, strategyv1.ConditionEscalated)
	escalates := decided.Verdict == strategyv1.DecisionEscalate && !decided.Time.After(called)
	if escalates || called.IsZero() || decided.Time.Time.Before(called) {
		return strategyv1.LevelL1
	}
	return strategyv1.LevelL2
}

// answered records the first decision of a person for a level, at the decision's own time.
func (p *plan) answered(level strategyv1.Level, at metav1.Time, by string) {
	deadline := p.deadline(level)
	if deadline == nil || deadline.AnsweredTime != nil {
		return
	}
	deadline.AnsweredTime, deadline.AnsweredBy = new(metav1.NewTime(at.UTC().Truncate(time.Second))), by
}

// machineDone records when the operator had its own result for a level.
func (p *plan) machineDone(level strategyv1.Level) {
	if deadline := p.deadline(level); deadline != nil && deadline.MachineTime == nil {
		deadline.MachineTime = new(p.out.Stamp())
	}
}

// relieve: a rule took the incident from a level. In time, that level owes no answer any more.
func (p *plan) relieve(level strategyv1.Level) {
	if deadline := p.deadline(level); deadline != nil && deadline.RelievedTime == nil {
		deadline.RelievedTime = new(p.out.Stamp())
	}
}

// breaches records missed deadlines, and wakes for those that may be missed.
func (p *plan) breaches() {
	for _, deadline := range p.next.Deadlines {
		if deadline.AnsweredTime == nil && deadline.RelievedTime == nil && p.now.Before(deadline.Time.Time) {
			p.out.Wake(deadline.Time.Time)
		}
	}
	p.recordBreaches(p.now)
}

// recordBreaches records each deadline that passed by a time without an answer, or was answered late, once. Nothing takes one back.
func (p *plan) recordBreaches(by time.Time) {
	if p.isDrill() {
		return
	}
	var all, fresh []string
	for i := range p.next.Deadlines {
		deadline := &p.next.Deadlines[i]
		if deadline.BreachTime == nil && !late(*deadline, by) {
			continue
		}
		text := fmt.Sprintf("%s had to answer by %s", deadline.Level, deadline.Time.UTC().Format(time.RFC3339))
		if deadline.BreachTime == nil {
			deadline.BreachTime = new(p.out.Stamp())
			fresh = append(fresh, text)
		}
		all = append(all, text)
	}
	if len(fresh) == 0 {
		return
	}
	p.out.Note(strategyv1.EventSLABreached, strings.Join(all, "; "), "")
	p.out.Set(strategyv1.ConditionSLAMet, metav1.ConditionFalse, strategyv1.ReasonDeadlinePast, strings.Join(all, "; "))
	p.out.Tell(corev1.EventTypeWarning, strategyv1.ReasonDeadlinePast, strings.Join(fresh, "; "))
}

// late says whether a deadline was missed by a time.
func late(deadline strategyv1.Deadline, by time.Time) bool {
	switch {
	case deadline.AnsweredTime != nil && !deadline.AnsweredTime.After(deadline.Time.Time):
		return false
	case deadline.RelievedTime != nil && !deadline.RelievedTime.After(deadline.Time.Time):
		return false
	}
	return !by.Before(deadline.Time.Time)
}
