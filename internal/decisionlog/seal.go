package decisionlog

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// Sealed says what an object beside the log is of, so that it proves nothing in another place.
type Sealed struct {
	Kind      string // of the object: outcome, forgotten
	ObjectUID string // of the incident or rollback
	Stage     string
	Check     string
	Attempt   int32
	Revision  string // of the playbook: for people. An attempt is the same one, whatever the object runs on later
}

// sealBegins is where the seal begins. It stands in no text of JSON, where the quotes are escaped, and the seal is the last to have it.
const sealBegins = `,"seal":`

// Seal adds a signature to a JSON object, as its last field: a signed document with the hash of the rest.
func Seal(object []byte, of Sealed, key Key) ([]byte, error) {
	rest, isObject := bytes.CutSuffix(object, []byte("}"))
	if !isObject || len(rest) < 2 {
		return nil, fmt.Errorf("only a JSON object with a field can be sealed")
	}
	seal, err := signed(of.document(Hash(object), key), key.Secret)
	if err != nil {
		return nil, err
	}
	return fmt.Appendf(nil, "%s%s%s}", rest, sealBegins, seal), nil
}

// Unseal checks that an object was sealed with one of these keys as what it should be, and is the object as it was before. Errors wrap
// ErrTampered if it was not sealed so, and ErrUnknownKey if the key is not there.
func Unseal(data []byte, of Sealed, keys Keys) (object []byte, err error) {
	at := bytes.LastIndex(data, []byte(sealBegins))
	if at < 0 || !bytes.HasSuffix(data, []byte("}")) {
		return nil, fmt.Errorf("%w: no signature", ErrTampered)
	}
	line := data[at+len(sealBegins) : len(data)-1]
	if _, err := Verify(line, keys); err != nil {
		return nil, err
	}
	var said struct {
		Hash     string `json:"sha256"`
		Revision string `json:"revision"`
		KeyID    string `json:"key_id"`
	}
	if err := json.Unmarshal(line, &said); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrTampered, err)
	}
	of.Revision = said.Revision
	object = append(bytes.Clone(data[:at]), '}')
	if said.Hash != Hash(object) {
		return nil, fmt.Errorf("%w: it does not have the hash that was signed", ErrTampered)
	}
	may, _ := keys.of(said.KeyID)
	for _, key := range may {
		wanted, err := signed(of.document(Hash(object), Key{said.KeyID, key.Secret}), key.Secret)
		if err != nil {
			return nil, err
		}
		if bytes.Equal(line, wanted) {
			return object, nil
		}
	}
	return nil, fmt.Errorf("%w: it was signed for something else", ErrTampered)
}

// document says nothing of what does not matter for this kind.
func (s Sealed) document(hash string, key Key) map[string]any {
	document := map[string]any{"kind": s.Kind, "object_uid": s.ObjectUID, "sha256": hash, "algorithm": algorithm, "key_id": clean(key.ID)}
	for name, text := range map[string]string{"stage": s.Stage, "check": s.Check, "revision": s.Revision} {
		if text != "" {
			document[name] = clean(text)
		}
	}
	if s.Attempt != 0 {
		document["attempt"] = s.Attempt
	}
	return document
}

// WithoutSeal is an object as it was before it was sealed, whatever the seal is worth; one that has none is as it is.
func WithoutSeal(data []byte) []byte {
	if at := bytes.LastIndex(data, []byte(sealBegins)); at >= 0 {
		return append(bytes.Clone(data[:at]), '}')
	}
	return data
}
