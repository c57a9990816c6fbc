package show

import (
	"fmt"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/lifecycle"
)

// Task is something that waits for somebody.
type Task struct {
	Kind      string         `json:"kind"`
	Namespace string         `json:"namespace"`
	Name      string         `json:"name"`
	Who       strategyv1.Who `json:"who"`
	// Mine is whether it is known that whoever looks is one of those it waits for.
	Mine    bool         `json:"mine"`
	Since   *metav1.Time `json:"since,omitempty"`
	Due     *metav1.Time `json:"due,omitempty"`
	What    string       `json:"what"`
	Command string       `json:"command"`
	// Asker asked for the change, so that somebody else has to agree to it.
	Asker string `json:"asker,omitempty"`
	// Playbook is whose people it waits for, where it waits for a level.
	Playbook string `json:"playbook,omitempty"`
	// Right is the verb that is needed on the object, where it waits for an approver.
	Right string `json:"right,omitempty"`
}

// Desk is all that an inbox is made of.
type Desk struct {
	Incidents []strategyv1.StrategyIncident
	Rollbacks []strategyv1.StrategyRollback
	Playbooks []strategyv1.StrategyPlaybook
}

// Tasks are what is open, and whom it waits for: people before the operator, what ends first before the rest.
func (d Desk) Tasks() (tasks []Task) {
	decided := map[string]bool{} // incidents whose rollback says what is to be decided
	for i := range d.Rollbacks {
		rollback := &d.Rollbacks[i]
		if lifecycle.Ended(rollback.Status) {
			continue
		}
		of := d.incidentOf(rollback)
		waits := rollback.Status.WaitsFor
		if of != "" && waits != strategyv1.WhoApprover {
			continue // the incident says it
		}
		if waits == strategyv1.WhoApprover {
			decided[rollback.Namespace+"/"+rollback.Spec.IncidentName] = true
		}
		tasks = append(tasks, rollbackTask(rollback, of))
	}
	for i := range d.Incidents {
		incident := &d.Incidents[i]
		if !lifecycle.Open(incident) || incident.Status.WaitsFor == strategyv1.WhoApprover && decided[incident.Namespace+"/"+incident.Name] {
			continue
		}
		tasks = append(tasks, incidentTask(incident))
	}
	for i := range d.Playbooks {
		book := &d.Playbooks[i]
		if reviewed := find(book.Status.Conditions, strategyv1.ConditionReviewed); reviewed.Status == metav1.ConditionFalse && reviewed.Reason == strategyv1.ReasonAwaitingReview {
			tasks = append(tasks, Task{
				Kind: strategyv1.KindPlaybook, Namespace: book.Namespace, Name: book.Name, Who: strategyv1.WhoApprover, Since: &reviewed.LastTransitionTime,
				What: "approve a changed playbook", Command: command("review", book.ObjectMeta), Right: "approve",
			})
		}
	}
	return tasks
}

// incidentOf is the open incident of a rollback, in words; empty without one.
func (d Desk) incidentOf(rollback *strategyv1.StrategyRollback) string {
	for i := range d.Incidents {
		incident := &d.Incidents[i]
		if incident.Namespace == rollback.Namespace && incident.Name == rollback.Spec.IncidentName && lifecycle.Open(incident) {
			return fmt.Sprintf(" (%s %s %s)", or(incident.Name), or(string(incident.Spec.Type)), lifecycle.Severity(incident))
		}
	}
	return ""
}

func command(verb string, meta metav1.ObjectMeta) string {
	return fmt.Sprintf("kubectl strategy %s %s -n %s", verb, meta.Name, meta.Namespace)
}

func rollbackTask(rollback *strategyv1.StrategyRollback, of string) Task {
	status := rollback.Status
	verb, what := "status", ""
	switch lifecycle.RollbackPhase(status) {
	case strategyv1.RollbackAwaitingApproval:
		verb = "approve"
	case strategyv1.RollbackWaiting:
		if status.WaitsFor == strategyv1.WhoApprover {
			verb, what = "override", "the guard holds back: "
		}
	case strategyv1.RollbackInForce:
		verb, what = "restore", "in force, restore it when the fault is gone: "
		if status.WaitsFor == strategyv1.WhoApprover {
			verb, what = "status", "in force, its time box is over, renew or restore it: "
		}
	}
	if lifecycle.GateFailed(status) {
		verb, what = "restore", "the gate of the restore failed: "
	}
	if verb == "approve" {
		what = "approve: "
	}
	right := verb
	if verb == "status" { // to renew, which needs the same
		right = "approve"
	}
	return Task{
		Kind: strategyv1.KindRollback, Namespace: rollback.Namespace, Name: rollback.Name, Who: turnOf(status.WaitsFor), Since: since(status.Conditions),
		Due: status.DueTime, What: drilled(rollback.Spec.Mode == strategyv1.ModeDrill) + what + Change(rollback.Spec.Actions) + of, Command: command(verb, rollback.ObjectMeta), Asker: rollback.Spec.RequestedBy, Right: right, Playbook: rollback.Spec.PlaybookName,
	}
}

