package scenarios

import (
	"encoding/json"
	"fmt"
	"regexp"
	"time"
)

// signatureForm is what the scheduler's schema wants of each of an entry's `signatures`.
var signatureForm = regexp.MustCompile(`^hmac:[A-Za-z0-9+/=:_-]+$`)

// refusedBySchema says why the scheduler's own verifier would refuse an entry of a decision log by its schema, and more strictly: no text
// of the artefacts and the metadata is empty. nil if it would not.
func refusedBySchema(line []byte) error {
	var entry struct {
		Timestamp    string         `json:"timestamp"`
		Stage        string         `json:"stage"`
		Status       string         `json:"status"`
		Artefacts    map[string]any `json:"artefacts"`
		Metadata     map[string]any `json:"metadata"`
		RuntimeFlags map[string]any `json:"runtime_flags"`
		Signatures   map[string]any `json:"signatures"`
	}
	if err := json.Unmarshal(line, &entry); err != nil {
		return err
	}
	if _, err := time.Parse(time.RFC3339, entry.Timestamp); err != nil {
		return err
	}
	if entry.Stage == "" || entry.Status == "" {
		return fmt.Errorf("stage %q, status %q", entry.Stage, entry.Status)
	}
	if len(entry.Artefacts) == 0 || len(entry.RuntimeFlags) == 0 || len(entry.Signatures) == 0 {
		return fmt.Errorf("artefacts, runtime_flags or signatures are missing: %s", line)
	}
	for _, texts := range []map[string]any{entry.Artefacts, entry.Metadata} {
		for key, value := range texts {
			if text, isText := value.(string); !isText || text == "" {
				return fmt.Errorf("%s is %v, no text or an empty one", key, value)
			}
		}
	}
	for key, value := range entry.RuntimeFlags {
		if _, isFlag := value.(bool); !isFlag {
			return fmt.Errorf("the flag %s is %v", key, value)
		}
	}
	for key, value := range entry.Signatures {
		if text, _ := value.(string); !signatureForm.MatchString(text) {
			return fmt.Errorf("the signature %s is %v", key, value)
		}
	}
	return nil
}
