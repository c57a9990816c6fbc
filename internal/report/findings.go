package report

import (
	"cmp"
	"fmt"
	"strings"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/bounded"
	"tradeops.dev/strategy-operator/internal/conditions"
)

// cause: the rule that chose it, with the numbers that it saw, and those before it that did not hold.
func (f *Folder) cause() section {
	result := section{ID: "cause", Title: "Cause"}
	for _, one := range f.incident.Entries {
		if one.is(strategyv1.EventDiagnosed) {
			result.Blocks = append(result.Blocks, block{Text: fmt.Sprintf("%s UTC: %s", moment(one.Time), one.Artefacts["message"])})
		}
	}
	status := f.Snapshot.Incident.Status
	if status.Cause == nil || f.Snapshot.Playbook == nil {
		return result
	}
	rules := table{Caption: "The playbook's causes, in the order in which they were asked", Head: []string{"Cause", "Rule", "Remedy", "Held"}}
	held := false
	for _, cause := range f.Snapshot.Playbook.Diagnosis.Causes {
		word := text("no")
		switch {
		case held:
			word = text("not asked")
		case cause.Name == status.Cause.Name && cause.When == status.Cause.Rule:
			word, held = marked(good, "yes"), true
		case status.Cause.Rule == "" && conditions.Reason(status.Conditions, strategyv1.ConditionDiagnosed) != strategyv1.ReasonCauseUnknown:
			word = text("not known")
		}
		rules.Rows = append(rules.Rows, []cell{text(cause.Name), code(cause.When), text(cause.Remediation), word})
	}
	if len(rules.Rows) > 0 {
		result.Blocks = append(result.Blocks, block{Table: rules.most()})
	}
	return result
}

// changes: what was changed in the configuration, and what was proposed to people.
func (f *Folder) changes() section {
	result := section{ID: "changes", Title: "Changes"}
	for i := range f.Snapshot.Rollbacks {
		result.Blocks = append(result.Blocks, f.changeBlocks(&f.Snapshot.Rollbacks[i])...)
	}
	if proposal := f.Snapshot.Incident.Status.Proposal; proposal != nil {
		result.Blocks = append(result.Blocks, block{
			Heading: fmt.Sprintf("Proposed to people: %s, ConfigMap %s, key %s", proposal.Remediation, proposal.Document.ConfigMapName, proposal.Document.Key),
			Code:    cut(proposal.Patch),
		})
	}
	return result
}

func (f *Folder) changeBlocks(rollback *Rollback) []block {
	heading := rollback.Name + ": " + rollback.remedy()
	plan := rollback.Status.Plan
	if plan == nil {
		return []block{{Heading: heading, Text: "No plan could be made: " + conditions.Message(rollback.Status.Conditions, strategyv1.ConditionReady)}}
	}
	edits := table{Caption: "Edits of plan " + plan.Digest, Head: []string{"Path", "From", "To"}}
	for _, edit := range plan.Edits {
		from := text("nothing was there")
		if edit.From != nil {
			from = code(*edit.From)
		}
		edits.Rows = append(edits.Rows, []cell{code(edit.Path), from, code(edit.To)})
	}
	written := "It was planned, and never written."
	if rollback.Status.Config != nil && rollback.Status.Config.WrittenTime != nil {
		written = "It was written at " + moment(rollback.Status.Config.WrittenTime.Time) + " UTC."
	}
	blocks := []block{{Heading: heading, Text: sentence(written, rollback.Spec.Reason)}, {Table: edits.most()}}
	if plan.Diff != "" {
		blocks = append(blocks, block{Code: cut(plan.Diff)})
	}
	return blocks
}

func sentence(words, reason string) string {
	if reason == "" {
		return words
	}
	return words + " Reason: " + reason
}

// cut is a text of many lines that fits.
func cut(words string) string { return bounded.Text(bounded.Clean(words), maxCode) }

// decisions: who decided what, and what became of it.
func (f *Folder) decisions() section {
	made := table{Caption: "Decisions, and what became of them", Head: []string{"Time (UTC)", "By", "About", "Event", "What and why", "Outcome"}}
	outcomes := f.answers()
	for _, one := range f.entries() {
		if one.Problem != "" || one.Artefacts["by"] == "" {
			continue
		}
		outcome := outcomes[answered{one.Of, one.Seq}]
		row := texts(moment(one.Time), one.Artefacts["by"], f.short(one.Of), one.Event, one.Artefacts["message"], string(outcome))
		if outcome == strategyv1.OutcomeRefused || outcome == strategyv1.OutcomeVoided {
			row[5].Mark = bad
		}
		made.Rows = append(made.Rows, row)
	}
	if len(made.Rows) == 0 {
		return section{ID: "decisions", Title: "Decisions", Blocks: []block{{Text: "No person decided anything; the playbook's rules did."}}}
	}
	return section{ID: "decisions", Title: "Decisions", Blocks: []block{{Table: made.most()}}}
}

// answered is where in which log a decision was answered.
type answered struct {
	of  string
	seq int64
}

