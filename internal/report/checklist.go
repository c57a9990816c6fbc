package report

import (
	"fmt"
	"strings"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/checks"
	"tradeops.dev/strategy-operator/internal/conditions"
	"tradeops.dev/strategy-operator/internal/evidence"
)

// checklist is the procedure of the playbook, ticked by what the status and the evidence say. What was not done is not ticked.
func (f *Folder) checklist() section {
	result := section{ID: "checklist", Title: "Checklist"}
	if !f.Closed {
		return f.openChecklist(result)
	}
	if f.Snapshot.Playbook == nil {
		result.Blocks = append(result.Blocks, block{Text: "The playbook is not known: the objects were too large to be stored together."})
		return result
	}
	add := func(heading string, items []item) {
		if len(items) > 0 {
			result.Blocks = append(result.Blocks, block{Heading: heading, List: items})
		}
	}
	add("Level 1: is it an incident?", f.triageItems())
	add("Level 2: what is the cause?", f.diagnosisItems())
	for i := range f.Snapshot.Rollbacks {
		rollback := &f.Snapshot.Rollbacks[i]
		add("Change "+rollback.Name+": "+rollback.remedy(), f.rollbackItems(rollback))
	}
	add("Return to normal", f.returnItems())
	return result
}

func (r *Rollback) remedy() string {
	if r.Spec.RemediationName == "" {
		return "asked for by a person"
	}
	return "remedy " + r.Spec.RemediationName
}

// step is an item that was done, or not, with the words for both.
func step(done bool, yes, no string) item {
	if done {
		return item{Done: true, Text: yes}
	}
	return item{Text: no}
}

func (f *Folder) triageItems() []item {
	status := f.Snapshot.Incident.Status
	items := []item{step(status.PlaybookRevision != "", "playbook frozen as revision "+status.PlaybookRevision, "the procedure did not start")}
	for _, shift := range status.OnCall {
		items = append(items, step(shift.Name != "", fmt.Sprintf("%s called: %s", shift.Level, shift.Name), fmt.Sprintf("%s called: nobody was on call", shift.Level)))
	}
	items = append(items, f.checkItems(f.stage(f.Snapshot.Playbook.Triage.Checks), strategyv1.StageTriage, status.Checks)...)
	return append(items, f.conditionItem(status, strategyv1.ConditionTriaged, "decided whether it is an incident"),
		f.conditionItem(status, strategyv1.ConditionEscalated, "handed over to L2"), f.conditionItem(status, strategyv1.ConditionLeadCalled, "technical lead called"))
}

func (f *Folder) diagnosisItems() []item {
	status := f.Snapshot.Incident.Status
	items := f.checkItems(f.stage(f.Snapshot.Playbook.Diagnosis.Checks), strategyv1.StageDiagnosis, status.Checks)
	items = append(items, f.conditionItem(status, strategyv1.ConditionDiagnosed, "cause found"))
	if status.Proposal != nil {
		items = append(items, item{Done: true, Text: "patch proposed to people: " + status.Proposal.Remediation, Links: []cell{{Text: "patch", Link: f.link(status.Proposal.EvidenceKey)}}})
	}
	return items
}

// stage are the names of the checks of a stage that were for this incident.
func (f *Folder) stage(all []strategyv1.StageCheck) []string {
	uses, _ := checks.Branch(all, f.Snapshot.Incident.Spec.Type, f.Snapshot.Incident.Spec.Severity, f.severity())
	return names(uses)
}

func names(uses []strategyv1.CheckUse) []string {
	list := make([]string, len(uses))
	for i, use := range uses {
		list[i] = use.Name
	}
	return list
}

// checkItems are the checks that a stage has, and all attempts of it that were judged, also those of checks that were taken over later.
func (f *Folder) checkItems(wanted []string, stage strategyv1.Stage, judged []strategyv1.CheckStatus) []item {
	var items []item
	seen := map[string]bool{}
	for _, check := range judged {
		if check.Stage != stage {
			continue
		}
		seen[check.Name] = true
		items = append(items, f.checkItem(check))
	}
	for _, name := range wanted {
		if !seen[name] {
			items = append(items, item{Text: fmt.Sprintf("%s, %s: no attempt was judged", name, strings.ToLower(string(stage)))})
		}
	}
	return items
}

var marks = map[strategyv1.Verdict]mark{
	strategyv1.VerdictPass: good, strategyv1.VerdictWarn: careful, strategyv1.VerdictFail: bad, strategyv1.VerdictInconclusive: careful, strategyv1.VerdictError: careful,
}

func (f *Folder) checkItem(check strategyv1.CheckStatus) item {
	words := fmt.Sprintf("%s, %s", check.Name, strings.ToLower(string(check.Stage)))
	if check.Attempt > 1 {
		words += fmt.Sprintf(", attempt %d", check.Attempt)
	}
	one := item{Done: true, Mark: marks[check.Verdict], Text: words + ": " + string(check.Verdict)}
	if check.Message != "" {
		one.Text += ", " + check.Message
	}
	if check.Report == nil {
		return one
	}
	one.Links = append(one.Links, cell{Text: "report", Link: f.link(check.Report.Key)})
	stored := f.outcomes[check.Report.Key]
	if stored.Problem != "" {
		one.Done, one.Mark, one.Text = false, bad, one.Text+". NOT VERIFIED: "+stored.Problem
	} else if stored.OutputSHA256 != "" {
		prefix, _, _ := strings.Cut(check.Report.Key, "checks/")
		output := evidence.OutputKey(prefix, string(check.Stage), check.Name, check.Attempt, stored.OutputSHA256[:min(len(stored.OutputSHA256), shortHash)])
		one.Links = append(one.Links, cell{Text: "output", Link: f.link(output)})
	}
	return one
}

