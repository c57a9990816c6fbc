package decisionlog

import (
	"bytes"
	"crypto/hmac"
	"encoding/json"
	"fmt"
	"io"
)

// Identity says which entry a line is. A writer that finds a line where it wants to append compares identities: an
// equal one is its own line from before a crash.
type Identity struct {
	Seq       int64
	ObjectUID string
	Event     string
	Timestamp string
	PrevHash  string
}

// Identity of the entry.
func (e Entry) Identity() Identity {
	return Identity{Seq: e.Seq, ObjectUID: e.ObjectUID, Event: clean(e.Event), Timestamp: Timestamp(e.Time), PrevHash: e.PrevHash}
}

// Verify checks that a line is, byte for byte, the one that one of these keys signs for what it says, and says which entry it is: another way to
// write the same would be another line to whoever reads it otherwise, such as the first of two equal keys.
// Errors wrap ErrTampered when the line is not what was signed, and ErrUnknownKey when the key that it names is not there.
func Verify(line []byte, keys Keys) (Identity, error) {
	document, err := decode(line)
	if err != nil {
		return Identity{}, fmt.Errorf("%w: not a JSON object: %w", ErrTampered, err)
	}
	given, ok := document["signature"].(map[string]any)
	if !ok {
		return Identity{}, fmt.Errorf("%w: no signature", ErrTampered)
	}
	if given["algorithm"] != algorithm {
		return Identity{}, fmt.Errorf("%w: algorithm is %v, not %s", ErrTampered, given["algorithm"], algorithm)
	}
	identity := identityOf(document)
	id, _ := document["key_id"].(string)
	if named, _ := given["key_id"].(string); named != id {
		return Identity{}, fmt.Errorf("%w: it is signed with the key %.80q, and says %.80q", ErrTampered, named, id)
	}
	may, problem := keys.of(id)
	for _, key := range may {
		delete(document, "signature")
		wanted, err := signed(document, key.Secret)
		if err != nil {
			return Identity{}, err
		}
		if hmac.Equal(line, wanted) {
			return identity, nil
		}
		made, _ := document["signature"].(map[string]any)
		if value, _ := given["value"].(string); hmac.Equal([]byte(value), []byte(made["value"].(string))) {
			problem = fmt.Errorf("%w: it is not written as it was signed", ErrTampered)
		}
	}
	return Identity{}, problem
}

// Read says which entry a line is, without a proof: for lines whose hash is known.
func Read(line []byte) (Identity, error) {
	document, err := decode(line)
	if err != nil {
		return Identity{}, fmt.Errorf("%w: not a JSON object: %w", ErrTampered, err)
	}
	return identityOf(document), nil
}

// Shape checks what can be checked without a key: that a line is written as entries are written, with a signature of the one algorithm. It says
// which entry it is.
func Shape(line []byte) (Identity, error) {
	document, err := decode(line)
	if err != nil {
		return Identity{}, fmt.Errorf("%w: not a JSON object: %w", ErrTampered, err)
	}
	again, err := canonical(document)
	if err != nil {
		return Identity{}, err
	}
	given, _ := document["signature"].(map[string]any)
	switch {
	case !bytes.Equal(again, line):
		return Identity{}, fmt.Errorf("%w: it is not written as it was signed", ErrTampered)
	case given["algorithm"] != algorithm || document["algorithm"] != algorithm:
		return Identity{}, fmt.Errorf("%w: algorithm is %v, not %s", ErrTampered, given["algorithm"], algorithm)
	}
	return identityOf(document), nil
}

// VerifyChain checks lines in order: every signature, gapless numbers from 1, each with the hash of the line before, all of one object.
// It returns the hash of the last line.
func VerifyChain(lines [][]byte, keys Keys) (head string, err error) {
	object := ""
	for i, line := range lines {
		identity, err := Verify(line, keys)
		if err != nil {
			return "", fmt.Errorf("entry %d: %w", i+1, err)
		}
		if identity.Seq != int64(i+1) {
			return "", fmt.Errorf("entry %d: %w: it says it is number %d", i+1, ErrTampered, identity.Seq)
		}
		if identity.PrevHash != head {
			return "", fmt.Errorf("entry %d: %w: the entry before it is not the one that was there", i+1, ErrTampered)
		}
		if i > 0 && identity.ObjectUID != object {
			return "", fmt.Errorf("entry %d: %w: it is about object %q, and those before it are about %q", i+1, ErrTampered, identity.ObjectUID, object)
		}
		head, object = Hash(line), identity.ObjectUID
	}
	return head, nil
}

func identityOf(document map[string]any) Identity {
	text := func(key string) string { s, _ := document[key].(string); return s }
	number, _ := document["seq"].(json.Number)
	seq, _ := number.Int64()
	return Identity{
		Seq: seq, ObjectUID: text("object_uid"), Event: text("event"),
		Timestamp: text("timestamp"), PrevHash: text("prev_hash"),
	}
}

// decode keeps numbers as they were written, since the signature is over their text.
func decode(line []byte) (map[string]any, error) {
	decoder := json.NewDecoder(bytes.NewReader(line))
	decoder.UseNumber()
	var document map[string]any
	if err := decoder.Decode(&document); err != nil {
		return nil, err
	}
	if _, err := decoder.Token(); err != io.EOF {
		return nil, fmt.Errorf("something stands after the object")
	}
	return document, nil
}
