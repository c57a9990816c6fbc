package rollback

import (
	"slices"
	"sync"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/change"
	"tradeops.dev/strategy-operator/internal/checks"
	"tradeops.dev/strategy-operator/internal/config"
	"tradeops.dev/strategy-operator/internal/config/botcore"
	"tradeops.dev/strategy-operator/internal/rules"
	"tradeops.dev/strategy-operator/internal/subject"
)

// verdictVars are the variables of the verdict rules of the checks that are judged now: the incident, the rollback, and the
// earlier report of the same check. What is the same for all of them is made once, and only if there is a check to judge.
func (p *plan) verdictVars() func(checks.ID) rules.Vars {
	same := sync.OnceValue(func() rules.Vars {
		return rules.Vars{Owner: p.seen.Rollback.Namespace, Spent: &p.spent, Incident: subject.Variables(p.seen.Rollback.Spec.IncidentName, p.seen.Incident), Rollback: p.facts()}
	})
	return func(id checks.ID) rules.Vars {
		vars := same()
		if id.Stage != strategyv1.StageBefore {
			vars.Before = p.before(id.Check)
		}
		return vars
	}
}

// before is the newest report of a check from before the change.
func (p *plan) before(check string) rules.Value {
	for _, record := range slices.Backward(p.next.Checks) {
		if record.Stage == strategyv1.StageBefore && record.Name == check {
			return p.seen.Runs.Outcomes[checks.IDOf(record)].Report.Value()
		}
	}
	return rules.Value{}
}

// facts are what rules see of the rollback: what the running scheduler must have in force when its state is Applied, and
// again when it is Restored. See docs/rules.md.
func (p *plan) facts() map[string]any {
	state := strategyv1.StateApplied
	if p.claimed() == strategyv1.ClaimRelease {
		state = strategyv1.StateRestored
	}
	document, summary := p.wanted(state)
	facts := map[string]any{
		"name": p.seen.Rollback.Name, "state": string(state), "schedules": texts(p.suspended(state, summary)),
		"allocations": []any{}, "feeds": []any{}, "limits": map[string]any{}, "signalLimits": []any{}, "exchange": summary.Exchange,
	}
	for _, wanted := range p.seen.Rollback.Spec.Actions {
		switch wanted.Type {
		case strategyv1.ActionSetAllocation:
			facts["allocations"] = append(facts["allocations"].([]any), map[string]any{
				"riskProfile": wanted.RiskProfile, "bucket": wanted.Bucket, "allocation": textAt(document, botcore.AllocationPath(wanted.RiskProfile, wanted.Bucket)),
			})
		case strategyv1.ActionSwitchFeed:
			facts["feeds"] = append(facts["feeds"].([]any), wanted.Feed)
		case strategyv1.ActionSetResourceLimits:
			facts["limits"] = limitsOf(summary)
		case strategyv1.ActionSetSignalLimit:
			if state == strategyv1.StateApplied && p.limits(wanted) {
				facts["signalLimits"] = append(facts["signalLimits"].([]any), map[string]any{
					"strategy": wanted.Strategy, "riskProfile": wanted.RiskProfile, "limit": float64(*wanted.Limit),
				})
			}
		}
	}
	return facts
}

// wanted is the configuration that the scheduler must have in force. Of a change it is what was planned and approved, even where somebody
// overwrote it since: else the scheduler would be asked whether it has what somebody wrote.
func (p *plan) wanted(state strategyv1.RollbackState) (*config.Document, botcore.Summary) {
	document, summary := p.seen.Config.Document, p.seen.Config.Summary
	if state != strategyv1.StateApplied || p.next.Plan == nil || document == nil || p.claimed() == "" || p.overwrittenPath() == "" {
		return document, summary
	}
	var edits []config.Edit
	for _, edit := range p.next.Plan.Edits {
		edits = append(edits, config.Edit{Path: edit.Path, Value: edit.To})
	}
	planned, _, err := document.Apply(edits, p.ownRecords()...)
	if err != nil { // it cannot be told: rules that ask for what is not there cannot be evaluated
		return nil, botcore.Summary{}
	}
	scheduler := p.seen.Playbook.Spec.Scheduler
	summary, err = botcore.Describe(planned, botcore.Target{Scheduler: scheduler.Name, Environment: scheduler.Environment})
	if err != nil {
		return nil, botcore.Summary{}
	}
	return planned, summary
}

// ownRecords are the edits of this rollback that are in force.
func (p *plan) ownRecords() []config.Record {
	if holder := p.holder(); holder != nil {
		return holder.Records
	}
	return nil
}

// suspended are the schedules that the scheduler must show as suspended, or after a restore as trading again: without
// those that people or another rollback hold back. Planned are all that do not trade; one that runs with a limit of 0 is not suspended, and
// one that the configuration does not have any more cannot be shown.
func (p *plan) suspended(state strategyv1.RollbackState, summary botcore.Summary) []string {
	if p.next.Plan == nil {
		return nil
	}
	suspends := change.Suspends(summary, p.seen.Rollback.Spec.Actions)
	limits := change.Mutes(summary, p.seen.Rollback.Spec.Actions)
	names := slices.DeleteFunc(slices.Clone(p.next.Plan.Disables), func(name string) bool {
		known := slices.ContainsFunc(summary.Schedules, func(schedule botcore.Schedule) bool { return schedule.Name == name })
		return !known || slices.Contains(limits, name) && !slices.Contains(suspends, name)
	})
	if state == strategyv1.StateApplied {
		return names
	}
	return slices.DeleteFunc(names, p.suspendedByOthers)
}

func (p *plan) suspendedByOthers(schedule string) bool {
	for _, suspension := range p.seen.Config.Summary.Suspensions {
		if suspension.Kind == "tag" || suspension.Target == schedule { // who has a tag is the scheduler's business
			return true
		}
	}
	for _, holder := range p.seen.Config.State.Holders {
		if holder.UID != p.uid() && slices.Contains(holder.Disables, schedule) {
			return true
		}
	}
	return false
}

// limits says whether the plan sets the limit of an action: one that people set more strictly stays theirs.
func (p *plan) limits(wanted strategyv1.RollbackAction) bool {
	return p.next.Plan != nil && slices.ContainsFunc(p.next.Plan.Edits, func(edit strategyv1.PlannedEdit) bool {
		return botcore.LimitsSignals(edit.Path, wanted.Strategy, wanted.RiskProfile)
	})
}

// limitsOf are the resource limits of a configuration, by their names there.
func limitsOf(summary botcore.Summary) map[string]any {
	limits := map[string]any{}
	for _, limit := range summary.ResourceLimits {
		limits[limit.Name] = limit.Value
	}
	return limits
}

// textAt is the text that a document has at a path, empty if there is none.
func textAt(document *config.Document, path string) string {
	if document == nil {
		return ""
	}
	value, _, err := document.Get(path)
	if err != nil {
		return ""
	}
	return value
}

func texts(names []string) []any {
	list := make([]any, len(names))
	for i, name := range names {
		list[i] = name
	}
	return list
}
