package show

import (
	"fmt"
	"time"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/lifecycle"
)

// Undoing is what a person looks at before a change is undone.
type Undoing struct {
	Rollback *strategyv1.StrategyRollback
	Incident *strategyv1.StrategyIncident // nil without one, or if it cannot be read
	Gate     *strategyv1.RestoreGate      // of the remedy, as the playbook has it now; nil: it has none
}

// UndoSheet is all that a person needs to see before a rollback is undone: what goes back to what, what trades again by that, and what is
// known of the cause. Nothing is shortened. It asks nobody anything: whether the gate holds the operator finds out then.
func UndoSheet(u Undoing, now time.Time, options Options) string {
	if options.Width <= 0 {
		options.Width = DefaultWidth
	}
	w := &writer{Options: options}
	w.Full = true
	spec, status := u.Rollback.Spec, u.Rollback.Status
	var nodes []node
	if spec.Mode == strategyv1.ModeDrill {
		nodes = append(nodes, node{mark: careful, label: pad("DRILL", 9), text: "only a copy is changed, which no scheduler reads"})
	}
	nodes = append(nodes, field("asked by", orElse(Line(spec.RequestedBy), "unknown")), field("incident", or(spec.IncidentName)),
		field("reason", or(spec.Reason)), field("change", or(Change(spec.Actions))))
	if lifecycle.Changed(status) {
		nodes = append(nodes, w.undone(u, now)...)
	} else {
		nodes = append(nodes, field("undo", "nothing of it is written yet: it is withdrawn"))
	}
	w.tree(title(strategyv1.KindRollback, u.Rollback.ObjectMeta), summary(status.Conditions), append(nodes, nextNode(status.Conditions)))
	return w.text()
}

func (w *writer) undone(u Undoing, now time.Time) []node {
	plan := u.Rollback.Status.Plan
	var nodes []node
	if len(plan.Disables) > 0 {
		nodes = append(nodes, node{mark: careful, label: pad("trading", 9), text: list(plan.Disables) + " may trade again, when the scheduler was restarted"})
	}
	nodes = append(nodes, field("time box", until(u.Rollback, now)))
	for _, edit := range plan.Edits {
		back := "nothing"
		if edit.From != nil {
			back = orElse(Line(*edit.From), "(empty)")
		}
		change := field("undo", Line(edit.Path))
		change.add(node{label: "now    ", text: Line(edit.To)}, node{label: "back to", text: back})
		nodes = append(nodes, change)
	}
	nodes = append(nodes, w.conditionNodes(u.Rollback.Status.Conditions, strategyv1.ConditionApplied, strategyv1.ConditionCommitted, strategyv1.ConditionInEffect, strategyv1.ConditionRestored)...)
	return append(nodes, w.gateNodes(u, now)...)
}

// gateNodes are what must hold first, and what is known of it.
func (w *writer) gateNodes(u Undoing, now time.Time) []node {
	gate := strategyv1.RestoreGate{}
	if u.Gate != nil {
		gate = *u.Gate
	}
	text := "no check"
	if len(gate.Checks) > 0 {
		names := make([]string, len(gate.Checks))
		for i, use := range gate.Checks {
			names[i] = use.Name
		}
		text = "checks " + list(names) + ": " + orElse(Line(gate.When), "all pass or warn")
	}
	nodes := []node{field("gate", text)}
	if u.Incident == nil {
		return nodes
	}
	status := u.Incident.Status
	if cause := status.Cause; cause != nil && cause.Rule != "" {
		asked := "it must not hold any more; the operator measures it then"
		if gate.Cause == strategyv1.CauseIgnored {
			asked = "the playbook does not ask whether it is gone"
		}
		nodes = append(nodes, field("cause", fmt.Sprintf("%s, by rule %s: %s", or(cause.Name), Line(cause.Rule), asked)))
	}
	nodes = append(nodes, w.conditionNodes(status.Conditions, strategyv1.ConditionQuiet, strategyv1.ConditionSignalsKnown)...)
	return append(nodes, w.signalNodes(status.Signals, now)...)
}
