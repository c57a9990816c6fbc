package writeback

import (
	"fmt"
	"strings"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/config"
)

// holdsAll says whether a document holds what the edits put there.
func holdsAll(document *config.Document, edits []strategyv1.PlannedEdit) bool {
	for _, edit := range edits {
		if held, err := document.Holds(edit.Path, edit.To); err != nil || !held {
			return false
		}
	}
	return true
}

// applied is a document with the edits: each path must hold what it held when the edits were planned, or what they put there.
func applied(document *config.Document, edits []strategyv1.PlannedEdit) (*config.Document, error) {
	var wanted []config.Edit
	for _, edit := range edits {
		held, err := document.Holds(edit.Path, edit.To)
		if err != nil {
			return nil, failf(Differs, "the file cannot be edited: %s", bounded(err.Error()))
		}
		if held {
			continue
		}
		value, found, err := document.Get(edit.Path)
		if err != nil {
			return nil, failf(Differs, "the file cannot be edited: %s", bounded(err.Error()))
		}
		if found != (edit.From != nil) || found && value != *edit.From {
			return nil, failf(Differs, "%s holds another value in the file than the edit was planned on", bounded(edit.Path))
		}
		wanted = append(wanted, config.Edit{Path: edit.Path, Value: edit.To})
	}
	next, _, err := document.Apply(wanted)
	if err != nil {
		return nil, failf(Differs, "the file cannot be edited: %s", bounded(err.Error()))
	}
	return next, nil
}

// undone is a document without what a commit of ours did to it: the paths at which it differs from its parent. Where somebody changed the value
// since, it stays, and is returned.
func undone(document, parent, commit *config.Document, edits []strategyv1.PlannedEdit) (next *config.Document, conflicts []string, err error) {
	var did []config.Edit
	for _, edit := range edits {
		was, before, bad := parent.Get(edit.Path)
		is, after, worse := commit.Get(edit.Path)
		if bad != nil || worse != nil {
			return nil, nil, failf(Differs, "what was committed at %s cannot be read any more", bounded(edit.Path))
		}
		if after && (!before || was != is) {
			did = append(did, config.Edit{Path: edit.Path, Value: is})
		}
	}
	_, records, err := parent.Apply(did)
	if err != nil {
		return nil, nil, failf(Differs, "the commit cannot be undone: %s", bounded(err.Error()))
	}
	next, left, err := document.Undo(records)
	if err != nil {
		return nil, nil, failf(Differs, "the commit cannot be undone: %s", bounded(err.Error()))
	}
	for _, one := range left {
		conflicts = append(conflicts, bounded(one.Path))
	}
	return next, conflicts, nil
}

// conflicting says what stays, because somebody changed it.
func conflicting(paths []string) string {
	const most = 5
	if len(paths) > most {
		paths = append(paths[:most:most], fmt.Sprintf("%d more", len(paths)-most))
	}
	return strings.Join(paths, ", ")
}
