package incident

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/bounded"
	"tradeops.dev/strategy-operator/internal/config"
	"tradeops.dev/strategy-operator/internal/lifecycle"
)

// The bounds of what a status keeps of a rollback's edits, as the API has them.
const (
	maxEdits    = 8
	maxEditText = 256
)

// inForce are the edits of a rollback that reached the configuration, and how many; none once they were undone. A drill changes a copy, which
// goes with it.
func (p *plan) inForce(rollback *strategyv1.StrategyRollback, before strategyv1.IncidentRollback) (edits []strategyv1.StandingEdit, total int32) {
	uid := string(rollback.UID)
	holder := p.seen.Config.State.Holder(uid)
	switch {
	case p.isDrill() || !lifecycle.Changed(rollback.Status) || lifecycle.Ended(rollback.Status):
		return nil, 0
	case holder != nil:
		return p.standing(uid, holder.Records)
	case len(before.Edits) > 0:
		return before.Edits, before.EditTotal
	case rollback.Status.Plan == nil:
		return nil, 0
	}
	var planned []config.Record
	for _, edit := range rollback.Status.Plan.Edits {
		record := config.Record{Path: edit.Path, To: edit.To, Absent: edit.From == nil}
		if edit.From != nil {
			record.From = *edit.From
		}
		planned = append(planned, record)
	}
	return p.standing(uid, planned)
}

// standing are edits as the status keeps them. What was there before is what no rollback wrote.
func (p *plan) standing(uid string, records []config.Record) (edits []strategyv1.StandingEdit, total int32) {
	for i := range records[:min(len(records), maxEdits)] {
		record := &records[i]
		base := record
		if shared := p.seen.Config.State.Base(record.Path, uid); shared != nil {
			base = shared
		}
		edit := strategyv1.StandingEdit{Path: record.Path, To: bounded.Text(record.To, maxEditText)}
		if !base.Absent {
			edit.From = new(bounded.Text(base.From, maxEditText))
		}
		edits = append(edits, edit)
	}
	if len(records) > maxEdits {
		total = int32(len(records)) //nolint:gosec // bounded by the size of the record
	}
	return edits, total
}

// seeLeft: a rollback is gone, or on its way out without its edits. Those that stay in the configuration are nobody's any more, as are those
// of which nobody can see whether they do.
func (p *plan) seeLeft(rollback *strategyv1.IncidentRollback) {
	if rollback.LeftTime != nil || len(rollback.Edits) == 0 {
		return
	}
	unlisted := max(0, int(rollback.EditTotal)-len(rollback.Edits))
	edits, _ := p.stillThere(*rollback)
	rollback.Edits, rollback.EditTotal = edits, 0
	if len(edits)+unlisted == 0 {
		return // they were undone
	}
	if unlisted > 0 {
		rollback.EditTotal = int32(len(edits) + unlisted) //nolint:gosec // bounded by the size of the record
	}
	rollback.LeftTime = new(p.out.Stamp())
	message := p.leftOf(*rollback)
	p.out.Note(strategyv1.EventRetained, message, "")
	p.out.Tell(corev1.EventTypeWarning, strategyv1.ReasonRetained, message)
}

// stillThere are those of the edits that stand in the configuration and that no other rollback holds, who undoes them in the end. Known
// says whether anybody can see that. What cannot be compared counts as there.
func (p *plan) stillThere(rollback strategyv1.IncidentRollback) (edits []strategyv1.StandingEdit, known bool) {
	if p.seen.Config.Gone {
		return nil, true
	}
	if p.seen.Config.Document == nil {
		return rollback.Edits, false
	}
	for _, edit := range rollback.Edits {
		held, err := p.seen.Config.Document.Holds(edit.Path, edit.To)
		if whole := len(edit.To) < maxEditText-utf8.UTFMax; whole && err == nil && !held || p.heldByOther(edit.Path, rollback.UID) {
			continue
		}
		edits = append(edits, edit)
	}
	return edits, true
}

func (p *plan) heldByOther(path, uid string) bool {
	for _, holder := range p.seen.Config.State.Holders {
		if holder.UID != uid && slices.ContainsFunc(holder.Records, func(r config.Record) bool { return config.SamePath(r.Path, path) }) {
			return true
		}
	}
	return false
}

// left says what stays in the configuration of the incident's rollbacks that are gone; empty: nothing.
func (p *plan) left() string { return p.leftOfAll(p.next.Rollbacks) }

