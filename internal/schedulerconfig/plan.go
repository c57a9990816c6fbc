package schedulerconfig

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/types"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/action"
	"tradeops.dev/strategy-operator/internal/config"
	"tradeops.dev/strategy-operator/internal/gitops"
	"tradeops.dev/strategy-operator/internal/pauses"
	"tradeops.dev/strategy-operator/internal/record"
)

// Observed is one key of a ConfigMap and everything that claims it.
type Observed struct {
	Key             types.NamespacedName // of the ConfigMap
	ResourceVersion string               // that Content and State were read at: the write is bound to it
	DataKey         string               // the key in its data; empty: nothing is claimed
	Content         string
	Writer          string // the field manager that wrote Content last; empty: nobody can tell
	Annotations     map[string]string
	State           record.State    // the record, as far as the operator wrote it
	Claims          []record.Claim  // in any order, without those that a suspended playbook keeps back
	Orphans         []record.Holder // what the record has of rollbacks that do not exist any more: nobody can tell who wrote it
	Receipts        record.Receipts // of the rollbacks on this ConfigMap
	Pauses          pauses.Pauses
}

// Receipt is an entry of the record that is about to be written: it goes into the status of its rollback first.
type Receipt struct {
	UID, Name string // of the rollback
	Entry     string
}

// Decision is at most one write for all claims together.
type Decision struct {
	Write    *action.WriteConfig
	Receipts []Receipt      // before the write
	Pending  []record.Claim // those that were not met: the write depends on them, so they are read once more before it
	Refused  []record.Refusal
	Dropped  []record.Holder // orphans: their edits stay, and nobody undoes them
	Left     []record.Holder // of rollbacks that were deleted, and asked for that: the same
	NextAt   time.Time       // zero: something watched will change
}

// Plan undoes what is released, newest first, then applies what is newly claimed, oldest claim first. The error: the record does not
// fit its annotation; then nothing is written.
func Plan(o Observed, now time.Time) (Decision, error) {
	document, unreadable := config.Parse(o.Content)
	pending := pendingOf(o, document)
	wait := o.Pauses.OrDefault()
	if at := due(pending, wait); now.Before(at) && !at.After(now.Add(wait.GatherLimit)) { // else the clock was set back since they were made
		return Decision{NextAt: at}, nil
	}
	work := &writing{claims: o.Claims, found: o, annotations: map[string]string{}, document: document, unreadable: unreadable, state: record.State{Holders: slices.Clone(o.State.Holders)}, decision: Decision{Pending: pending}}
	work.decision.Dropped, work.changed = o.Orphans, len(o.Orphans) > 0
	work.recover(pending)
	for _, holder := range slices.Backward(slices.Clone(work.state.Holders)) {
		for _, claim := range pending {
			if claim.UID == holder.UID {
				work.end(claim)
			}
		}
	}
	for _, claim := range pending {
		switch {
		case reapplies(claim, o.State.Holder(claim.UID)):
			work.reapply(claim, o.Writer, now)
		case claim.State == strategyv1.ClaimHold:
			work.hold(claim, now)
		}
	}
	if !work.changed {
		return work.decision, nil
	}
	switch {
	case o.DataKey == "": // nothing is claimed, only orphans are dropped
		work.state.SHA256, work.state.Written = o.State.SHA256, o.State.Written
	case unreadable != nil: // nothing of it was changed
		work.state.SHA256, work.state.Written = record.Hash(o.Content), o.State.Written
	default:
		work.state.Wrote(o.State, document, work.document, now)
	}
	content := o.Content
	if unreadable == nil {
		content = work.document.String()
	}
	edits, err := work.state.Encode()
	if err != nil {
		return work.decision, err
	}
	work.decision.Receipts = unreceipted(work.state, o.Receipts)
	work.decision.Write = &action.WriteConfig{
		Key: o.Key, ResourceVersion: o.ResourceVersion, DataKey: o.DataKey, Content: content, Edits: edits, Edited: len(work.state.Holders) > 0,
		Annotations: work.annotations,
	}
	return work.decision, nil
}

// pendingOf are the claims that are not met, oldest first. One that was met, and is not in the record any more, went with a ConfigMap that
// somebody replaced: that is theirs, and it is not written again. One that is undone from its receipt is met when nothing is left to undo.
func pendingOf(o Observed, document *config.Document) []record.Claim {
	var pending []record.Claim
	for _, claim := range o.Claims {
		holder := o.State.Holder(claim.UID)
		asked := claim.State == strategyv1.ClaimHold && !claim.Met && (holder == nil || holder.Revision != claim.Revision) || reapplies(claim, holder)
		lost := holder == nil && claim.Receipt != nil && record.Stands(document, o.State, *claim.Receipt)
		if asked || lost || claim.State != strategyv1.ClaimHold && holder != nil {
			pending = append(pending, claim)
		}
	}
	slices.SortFunc(pending, func(a, b record.Claim) int {
		return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.UID, b.UID))
	})
	return pending
}

// reapplies: what was written is to be written once more, since a tool put back what was there before.
func reapplies(claim record.Claim, holder *record.Holder) bool {
	return claim.State == strategyv1.ClaimHold && holder != nil && holder.Revision == claim.Revision && claim.Reapplies > holder.Reapplied
}

