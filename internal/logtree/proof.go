package logtree

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

// Proof is that an entry is in a tree whose checkpoint was signed, in the form of C2SP tlog-proof. The entry itself goes with it, as its extra
// data: what is proved is that these bytes are the leaf.
type Proof struct {
	Entry      []byte
	Index      int64
	Hashes     tlog.RecordProof
	Checkpoint string // signed
}

// The lines that a proof begins with.
const (
	proofBegins = "c2sp.org/tlog-proof@v1"
	extraLine   = "extra "
	indexLine   = "index "
)

// Prove makes the proof of a leaf. The tree knows all its hashes.
func Prove(tree *Tree, index int64, entry []byte, checkpoint string) (Proof, error) {
	hashes, err := tlog.ProveRecord(tree.Size, index, tree)
	return Proof{entry, index, hashes, checkpoint}, err
}

// Text is the proof as a file.
func (p Proof) Text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n%s%s\n%s%d\n", proofBegins, extraLine, base64.StdEncoding.EncodeToString(p.Entry), indexLine, p.Index)
	for _, hash := range p.Hashes {
		fmt.Fprintln(&b, hash)
	}
	fmt.Fprintf(&b, "\n%s", p.Checkpoint)
	return b.String()
}

// ParseProof reads a proof, in no other form than its own.
func ParseProof(text string) (Proof, error) {
	head, checkpoint, found := strings.Cut(text, "\n\n")
	lines := strings.Split(head, "\n")
	if !found || len(lines) < 3 || lines[0] != proofBegins {
		return Proof{}, fmt.Errorf("it is no proof: it does not begin with %s", proofBegins)
	}
	extra, hasExtra := strings.CutPrefix(lines[1], extraLine)
	number, hasIndex := strings.CutPrefix(lines[2], indexLine)
	if !hasExtra || !hasIndex {
		return Proof{}, errors.New("it is no proof of an entry: it has not the entry and its index")
	}
	proof := Proof{Checkpoint: checkpoint}
	var err error
	if proof.Entry, err = base64.StdEncoding.DecodeString(extra); err != nil {
		return Proof{}, fmt.Errorf("the entry of the proof: %w", err)
	}
	if proof.Index, err = strconv.ParseInt(number, 10, 64); err != nil {
		return Proof{}, fmt.Errorf("the index of the proof: %w", err)
	}
	for _, line := range lines[3:] {
		hash, err := tlog.ParseHash(line)
		if err != nil {
			return Proof{}, fmt.Errorf("a hash of the proof: %w", err)
		}
		proof.Hashes = append(proof.Hashes, hash)
	}
	if proof.Text() != text {
		return Proof{}, errors.New("it is not written as a proof is written")
	}
	return proof, nil
}

// Check says whether the entry is in the tree of the checkpoint, if one of the keys signed that.
func (p Proof) Check(keys []ed25519.PublicKey) (Checkpoint, error) {
	checkpoint, err := Open(p.Checkpoint, keys)
	if err != nil {
		return Checkpoint{}, err
	}
	if p.Index < 0 || p.Index >= checkpoint.Size {
		return Checkpoint{}, fmt.Errorf("leaf %d is not in the tree of the checkpoint, which has %d", p.Index, checkpoint.Size)
	}
	if err := tlog.CheckRecord(p.Hashes, checkpoint.Size, checkpoint.Root, p.Index, tlog.RecordHash(p.Entry)); err != nil {
		return Checkpoint{}, errors.New("the entry is not the leaf that was signed: the entry, its place or the proof was changed")
	}
	return checkpoint, nil
}
