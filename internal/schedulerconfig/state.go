package schedulerconfig

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"tradeops.dev/strategy-operator/internal/config"
)

// maxStateBytes bounds the record; all annotations of an object share 256 KiB.
const maxStateBytes = 32 << 10

// State is the record of the edits in force. Its zero value is a configuration that the operator never touched.
type State struct {
	// SHA256 of the content right after the operator's last write, in hex: what the scheduler's pods must run.
	SHA256 string `json:"sha256,omitempty"`
	// Holders in order of application.
	Holders []Holder `json:"holders,omitempty"`
}

// Holder is one rollback with its edits in the content.
type Holder struct {
	UID     string          `json:"uid"`
	Name    string          `json:"name"`
	Records []config.Record `json:"records"`
}

// ParseState reads the annotation; an absent one is the zero State.
func ParseState(annotation string) (State, error) {
	if annotation == "" {
		return State{}, nil
	}
	var state State
	if err := json.Unmarshal([]byte(annotation), &state); err != nil {
		return State{}, fmt.Errorf("the operator's record of its edits cannot be read: %w", err)
	}
	return state, nil
}

// encode is the annotation's value.
func (s State) encode() (string, error) {
	data, err := json.Marshal(s)
	if err != nil {
		return "", fmt.Errorf("encode the record of the edits: %w", err)
	}
	if len(data) > maxStateBytes {
		return "", fmt.Errorf("the record of the edits would have %d bytes; at most %d fit: restore some rollbacks first", len(data), maxStateBytes)
	}
	return string(data), nil
}

// Holds says whether a rollback's edits are in the content.
func (s State) Holds(uid string) bool {
	for _, holder := range s.Holders {
		if holder.UID == uid {
			return true
		}
	}
	return false
}

// HolderOf is the name of another rollback that holds a path, or empty.
func (s State) HolderOf(path, exceptUID string) string {
	for _, holder := range s.Holders {
		if holder.UID == exceptUID {
			continue
		}
		for _, record := range holder.Records {
			if record.Path == path {
				return holder.Name
			}
		}
	}
	return ""
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
