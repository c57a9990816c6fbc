package show

import (
	"fmt"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/lifecycle"
)

// Subject is what is shown: an incident with its rollbacks, or one rollback alone.
type Subject struct {
	Incident  *strategyv1.StrategyIncident // nil for a rollback alone
	Rollbacks []strategyv1.StrategyRollback
}

// Over says whether nothing more will happen by itself, or by a person's decision about it.
func (s Subject) Over() bool {
	if s.Incident != nil {
		return lifecycle.Closed(s.Incident.Status)
	}
	for i := range s.Rollbacks {
		if !lifecycle.Ended(s.Rollbacks[i].Status) {
			return false
		}
	}
	return true
}

// Tree is the subject as a tree, as it is now.
func Tree(s Subject, now time.Time, options Options) string {
	if options.Width <= 0 {
		options.Width = DefaultWidth
	}
	w := &writer{Options: options}
	if s.Incident != nil {
		w.incident(s.Incident, s.Rollbacks, now)
		return w.text()
	}
	for i := range s.Rollbacks {
		object := &s.Rollbacks[i]
		nodes := append(options.rollbackNodes(object, now), nextNode(object.Status.Conditions))
		w.tree(title(strategyv1.KindRollback, object.ObjectMeta), summary(object.Status.Conditions), nodes)
	}
	return w.text()
}

func title(kind string, meta metav1.ObjectMeta) string {
	return fmt.Sprintf("%s %s/%s", kind, or(meta.Namespace), or(meta.Name))
}

// summary is the one word that `kubectl get` shows, too.
func summary(conditions []metav1.Condition) string {
	return orElse(Line(find(conditions, strategyv1.ConditionReady).Reason), "New")
}

func (w *writer) incident(incident *strategyv1.StrategyIncident, rollbacks []strategyv1.StrategyRollback, now time.Time) {
	status := incident.Status
	nodes := []node{w.reported(incident, now), levelNode(incident, now)}
	nodes = append(nodes, w.conditionNodes(status.Conditions, strategyv1.ConditionOnHold, strategyv1.ConditionTriaged, strategyv1.ConditionAcknowledged,
		strategyv1.ConditionEscalated, strategyv1.ConditionLeadCalled, strategyv1.ConditionDiagnosed, strategyv1.ConditionContained,
		strategyv1.ConditionQuiet, strategyv1.ConditionResolved, strategyv1.ConditionSLAMet, strategyv1.ConditionSignalsKnown, strategyv1.ConditionNotified)...)
	nodes = append(nodes, w.toldNode(status.Notifications, now)...)
	nodes = append(nodes, w.signalNodes(status.Signals, now)...)
	nodes = append(nodes, w.dashboardNodes(status.Dashboards)...)
	nodes = append(nodes, w.checkNodes(status.Checks)...)
	nodes = append(nodes, w.causeNode(status.Cause)...)
	nodes = append(nodes, alertsNode(status, now)...)
	nodes = append(nodes, w.proposalNode(status, now)...)
	nodes = append(nodes, othersNode(status, now)...)
	for i := range rollbacks {
		change := node{
			mark: heading, label: strategyv1.KindRollback + " " + or(rollbacks[i].Name), text: summary(rollbacks[i].Status.Conditions),
			children: w.rollbackNodes(&rollbacks[i], now),
		}
		if !repeats(status.Conditions, rollbacks[i].Status.Conditions) {
			change.add(nextNode(rollbacks[i].Status.Conditions))
		}
		nodes = append(nodes, change)
	}
	nodes = append(nodes, gone(status.Rollbacks, rollbacks)...)
	nodes = append(nodes, w.timelineNode(status.Timeline, now)...)
	nodes = append(nodes, logNode(status.Log)...)
	w.tree(title(strategyv1.KindIncident, incident.ObjectMeta), summary(status.Conditions), append(nodes, nextNode(status.Conditions)))
}

// repeats says whether the incident's next step tells the rollback's.
func repeats(incident, rollback []metav1.Condition) bool {
	message := find(rollback, strategyv1.ConditionReady).Message
	return message != "" && strings.Contains(find(incident, strategyv1.ConditionReady).Message, message)
}

func (w *writer) reported(incident *strategyv1.StrategyIncident, now time.Time) node {
	spec := incident.Spec
	text := sentence(", ", or(string(spec.Type)), labelled("severity", severityOf(incident)), labelled("schedule", spec.Schedule),
		labelled("strategy", spec.Strategy), "playbook "+or(spec.PlaybookName), "reported by "+orElse(Line(spec.RequestedBy), "unknown"))
	if at := lifecycle.Detected(incident); !at.IsZero() {
		text += ", detected " + moment(at, now)
	}
	kind := "incident"
	if spec.Mode == strategyv1.IncidentDrill {
		kind = "DRILL"
	}
	result := node{mark: heading, label: kind, text: text}
	if spec.Summary != "" {
		result.add(node{text: "“" + w.message(spec.Summary) + "”"})
	}
	return result
}

