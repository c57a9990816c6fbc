package record

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"tradeops.dev/strategy-operator/internal/config"
)

// maxStateBytes bounds the record; all annotations of an object share 256 KiB.
const maxStateBytes = 32 << 10

// State is the record of the edits in force. Its zero value is a configuration that the operator never touched.
type State struct {
	// SHA256 of the content right after the operator's last write, in hex: what the scheduler's pods must run.
	SHA256 string `json:"sha256,omitempty"`
	// Written is when the operator last changed the content: a pod that was made earlier runs an older one.
	Written time.Time `json:"written,omitzero"`
	// Holders in order of application.
	Holders []Holder `json:"holders,omitempty"`
}

// Holder is one rollback with its edits in the content.
type Holder struct {
	UID  string `json:"uid"`
	Name string `json:"name"`
	// Revision of the plan whose edits these are.
	Revision int64 `json:"revision"`
	// Since is when they were written.
	Since time.Time `json:"since,omitzero"`
	// Reapplied is how often they were written again, after a tool had put back what was there before.
	Reapplied int32 `json:"reapplied,omitempty"`
	// Pause is the annotation, as key=value, that was set with the edits so that a tool leaves the ConfigMap alone; empty: none was, or it stood
	// there before.
	Pause string `json:"pause,omitempty"`
	// Disables are the schedules that do not trade with these edits.
	Disables []string        `json:"disables,omitempty"`
	Records  []config.Record `json:"records"`
}

// ParseState reads the annotation (strategyv1.AnnotationEdits); an absent one is the zero State. The error: somebody damaged it. What it says
// is only what stands there; see State.Believe.
func ParseState(annotation string) (State, error) {
	if annotation == "" {
		return State{}, nil
	}
	if len(annotation) > maxStateBytes {
		return State{}, fmt.Errorf("the operator's record of its edits has %d bytes, and the operator writes at most %d", len(annotation), maxStateBytes)
	}
	var state State
	if err := json.Unmarshal([]byte(annotation), &state); err != nil {
		return State{}, fmt.Errorf("the operator's record of its edits cannot be read: %w", err)
	}
	return state, nil
}

// Encode is the annotation's value.
func (s State) Encode() (string, error) {
	data, err := json.Marshal(s)
	if err != nil {
		return "", fmt.Errorf("encode the record of the edits: %w", err)
	}
	if len(data) > maxStateBytes {
		return "", fmt.Errorf("the record of the edits would have %d bytes; at most %d fit: restore some rollbacks first", len(data), maxStateBytes)
	}
	return string(data), nil
}

// Holder is what a rollback has in the content, or nil.
func (s State) Holder(uid string) *Holder {
	for i := range s.Holders {
		if s.Holders[i].UID == uid {
			return &s.Holders[i]
		}
	}
	return nil
}

// HolderOf is the name of another rollback that holds exactly this path, or empty.
func (s State) HolderOf(path, exceptUID string) string {
	for _, holder := range s.Holders {
		if holder.UID != exceptUID && holder.record(path) != nil {
			return holder.Name
		}
	}
	return ""
}

// Base is what a path held before any rollback's edit: what people or Git put there (From, or Absent). It is nil for a path that no
// other rollback holds.
func (s State) Base(path, exceptUID string) *config.Record {
	var base *config.Record
	for i := range s.Holders {
		record := s.Holders[i].record(path)
		if s.Holders[i].UID == exceptUID || record == nil {
			continue
		}
		if record.Layout != config.Same { // the one that really changed the content
			return record
		}
		base = record
	}
	return base
}

func (h *Holder) record(path string) *config.Record {
	for i := range h.Records {
		if config.SamePath(h.Records[i].Path, path) {
			return &h.Records[i]
		}
	}
	return nil
}

// records are all edits in force: an item added to a list that an earlier edit made can then be undone in any order.
func (s State) records() []config.Record {
	var all []config.Record
	for _, holder := range s.Holders {
		all = append(all, holder.Records...)
	}
	return all
}

// Hash is the SHA-256 of a document, in hex.
func Hash(content string) string {
	sum := sha256.Sum256([]byte(content))
	return hex.EncodeToString(sum[:])
}
