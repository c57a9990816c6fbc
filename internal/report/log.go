package report

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/decisionlog"
	"tradeops.dev/strategy-operator/internal/evidence"
)

// maxEntries is how many entries of a log are read.
const maxEntries = 10_000

// entry is one of a log. One with a problem is not what was written, or not known to be: what it says is shown and not used.
type entry struct {
	decisionlog.Entry
	Of      string // the incident or the rollback, by name
	Prefix  string // of its folder
	Problem string
	hash    string
}

func (e entry) is(events ...strategyv1.Event) bool {
	for _, event := range events {
		if e.Event == string(event) && e.Problem == "" {
			return true
		}
	}
	return false
}

// log is the log of one object.
type log struct {
	Name    string
	Prefix  string
	Entries []entry
	Head    string // of the last entry that was read
	Known   bool   // whether a status says what the head is
	Cut     bool   // there are more than were read
}

// readLog reads a log and says what of it is not as it was written. end is what a status says of it; nil: nothing does.
func readLog(source Source, name, uid, prefix string, end *strategyv1.LogStatus) (log, error) {
	result := log{Name: name, Prefix: prefix}
	last, head := int64(maxEntries), ""
	if end != nil && end.Entries != nil {
		result.Known, last, head = true, min(*end.Entries, maxEntries), end.Head
		result.Cut = *end.Entries > maxEntries
	}
	for seq := int64(1); seq <= last; seq++ {
		line, err := source.ReadFile(evidence.LogKey(prefix, seq))
		switch {
		case errors.Is(err, fs.ErrNotExist) && !result.Known:
			return result.chained(""), nil
		case errors.Is(err, fs.ErrNotExist):
			result.Entries = append(result.Entries, entry{Entry: decisionlog.Entry{Seq: seq}, Of: name, Problem: "it is missing"})
		case err != nil:
			return result, err
		default:
			result.Entries = append(result.Entries, readEntry(line, name, uid, seq))
		}
	}
	if result.Cut {
		head = "" // of the last that was read nobody knows the hash
	}
	return result.chained(head), nil
}

func readEntry(line []byte, name, uid string, seq int64) entry {
	read, err := decisionlog.Decode(line)
	one := entry{Entry: read, Of: name, hash: decisionlog.Hash(line)}
	switch {
	case err != nil:
		one.Problem = "it cannot be read"
	case read.Seq != seq:
		one.Problem = fmt.Sprintf("it says that it is number %d", read.Seq)
	case uid != "" && read.ObjectUID != uid:
		one.Problem = "it is of another object"
	}
	one.Seq = seq
	return one
}

// chained says of each entry whether it is the one that the next was chained to; of the last, whether it is the head.
func (l log) chained(head string) log {
	for i := range l.Entries {
		one, wanted := &l.Entries[i], head
		one.Prefix = l.Prefix
		if i+1 < len(l.Entries) {
			wanted = l.Entries[i+1].PrevHash
		}
		if one.Problem == "" && wanted != "" && one.hash != wanted {
			one.Problem = "it is not the one that was written: its hash is not the one that the next entry, or the status, has"
		}
		l.Head = one.hash
	}
	return l
}

// whole: every entry that was read is as it was written. Of another log nobody knows when something was first.
func (l log) whole() bool {
	return !slices.ContainsFunc(l.Entries, func(one entry) bool { return one.Problem != "" })
}

// first is when something was first logged; the zero time if it was not.
func (l log) first(events ...strategyv1.Event) time.Time {
	for _, one := range l.Entries {
		if one.is(events...) {
			return one.Time
		}
	}
	return time.Time{}
}
