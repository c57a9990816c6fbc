package report

import (
	"cmp"
	"fmt"
	"slices"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/evidence"
)

// timeline: all that was logged, of the incident and its rollbacks.
func (f *Folder) timeline() section {
	lines := table{Caption: "What was logged, in the order of time", Head: []string{"Time (UTC)", "Of", "Event", "By", "What"}}
	for _, one := range f.entries() {
		what := text(one.Artefacts["message"])
		if one.Problem != "" {
			what = marked(bad, "NOT VERIFIED: "+one.Problem+said(one))
		}
		number := fmt.Sprintf("%d", one.Seq)
		lines.Rows = append(lines.Rows, []cell{
			text(moment(one.Time)), {Text: f.short(one.Of) + " " + number, Link: f.link(evidence.LogKey(one.Prefix, one.Seq))},
			{Text: cmp.Or(one.Event, "unknown"), Mark: toneOf(one)}, text(one.Artefacts["by"]), what,
		})
	}
	if len(lines.Rows) == 0 {
		return section{}
	}
	return section{ID: "timeline", Title: "Time line", Blocks: []block{{Table: lines.most()}}}
}

func said(one entry) string {
	if one.Artefacts["message"] == "" {
		return ""
	}
	return ". It says: " + one.Artefacts["message"]
}

// short is how an object of the incident is called in a column: the incident's own name is known.
func (f *Folder) short(name string) string {
	if name == f.incident.Name {
		return "incident"
	}
	return name
}

var bads = []strategyv1.Event{
	strategyv1.EventNotHonoured, strategyv1.EventSLABreached, strategyv1.EventUnanswered, strategyv1.EventRelapsed, strategyv1.EventRetained, strategyv1.EventUnverified,
	strategyv1.EventFailed, strategyv1.EventRecordDoubted, strategyv1.EventRestoreRefused, strategyv1.EventLeft,
}

var goods = []strategyv1.Event{
	strategyv1.EventContained, strategyv1.EventVerified, strategyv1.EventRestored, strategyv1.EventClosed, strategyv1.EventConfigApplied, strategyv1.EventDisabled,
}

func toneOf(one entry) mark {
	switch {
	case one.Problem != "", slices.Contains(bads, strategyv1.Event(one.Event)):
		return bad
	case slices.Contains(goods, strategyv1.Event(one.Event)):
		return good
	}
	return ""
}
