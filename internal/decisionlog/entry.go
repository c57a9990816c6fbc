package decisionlog

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"time"
)

// algorithm is the only one the scheduler's verifier accepts.
const algorithm = "HMAC-SHA256"

// MinKeyBytes is the shortest signing key.
const MinKeyBytes = 32

// Keys are those of a log: the first one signs, and each verifies what it signed before another one took its place.
type Keys []Key

// Key signs entries.
type Key struct {
	// ID is written into each entry, so that a log survives a change of the key. May be empty.
	ID string
	// Secret is the HMAC key, used as it is.
	Secret []byte
}

// Entry is one decision or event, before it is signed. Values are strings, bools and integers only: floats would be
// written differently by other languages.
type Entry struct {
	Seq       int64             // number in the log, from 1
	Time      time.Time         // when it was observed
	ObjectUID string            // UID of the incident or rollback
	Stage     string            // e.g. triage
	Status    string            // the log's word: acknowledged, approved, disabled, ...
	Event     string            // what the scheduler's verifier counts: incident, rollback_requested, ...
	Severity  string            // info, warning, error, critical
	Artefacts map[string]string // empty values are left out
	Metadata  map[string]string // empty values are left out
	Tags      []string
	PrevHash  string // hash of the line before, empty for the first
}

// Timestamp is the form in which times stand in an entry: UTC with +00:00, which every Python 3 reads.
func Timestamp(t time.Time) string {
	return t.UTC().Format("2006-01-02T15:04:05+00:00")
}

// of are the keys that may have signed what names this id, and what is wrong if none of them did. A key without an id may be any.
func (k Keys) of(id string) (Keys, error) {
	var may Keys
	named := id == ""
	for _, key := range k {
		if is := clean(key.ID) == id; is || id == "" || key.ID == "" {
			may, named = append(may, key), named || is
		}
	}
	if !named {
		return may, fmt.Errorf("%w: it is signed with the key %.80q, which is not there", ErrUnknownKey, id)
	}
	return may, fmt.Errorf("%w: the signature does not match", ErrTampered)
}

// Sign returns the entry's line (without newline) and the line's hash, which is the next entry's PrevHash.
func Sign(entry Entry, key Key) (line []byte, hash string, err error) {
	line, err = signed(entry.document(key), key.Secret)
	if err != nil {
		return nil, "", err
	}
	return line, Hash(line), nil
}

// signed adds the signature to a document, and is its line.
func signed(document map[string]any, secret []byte) ([]byte, error) {
	message, err := canonical(document)
	if err != nil {
		return nil, err
	}
	signature := map[string]any{"algorithm": algorithm, "value": mac(message, secret)}
	if id, _ := document["key_id"].(string); id != "" {
		signature["key_id"] = id
	}
	document["signature"] = signature
	return canonical(document)
}

// Hash is the SHA-256 of a line, in hex.
func Hash(line []byte) string {
	sum := sha256.Sum256(line)
	return hex.EncodeToString(sum[:])
}

// NewKey checks the bytes of a key as they stand in a Secret.
func NewKey(id string, secret []byte) (Key, error) {
	if len(secret) < MinKeyBytes {
		return Key{}, fmt.Errorf("the signing key has %d bytes; at least %d are needed", len(secret), MinKeyBytes)
	}
	return Key{ID: id, Secret: secret}, nil
}

func mac(message, secret []byte) string {
	h := hmac.New(sha256.New, secret)
	h.Write(message)
	return base64.StdEncoding.EncodeToString(h.Sum(nil))
}

func (e Entry) document(key Key) map[string]any {
	document := map[string]any{
		"kind":          "snapshot",
		"timestamp":     Timestamp(e.Time),
		"stage":         clean(e.Stage),
		"status":        clean(e.Status),
		"event":         clean(e.Event),
		"severity":      clean(e.Severity),
		"seq":           e.Seq,
		"object_uid":    e.ObjectUID,
		"prev_hash":     e.PrevHash,
		"algorithm":     algorithm,
		"key_id":        clean(key.ID),
		"artefacts":     said(e.Artefacts),
		"metadata":      said(e.Metadata),
		"runtime_flags": map[string]any{"strategy_operator.decision_log": true},
		"signatures":    map[string]any{"decision_log.entry": "hmac:pending"},
	}
	if len(e.Tags) > 0 {
		tags := make([]any, len(e.Tags))
		for i, tag := range e.Tags {
			tags[i] = clean(tag)
		}
		document["tags"] = tags
	}
	return document
}

// said leaves out what says nothing: the scheduler's schema wants no empty text there, and an absent one means the same.
func said(in map[string]string) map[string]any {
	out := make(map[string]any, len(in))
	for k, v := range in {
		if v != "" {
			out[clean(k)] = clean(v)
		}
	}
	return out
}

// ErrUnknownKey is returned when a line names a key that is not given: nobody knows whether it was changed.
var ErrUnknownKey = errors.New("decision log cannot be verified")

// ErrTampered is returned when a line, or the chain, is not what was written.
var ErrTampered = errors.New("decision log was changed")
