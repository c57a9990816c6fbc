package show

import (
	"fmt"
	"strings"
	"time"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
)

// rollbackNodes are all but the next step.
func (o Options) rollbackNodes(rollback *strategyv1.StrategyRollback, now time.Time) []node {
	status := rollback.Status
	nodes := []node{o.requestNode(rollback)}
	nodes = append(nodes, o.planNode(status.Plan, now)...)
	nodes = append(nodes, decisionNode(status.Decision, now)...)
	nodes = append(nodes, o.conditionNodes(status.Conditions, strategyv1.ConditionPlanned, strategyv1.ConditionApproved,
		strategyv1.ConditionApplied, strategyv1.ConditionInEffect, strategyv1.ConditionVerified, strategyv1.ConditionRestored)...)
	nodes = append(nodes, o.checkNodes(status.Checks)...)
	nodes = append(nodes, proofNode(status.Proof)...)
	if status.Restore != nil {
		text := fmt.Sprintf("asked for by %s at %s, attempt %d", or(status.Restore.Request), clock(status.Restore.RequestedTime.Time, now), status.Restore.Attempt)
		if status.Restore.By != "" { // the request is a StrategyDecision
			text = fmt.Sprintf("asked for by %s at %s (StrategyDecision %s), attempt %d",
				Line(status.Restore.By), clock(status.Restore.RequestedTime.Time, now), or(status.Restore.Request), status.Restore.Attempt)
		}
		nodes = append(nodes, node{mark: heading, label: "restore", text: text})
	}
	nodes = append(nodes, o.timelineNode(status.Timeline, now)...)
	return append(nodes, logNode(status.Log)...)
}

func (o Options) requestNode(rollback *strategyv1.StrategyRollback) node {
	spec := rollback.Spec
	text := orElse(Change(spec.Actions), "nothing") + sentence(", ", " (asked for by "+orElse(Line(spec.RequestedBy), "unknown"),
		labelled("remedy", spec.RemediationName), labelled("wanted:", wanted(spec.DesiredState))) + ")"
	result := node{mark: heading, label: "change", text: text}
	if spec.Reason != "" {
		result.add(node{text: "“" + o.message(spec.Reason) + "”"})
	}
	return result
}

// wanted is the desired state if it is not the usual one.
func wanted(state strategyv1.RollbackState) string {
	if state == strategyv1.StateApplied {
		return ""
	}
	return string(state)
}

func (o Options) planNode(plan *strategyv1.RollbackPlan, now time.Time) []node {
	if plan == nil {
		return nil
	}
	until := "without an end"
	if plan.Until != nil {
		until = "until " + moment(plan.Until.Time, now)
	}
	result := node{mark: heading, label: "plan", text: fmt.Sprintf("revision %d, %s, %s", plan.Revision, until, or(o.digest(plan.Digest)))}
	if lines := o.diffLines(plan.Diff); len(lines) > 0 {
		result.add(node{mark: heading, label: "diff", block: lines})
		return []node{result}
	}
	for _, edit := range plan.Edits {
		result.add(node{mark: heading, label: "edit", text: o.message(edit.Path)})
	}
	return []node{result}
}

// digest is short in a tree: people who approve see the whole one on their sheet.
func (o Options) digest(digest string) string {
	if digest = Line(digest); o.Full || len(digest) < 20 {
		return digest
	}
	return fmt.Sprintf("%.19s…", digest)
}

func decisionNode(decision *strategyv1.DecisionReference, now time.Time) []node {
	if decision == nil {
		return nil
	}
	sign := good
	if decision.Verdict == strategyv1.DecisionDeny {
		sign = bad
	}
	return []node{{mark: sign, label: "decision", text: fmt.Sprintf("%s by %s at %s (StrategyDecision %s)",
		or(string(decision.Verdict)), orElse(Line(decision.By), "unknown"), clock(decision.Time.Time, now), or(decision.Name))}}
}

// proofNode compares the three hashes: edited, stored, running. A scheduler need not report the last one.
func proofNode(proof *strategyv1.ProofStatus) []node {
	if proof == nil {
		return nil
	}
	hash := func(name, value string) string {
		if value == "" {
			return name + " -"
		}
		return fmt.Sprintf("%s %.12s", name, Line(value))
	}
	sign, verdict := waiting, "not complete yet"
	switch {
	case proof.Running != "" && proof.Running != proof.Edited && proof.Running != proof.Stored:
		sign, verdict = careful, "the running scheduler has another configuration"
	case proof.Edited != "" && proof.Stored != "" && proof.Edited != proof.Stored:
		sign, verdict = careful, "the stored configuration was changed after the edit"
	case proof.Edited != "" && proof.Edited == proof.Stored && proof.Edited == proof.Running:
		sign, verdict = good, "all three are equal"
	case proof.Edited != "" && proof.Edited == proof.Stored:
		sign, verdict = waiting, "the scheduler has not said what it runs"
	}
	return []node{{mark: sign, label: "proof", text: strings.Join([]string{
		hash("edited", proof.Edited), hash("stored", proof.Stored), hash("running", proof.Running)}, ", ") + ": " + verdict}}
}

// Sheet is all that a person needs to see before agreeing to a rollback's plan: who asked, what changes until when, and
// the digest that the approval binds. Nothing is shortened.
func Sheet(rollback *strategyv1.StrategyRollback, now time.Time, options Options) string {
	if options.Width <= 0 {
		options.Width = DefaultWidth
	}
	w := &writer{Options: options}
	w.Full = true
	spec, plan := rollback.Spec, rollback.Status.Plan
	nodes := []node{
		{mark: heading, label: pad("asked by", 9), text: orElse(Line(spec.RequestedBy), "unknown")},
		{mark: heading, label: pad("incident", 9), text: or(spec.IncidentName)},
		{mark: heading, label: pad("reason", 9), text: or(spec.Reason)},
		{mark: heading, label: pad("change", 9), text: or(Change(spec.Actions))},
	}
	if plan != nil {
		until := "a person restores it"
		if plan.Until != nil {
			until = moment(plan.Until.Time, now)
		}
		nodes = append(nodes, node{mark: heading, label: pad("until", 9), text: until},
			node{mark: heading, label: pad("plan", 9), text: fmt.Sprintf("revision %d of %s", plan.Revision, clock(plan.RevisionTime.Time, now))},
			node{mark: heading, label: pad("digest", 9), text: or(plan.Digest)})
		for _, edit := range plan.Edits {
			from := "nothing"
			if edit.From != nil {
				from = orElse(Line(*edit.From), "(empty)")
			}
			nodes = append(nodes, node{mark: heading, label: pad("edit", 9), text: Line(edit.Path), children: []node{
				{label: "from", text: from}, {label: "to  ", text: Line(edit.To)},
			}})
		}
		nodes = append(nodes, node{mark: heading, label: "diff", block: Lines(plan.Diff)})
	}
	w.tree(title(strategyv1.KindRollback, rollback.ObjectMeta), summary(rollback.Status.Conditions), nodes)
	return w.out.String()
}
