package audit

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"golang.org/x/mod/sumdb/tlog"

	"tradeops.dev/strategy-operator/internal/decisionlog"
	"tradeops.dev/strategy-operator/internal/evidence"
	"tradeops.dev/strategy-operator/internal/logtree"
)

// ProofSuffix is how the name of a proof ends, as the standard has it.
const ProofSuffix = ".tlog-proof"

// Prove makes the proof of one entry, a file in the folder of a namespace whose tree is whole.
func Prove(files fs.FS, entry string, trust Trust) (string, error) {
	c := &checker{files: files, trust: trust}
	tree, err := c.readTree()
	if err != nil {
		return "", err
	}
	if len(c.report.Findings) > 0 {
		return "", fmt.Errorf("nothing is proved by a tree that is broken: %s", c.report.Findings[0])
	}
	line, err := read(files, entry)
	if err != nil {
		return "", err
	}
	log := strings.TrimSuffix(path.Dir(entry), logFolder)
	for i, leaf := range tree.leaves[log] {
		if evidence.LogKey(log, int64(i+1)) != entry {
			continue
		}
		if leaf.hash != tlog.RecordHash(line) {
			return "", fmt.Errorf("%s was rewritten: it is not the entry whose hash was signed", entry)
		}
		proof, err := logtree.Prove(&tree.state.Tree, leaf.index, line, tree.signed)
		return proof.Text(), err
	}
	return "", fmt.Errorf("%s is not in the tree, whose newest checkpoint is from %s: an entry comes into it within minutes", entry, c.report.Newest.Time)
}

// Proof checks the proof of one entry.
func Proof(text string, trust Trust) (entry []byte, newest logtree.Checkpoint, err error) {
	proof, err := logtree.ParseProof(text)
	if err != nil {
		return nil, logtree.Checkpoint{}, err
	}
	if newest, err = proof.Check(trust.Public); err != nil {
		return nil, logtree.Checkpoint{}, err
	}
	c := &checker{trust: trust}
	if _, err := c.verify(proof.Entry); err != nil {
		return nil, logtree.Checkpoint{}, err
	}
	return proof.Entry, newest, nil
}

// Object checks the folder of one incident or rollback without the tree of its namespace. The proof of an entry, beside it in the folder log,
// stands for all entries before it, since each names the hash of the one before. Without a proof there must be the secret keys.
func Object(files fs.FS, trust Trust) (Report, error) {
	c := &checker{files: files, trust: trust}
	lines, err := c.lines("")
	if err != nil {
		return Report{}, err
	}
	if len(lines) == 0 {
		return Report{}, errors.New("there is no log (log/000001.json) in it: this is not the folder of an incident or a rollback")
	}
	c.report.Logs, c.report.Entries = 1, len(lines)
	proofs, err := fs.Glob(files, path.Join(logFolder, "*"+ProofSuffix))
	if err != nil {
		return Report{}, err
	}
	if len(proofs) == 0 && trust.Secret == nil {
		return Report{}, errors.New("there is neither a tree nor a proof (log/*.tlog-proof), nor was a secret key given: make a proof of its last entry in a copy of the whole namespace, with kubectl strategy log prove")
	}
	if len(proofs) > 0 && len(trust.Public) == 0 {
		return Report{}, fmt.Errorf("no public key is given for %s", proofs[0])
	}
	proved := 0
	for _, name := range proofs {
		seq, err := c.checkProof(name, lines)
		if err != nil {
			return Report{}, err
		}
		proved = max(proved, seq)
	}
	c.report.Leaves = int64(proved)
	c.chain("", lines)
	if behind := len(lines) - proved; behind > 0 {
		c.note("%s not proved by a checkpoint: an end that was cut off, or put there by whoever has the secret key, is not found", count(behind, "entry is", "entries are"))
	}
	return c.report, nil
}

// checkProof is the number of the entry that a proof is of, if it holds and is of this log.
func (c *checker) checkProof(name string, lines [][]byte) (seq int, err error) {
	text, err := read(c.files, name)
	if err != nil {
		return 0, err
	}
	entry, newest, err := Proof(string(text), c.trust)
	if err != nil {
		c.find(name, "%v", err)
		return 0, nil
	}
	identity, err := decisionlog.Read(entry)
	if err != nil {
		c.find(name, "%v", err)
		return 0, nil
	}
	switch n := identity.Seq; {
	case n < 1 || n > int64(len(lines)):
		c.find(name, "it proves entry %d, and the log has %d: its end was cut off", n, len(lines))
	case string(lines[n-1]) != string(entry):
		c.find(evidence.LogKey("", n), "it was rewritten: %s proves another entry", name)
	default:
		c.report.Newest = newest
		return int(n), nil
	}
	return 0, nil
}
