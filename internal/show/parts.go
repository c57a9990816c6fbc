package show

import (
	"fmt"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
)

// How much of a long text a tree shows; [Options].Full shows all.
const (
	shortMessage = 200
	shortDiff    = 12
)

func (o Options) message(text string) string {
	text = Line(text)
	if o.Full {
		return text
	}
	return short(text, shortMessage)
}

// conditionNodes are the conditions in the order of the procedure. One that repeats what the next step says is short.
func (o Options) conditionNodes(conditions []metav1.Condition, order ...string) []node {
	ready := find(conditions, strategyv1.ConditionReady)
	var nodes []node
	for _, kind := range order {
		condition := find(conditions, kind)
		if condition.Type == "" {
			continue
		}
		text := Line(condition.Reason)
		if condition.Message != ready.Message && condition.Message != "" {
			text += ": " + o.message(condition.Message)
		}
		nodes = append(nodes, node{mark: conditionMark(condition), label: pad(condition.Type, 9), text: text})
	}
	return nodes
}

// checkNodes are the judged checks by stage, as columns.
func (o Options) checkNodes(checks []strategyv1.CheckStatus) []node {
	var stages []strategyv1.Stage
	columns := 0
	for _, check := range checks {
		if !slices.Contains(stages, check.Stage) {
			stages = append(stages, check.Stage)
		}
		columns = max(columns, width(checkName(check)))
	}
	var nodes []node
	for _, stage := range stages {
		group := node{mark: heading, label: "checks of stage " + or(string(stage))}
		for _, check := range checks {
			if check.Stage == stage {
				group.add(node{
					mark:  verdictMark(check.Verdict),
					label: pad(checkName(check), columns) + "  " + pad(or(string(check.Verdict)), 12) + "  " + pad(took(check), 4),
					text:  o.message(check.Message),
				})
			}
		}
		nodes = append(nodes, group)
	}
	return nodes
}

func checkName(check strategyv1.CheckStatus) string {
	if check.Attempt > 1 {
		return fmt.Sprintf("%s #%d", or(check.Name), check.Attempt)
	}
	return or(check.Name)
}

// timelineNode is what happened, the newest last.
func (o Options) timelineNode(entries []strategyv1.TimelineEntry, now time.Time) []node {
	if len(entries) == 0 {
		return nil
	}
	result := node{mark: heading, label: "timeline"}
	if o.Timeline > 0 && len(entries) > o.Timeline {
		result.text = fmt.Sprintf("(%d earlier entries are not shown)", len(entries)-o.Timeline)
		entries = entries[len(entries)-o.Timeline:]
	}
	columns := 0
	for _, entry := range entries {
		columns = max(columns, width(or(string(entry.Event))))
	}
	for _, entry := range entries {
		result.add(node{label: clock(entry.Time.Time, now) + "  " + pad(or(string(entry.Event)), min(columns, 24)), text: o.message(entry.Message)})
	}
	return []node{result}
}

func logNode(log *strategyv1.LogStatus) []node {
	if log == nil {
		return nil
	}
	entries := int64(0)
	if log.Entries != nil {
		entries = *log.Entries
	}
	text := fmt.Sprintf("%d entries", entries)
	if entries == 1 {
		text = "1 entry"
	}
	if log.Head != "" {
		text += fmt.Sprintf(", head sha256 %.12s", Line(log.Head))
	}
	return []node{{mark: heading, label: "decision log", text: text + labelled(", below", log.Prefix)}}
}

// diffLines are the lines that a diff changes, without its header.
func (o Options) diffLines(diff string) []string {
	lines := Lines(diff)
	if len(lines) > 1 && len(lines[0]) > 3 && lines[0][:4] == "--- " && len(lines[1]) > 3 && lines[1][:4] == "+++ " {
		lines = lines[2:]
	}
	if !o.Full && len(lines) > shortDiff {
		more := len(lines) - shortDiff
		lines = append(slices.Clone(lines[:shortDiff]), fmt.Sprintf("… %d more lines", more))
	}
	return lines
}

// nextNode is what the object waits for.
func nextNode(conditions []metav1.Condition) node {
	ready, stalled := find(conditions, strategyv1.ConditionReady), find(conditions, strategyv1.ConditionStalled)
	switch {
	case ready.Type == "":
		return node{mark: waiting, label: "next step", text: "the operator has not looked at it yet; if this lasts, see whether it runs and serves this namespace"}
	case stalled.Status == metav1.ConditionTrue:
		return node{mark: careful, label: "a person is needed", text: Line(ready.Message)}
	case ready.Status == metav1.ConditionTrue:
		return node{mark: good, label: "result", text: Line(ready.Message)}
	}
	return node{mark: waiting, label: "next step", text: Line(ready.Message)}
}
