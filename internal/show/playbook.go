package show

import (
	"fmt"
	"time"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/gitops"
)

// Playbook is what the operator says of a playbook, as a tree.
func Playbook(book *strategyv1.StrategyPlaybook, now time.Time, options Options) string {
	if options.Width <= 0 {
		options.Width = DefaultWidth
	}
	w := &writer{Options: options}
	status := book.Status
	nodes := []node{nextNode(status.Conditions)}
	if status.ObservedGeneration != book.Generation {
		nodes = append(nodes, node{mark: careful, label: "stale", text: "the operator has not looked at it yet as it is now"})
	}
	nodes = append(nodes, w.conditionNodes(status.Conditions, strategyv1.ConditionOnHold, strategyv1.ConditionReviewed, strategyv1.ConditionOnCallKnown)...)
	nodes = append(nodes, node{mark: heading, label: "revision", text: or(status.Revision)})
	for _, shift := range status.OnCall {
		nodes = append(nodes, onCallNode(shift, now))
	}
	if config := status.Config; config != nil {
		nodes = append(nodes, ownerNode(config.Owner)...)
		group := node{mark: heading, label: "schedules", text: fmt.Sprintf("%d in the configuration", len(config.Schedules))}
		for _, schedule := range config.Schedules {
			text := "strategy " + or(schedule.Strategy)
			if schedule.SuspendedUntil != "" {
				text += ", suspended until " + Line(schedule.SuspendedUntil)
			}
			group.add(node{label: or(schedule.Name), text: text})
		}
		nodes = append(nodes, group)
	}
	w.tree(title(strategyv1.KindPlaybook, book.ObjectMeta), summary(status.Conditions), append(nodes, w.timelineNode(status.Timeline, now)...))
	return w.text()
}

// ownerNode is the tool that applies the configuration, too, and what it does to an edit.
func ownerNode(owner *strategyv1.ConfigOwner) []node {
	if owner == nil {
		return nil
	}
	sign := careful
	if owner.PausedBy != "" {
		sign = heading
	}
	return []node{{mark: sign, label: "owner", text: Line(gitops.Sentence(*owner))}}
}