// severityOf an incident: the one that counts, and what was reported where that is less.
func severityOf(incident *strategyv1.StrategyIncident) string {
	counts, reported := lifecycle.Severity(incident), incident.Spec.Severity
	if counts == reported {
		return string(counts)
	}
	return fmt.Sprintf("%s (reported as %s)", counts, reported)
}

func levelNode(incident *strategyv1.StrategyIncident, now time.Time) node {
	result := node{mark: heading, label: "level", text: orElse(Line(string(incident.Status.Level)), "not started")}
	for _, deadline := range incident.Status.Deadlines {
		sign, text := answer(incident, deadline, now)
		result.add(node{mark: sign, label: or(string(deadline.Level)), text: fmt.Sprintf("due %s, %s", clock(deadline.Time.Time, now), text)})
	}
	for _, shift := range incident.Status.OnCall {
		result.add(onCallNode(shift, now))
	}
	return result
}

// answer says how a deadline was met, or how much of it remains.
func answer(incident *strategyv1.StrategyIncident, deadline strategyv1.Deadline, now time.Time) (mark, string) {
	due, breached := deadline.Time.Time, "BREACHED"
	if incident.Spec.Mode == strategyv1.IncidentDrill {
		breached = "late, which is no breach in a drill"
	}
	if deadline.AnsweredTime != nil {
		at := deadline.AnsweredTime.Time
		if at.After(due) {
			return bad, fmt.Sprintf("%s: answered %s by %s, %s late", breached, clock(at, now), or(Line(deadline.AnsweredBy)), span(at.Sub(due)))
		}
		return good, fmt.Sprintf("answered %s by %s, %s before the deadline", clock(at, now), or(Line(deadline.AnsweredBy)), span(due.Sub(at)))
	}
	if at := deadline.RelievedTime; at != nil && !at.After(due) {
		return notYet, fmt.Sprintf("not needed: a rule handed it over %s", clock(at.Time, now))
	}
	ready := find(incident.Status.Conditions, strategyv1.ConditionReady)
	if ready.Status == metav1.ConditionTrue && !ready.LastTransitionTime.After(due) {
		return notYet, "not needed: the incident was closed before"
	}
	done := ""
	if deadline.MachineTime != nil {
		done = "; its checks were done " + clock(deadline.MachineTime.Time, now)
	}
	if now.After(due) {
		return bad, fmt.Sprintf("%s %s ago, nobody answered%s", breached, span(now.Sub(due)), done)
	}
	return waiting, span(due.Sub(now)) + " left for somebody to answer" + done
}

func (w *writer) causeNode(cause *strategyv1.CauseStatus) []node {
	if cause == nil {
		return nil
	}
	result := node{mark: heading, label: "cause", text: or(cause.Name)}
	if cause.Rule != "" {
		result.add(node{label: "rule", text: w.message(cause.Rule)})
	}
	if cause.Remediation != "" {
		result.add(node{label: "remedy", text: Line(cause.Remediation)})
	}
	if len(cause.Schedules) > 0 {
		result.add(node{label: "schedules", text: list(cause.Schedules)})
	}
	return []node{result}
}

// gone are the rollbacks that the incident's status names and that do not exist any more.
func gone(listed []strategyv1.IncidentRollback, rollbacks []strategyv1.StrategyRollback) []node {
	var nodes []node
	for _, entry := range listed {
		there := false
		for i := range rollbacks {
			there = there || string(rollbacks[i].UID) == entry.UID
		}
		if !there {
			nodes = append(nodes, goneNode(entry))
		}
	}
	return nodes
}

func goneNode(entry strategyv1.IncidentRollback) node {
	result := node{mark: careful, label: strategyv1.KindRollback + " " + or(entry.Name), text: "it was deleted; last seen: " + or(entry.Status)}
	if entry.LeftTime == nil {
		return result
	}
	result.text = "it was deleted, and its edits were left: nobody undoes them"
	for _, edit := range entry.Edits {
		before := "nothing was there before"
		if edit.From != nil {
			before = "before: " + Line(*edit.From)
		}
		result.add(node{text: fmt.Sprintf("%s = %s (%s)", Line(edit.Path), Line(edit.To), before)})
	}
	if more := int(entry.EditTotal) - len(entry.Edits); more > 0 {
		result.add(node{text: fmt.Sprintf("and %d more", more)})
	}
	return result
}
