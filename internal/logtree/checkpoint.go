package logtree

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// Checkpoint is what is signed: the three lines of a C2SP tlog-checkpoint, and two more. The time makes silence provable, and the page is
// what the tree was made of: both are under the signature, and a verifier that knows nothing of them passes them over.
type Checkpoint struct {
	Origin string // <operator>/<namespace>
	Size   int64
	Root   tlog.Hash
	Time   string // as the page has it
	Page   int64
	Hash   string // of the page, in hex
}

// Text is what is signed.
func (c Checkpoint) Text() string {
	return fmt.Sprintf("%s\n%d\n%s\ntime %s\npage %d %s\n", c.Origin, c.Size, c.Root, c.Time, c.Page, c.Hash)
}

// parse reads the text of a checkpoint, in no other form than its own.
func parse(text string) (Checkpoint, error) {
	lines := strings.Split(text, "\n")
	if len(lines) != 6 {
		return Checkpoint{}, errors.New("it is no checkpoint of this tree: it has not the five lines")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		return Checkpoint{}, fmt.Errorf("the size of the tree: %w", err)
	}
	root, err := tlog.ParseHash(lines[2])
	if err != nil {
		return Checkpoint{}, fmt.Errorf("the hash of the tree: %w", err)
	}
	at, _ := strings.CutPrefix(lines[3], "time ")
	number, hash, _ := strings.Cut(strings.TrimPrefix(lines[4], "page "), " ")
	page, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		return Checkpoint{}, fmt.Errorf("the number of the page: %w", err)
	}
	c := Checkpoint{Origin: lines[0], Size: size, Root: root, Time: at, Page: page, Hash: hash}
	if c.Text() != text || size < 0 || page < 1 {
		return Checkpoint{}, errors.New("it is no checkpoint of this tree: it is not written as the operator writes it")
	}
	if _, err := time.Parse(time.RFC3339, at); err != nil {
		return Checkpoint{}, fmt.Errorf("the time of the checkpoint: %w", err)
	}
	return c, nil
}

// Origin is the name of the tree of a namespace.
func Origin(operator, namespace string) string { return operator + "/" + namespace }

// CheckOperator says what is wrong with the name of an operator: it stands in lines of text, and before a plus.
func CheckOperator(name string) error {
	if name == "" || len(name) > 200 || strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r == '+' || r > '~' }) {
		return fmt.Errorf("%.40q cannot be the name of an operator in checkpoints: 1 to 200 letters, digits and signs, without spaces and plus, as in prod-1.example.com", name)
	}
	return nil
}

// Seal is a page as it lies in the bucket, with its checkpoint signed by each of the keys, and that checkpoint.
func Seal(origin string, page Page, keys []ed25519.PrivateKey) (data []byte, checkpoint string, err error) {
	body, err := json.Marshal(page)
	if err != nil {
		return nil, "", err
	}
	tree, err := fromPeaks(page.Size, page.Peaks)
	if err != nil {
		return nil, "", err
	}
	root, err := tree.Root()
	if err != nil {
		return nil, "", err
	}
	signers := make([]note.Signer, len(keys))
	for i, key := range keys {
		if signers[i], err = signer(origin, key); err != nil {
			return nil, "", err
		}
	}
	text := Checkpoint{origin, page.Size, root, page.Time, page.Number, hashOf(body)}.Text()
	signed, err := note.Sign(&note.Note{Text: text}, signers...)
	if err != nil {
		return nil, "", err
	}
	data, err = json.Marshal(file{string(signed), body})
	return data, string(signed), err
}

// signer signs for an origin: the name of the key is the origin's, as the standard has it.
func signer(origin string, key ed25519.PrivateKey) (note.Signer, error) {
	public, _ := key.Public().(ed25519.PublicKey)
	verifier, err := note.NewEd25519VerifierKey(origin, public)
	if err != nil {
		return nil, err
	}
	known, err := note.NewVerifier(verifier)
	if err != nil {
		return nil, err
	}
	const ed25519Signature = 1
	secret := base64.StdEncoding.EncodeToString(append([]byte{ed25519Signature}, key.Seed()...))
	return note.NewSigner(fmt.Sprintf("PRIVATE+KEY+%s+%08x+%s", origin, known.KeyHash(), secret))
}

// Open reads a checkpoint, if one of the keys signed it for the origin that it names.
func Open(signed string, keys []ed25519.PublicKey) (Checkpoint, error) {
	origin, _, _ := strings.Cut(signed, "\n")
	verifiers := make([]note.Verifier, len(keys))
	for i, key := range keys {
		text, err := note.NewEd25519VerifierKey(origin, key)
		if err == nil {
			verifiers[i], err = note.NewVerifier(text)
		}
		if err != nil {
			return Checkpoint{}, fmt.Errorf("the checkpoint of %.80q: %w", origin, err)
		}
	}
	opened, err := note.Open([]byte(signed), note.VerifierList(verifiers...))
	if _, unknown := errors.AsType[*note.UnverifiedNoteError](err); unknown {
		return Checkpoint{}, fmt.Errorf("the checkpoint of %s is signed by none of the %d keys", origin, len(keys))
	}
	if err != nil {
		return Checkpoint{}, fmt.Errorf("the checkpoint of %.80q: %w", origin, err)
	}
	return parse(opened.Text)
}
