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
	for _, deadline := range p.status.Deadlines {
		if deadline.Level == level {
			return deadline.Time.Time
		}
	}
	return time.Time{}
}

// answered records the first time a level gave its answer.
func (p *plan) answered(level strategyv1.Level, at time.Time) {
	for i := range p.status.Deadlines {
		if p.status.Deadlines[i].Level == level && p.status.Deadlines[i].AnsweredTime == nil {
			p.status.Deadlines[i].AnsweredTime = new(metav1.NewTime(at.UTC().Truncate(time.Second)))
		}
	}
}

// breaches records missed deadlines, and wakes for those that may be missed.
func (p *plan) breaches() {
	for _, deadline := range p.status.Deadlines {
		if deadline.AnsweredTime == nil && p.Now.Before(deadline.Time.Time) {
			p.Wake(deadline.Time.Time)
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
	for i := range p.status.Deadlines {
		deadline := &p.status.Deadlines[i]
		if deadline.BreachTime == nil && !p.late(*deadline) {
			continue
		}
		text := fmt.Sprintf("%s had to answer by %s", deadline.Level, deadline.Time.UTC().Format(time.RFC3339))
		if deadline.BreachTime == nil {
			deadline.BreachTime = new(p.Stamp())
			fresh = append(fresh, text)
		}
		all = append(all, text)
	}
	if len(fresh) == 0 {
		return
	}
	p.Note(strategyv1.EventSLABreached, strings.Join(all, "; "), "")
	p.Set(strategyv1.ConditionSLAMet, metav1.ConditionFalse, strategyv1.ReasonDeadlinePast, strings.Join(all, "; "))
	p.Tell(corev1.EventTypeWarning, strategyv1.ReasonDeadlinePast, strings.Join(fresh, "; "))
}

func (p *plan) late(deadline strategyv1.Deadline) bool {
	if deadline.AnsweredTime == nil {
		return !p.Now.Before(deadline.Time.Time)
	}
	return deadline.AnsweredTime.After(deadline.Time.Time)
}
