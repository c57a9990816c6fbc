package record

import (
	"fmt"
	"reflect"
	"time"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/config"
)

// Claim is what one rollback asks for, as its status says it.
type Claim struct {
	UID, Name string // of the rollback
	State     strategyv1.ClaimState
	Revision  int64     // of the plan whose edits these are (not of the playbook)
	Met       bool      // a Hold whose edits were seen in the record once
	Time      time.Time // when it was made, by the operator's clock, in whole seconds: the oldest claim is met first
	Edits     []strategyv1.PlannedEdit
	Reapplies int32                 // how often the edits are to be written again, since they were put back
	Pause     string                // the annotation, as key=value, by which a tool leaves the ConfigMap alone; empty: none is set
	Disables  []string              // schedules that do not trade with these edits; the guard counts them
	Guard     *strategyv1.GuardSpec // nil: no limit
	Wrote     *Holder               // of a Hold whose edits were seen in the record once: what they were
	Receipt   *Holder               // of a Release: undone from it where the record does not name the rollback; nil: from the record only
}

// ClaimOf reads a rollback's claim; false while it asks for nothing.
func ClaimOf(rollback *strategyv1.StrategyRollback) (Claim, bool) {
	asked, plan := rollback.Status.Config, rollback.Status.Plan
	if asked == nil || plan == nil || asked.Claim == "" || asked.ClaimedTime == nil {
		return Claim{}, false
	}
	claim := Claim{
		UID: string(rollback.UID), Name: rollback.Name, State: asked.Claim, Revision: asked.Revision, Time: asked.ClaimedTime.Time,
		Met:   asked.Claim == strategyv1.ClaimHold && asked.WrittenRevision == asked.Revision,
		Edits: plan.Edits, Disables: plan.Disables, Guard: asked.Guard, Reapplies: asked.Reapplies,
	}
	if plan.GitOps != nil {
		claim.Pause = plan.GitOps.Pause
	}
	if claim.Met {
		claim.Wrote = InForce(asked)
	}
	if asked.UndoneFrom == strategyv1.UndoneFromReceipt && asked.Claim == strategyv1.ClaimRelease {
		claim.Receipt = InForce(asked)
	}
	return claim, true
}

// InForce is the receipt of what is, or may be, in the configuration: the one that was seen in the record, else the newest; nil: nothing is.
func InForce(asked *strategyv1.ConfigClaim) *Holder {
	if asked == nil || len(asked.Receipts) == 0 {
		return nil
	}
	receipt := asked.Receipts[0]
	if asked.WrittenTime == nil {
		receipt = asked.Receipts[len(asked.Receipts)-1]
	}
	holder, ok := ParseReceipt(receipt)
	if !ok {
		return nil
	}
	return &holder
}

// Lost says which edit is at a place of another rollback that the record does not name any more, though what was written for it stands in the
// document; empty: none. It would be taken for what people put there, brought back in the end, and undone by nobody.
func Lost(document *config.Document, state State, claims []Claim, uid string, edits []strategyv1.PlannedEdit) string {
	for _, claim := range claims {
		if claim.UID == uid || claim.Wrote == nil || state.Holder(claim.UID) != nil || !Stands(document, state, *claim.Wrote) {
			continue
		}
		for _, record := range claim.Wrote.Records {
			for _, edit := range edits {
				if config.Overlap(record.Path, edit.Path) {
					return fmt.Sprintf("%s is already changed by rollback %s, which the record of the edits does not say any more; it waits until that one is restored",
						edit.Path, claim.Name)
				}
			}
		}
	}
	return ""
}

// Same says whether two readings of a claim ask for the same, made at the same time.
func (c Claim) Same(other Claim) bool {
	sameTime := c.Time.Equal(other.Time)
	c.Time, other.Time = time.Time{}, time.Time{}
	return sameTime && reflect.DeepEqual(c, other)
}

// Refusal is a claim that cannot be met now; nothing of it is written.
type Refusal struct {
	Name    string // of the rollback
	Reason  string // a condition reason of api/v1alpha1; see Try
	Message string // what is in the way, for people
}

// Try is what becomes of a configuration when a Hold is met, all of its edits or none: the edited document and the next record. Or it is
// a refusal, with the reason
//
//   - TargetBelongsToOthers (PathHeldByOther): another rollback holds an overlapping place,
//   - GuardExceeded: the claim is new, and above its guard,
//   - EditRefused: an edit cannot be made, a place does not hold what the approved plan says, or the record would be too large.
//
// It writes nothing and keeps nothing.
func Try(document *config.Document, state State, claim Claim, now time.Time) (edited *config.Document, next State, refusal *Refusal) {
	refuse := func(reason, message string) *Refusal { return &Refusal{claim.Name, reason, message} }
	if blocked := Blocked(document, state, claim.UID, claim.Edits); blocked != "" {
		return nil, State{}, refuse(strategyv1.ReasonTargetBelongsToOthers, blocked)
	}
	others, before, position := split(state.Holders, claim.UID)
	if before == nil {
		if exceeded := guarded(others, claim); exceeded != "" {
			return nil, State{}, refuse(strategyv1.ReasonGuardExceeded, exceeded)
		}
	}
	edited, holder, err := apply(document, state, before, claim)
	if err != nil {
		return nil, State{}, refuse(strategyv1.ReasonEditRefused, err.Error())
	}
	holder.Since = now.UTC().Truncate(time.Second)
	next = State{Holders: append(append(append([]Holder{}, others[:position]...), holder), others[position:]...)}
	next.Wrote(state, document, edited, now)
	if _, err := next.Encode(); err != nil {
		return nil, State{}, refuse(strategyv1.ReasonEditRefused, err.Error())
	}
	return edited, next, nil
}

