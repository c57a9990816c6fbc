package record

import (
	"encoding/json"
	"fmt"
	"slices"

	"tradeops.dev/strategy-operator/internal/bounded"
	"tradeops.dev/strategy-operator/internal/config"
)

// Receipts are the entries that the operator wrote into the record, or was about to write, by the UID of their rollback; the newest last.
// They stand where only the operator can write.
type Receipts map[string][]string

// maxReceipts bounds those of one rollback. There are two as a rule, while a write is on its way, and more only after crashes.
const maxReceipts = 4

// Doubt is an entry of the record that the operator did not write. Its words are somebody else's, and so they are cleaned.
type Doubt struct {
	UID     string // of the rollback that it names, as it stands there
	Name    string // the same, for people
	Differs string // in what, for people
}

// Receipt is the entry as it stands in the record; empty for one that nobody can have written.
func (h Holder) Receipt() string {
	data, err := json.Marshal(h)
	if err != nil {
		return ""
	}
	return string(data)
}

// ParseReceipt is the entry of a receipt; false: it is none.
func ParseReceipt(receipt string) (holder Holder, ok bool) {
	return holder, json.Unmarshal([]byte(receipt), &holder) == nil
}

// Believe takes out of a record what the operator did not write.
func (s State) Believe(receipts Receipts) (believed State, doubts []Doubt) {
	believed = s
	believed.Holders = nil
	for _, holder := range s.Holders {
		differs := differs(holder, receipts[holder.UID])
		if differs == "" && believed.Holder(holder.UID) != nil {
			differs = "it is named twice"
		}
		if differs == "" {
			believed.Holders = append(believed.Holders, holder)
			continue
		}
		doubts = append(doubts, Doubt{holder.UID, bounded.Line(holder.Name, 253), bounded.Line(differs, 300)})
	}
	return believed, doubts
}

// Kept are a rollback's receipts with one more. The first stays: it is the one that was seen in the record.
func Kept(receipts []string, receipt string) []string {
	if len(receipts) > 0 && receipts[len(receipts)-1] == receipt {
		return receipts
	}
	kept := append(slices.Clone(receipts), receipt)
	if len(kept) > maxReceipts {
		kept = slices.Delete(kept, 1, 2)
	}
	return kept
}

// Seen are a rollback's receipts when one of them was seen in the record: what is older never comes back by the operator's hand.
func Seen(receipts []string, receipt string) []string {
	if at := slices.Index(receipts, receipt); at > 0 {
		return slices.Clone(receipts[at:])
	}
	return receipts
}

// Stands says whether what a receipt is about can still be undone in the document, as it was written: the record should name it then.
// What another rollback holds, too, is that one's.
func Stands(document *config.Document, state State, receipt Holder) bool {
	if document == nil {
		return false
	}
	var alone []config.Record
	for _, record := range receipt.Records {
		if state.HolderOf(record.Path, receipt.UID) == "" {
			alone = append(alone, record)
		}
	}
	undone, _, err := document.Undo(alone)
	return err == nil && undone.String() != document.String()
}

// differs says in what an entry is none of the receipts; empty: it is one.
func differs(holder Holder, receipts []string) string {
	if slices.Contains(receipts, holder.Receipt()) {
		return ""
	}
	if len(receipts) == 0 {
		return "the operator wrote nothing for it"
	}
	wrote, _ := ParseReceipt(receipts[len(receipts)-1])
	if holder.Revision != wrote.Revision {
		return fmt.Sprintf("it has revision %d, and the operator wrote %d", holder.Revision, wrote.Revision)
	}
	for _, record := range holder.Records {
		ours := wrote.record(record.Path)
		if ours == nil || ours.Path != record.Path {
			return record.Path + ": the operator did not write there"
		}
		if field := differsIn(record, *ours); field != "" {
			return record.Path + ": " + field
		}
	}
	for _, record := range wrote.Records {
		if holder.record(record.Path) == nil {
			return record.Path + " is missing"
		}
	}
	return "it is not what the operator wrote (name, since, disables, or the order of the edits)"
}

// differsIn is the first field in which two entries of one path differ.
func differsIn(theirs, ours config.Record) string {
	for _, field := range []struct{ name, theirs, ours string }{
		{"from", theirs.From, ours.From}, {"absent", fmt.Sprint(theirs.Absent), fmt.Sprint(ours.Absent)}, {"to", theirs.To, ours.To},
		{"layout", string(theirs.Layout), string(ours.Layout)}, {"old", theirs.Old, ours.Old}, {"new", theirs.New, ours.New},
		{"parent", parentOf(theirs), parentOf(ours)},
	} {
		if field.theirs != field.ours {
			return fmt.Sprintf("%s is %q, and the operator wrote %q", field.name, bounded.Line(field.theirs, 100), bounded.Line(field.ours, 100))
		}
	}
	return ""
}

func parentOf(record config.Record) string {
	if record.Parent == nil {
		return ""
	}
	return fmt.Sprintf("%+v", *record.Parent)
}