// leftBy says what stays of another incident's on the same scheduler.
func (p *plan) leftBy(other *strategyv1.StrategyIncident) string {
	return p.leftOfAll(slices.DeleteFunc(slices.Clone(other.Status.Rollbacks), func(r strategyv1.IncidentRollback) bool { return r.LeftTime == nil }))
}

// appliedBy says which rollback of an incident that was closed still has edits in the configuration; empty: none. Nobody sees for a closed incident
// what a deletion leaves, so what stands there counts, held or not.
func (p *plan) appliedBy(other *strategyv1.StrategyIncident) string {
	for _, rollback := range other.Status.Rollbacks {
		edits, known := p.stillThere(rollback)
		switch {
		case rollback.LeftTime != nil:
			continue
		case p.seen.Config.State.Holder(rollback.UID) != nil:
			return fmt.Sprintf("rollback %s of it is still in force", rollback.Name)
		case len(edits) > 0 && known:
			return fmt.Sprintf("edits of rollback %s of it are still in the configuration, and nothing undoes them", rollback.Name)
		case len(edits) > 0:
			return fmt.Sprintf("rollback %s of it was in force, and nobody can see whether it still is", rollback.Name)
		}
	}
	return ""
}

func (p *plan) leftOfAll(rollbacks []strategyv1.IncidentRollback) string {
	var texts []string
	for _, rollback := range rollbacks {
		if text := p.leftOf(rollback); text != "" {
			texts = append(texts, text)
		}
	}
	return strings.Join(texts, "; ")
}

func (p *plan) leftOf(rollback strategyv1.IncidentRollback) string {
	if rollback.LeftTime == nil {
		return ""
	}
	edits, known := p.stillThere(rollback)
	unlisted := max(0, int(rollback.EditTotal)-len(rollback.Edits))
	switch {
	case !known:
		return fmt.Sprintf("rollback %s was deleted, and nobody can see whether its edits are still in the configuration: %s", rollback.Name, lines(edits, unlisted))
	case len(edits)+unlisted == 0:
		return ""
	}
	return fmt.Sprintf("rollback %s was deleted and its edits stay in the configuration, where nobody watches or undoes them: %s", rollback.Name, lines(edits, unlisted))
}

// lines are edits for people, with the values to put back.
func lines(edits []strategyv1.StandingEdit, unlisted int) string {
	words := make([]string, len(edits), len(edits)+1)
	for i, edit := range edits {
		before := "nothing was there before"
		if edit.From != nil {
			before = "before: " + *edit.From
		}
		words[i] = fmt.Sprintf("%s = %s (%s)", edit.Path, edit.To, before)
	}
	text := bounded.Text(strings.Join(words, "; "), 700)
	if unlisted > 0 {
		text += fmt.Sprintf("; and %d more", unlisted)
	}
	return text
}

// putBack says what people can do about it.
func (p *plan) putBack() string {
	where := "the scheduler's configuration"
	if name := p.seen.Playbook.Spec.Scheduler.Config.ConfigMapName; name != "" {
		where = "ConfigMap " + name
	}
	return fmt.Sprintf("To undo them, put back in %s what was there before, and restart the scheduler. Then, or to leave them as they are: %s",
		where, commandTo(p.seen.Incident, "resolve"))
}

// containedNoMore takes back that the incident is contained when what contained it is gone. A change that is left in force is no more
// contained than one that is undone: nobody would notice when it is overwritten, or ends.
func (p *plan) containedNoMore() {
	contains := func(r strategyv1.StrategyRollback) bool { return lifecycle.Contains(r.Status) }
	reason := p.out.Reason(strategyv1.ConditionContained)
	own := p.out.Is(strategyv1.ConditionContained) && reason != strategyv1.ReasonFollowsParent || reason == strategyv1.ReasonRetained
	if !own || slices.ContainsFunc(p.current(), contains) {
		return
	}
	left, known := p.left(), p.knownRollbacks()
	switch {
	case left != "":
		p.out.Set(strategyv1.ConditionContained, metav1.ConditionFalse, strategyv1.ReasonRetained, left+". "+p.putBack())
	case len(p.current()) == 0 && len(known) > 0:
		p.out.Set(strategyv1.ConditionContained, metav1.ConditionFalse, strategyv1.ReasonRestored, fmt.Sprintf(
			"rollback %s was deleted, and nothing of it is in the configuration any more", known[len(known)-1].Name))
	case reason == strategyv1.ReasonRetained:
		p.out.Set(strategyv1.ConditionContained, metav1.ConditionFalse, strategyv1.ReasonMitigating, "nothing is left of a rollback that was deleted")
	}
}
