package show

import (
	"fmt"
	"strings"
	"time"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/gitops"
	"tradeops.dev/strategy-operator/internal/lifecycle"
)

// rollbackNodes are all but the next step.
func (o Options) rollbackNodes(object *strategyv1.StrategyRollback, now time.Time) []node {
	status := object.Status
	nodes := append([]node{o.requestNode(object)}, deletionNode(object, now)...)
	nodes = append(nodes, o.planNode(object, now)...)
	nodes = append(nodes, decisionNode("decision", status.Decision, now)...)
	nodes = append(nodes, decisionNode("override", status.Override, now)...)
	nodes = append(nodes, o.conditionNodes(status.Conditions, strategyv1.ConditionPlanned, strategyv1.ConditionApproved,
		strategyv1.ConditionApplied, strategyv1.ConditionCommitted, strategyv1.ConditionInEffect, strategyv1.ConditionVerified, strategyv1.ConditionRestored)...)
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

func (o Options) requestNode(object *strategyv1.StrategyRollback) node {
	spec := object.Spec
	text := orElse(Change(spec.Actions), "nothing") + sentence(", ", " (asked for by "+orElse(Line(spec.RequestedBy), "unknown"),
		labelled("remedy", spec.RemediationName), labelled("wanted:", unless(spec.DesiredState, strategyv1.StateApplied)),
		labelled("mode", unless(spec.Mode, strategyv1.ModeLive)), labelled("on deletion:", unless(spec.DeletionPolicy, strategyv1.DeletionRetain))) + ")"
	result := node{mark: heading, label: "change", text: text}
	if spec.Reason != "" {
		result.add(node{text: "“" + o.message(spec.Reason) + "”"})
	}
	return result
}

// unless is a value if it is not the usual one.
func unless[T ~string](value, usual T) string {
	if value == usual {
		return ""
	}
	return string(value)
}

// deletionNode says what a deletion in progress does to the configuration.
func deletionNode(object *strategyv1.StrategyRollback, now time.Time) []node {
	if object.DeletionTimestamp == nil {
		return nil
	}
	does := "the change stays in the configuration"
	switch claim := object.Status.Config; {
	case claim == nil || claim.Claim == "":
		does = "nothing of it is in the configuration"
	case object.Spec.DeletionPolicy == strategyv1.DeletionRestore:
		does = "the change is undone first"
	}
	return []node{{mark: careful, label: "deletion", text: fmt.Sprintf("asked for at %s: %s", clock(object.DeletionTimestamp.Time, now), does)}}
}

// until is the end of the time box, and whether it was moved.
func until(object *strategyv1.StrategyRollback, now time.Time) string {
	plan := object.Status.Plan
	if plan.Until == nil {
		return "until a person restores it"
	}
	text := "until " + moment(plan.Until.Time, now)
	if lifecycle.Ended(object.Status) { // how far away it is says nothing any more
		text = "until " + plan.Until.In(now.Location()).Format(time.RFC3339)
	}
	if !now.Before(plan.Until.Time) && !lifecycle.Ended(object.Status) {
		text = "EXPIRED " + moment(plan.Until.Time, now)
	}
	switch {
	case plan.Renewals == 1:
		text += ", renewed once"
	case plan.Renewals > 1:
		text += fmt.Sprintf(", renewed %d times", plan.Renewals)
	}
	return text
}

func (o Options) planNode(object *strategyv1.StrategyRollback, now time.Time) []node {
	plan := object.Status.Plan
	if plan == nil {
		return nil
	}
	result := node{mark: heading, label: "plan", text: fmt.Sprintf("revision %d, %s, %s", plan.Revision, until(object, now), or(o.digest(plan.Digest)))}
	result.add(append(disablesNode(plan), gitOpsNodes(plan)...)...)
	if lines := o.diffLines(plan.Diff); len(lines) > 0 {
		result.add(node{mark: heading, label: "diff", block: lines})
		return []node{result}
	}
	for _, edit := range plan.Edits {
		result.add(node{mark: heading, label: "edit", text: o.message(edit.Path)})
	}
	return []node{result}
}

func disablesNode(plan *strategyv1.RollbackPlan) []node {
	if len(plan.Disables) == 0 {
		return nil
	}
	return []node{{mark: heading, label: "disables", text: list(plan.Disables)}}
}

// digest is short in a tree: people who approve see the whole one on their sheet.
func (o Options) digest(digest string) string {
	if digest = Line(digest); o.Full || len(digest) < 20 {
		return digest
	}
	return fmt.Sprintf("%.19s…", digest)
}

func decisionNode(label string, decision *strategyv1.DecisionReference, now time.Time) []node {
	if decision == nil {
		return nil
	}
	sign := good
	switch decision.Verdict {
	case strategyv1.DecisionDeny:
		sign = bad
	case strategyv1.DecisionOverride:
		sign = careful
	}
	return []node{{mark: sign, label: label, text: fmt.Sprintf("%s by %s at %s (StrategyDecision %s)",
		or(string(decision.Verdict)), orElse(Line(decision.By), "unknown"), clock(decision.Time.Time, now), or(decision.Name))}}
}

// proofNode compares the hashes: edited, stored, and what is running, or what the scheduler's loader reads where the proof is of that. A report
// need not have the last one.
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
	last := hash("running", proof.Running)
	if proof.Loaded != "" {
		last = hash("loaded", proof.Loaded)
	}
	sign, verdict := proofVerdict(*proof)
	return []node{{mark: sign, label: "proof", text: strings.Join([]string{
		hash("edited", proof.Edited), hash("stored", proof.Stored), last}, ", ") + ": " + verdict}}
}