// Wrote records the content as of now.
func (s *State) Wrote(earlier State, before, after *config.Document, now time.Time) {
	s.SHA256, s.Written = Hash(after.String()), earlier.Written
	if before.String() != after.String() || earlier.SHA256 == "" {
		s.Written = now.UTC().Truncate(time.Second)
	}
}

// split takes a rollback's own holder out, and says where it was; a new one goes to the end.
func split(holders []Holder, uid string) (others []Holder, own *Holder, position int) {
	position = len(holders)
	for i := range holders {
		if holders[i].UID == uid {
			own, position = &holders[i], i
			continue
		}
		others = append(others, holders[i])
	}
	return others, own, min(position, len(others))
}

// Blocked says which edit another rollback stands in the way of, or is empty. The same value at the same place may have
// several holders; anything else that overlaps waits, because undoing two overlapping edits in the wrong order would
// bring back a value that nobody wants. A shared place that someone changed since is theirs, so that waits, too.
func Blocked(document *config.Document, state State, uid string, edits []strategyv1.PlannedEdit) string {
	for _, holder := range state.Holders {
		if holder.UID == uid {
			continue
		}
		for _, record := range holder.Records {
			for _, edit := range edits {
				if !config.Overlap(record.Path, edit.Path) {
					continue
				}
				if !config.SamePath(record.Path, edit.Path) || record.To != edit.To {
					return fmt.Sprintf("%s is already changed by rollback %s; it waits until that one is restored", edit.Path, holder.Name)
				}
				if held, err := document.Holds(edit.Path, edit.To); err == nil && !held {
					return fmt.Sprintf("%s was changed by rollback %s and by someone else since; it waits until that one is restored", edit.Path, holder.Name)
				}
			}
		}
	}
	return ""
}

// apply makes a claim's edits. What each path holds must still be what the approved plan says: between the approval and
// this write somebody may have changed it. A renewed plan first takes back what of its own it changes.
func apply(document *config.Document, state State, before *Holder, claim Claim) (*config.Document, Holder, error) {
	holder := Holder{UID: claim.UID, Name: claim.Name, Revision: claim.Revision, Disables: claim.Disables}
	kept, document, err := takeBack(document, before, claim.Edits)
	if err != nil {
		return nil, Holder{}, err
	}
	var edits []config.Edit
	for _, planned := range claim.Edits {
		if _, stays := kept[planned.Path]; !stays {
			edits = append(edits, config.Edit{Path: planned.Path, Value: planned.To})
		}
	}
	edited, records, err := document.Apply(edits, state.records()...)
	if err != nil {
		return nil, Holder{}, err
	}
	for _, planned := range claim.Edits {
		if record, stays := kept[planned.Path]; stays {
			holder.Records = append(holder.Records, record)
			continue
		}
		record := records[0]
		records = records[1:]
		base := &record
		if shared := state.Base(planned.Path, claim.UID); shared != nil {
			base = shared
		}
		if base.Absent != (planned.From == nil) || planned.From != nil && *planned.From != base.From {
			return nil, Holder{}, fmt.Errorf("%s no longer holds what the approved plan says", planned.Path)
		}
		holder.Records = append(holder.Records, record)
	}
	return edited, holder, nil
}

// takeBack is the document without what a renewed plan changes of its own edits, and what stays of them, by path.
func takeBack(document *config.Document, before *Holder, edits []strategyv1.PlannedEdit) (kept map[string]config.Record, without *config.Document, err error) {
	if before == nil {
		return nil, document, nil
	}
	kept = map[string]config.Record{}
	var old []config.Record
	for _, record := range before.Records {
		if stays(record, edits) {
			kept[record.Path] = record
		} else {
			old = append(old, record)
		}
	}
	without, conflicts, err := document.Undo(old)
	if err == nil && len(conflicts) > 0 {
		err = fmt.Errorf("%s: %s", conflicts[0].Path, conflicts[0].Reason)
	}
	return kept, without, err
}

func stays(record config.Record, edits []strategyv1.PlannedEdit) bool {
	for _, edit := range edits {
		if edit.Path == record.Path && edit.To == record.To {
			return true
		}
	}
	return false
}