func incidentTask(incident *strategyv1.StrategyIncident) Task {
	status := incident.Status
	target := sentence(" ", or(string(incident.Spec.Type)), string(lifecycle.Severity(incident)), Line(incident.Spec.Schedule), Line(incident.Spec.Strategy))
	task := Task{
		Kind: strategyv1.KindIncident, Namespace: incident.Namespace, Name: incident.Name, Who: turnOf(status.WaitsFor), Since: status.WaitingSince, Due: status.DueTime,
		What: drilled(incident.Spec.Mode == strategyv1.IncidentDrill) + summary(status.Conditions) + " (" + target + ")", Command: command("status", incident.ObjectMeta), Playbook: incident.Spec.PlaybookName,
	}
	if task.Since == nil {
		task.Since = since(status.Conditions)
	}
	if task.Who != strategyv1.WhoMachine {
		return task
	}
	for _, deadline := range status.Deadlines { // the operator works, and a level is asked to say that somebody looks
		if deadline.Level == status.Level && deadline.AnsweredTime == nil && deadline.RelievedTime == nil {
			task.Who, task.Due, task.Command = lifecycle.Caller(status.Level), &deadline.Time, command("acknowledge", incident.ObjectMeta)
			task.What = "say that you are on it: " + task.What
		}
	}
	return task
}

// turnOf is whose turn it is; before the operator has looked, it is the operator's.
func turnOf(who strategyv1.Who) strategyv1.Who {
	if who == "" {
		return strategyv1.WhoMachine
	}
	return who
}

func since(list []metav1.Condition) *metav1.Time {
	if ready := find(list, strategyv1.ConditionReady); ready.Type != "" {
		return &ready.LastTransitionTime
	}
	return nil
}

func drilled(is bool) string {
	if is {
		return "DRILL: "
	}
	return ""
}

// Sort puts what waits for whoever looks first, then what waits for other people, then what the operator does; of each, what ends first.
func Sort(tasks []Task) {
	rank := func(t Task) int {
		switch {
		case t.Mine:
			return 0
		case t.Who == strategyv1.WhoMachine || t.Who == strategyv1.WhoNobody:
			return 2
		}
		return 1
	}
	slices.SortStableFunc(tasks, func(a, b Task) int {
		if by := rank(a) - rank(b); by != 0 {
			return by
		}
		switch {
		case a.Due == nil && b.Due == nil:
			return strings.Compare(a.Namespace+"/"+a.Name, b.Namespace+"/"+b.Name)
		case a.Due == nil:
			return 1
		case b.Due == nil:
			return -1
		}
		return a.Due.Compare(b.Due.Time)
	})
}

// Inbox is the tasks, sorted, with what stands around them: who is on call, and what is on hold.
func Inbox(d Desk, tasks []Task, where, who string, now time.Time, options Options) string {
	if options.Width <= 0 {
		options.Width = DefaultWidth
	}
	w := &writer{Options: options}
	w.plain(bold, sentence(" · ", or(where), fmt.Sprintf("%d open", len(tasks)), Line(who), now.Format("15:04 MST")))
	for _, task := range tasks {
		w.task(task, now)
	}
	if len(tasks) == 0 {
		w.plain(none, "nothing is open")
	}
	for i := range d.Playbooks {
		book := &d.Playbooks[i]
		if hold := find(book.Status.Conditions, strategyv1.ConditionOnHold); hold.Status == metav1.ConditionTrue {
			w.plain(yellow, fmt.Sprintf("ON HOLD, and the strategies trade on: playbook %s: %s", or(book.Name), Line(hold.Message)))
		}
		if text := OnCall(book, now); text != "" {
			w.plain(none, "on call for "+or(book.Name)+": "+text)
		}
	}
	return w.text()
}

// plain is a wrapped line that belongs to no tree.
func (w *writer) plain(c colour, text string) {
	for _, line := range wrap(text, w.Width) {
		w.line("", w.paint(c, line))
	}
}

// columns of a task.
const (
	dueColumn = 13
	whoColumn = 13
)

func (w *writer) task(task Task, now time.Time) {
	who := string(task.Who)
	if task.Mine {
		who = "YOU, " + who
	}
	due := orElse(Due(task.Due, now), "-")
	shade := none
	if strings.HasPrefix(due, "overdue") {
		shade = red
	}
	head := w.paint(shade, pad(due, dueColumn)) + " " + pad(Line(who), whoColumn) + " "
	indent := strings.Repeat(" ", dueColumn+whoColumn+2)
	if w.Width < 2*len(indent)+minText { // narrow: a line of its own for when and who
		w.line("", strings.TrimRight(head, " "))
		head, indent = "  ", "  "
	}
	text := Line(task.What)
	if task.Since != nil {
		text += ", for " + span(now.Sub(task.Since.Time))
	}
	for _, line := range wrap(text, w.Width-len(indent)) {
		w.line("", head+line)
		head = indent
	}
	for _, line := range wrap(Line(task.Command), w.Width-len(indent)-2) {
		w.line("", indent+"  "+w.paint(cyan, line))
	}
}

// Due is how long there is still, or since when there is not.
func Due(due *metav1.Time, now time.Time) string {
	if due == nil {
		return ""
	}
	if left := due.Sub(now); left > 0 {
		return span(left) + " left"
	}
	return "overdue " + span(now.Sub(due.Time))
}

// Turn is whose turn it is, in words.
func Turn(who strategyv1.Who) string {
	switch who {
	case strategyv1.WhoApprover:
		return "somebody who may approve"
	case strategyv1.WhoMachine:
		return "the operator"
	case strategyv1.WhoNobody, "":
		return ""
	}
	return or(string(who))
}

// OnCall is who is on call now, by level.
func OnCall(book *strategyv1.StrategyPlaybook, now time.Time) string {
	var parts []string
	for _, shift := range book.Status.OnCall {
		text := or(string(shift.Level)) + " " + sentence(" ", orElse(Line(shift.Name), "NOBODY"), Line(shift.Contact))
		if shift.UntilTime != nil {
			text += " until " + clock(shift.UntilTime.Time, now)
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, " · ")
}
