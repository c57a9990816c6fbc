package decisionlog

import (
	"encoding/json"
	"fmt"
	"time"
)

// Decode reads what a line says, without a proof: for lines whose hash is known, or that are shown as not proved.
func Decode(line []byte) (Entry, error) {
	var said struct {
		Seq       int64             `json:"seq"`
		Timestamp time.Time         `json:"timestamp"`
		ObjectUID string            `json:"object_uid"`
		Stage     string            `json:"stage"`
		Status    string            `json:"status"`
		Event     string            `json:"event"`
		Severity  string            `json:"severity"`
		Artefacts map[string]string `json:"artefacts"`
		Metadata  map[string]string `json:"metadata"`
		Tags      []string          `json:"tags"`
		PrevHash  string            `json:"prev_hash"`
	}
	if err := json.Unmarshal(line, &said); err != nil {
		return Entry{}, fmt.Errorf("an entry of the decision log cannot be read: %w", err)
	}
	return Entry{
		Seq: said.Seq, Time: said.Timestamp.UTC(), ObjectUID: said.ObjectUID, Stage: said.Stage, Status: said.Status, Event: said.Event,
		Severity: said.Severity, Artefacts: said.Artefacts, Metadata: said.Metadata, Tags: said.Tags, PrevHash: said.PrevHash,
	}, nil
}
