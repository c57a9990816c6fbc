package record

import (
	"fmt"
	"slices"

	"tradeops.dev/strategy-operator/internal/config"
)

// Without is the document without what a rollback alone holds in it. The error says what of it was changed by others.
func Without(document *config.Document, state State, uid string) (*config.Document, error) {
	if state.Holder(uid) == nil {
		return document, nil
	}
	_, alone := state.Without(uid)
	undone, conflicts, err := document.Undo(alone)
	if err == nil && len(conflicts) > 0 {
		err = fmt.Errorf("%s: %s", conflicts[0].Path, conflicts[0].Reason)
	}
	return undone, err
}

// Without is the state without a rollback, and the records that it alone held. Those of shared edits are inherited.
func (s State) Without(uid string) (remaining State, alone []config.Record) {
	others, own, _ := split(s.Holders, uid)
	if own == nil {
		return s, nil
	}
	remaining = State{Holders: cloned(others)}
	for _, record := range own.Records {
		if !remaining.inherit(record) {
			alone = append(alone, record)
		}
	}
	return remaining, alone
}

// inherit gives the record of a shared edit to another holder of it.
func (s State) inherit(record config.Record) bool {
	for i := range s.Holders {
		if same := s.Holders[i].record(record.Path); same != nil {
			if record.Layout != config.Same {
				*same = record
			}
			return true
		}
	}
	return false
}

// cloned copies what inherit changes.
func cloned(holders []Holder) []Holder {
	copies := slices.Clone(holders)
	for i := range copies {
		copies[i].Records = slices.Clone(copies[i].Records)
	}
	return copies
}
