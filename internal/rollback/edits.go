package rollback

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/bounded"
	"tradeops.dev/strategy-operator/internal/config"
	"tradeops.dev/strategy-operator/internal/config/botcore"
	"tradeops.dev/strategy-operator/internal/facts"
)

// maxDiff bounds the diff in the status; the documents before and after are stored as evidence.
const maxDiff = 8192

// Draft is what actions would change in a document.
type Draft struct {
	Edits []strategyv1.PlannedEdit
	After []byte // the whole document afterwards
	Diff  string // unified
}

// NewDraft computes the edits of a rollback's actions on a document. The error says what is refused and why; nothing is
// changed then. name and reason go into the document where the scheduler keeps a reason; a zero until means no end.
func NewDraft(document []byte, target botcore.Target, dataKey string, name string, spec strategyv1.StrategyRollbackSpec, until time.Time) (Draft, error) {
	edits := make([]config.Edit, 0, len(spec.Actions))
	for i, wanted := range spec.Actions {
		edit, err := editOf(document, target, wanted, reasonOf(name, spec.Reason), until)
		if err != nil {
			return Draft{}, fmt.Errorf("action %d (%s): %w", i+1, wanted.Type, err)
		}
		edits = append(edits, edit)
	}
	after, records, err := config.Apply(document, edits)
	if err != nil {
		return Draft{}, err
	}
	draft := Draft{After: after, Diff: config.UnifiedDiff(dataKey, document, after)}
	for i, record := range records {
		planned := strategyv1.PlannedEdit{Path: edits[i].Path, To: edits[i].Value}
		if !record.Absent {
			planned.From = &record.From
		}
		draft.Edits = append(draft.Edits, planned)
	}
	return draft, nil
}

func editOf(document []byte, target botcore.Target, wanted strategyv1.RollbackAction, reason string, until time.Time) (config.Edit, error) {
	switch wanted.Type {
	case strategyv1.ActionDisableSchedule:
		return botcore.DisableSchedule(document, target, wanted.Schedule, reason, until)
	case strategyv1.ActionSetAllocation:
		return botcore.SetAllocation(document, wanted.RiskProfile, wanted.Bucket, wanted.Allocation)
	}
	return config.Edit{}, fmt.Errorf("this operator does not know the action %s", wanted.Type)
}

func reasonOf(name, reason string) string {
	if reason == "" {
		return "rollback " + name
	}
	return bounded.Text("rollback "+name+": "+reason, 256)
}

// digest is what an approval names. It covers the edits and not the whole document, so that an unrelated commit does not
// void an approval; and the revision, so that an old approval never comes back to life.
func digest(uid string, revision int64, edits []strategyv1.PlannedEdit) string {
	data, err := json.Marshal(struct {
		UID      string                   `json:"uid"`
		Revision int64                    `json:"revision"`
		Edits    []strategyv1.PlannedEdit `json:"edits"`
	}{uid, revision, edits})
	if err != nil { // strings and integers always encode
		panic(err)
	}
	sum := sha256.Sum256(data)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// heldByOther refuses a path that another rollback has changed: undoing the two in the wrong order would bring back a
// value that nobody wants.
func heldByOther(state facts.Config, uid string, edits []strategyv1.PlannedEdit) *facts.Problem {
	for _, edit := range edits {
		if other := state.State.HolderOf(edit.Path, uid); other != "" {
			return &facts.Problem{Reason: strategyv1.ReasonTargetBelongsToOthers, Message: fmt.Sprintf(
				"%s is already changed by rollback %s; restore that one first", edit.Path, other)}
		}
	}
	return nil
}
