package incident

import (
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
)

// deadline of a level; zero if it has none.
func (p *plan) deadline(level strategyv1.Level) time.Time {
	for _, deadline := range p.next.Deadlines {
		if deadline.Level == level {
			return deadline.Time.Time
		}
	}
	return time.Time{}
}

// answered records the first time a level gave its answer.
func (p *plan) answered(level strategyv1.Level, at time.Time) {
	for i := range p.next.Deadlines {
		if p.next.Deadlines[i].Level == level && p.next.Deadlines[i].AnsweredTime == nil {
			p.next.Deadlines[i].AnsweredTime = new(metav1.NewTime(at.UTC().Truncate(time.Second)))
		}
	}
}

// breaches records missed deadlines, and wakes for those that may be missed.
func (p *plan) breaches() {
	for _, deadline := range p.next.Deadlines {
		if deadline.AnsweredTime == nil && p.now.Before(deadline.Time.Time) {
			p.out.Wake(deadline.Time.Time)
		}
	}
	p.recordBreaches()
}

// recordBreaches records each deadline that passed without an answer, or was answered late, once. Nothing takes one back.
func (p *plan) recordBreaches() {
	if p.isDrill() {
		return
	}
	var all, fresh []string
	for i := range p.next.Deadlines {
		deadline := &p.next.Deadlines[i]
		if deadline.BreachTime == nil && !p.late(*deadline) {
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

func (p *plan) late(deadline strategyv1.Deadline) bool {
	if deadline.AnsweredTime == nil {
		return !p.now.Before(deadline.Time.Time)
	}
	return deadline.AnsweredTime.After(deadline.Time.Time)
}

// handOver gives to L2 what is still with L1 when its time is up, answered or not, unless somebody acknowledged it.
func (p *plan) handOver() {
	if p.out.Is(strategyv1.ConditionEscalated) || p.someoneIsOnIt() {
		return
	}
	due := p.deadline(strategyv1.LevelL1) // fixed at the start: the playbook may not be readable now
	if p.now.Before(due) {
		p.out.Wake(due)
		return
	}
	p.escalate(strategyv1.ReasonDeadlinePast, fmt.Sprintf("not closed within L1's %d s", int(due.Sub(p.detected()).Seconds())), "")
	p.out.Wake(p.now) // L2's checks start in the next pass
}
