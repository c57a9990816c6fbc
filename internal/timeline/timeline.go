// Package timeline keeps an object's timeline and its decision log in step: entry n of the timeline in the status is
// entry n of the log in the bucket.
//
// The status is written first, the log after it, from the timeline alone. So after a crash the same entry is written
// again with the same identity, none is missing and none stands there twice.
package timeline

import (
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/action"
	"tradeops.dev/strategy-operator/internal/bounded"
	"tradeops.dev/strategy-operator/internal/decisionlog"
)

// max is how many entries stay in the status; the log keeps all.
const max = 48

// Add appends one entry, numbered after the last, at now in whole seconds. Of more than 48 the oldest go, as far as they are in the
// log, whose newest entry has the number logged. by is the person who decided; empty when a rule did.
func Add(entries []strategyv1.TimelineEntry, logged int64, now time.Time, event strategyv1.Event, message, by string) []strategyv1.TimelineEntry {
	seq := int64(1)
	if len(entries) > 0 {
		seq = entries[len(entries)-1].Seq + 1
	}
	entries = append(entries, strategyv1.TimelineEntry{
		Seq: seq, Time: metav1.NewTime(now.UTC().Truncate(time.Second)), Event: event, Message: bounded.Line(message, 1024), By: by,
	})
	for len(entries) > max && entries[0].Seq <= logged {
		entries = entries[1:]
	}
	return entries
}

// Subject is what every entry of one object's log says about it.
type Subject struct {
	UID      string
	Kind     string // incident or rollback: the log's stage
	Severity string // info, warning or critical, in any case
	Tags     []string
	// Artefacts and Metadata are the same in every entry. RiskBudgetBucket is the schedule's, except that an entry about
	// a disabled schedule says "manual".
	Artefacts map[string]string
	Metadata  map[string]string
}

// metadataBucket is the field that the scheduler's own journal uses, and manualBucket what the playbook demands there
// while a person holds a strategy back.
const (
	metadataBucket = "risk_budget_bucket"
	manualBucket   = "manual"
)

// Append returns the action that writes the entries that the log does not have yet, or nil if it has them all. The log is the one at
// prefix (evidence.Prefix); logged is the number of its last entry, 0 if there is none, and head the hash of that entry's line, in hex,
// empty if there is none. key is the Secret of the key that signs. Entries are made of the timeline alone: after a crash the same ones are made again.
func Append(subject Subject, entries []strategyv1.TimelineEntry, prefix string, logged int64, head string, key types.NamespacedName) *action.AppendEntries {
	result := action.AppendEntries{Prefix: prefix, After: logged, Head: head, SigningKey: key}
	for _, entry := range entries {
		if entry.Seq > logged {
			result.Entries = append(result.Entries, subject.entry(entry))
		}
	}
	if len(result.Entries) == 0 {
		return nil
	}
	return &result
}

func (s Subject) entry(t strategyv1.TimelineEntry) decisionlog.Entry {
	artefacts := copied(s.Artefacts)
	artefacts["message"] = t.Message
	if t.By != "" {
		artefacts["by"] = t.By
	}
	if t.Evidence != nil {
		artefacts["evidence"], artefacts["evidence_sha256"] = t.Evidence.Key, t.Evidence.SHA256
	}
	metadata := copied(s.Metadata)
	if t.Event == strategyv1.EventDisabled {
		metadata[metadataBucket] = manualBucket
	}
	return decisionlog.Entry{
		Time: t.Time.Time, ObjectUID: s.UID, Stage: s.Kind, Status: string(t.Event), Event: string(t.Event),
		Severity: strings.ToLower(s.Severity), Artefacts: artefacts, Metadata: metadata, Tags: s.Tags,
	}
}

func copied(in map[string]string) map[string]string {
	out := make(map[string]string, len(in)+2)
	for k, v := range in {
		out[k] = v
	}
	return out
}
