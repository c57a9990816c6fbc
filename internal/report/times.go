package report

import (
	"fmt"
	"time"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
)

// times: who was to answer until when, and where the time went, that of people and that of machines apart.
func (f *Folder) times() section {
	result := section{ID: "times", Title: "Times"}
	if deadlines := f.deadlines(); deadlines != nil {
		result.Blocks = append(result.Blocks, block{Table: deadlines})
	}
	stretches := f.stretches()
	if len(stretches) == 0 {
		return result
	}
	sums := map[string]time.Duration{}
	where := table{Caption: "Where the time went", Head: []string{"What", "From (UTC)", "To (UTC)", "Took", "Whose time"}}
	for _, one := range stretches {
		sums[one.whose] += one.to.Sub(one.from)
		where.Rows = append(where.Rows, texts(one.what, moment(one.from), moment(one.to), between(one.from, one.to), one.whose))
	}
	sum := fmt.Sprintf("Waiting for people to decide on changes: %s. Work of the operator and the cluster: %s.", span(sums[people]), span(sums[machines]))
	for _, one := range f.logs() {
		if !one.whole() {
			sum += " The times of " + one.Name + " are not among them: its log is not as it was written."
		}
	}
	result.Blocks = append(result.Blocks, block{Text: sum}, block{Table: where.most()})
	return result
}

func (f *Folder) deadlines() *table {
	deadlines := table{Caption: "Deadlines: a person answers them, the operator's own result stands beside", Head: []string{"Level", "Due (UTC)", "First answer", "By", "After", "Operator's result after", "Verdict"}}
	for _, one := range f.Snapshot.Incident.Status.Deadlines {
		row := texts(string(one.Level), moment(one.Time.Time), "nobody", one.AnsweredBy, "", "", "")
		if one.AnsweredTime != nil {
			row[2], row[4] = text(moment(one.AnsweredTime.Time)), text(between(f.detected(), one.AnsweredTime.Time))
		}
		if one.MachineTime != nil {
			row[5] = text(between(f.detected(), one.MachineTime.Time))
		}
		row[6] = f.verdictOn(one)
		deadlines.Rows = append(deadlines.Rows, row)
	}
	if len(deadlines.Rows) == 0 {
		return nil
	}
	return &deadlines
}

func (f *Folder) verdictOn(deadline strategyv1.Deadline) cell {
	closed := f.Snapshot.Incident.Status.ClosedTime
	switch {
	case deadline.BreachTime != nil && f.isDrill():
		return marked(careful, "late, in a drill")
	case deadline.BreachTime != nil:
		return marked(bad, "late: recorded "+moment(deadline.BreachTime.Time))
	case deadline.AnsweredTime != nil:
		return marked(good, "in time")
	case deadline.RelievedTime != nil:
		return marked(good, "handed over by a rule in time")
	case closed != nil && !closed.After(deadline.Time.Time):
		return marked(good, "closed before")
	}
	return text("not due")
}

// Whose time a stretch is.
const (
	people   = "people"
	machines = "machines"
	inForce  = "change in force"
	// reporting is that of whoever saw the fault, and told the operator of it.
	reporting = "reporting"
)

// stretch is a time between two things that were logged.
type stretch struct {
	what     string
	from, to time.Time
	whose    string
}

func (f *Folder) stretches() []stretch {
	var all []stretch
	add := func(what string, from, to time.Time, whose string) {
		if !from.IsZero() && !to.IsZero() && !to.Before(from) {
			all = append(all, stretch{what, from, to, whose})
		}
	}
	if f.incident.whole() {
		started := f.incident.first(strategyv1.EventIncident)
		if f.Closed {
			add("detected, until the incident began", f.detected(), started, reporting)
		}
		add("checks, until the operator had a cause or none", started, f.incident.first(strategyv1.EventDiagnosed), machines)
	}
	for _, one := range f.rollbacks {
		if !one.whole() {
			continue
		}
		steps := one.steps()
		add(one.Name+": planned, until somebody decided", steps.planned, steps.decided, people)
		add(one.Name+": approved, until it was proved to be in effect", steps.approved, steps.inEffect, machines)
		add(one.Name+": in effect, until it was to be undone", steps.inEffect, steps.undo, inForce)
		add(one.Name+": to be undone, until that was proved", steps.undo, steps.restored, machines)
	}
	return all
}

// steps of a rollback, as its log has them; what did not happen has no time.
type steps struct {
	planned, decided, approved, inEffect, undo, restored time.Time
}

func (l log) steps() steps {
	return steps{
		planned:  l.first(strategyv1.EventRollbackRequested),
		decided:  l.first(strategyv1.EventApproved, strategyv1.EventDenied, strategyv1.EventExpired),
		approved: l.first(strategyv1.EventApproved),
		inEffect: l.first(strategyv1.EventDisabled, strategyv1.EventConfigApplied),
		undo:     l.first(strategyv1.EventRestoreRequested),
		restored: l.first(strategyv1.EventRestored),
	}
}