// conditionItem is one that a condition ticks, in its own words.
func (f *Folder) conditionItem(status strategyv1.StrategyIncidentStatus, kind, what string) item {
	words := conditions.Message(status.Conditions, kind)
	if words == "" {
		return item{Text: what + ": no"}
	}
	return item{Done: conditions.True(status.Conditions, kind), Text: what + ": " + words}
}

func (f *Folder) rollbackItems(rollback *Rollback) []item {
	status := rollback.Status
	remedy := f.remedyOf(rollback)
	items := []item{step(status.Plan != nil, "planned, with its exact diff", "no plan could be made")}
	if decision := status.Decision; decision != nil {
		items = append(items, item{Done: true, Text: fmt.Sprintf("%s by %s at %s UTC", decision.Verdict, orNobody(decision.By), moment(decision.Time.Time))})
	} else {
		items = append(items, step(conditions.True(status.Conditions, strategyv1.ConditionApproved), "approved by the playbook's own rule", "nobody approved it"))
	}
	items = append(items, f.checkItems(nil, strategyv1.StageProbe, status.Checks)...)
	items = append(items, f.checkItems(names(remedy.Before), strategyv1.StageBefore, status.Checks)...)
	if status.Config != nil && status.Config.WrittenTime != nil {
		items = append(items, item{Done: true, Text: "written into the configuration, seen there at " + moment(status.Config.WrittenTime.Time) + " UTC"})
	} else {
		items = append(items, item{Text: "nothing was written"})
	}
	items = append(items, f.checkItems(nil, strategyv1.StageProof, status.Checks)...)
	items = append(items, f.inEffectItem(rollback))
	items = append(items, f.checkItems(names(remedy.After), strategyv1.StageAfter, status.Checks)...)
	items = append(items, f.checkItems(nil, strategyv1.StageRestore, status.Checks)...)
	items = append(items, f.checkItems(nil, strategyv1.StageRestoreProof, status.Checks)...)
	return append(items, endItem(status))
}

func endItem(status strategyv1.StrategyRollbackStatus) item {
	if status.End == nil {
		return item{Text: "not ended: " + conditions.Message(status.Conditions, strategyv1.ConditionReady)}
	}
	return item{Done: true, Text: fmt.Sprintf("ended: %s at %s UTC", status.End.How, moment(status.End.Time.Time))}
}

func orNobody(name string) string {
	if name == "" {
		return "nobody who is named"
	}
	return name
}

func (f *Folder) remedyOf(rollback *Rollback) strategyv1.RemediationSpec {
	for _, remedy := range f.Snapshot.Playbook.Remediations {
		if remedy.Name == rollback.Spec.RemediationName {
			return remedy
		}
	}
	return strategyv1.RemediationSpec{}
}

func (f *Folder) inEffectItem(rollback *Rollback) item {
	for _, one := range f.rollbacks {
		if one.Prefix != logPrefix(rollback) {
			continue
		}
		if at := one.first(strategyv1.EventDisabled, strategyv1.EventConfigApplied); !at.IsZero() {
			return item{Done: true, Text: "proved that the running scheduler has it"}
		}
		if !one.whole() {
			return item{Mark: bad, Text: "not known whether it was proved to be in effect. NOT VERIFIED: its log is not as it was written"}
		}
	}
	return item{Text: "not proved to be in effect"}
}

func logPrefix(rollback *Rollback) string {
	if rollback.Status.Log == nil {
		return ""
	}
	return rollback.Status.Log.Prefix
}

func (f *Folder) returnItems() []item {
	status := f.Snapshot.Incident.Status
	items := []item{}
	if len(f.Snapshot.Rollbacks) > 0 {
		items = append(items, step(status.RestoredTime != nil, "the change was undone", "no change that contained it was undone"))
	}
	if status.QuietTime != nil {
		items = append(items, item{Done: true, Text: "alerts and signals quiet since " + moment(status.QuietTime.Time) + " UTC"})
	}
	return append(items, item{Done: true, Text: fmt.Sprintf("closed at %s UTC: %s", moment(status.ClosedTime.Time), conditions.Message(status.Conditions, strategyv1.ConditionResolved))})
}

// openChecklist are the checks that have ended; what the playbook has beside them stands in the snapshot, later.
func (f *Folder) openChecklist(result section) section {
	var items []item
	for _, key := range sortedKeys(f.outcomes) {
		stored := f.outcomes[key]
		one := item{Done: stored.Problem == "", Text: fmt.Sprintf("%s, %s, attempt %d: %s", stored.Check, strings.ToLower(string(stored.Stage)), stored.Attempt, stored.Reason), Links: []cell{{Text: "report", Link: f.link(key)}}}
		if stored.Problem != "" {
			one.Mark, one.Text = bad, "a report. NOT VERIFIED: "+stored.Problem
		}
		items = append(items, one)
	}
	if len(items) > 0 {
		result.Blocks = append(result.Blocks, block{Heading: "Checks that have ended", List: items[:min(len(items), maxItems)]})
	}
	return result
}
