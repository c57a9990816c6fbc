package show

import (
	"fmt"
	"strconv"
	"time"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/bounded"
)

// onCallNode is who was on call when a level was called.
func onCallNode(shift strategyv1.OnCallStatus, now time.Time) node {
	label := "on call, " + or(string(shift.Level))
	if shift.Name == "" {
		return node{mark: careful, label: label, text: "nobody"}
	}
	text := sentence(", ", or(shift.Name), Line(shift.Contact))
	if shift.UntilTime != nil {
		text += ", until " + clock(shift.UntilTime.Time, now)
	}
	return node{label: label, text: text}
}

// signalNodes are the signals as the incident's status has them, each with its age: no number is of this moment.
func (o Options) signalNodes(signals []strategyv1.SignalStatus, now time.Time) []node {
	if len(signals) == 0 {
		return nil
	}
	group := node{mark: heading, label: "signals, as the operator wrote them last"}
	columns := 0
	for _, signal := range signals {
		columns = max(columns, width(or(signal.Name)))
	}
	for _, signal := range signals {
		one := node{label: pad(or(signal.Name), columns), text: sentence(" ", or(readable(signal.Value)), Line(signal.Unit))}
		if signal.Value == "" {
			one = node{mark: careful, label: pad(or(signal.Name), columns), text: "unknown: " + o.message(signal.Problem)}
		}
		if signal.Time != nil {
			one.text += ", sampled " + clock(signal.Time.Time, now) + ", " + age(signal.Time.Time, now)
		}
		group.add(one)
	}
	return []node{group}
}

// readable is a number that people can read; what is none stays what it is.
func readable(number string) string {
	value, err := strconv.ParseFloat(number, 64)
	if err != nil {
		return number
	}
	return bounded.Number(value)
}

// age of a number. The clock of whoever looks may be behind the operator's.
func age(at, now time.Time) string {
	if at.After(now) {
		return "just now"
	}
	return span(now.Sub(at)) + " old"
}

func (o Options) dashboardNodes(dashboards []strategyv1.Dashboard) []node {
	if len(dashboards) == 0 {
		return nil
	}
	group := node{mark: heading, label: "dashboards"}
	for _, dashboard := range dashboards {
		group.add(node{label: or(dashboard.Name), text: Line(dashboard.URL)})
	}
	return []node{group}
}

// shownAlerts is how many alerts are shown one by one.
const shownAlerts = 8

// alertsNode are the alerts that the incident has.
func alertsNode(status strategyv1.StrategyIncidentStatus, now time.Time) []node {
	if len(status.Alerts) == 0 {
		return nil
	}
	mark, text := good, "none fires any more"
	if status.FiringCount > 0 {
		mark, text = bad, fmt.Sprintf("%d firing", status.FiringCount)
	}
	group := node{mark: mark, label: "alerts", text: text}
	for _, alert := range status.Alerts[:min(len(status.Alerts), shownAlerts)] {
		state := "fires"
		if alert.State == strategyv1.AlertResolved {
			state = "resolved; it fired"
		}
		if alert.StartTime != nil {
			state += " since " + clock(alert.StartTime.Time, now)
		}
		if alert.Occurrences > 1 {
			state += fmt.Sprintf(", %d times so far", alert.Occurrences)
		}
		group.add(node{label: Line(alert.Name), text: state + " (StrategyAlert " + alert.ObjectName + ")"})
	}
	if more := len(status.Alerts) - shownAlerts; more > 0 {
		group.add(node{text: fmt.Sprintf("and %d more: kubectl get sal", more)})
	}
	return []node{group}
}

// proposalNode is a patch for people.
func (o Options) proposalNode(status strategyv1.StrategyIncidentStatus, now time.Time) []node {
	proposal := status.Proposal
	if proposal == nil {
		return nil
	}
	result := node{mark: heading, label: "proposal " + or(proposal.Remediation), text: fmt.Sprintf(
		"a patch of ConfigMap %s, key %s, for people to apply", or(proposal.Document.ConfigMapName), or(proposal.Document.Key))}
	if text := pushed(status); text != "" {
		result.add(node{label: "branch", text: text})
	}
	result.add(node{mark: heading, label: "patch", block: o.diffLines(proposal.Patch)})
	for _, rule := range proposal.Alerts {
		result.add(node{label: "alert " + Line(rule.Name), text: fmt.Sprintf("began to fire %d times since %s, in %d series; %d with an incident",
			rule.Occurrences, rule.SinceTime.In(now.Location()).Format(time.RFC3339), rule.Series, rule.Incidents)})
	}
	return []node{result}
}

// pushed is where the patch of a proposal was pushed to, and what became of it; empty: nowhere. Why it was not says the condition Committed.
func pushed(status strategyv1.StrategyIncidentStatus) string {
	asked := status.Proposal.WriteBack
	if asked == nil || asked.State == "" {
		return ""
	}
	text := Line(asked.Branch)
	if asked.Commit != "" {
		text += fmt.Sprintf(", commit %.12s", Line(asked.Commit))
	}
	switch asked.State {
	case strategyv1.WriteBackOpen:
		return text + ", waits for somebody to merge it"
	case strategyv1.WriteBackCommitted:
		if find(status.Conditions, strategyv1.ConditionCommitted).Reason == strategyv1.ReasonFileDiffers {
			return text + ", and something else stands there since"
		}
		return text + ", holds it"
	}
	return text + ", is gone, and was not merged as it was"
}

// othersNode is what other incidents mean for this one, and this one for those that follow.
func othersNode(status strategyv1.StrategyIncidentStatus, now time.Time) []node {
	var nodes []node
	if status.ParentName != "" {
		nodes = append(nodes, node{mark: heading, label: "see also", text: "incident " + or(status.ParentName)})
	}
	if status.QuietTime != nil && status.ClosedTime == nil {
		nodes = append(nodes, node{mark: good, label: "quiet", text: "since " + clock(status.QuietTime.Time, now)})
	}
	if status.Strikes > 0 && status.NextAllowedTime != nil {
		nodes = append(nodes, node{mark: heading, label: "strikes", text: fmt.Sprintf(
			"%d; the next remedy for the same is asked for from %s on", status.Strikes, moment(status.NextAllowedTime.Time, now))})
	}
	return nodes
}