func (f *Folder) answers() map[answered]strategyv1.DecisionOutcome {
	all := map[answered]strategyv1.DecisionOutcome{}
	add := func(of string, answers []strategyv1.AnsweredDecision) {
		for _, one := range answers {
			if one.Seq > 0 {
				all[answered{of, one.Seq}] = one.Outcome
			}
		}
	}
	add(f.Snapshot.Incident.Name, f.Snapshot.Incident.Status.Answers)
	for _, rollback := range f.Snapshot.Rollbacks {
		add(rollback.Name, rollback.Status.Answers)
	}
	return all
}

// openItems are what is left to do, as facts say it.
func (f *Folder) openItems() section {
	result := section{ID: "open", Title: "Open items"}
	if !f.Closed {
		return result
	}
	items := append(f.leftItems(), f.askedItems()...)
	if len(items) == 0 {
		result.Blocks = []block{{Text: "None that the operator knows of."}}
		return result
	}
	result.Blocks = []block{{List: items[:min(len(items), maxItems)]}}
	return result
}

// leftItems: what still stands in the configuration.
func (f *Folder) leftItems() []item {
	var items []item
	todo := func(format string, args ...any) { items = append(items, item{Text: fmt.Sprintf(format, args...)}) }
	for _, rollback := range f.Snapshot.Incident.Status.Rollbacks {
		for _, edit := range rollback.Edits {
			whose := "restore " + rollback.Name + ", or decide that it stays"
			if rollback.LeftTime != nil {
				whose = "nobody undoes it: put it back by hand, or decide that it stays"
			}
			todo("%s of %s is still %s: %s", edit.Path, rollback.Name, strings.TrimSpace(edit.To), whose)
		}
		if more := int(rollback.EditTotal) - len(rollback.Edits); more > 0 && len(rollback.Edits) > 0 {
			todo("%s of %s still in the configuration, too", isAre(more, "more edit"), rollback.Name)
		}
	}
	if proposal := f.Snapshot.Incident.Status.Proposal; proposal != nil {
		switch asked := proposal.WriteBack; {
		case asked != nil && asked.State == strategyv1.WriteBackOpen:
			todo("merge branch %s with the proposed patch of ConfigMap %s, key %s, or delete it", asked.Branch, proposal.Document.ConfigMapName, proposal.Document.Key)
		case asked != nil && asked.State == strategyv1.WriteBackCommitted && !conditions.True(f.Snapshot.Incident.Status.Conditions, strategyv1.ConditionCommitted):
			todo("look at what ConfigMap %s, key %s, shall have: branch %s had the proposed patch, and has something else since", proposal.Document.ConfigMapName, proposal.Document.Key, asked.Branch)
		case asked != nil && asked.State == strategyv1.WriteBackCommitted:
			todo("see that the proposed patch of ConfigMap %s, key %s, is applied: branch %s has it", proposal.Document.ConfigMapName, proposal.Document.Key, asked.Branch)
		default:
			todo("apply the proposed patch of ConfigMap %s, key %s, or say why not", proposal.Document.ConfigMapName, proposal.Document.Key)
		}
	}
	return items
}

// askedItems: what did not go as it should.
func (f *Folder) askedItems() []item {
	status := f.Snapshot.Incident.Status
	var items []item
	todo := func(format string, args ...any) { items = append(items, item{Text: fmt.Sprintf(format, args...)}) }
	for _, deadline := range status.Deadlines {
		if deadline.BreachTime != nil && !f.isDrill() {
			todo("%s did not answer by %s UTC: find out why", deadline.Level, moment(deadline.Time.Time))
		}
	}
	unmeasured := map[string]bool{}
	for _, check := range f.judged() {
		if (check.Verdict == strategyv1.VerdictError || check.Verdict == strategyv1.VerdictInconclusive) && !unmeasured[check.Name] {
			unmeasured[check.Name] = true
			todo("check %s could not be judged: %s", check.Name, cmp.Or(check.Message, string(check.Verdict)))
		}
	}
	if status.Cause == nil || status.Cause.Name == "Unknown" {
		if conditions.True(status.Conditions, strategyv1.ConditionEscalated) {
			todo("the cause is not known")
		}
	}
	if status.FiringCount > 0 {
		todo("%s still fired when it was closed", plural(int(status.FiringCount), "alert"))
	}
	if status.Unreached != nil {
		todo("people could not be told of something over the playbook's channels: %s", conditions.Message(status.Conditions, strategyv1.ConditionNotified))
	}
	if status.Relapses > 0 {
		todo("the fault came back %s after the change was undone: the remedy does not fix it", often(int(status.Relapses)))
	}
	return items
}

func often(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

// postMortem is for people.
func (f *Folder) postMortem() section {
	return section{ID: "post-mortem", Title: "Post-mortem", Blocks: []block{
		{Text: "For people to fill in, in a copy of this page: the stored one is evidence, and is never changed."},
		{Blank: []string{"What went well", "What did not, and why", "Where we were lucky"}},
		{Table: &table{Caption: "What to change: playbook, runbooks, limits, code", Head: []string{"What", "Owner", "Due", "Done"}, Rows: [][]cell{texts("", "", "", ""), texts("", "", "", ""), texts("", "", "", "")}}},
	}}
}