func proofVerdict(proof strategyv1.ProofStatus) (mark, string) {
	another := func(hash string) bool { return hash != "" && hash != proof.Edited && hash != proof.Stored }
	switch {
	case another(proof.Loaded):
		return careful, "the check of the proof read another configuration"
	case another(proof.Running):
		return careful, "the running scheduler has another configuration"
	case proof.Edited == "" || proof.Stored == "":
		return waiting, "not complete yet"
	case proof.Edited != proof.Stored:
		return careful, "the stored configuration was changed after the edit"
	case proof.Edited == proof.Running:
		return good, "all three are equal"
	case proof.Edited == proof.Loaded:
		return good, "all three are equal; the running scheduler was not asked"
	}
	return waiting, "the scheduler has not said what it runs"
}

// Sheet is all that a person needs to see before agreeing to a rollback's plan: who asked, what changes until when, what
// holds it back, and the digest that the decision binds. Nothing is shortened.
func Sheet(object *strategyv1.StrategyRollback, now time.Time, options Options) string {
	if options.Width <= 0 {
		options.Width = DefaultWidth
	}
	w := &writer{Options: options}
	w.Full = true
	spec, status := object.Spec, object.Status
	nodes := []node{
		field("asked by", orElse(Line(spec.RequestedBy), "unknown")), field("incident", or(spec.IncidentName)),
		field("reason", or(spec.Reason)), field("change", or(Change(spec.Actions))),
	}
	switch spec.Mode {
	case strategyv1.ModeDryRun:
		nodes = append(nodes, field("mode", "dry run: nothing is changed"))
	case strategyv1.ModeDrill:
		nodes = append([]node{{mark: careful, label: pad("DRILL", 9), text: "only a copy is changed, which no scheduler reads"}}, nodes...)
	}
	if spec.DeletionPolicy == strategyv1.DeletionRestore {
		nodes = append(nodes, field("deletion", "undoes the change (deletionPolicy Restore)"))
	}
	if status.Plan != nil {
		nodes = append(nodes, sheetOfPlan(object, now)...)
	}
	nodes = append(nodes, decisionNode("override", status.Override, now)...)
	nodes = append(nodes, w.conditionNodes(status.Conditions, strategyv1.ConditionPlanned)...)
	w.tree(title(strategyv1.KindRollback, object.ObjectMeta), summary(status.Conditions), append(nodes, nextNode(status.Conditions)))
	return w.text()
}

// gitOpsNodes are the tool that applies the configuration, too, and what the operator does about it.
func gitOpsNodes(plan *strategyv1.RollbackPlan) []node {
	nodes := ownerNode(plan.Owner)
	if plan.GitOps != nil {
		nodes = append(nodes, field("gitops", Line(gitops.EffectWords(*plan.GitOps, plan.Owner))))
	}
	return nodes
}

func field(label, text string) node {
	return node{mark: heading, label: pad(label, 9), text: text}
}

func sheetOfPlan(object *strategyv1.StrategyRollback, now time.Time) []node {
	plan := object.Status.Plan
	var nodes []node
	if len(plan.Disables) > 0 {
		nodes = append(nodes, field("disables", list(plan.Disables)))
	}
	nodes = append(nodes, gitOpsNodes(plan)...)
	nodes = append(nodes, field("time box", until(object, now)),
		field("plan", fmt.Sprintf("revision %d of %s", plan.Revision, clock(plan.RevisionTime.Time, now))), field("digest", or(plan.Digest)))
	for _, edit := range plan.Edits {
		from := "nothing"
		if edit.From != nil {
			from = orElse(Line(*edit.From), "(empty)")
		}
		change := field("edit", Line(edit.Path))
		change.add(node{label: "from", text: from}, node{label: "to  ", text: Line(edit.To)})
		nodes = append(nodes, change)
	}
	return append(nodes, node{mark: heading, label: "diff", block: Lines(plan.Diff)})
}
