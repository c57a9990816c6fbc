package report

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/conditions"
	"tradeops.dev/strategy-operator/internal/lifecycle"
)

// Report is the report of an incident, to be written down.
type Report struct{ document }

// Make makes the report of a folder.
func Make(f *Folder) Report {
	slices.SortFunc(f.files, func(a, b file) int { return cmp.Compare(a.Key, b.Key) })
	of := f.Snapshot.Incident
	doc := document{
		Title: "Incident " + of.Name, Drill: f.isDrill(), Subtitle: f.subtitle(), Notices: f.notices(), Figures: f.figures(),
	}
	for _, write := range []func(*Folder) section{
		(*Folder).times, (*Folder).timeline, (*Folder).checklist, (*Folder).cause, (*Folder).signals, (*Folder).comparison, (*Folder).changes,
		(*Folder).decisions, (*Folder).openItems, (*Folder).postMortem, (*Folder).proof,
	} {
		if one := write(f); len(one.Blocks) > 0 {
			doc.Sections = append(doc.Sections, one)
		}
	}
	doc.clean()
	return Report{doc}
}

// Day is the day in the name of the report: that of the folder.
func (f *Folder) Day() string { return f.Snapshot.Incident.Created.UTC().Format(time.DateOnly) }

func (f *Folder) subtitle() string {
	of := f.Snapshot.Incident.Spec
	if !f.Closed {
		if len(f.incident.Entries) == 0 {
			return "nothing is logged yet"
		}
		return f.incident.Entries[0].Artefacts["message"]
	}
	about := "the whole scheduler"
	switch {
	case of.Schedule != "":
		about = "schedule " + of.Schedule
	case of.Strategy != "":
		about = "strategy " + of.Strategy
	}
	line := fmt.Sprintf("%s, %s, %s, playbook %s", of.Type, f.severity(), about, of.PlaybookName)
	if of.Summary != "" {
		line += ": " + of.Summary
	}
	return line
}

// notices are what a reader must know before anything else.
func (f *Folder) notices() []notice {
	var all []notice
	if f.isDrill() {
		all = append(all, notice{careful, "DRILL: this was an exercise, on a copy of the configuration. No strategy was stopped, and its deadlines do not count."})
	}
	if !f.Closed {
		all = append(all, notice{careful, "OPEN: this incident has no closing snapshot yet. What follows is what its log and evidence say so far, and is not final."})
	}
	if !f.reopened.IsZero() {
		all = append(all, notice{careful, fmt.Sprintf("REOPENED at %s UTC. This is the report of the closing before that; what came since is reported when it is closed again.", moment(f.reopened))})
	}
	wrong := f.Unverified()
	if wrong > 0 {
		all = append(all, notice{bad, fmt.Sprintf("NOT VERIFIED: of the logs and the evidence %s not as written. Each is marked, and nothing in here rests on it; see “What this is made of”.", isAre(wrong, "object"))})
	}
	for _, left := range f.cut {
		all = append(all, notice{careful, "SHORTENED: " + left + "."})
	}
	return all
}

// Unverified is how many entries and files are not as they were written.
func (f *Folder) Unverified() int {
	wrong := 0
	for _, one := range f.logs() {
		for _, entry := range one.Entries {
			if entry.Problem != "" {
				wrong++
			}
		}
	}
	for _, one := range f.files {
		if one.Problem != "" {
			wrong++
		}
	}
	return wrong
}

// IsIncident says whether the folder is that of an incident: rollbacks have such folders, too.
func (f *Folder) IsIncident() bool {
	return f.Closed || len(f.incident.Entries) > 0 && f.incident.Entries[0].Stage == "incident"
}

func isAre(n int, what string) string {
	if n == 1 {
		return "1 " + what + " is"
	}
	return fmt.Sprintf("%d %ss are", n, what)
}

// figures are what is asked first.
func (f *Folder) figures() []figure {
	if !f.Closed {
		return nil
	}
	status := f.Snapshot.Incident.Status
	all := []figure{{Label: "Detected (UTC)", Text: moment(f.detected())}, {Label: "Closed (UTC)", Text: moment(status.ClosedTime.Time)}, {Label: "Duration", Text: between(f.detected(), status.ClosedTime.Time)}}
	contained := f.containedAt()
	switch {
	case !f.incident.whole():
		all = append(all, figure{careful, "Contained after", "not known: its log is not as it was written"})
	case !contained.IsZero():
		all = append(all, figure{Label: "Contained after", Text: between(f.detected(), contained)})
	default:
		all = append(all, figure{Label: "Contained after", Text: "no change contained it"})
	}
	cause := "none was looked for"
	if status.Cause != nil {
		cause = status.Cause.Name
	}
	return append(all, figure{Label: "Cause", Text: cause}, f.slaFigure(), figure{Label: "Ended as", Text: conditions.Reason(status.Conditions, strategyv1.ConditionResolved)})
}

func (f *Folder) slaFigure() figure {
	late := 0
	for _, deadline := range f.Snapshot.Incident.Status.Deadlines {
		if deadline.BreachTime != nil {
			late++
		}
	}
	switch {
	case f.isDrill():
		return figure{careful, "Deadlines", "a drill: they do not count"}
	case late > 0:
		return figure{bad, "Deadlines", plural(late, "late answer")}
	}
	return figure{good, "Deadlines", "met"}
}

func (f *Folder) detected() time.Time { return lifecycle.Detected(f.asObject()) }

// containedAt is when a change first contained the incident: the status forgets it when the incident goes into another round.
func (f *Folder) containedAt() time.Time { return f.incident.first(strategyv1.EventContained) }

// logs are that of the incident and those of its rollbacks.
func (f *Folder) logs() []log { return append([]log{f.incident}, f.rollbacks...) }

// entries of all logs, in the order of time, and of one second in that of the logs.
func (f *Folder) entries() []entry {
	var all []entry
	for _, one := range f.logs() {
		last := time.Time{}
		for _, entry := range one.Entries {
			if entry.Time.Before(last) { // a missing one, or of a clock that went back: it stays where it stands
				entry.Time = last
			}
			last = entry.Time
			all = append(all, entry)
		}
	}
	slices.SortStableFunc(all, func(a, b entry) int { return a.Time.Compare(b.Time) })
	return all
}
