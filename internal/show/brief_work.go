package show

import (
	"fmt"
	"slices"
	"strings"
	"time"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
)

// rollbackItems are what is changed, until when, and how far it is.
func (w *writer) rollbackItems(object *strategyv1.StrategyRollback, now time.Time) []item {
	status := object.Status
	items := []item{{label: "change", text: orElse(Change(object.Spec.Actions), "nothing") + " (" + or(object.Name) + ", asked for by " + asker(object.Spec.RequestedBy) + ")", lines: 2}}
	if status.Plan != nil {
		items = append(items, item{label: "plan", text: until(object, now) + sentence("", labelled("; disables", strings.Join(status.Plan.Disables, ", "))), lines: 1, block: w.briefDiff(status.Plan.Diff)})
	}
	items = append(items, gitItem(status)...)
	var steps []string
	for _, kind := range []string{strategyv1.ConditionApproved, strategyv1.ConditionApplied, strategyv1.ConditionInEffect, strategyv1.ConditionVerified, strategyv1.ConditionRestored} {
		sign := notYet
		if condition := find(status.Conditions, kind); condition.Type != "" {
			sign = conditionMark(condition)
		}
		steps = append(steps, sign.sign+" "+kind)
	}
	return append(items, item{label: "steps", text: strings.Join(steps, "  "), lines: 2})
}

// shortest diff that says what is changed; the sheet of approve shows all of it.
const briefDiffLines = 5

func (w *writer) briefDiff(diff string) []string {
	lines := slices.DeleteFunc(Options{Full: true}.diffLines(diff), func(line string) bool { return strings.HasPrefix(line, "@@") })
	if more := len(lines) - briefDiffLines; more > 0 {
		lines = append(slices.Clone(lines[:briefDiffLines-1]), fmt.Sprintf("… %d more lines", more+1))
	}
	return lines
}

// work is what was checked, what runs now, and what happened last.
func (w *writer) work(s Subject, now time.Time) (items []item) {
	var checks []strategyv1.CheckStatus
	var running []string
	var entries []strategyv1.TimelineEntry
	run := func(list []strategyv1.RunningCheck) {
		for _, one := range list {
			running = append(running, fmt.Sprintf("%s (%s, %s)", or(one.Name), or(string(one.Stage)), span(now.Sub(one.AskedTime.Time))))
		}
	}
	if s.Incident != nil {
		checks, entries = append(checks, s.Incident.Status.Checks...), append(entries, s.Incident.Status.Timeline...)
		run(s.Incident.Status.Running)
	}
	for i := range s.Rollbacks {
		checks, entries = append(checks, s.Rollbacks[i].Status.Checks...), append(entries, s.Rollbacks[i].Status.Timeline...)
		run(s.Rollbacks[i].Status.Running)
	}
	if len(running) > 0 {
		items = append(items, item{mark: waiting, label: "runs now", text: strings.Join(running, ", "), lines: 2})
	}
	if text := stagesText(checks); text != "" {
		items = append(items, item{label: "checks", text: text, lines: 3})
	}
	slices.SortStableFunc(entries, func(a, b strategyv1.TimelineEntry) int { return a.Time.Compare(b.Time.Time) })
	for _, entry := range entries[max(0, len(entries)-2):] {
		items = append(items, item{label: "last", text: sentence("  ", clock(entry.Time.Time, now), or(string(entry.Event)), Line(entry.Message)), lines: 1})
	}
	return items
}

// stagesText is each stage in a few words: how many of its checks are well, and which are not. Of each check the last attempt counts.
func stagesText(checks []strategyv1.CheckStatus) string {
	var stages []strategyv1.Stage
	last := map[strategyv1.Stage][]strategyv1.CheckStatus{}
	for _, check := range checks {
		if !slices.Contains(stages, check.Stage) {
			stages = append(stages, check.Stage)
		}
		of := slices.DeleteFunc(last[check.Stage], func(one strategyv1.CheckStatus) bool { return one.Name == check.Name })
		last[check.Stage] = append(of, check)
	}
	var parts []string
	for _, stage := range stages {
		well, sign, not := 0, good, []string{}
		for _, check := range last[stage] {
			if check.Verdict == strategyv1.VerdictPass || check.Verdict == strategyv1.VerdictWarn {
				well++
				continue
			}
			sign = bad
			not = append(not, sentence(" ", or(check.Name), or(string(check.Verdict)), "("+short(Line(check.Message), 60)+")"))
		}
		parts = append(parts, sentence(": ", fmt.Sprintf("%s %s %d/%d", sign.sign, or(string(stage)), well, len(last[stage])), strings.Join(not, ", ")))
	}
	return strings.Join(parts, "; ")
}

// asker is who asked, for a short text: of a service account without its namespace.
func asker(user string) string {
	if of, machine := strings.CutPrefix(user, "system:serviceaccount:"); machine {
		_, name, _ := strings.Cut(of, ":")
		return "service account " + or(name)
	}
	return orElse(Line(user), "unknown")
}