// due is when the pending claims are written: soon after the newest, and not too long after the oldest.
func due(pending []record.Claim, wait pauses.Pauses) time.Time {
	if len(pending) == 0 {
		return time.Time{}
	}
	soon, latest := pending[len(pending)-1].Time.Add(wait.Gather), pending[0].Time.Add(wait.GatherLimit)
	if soon.Before(latest) {
		return soon
	}
	return latest
}

// writing is the configuration as it becomes.
type writing struct {
	claims     []record.Claim
	document   *config.Document
	unreadable error // why there is none: nothing can be applied to it, or undone in it
	state      record.State
	changed    bool
	decision   Decision

	found       Observed          // as it is
	annotations map[string]string // that become others; empty: taken off
}

// recover goes on as if the record still had what is undone from its receipt.
func (w *writing) recover(pending []record.Claim) {
	for _, claim := range pending {
		if claim.Receipt != nil && w.state.Holder(claim.UID) == nil {
			w.state.Holders = append(w.state.Holders, *claim.Receipt)
		}
	}
}

// unreceipted are the entries that are about to be written and stand in no status yet.
func unreceipted(state record.State, receipts record.Receipts) (missing []Receipt) {
	for _, holder := range state.Holders {
		if entry := holder.Receipt(); !slices.Contains(receipts[holder.UID], entry) {
			missing = append(missing, Receipt{holder.UID, holder.Name, entry})
		}
	}
	return missing
}

// end takes a rollback's edits out of the content, or leaves them there for good.
func (w *writing) end(claim record.Claim) {
	switch claim.State {
	case strategyv1.ClaimRelease:
		w.release(claim)
	case strategyv1.ClaimForget:
		w.decision.Left = append(w.decision.Left, *w.state.Holder(claim.UID))
		w.forget(claim.UID)
	}
}

// release undoes the edits that no other rollback shares. Of a shared one, the record of what was there before goes
// to another holder, which undoes it in the end. Conflicts stay as people left them; the rollback reports them.
func (w *writing) release(claim record.Claim) {
	remaining, alone := w.state.Without(claim.UID)
	undone, err := w.document, w.unreadable
	if err == nil {
		undone, _, err = w.document.Undo(alone)
	}
	if err != nil {
		w.refuse(record.Refusal{Name: claim.Name, Reason: strategyv1.ReasonEditRefused, Message: err.Error()})
		return
	}
	w.resume(*w.state.Holder(claim.UID), remaining)
	w.document, w.state, w.changed = undone, remaining, true
}

// resume takes off the annotation by which a tool leaves the ConfigMap alone, with the last edits that wanted it. What somebody changed of it since
// is theirs.
func (w *writing) resume(released record.Holder, remaining record.State) {
	key, value := gitops.Paused(released.Pause)
	if key == "" || pausing(remaining, released.Pause) || w.found.Annotations[key] != value {
		return
	}
	w.annotations[key] = ""
}

func pausing(state record.State, pause string) bool {
	return slices.ContainsFunc(state.Holders, func(holder record.Holder) bool { return holder.Pause == pause })
}

// pause has a tool leave the ConfigMap alone, unless somebody else says something of that: it stays as it is then, also in the end.
func (w *writing) pause(claim record.Claim) {
	key, value := gitops.Paused(claim.Pause)
	if key == "" {
		return
	}
	found, stands := w.found.Annotations[key]
	if stands && (found != value || !pausing(w.found.State, claim.Pause)) {
		return
	}
	w.state.Holder(claim.UID).Pause = claim.Pause
	if w.annotations[key] = value; stands {
		delete(w.annotations, key) // also where another's end was to take it off
	}
}

// forget leaves the content alone.
func (w *writing) forget(uid string) {
	w.state, _ = w.state.Without(uid)
	w.changed = true
}

func (w *writing) hold(claim record.Claim, now time.Time) {
	if w.unreadable != nil {
		w.refuse(record.Refusal{Name: claim.Name, Reason: strategyv1.ReasonEditRefused, Message: w.unreadable.Error()})
		return
	}
	if blocked := record.Lost(w.document, w.state, w.claims, claim.UID, claim.Edits); blocked != "" {
		w.refuse(record.Refusal{Name: claim.Name, Reason: strategyv1.ReasonTargetBelongsToOthers, Message: blocked})
		return
	}
	edited, next, refusal := record.Try(w.document, w.state, claim, now)
	if refusal != nil {
		w.refuse(*refusal)
		return
	}
	w.document, w.state, w.changed = edited, next, true
	w.pause(claim)
}

// reapply writes over a GitOps controller alone: what a person, or a tool that a person ran, wrote last stays, even if it is what was there before.
func (w *writing) reapply(claim record.Claim, writer string, now time.Time) {
	if w.unreadable != nil {
		w.refuse(record.Refusal{Name: claim.Name, Reason: strategyv1.ReasonEditRefused, Message: w.unreadable.Error()})
		return
	}
	if !gitops.IsController(writer) {
		w.refuse(record.Refusal{Name: claim.Name, Reason: strategyv1.ReasonEditRefused, Message: fmt.Sprintf(
			"the edits are not written again: %q wrote the configuration last, which is no GitOps controller", writer)})
		return
	}
	edited, next, refusal := record.Reapply(w.document, w.state, claim, now)
	if refusal != nil {
		w.refuse(*refusal)
		return
	}
	w.document, w.state, w.changed = edited, next, true
}

func (w *writing) refuse(refusal record.Refusal) {
	w.decision.Refused = append(w.decision.Refused, refusal)
}
