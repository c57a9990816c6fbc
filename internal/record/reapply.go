package record

import (
	"fmt"
	"time"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/config"
)

// PutBack are the paths of a rollback's edits that hold again exactly what they held before any edit: a tool that applies the document put that
// back. Changed is the first path that holds neither this nor what was written: somebody wants something else there.
func PutBack(document *config.Document, state State, uid string) (paths []string, changed string) {
	holder := state.Holder(uid)
	if holder == nil || document == nil {
		return nil, ""
	}
	for _, record := range holder.Records {
		if held, err := document.Holds(record.Path, record.To); err == nil && held {
			continue
		}
		if !holdsEarlier(document, state.original(record, uid)) {
			return nil, record.Path
		}
		paths = append(paths, record.Path)
	}
	return paths, ""
}

// original is the record of a path that says what was there before any edit: that of the rollback which made it, if it is shared.
func (s State) original(record config.Record, uid string) config.Record {
	if record.Layout == config.Same {
		if base := s.Base(record.Path, uid); base != nil {
			return *base
		}
	}
	return record
}

func holdsEarlier(document *config.Document, record config.Record) bool {
	value, found, err := document.Get(record.Path)
	return err == nil && found != record.Absent && (record.Absent || value == record.From)
}

// Reapply writes a rollback's edits again where they were put back. The document around them may be another one by now, so what is undone in the
// end is what is replaced now. Where nothing was put back, only the count is written. It is a refusal where somebody wants something else.
func Reapply(document *config.Document, state State, claim Claim, now time.Time) (edited *config.Document, next State, refusal *Refusal) {
	refuse := func(message string) *Refusal { return &Refusal{claim.Name, strategyv1.ReasonEditRefused, message} }
	paths, changed := PutBack(document, state, claim.UID)
	if changed != "" {
		return nil, State{}, refuse(fmt.Sprintf("%s holds neither the rollback's value nor what was there before; it is not written again", changed))
	}
	next = State{Holders: cloned(state.Holders)}
	edits := make([]config.Edit, len(paths))
	for i, path := range paths {
		edits[i] = config.Edit{Path: path, Value: state.Holder(claim.UID).record(path).To}
	}
	edited, records, err := document.Apply(edits, state.recordsBut(paths)...)
	if err != nil {
		return nil, State{}, refuse(err.Error())
	}
	for _, record := range records {
		next.replace(record, claim.UID)
	}
	holder := next.Holder(claim.UID)
	holder.Reapplied, holder.Since = claim.Reapplies, now.UTC().Truncate(time.Second)
	next.Wrote(state, document, edited, now)
	if _, err := next.Encode(); err != nil {
		return nil, State{}, refuse(err.Error())
	}
	return edited, next, nil
}

// replace puts the record of an edit in place of the one that says what was there before.
func (s State) replace(record config.Record, uid string) {
	target := s.Holder(uid).record(record.Path)
	if target.Layout == config.Same {
		if base := s.Base(record.Path, uid); base != nil {
			target = base
		}
	}
	*target = record
}

// recordsBut are the edits in force without those of some paths.
func (s State) recordsBut(paths []string) (all []config.Record) {
	for _, record := range s.records() {
		if !contains(paths, record.Path) {
			all = append(all, record)
		}
	}
	return all
}

func contains(paths []string, path string) bool {
	for _, one := range paths {
		if config.SamePath(one, path) {
			return true
		}
	}
	return false
}
