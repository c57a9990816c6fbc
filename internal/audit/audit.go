package audit

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"

	"tradeops.dev/strategy-operator/internal/decisionlog"
	"tradeops.dev/strategy-operator/internal/evidence"
	"tradeops.dev/strategy-operator/internal/logtree"
)

// maxFindings bounds what is told: one damage may have thousands of traces.
const maxFindings = 100

// settled is how old an entry is, beside the newest checkpoint, when it has to be in the tree.
const settled = time.Hour

// Trust is what a copy is checked with.
type Trust struct {
	Public []ed25519.PublicKey
	Secret decisionlog.Keys // of the logs; nil: their signatures are not checked
	// Earlier are checkpoints that were kept elsewhere, e.g. in the cluster: the copy must go on from them.
	Earlier []string
}

// Report is what was found.
type Report struct {
	Findings []Finding // what is broken; none: verified
	Notes    []string  // what is not, and should be known
	Logs     int
	Entries  int
	Leaves   int64 // entries in the tree
	Newest   logtree.Checkpoint
}

// Finding is one thing that is not as it was signed.
type Finding struct{ Where, What string }

// String is one line.
func (f Finding) String() string { return f.Where + ": " + f.What }

// checker is one check of a copy. Its folder is that of a namespace.
type checker struct {
	files  fs.FS
	trust  Trust
	report Report
}

func (c *checker) find(where, format string, args ...any) {
	if len(c.report.Findings) < maxFindings {
		c.report.Findings = append(c.report.Findings, Finding{where, fmt.Sprintf(format, args...)})
	}
}

func (c *checker) note(format string, args ...any) {
	if len(c.report.Notes) < maxFindings {
		c.report.Notes = append(c.report.Notes, fmt.Sprintf(format, args...))
	}
}

// Namespace checks the folder of a namespace: its tree, and every log, or only that of one object, by its folder. An error says that it could not be checked, which proves nothing.
func Namespace(files fs.FS, only string, trust Trust) (Report, error) {
	if len(trust.Public) == 0 {
		return Report{}, errors.New("no public key is given")
	}
	c := &checker{files: files, trust: trust}
	tree, err := c.readTree()
	if err != nil {
		return Report{}, err
	}
	c.earlier(tree)
	logs, err := findLogs(files)
	if err != nil {
		return Report{}, err
	}
	if only != "" {
		logs, tree.leaves = map[string]bool{only: logs[only]}, map[string][]leaf{only: tree.leaves[only]}
	}
	if err := c.checkLogs(tree, logs); err != nil {
		return Report{}, err
	}
	if err := c.checkForgotten(only); err != nil {
		return Report{}, err
	}
	c.report.Leaves = tree.state.Tree.Size
	return c.report, nil
}

// earlier compares the tree with checkpoints that were kept elsewhere.
func (c *checker) earlier(tree *tree) {
	for _, signed := range c.trust.Earlier {
		kept, err := logtree.Open(signed, c.trust.Public)
		switch {
		case err != nil:
			c.find("the checkpoint that was kept", "%v", err)
		case kept.Origin != c.report.Newest.Origin:
			c.find("the checkpoint that was kept", "it is of %s, and this tree is of %s", kept.Origin, c.report.Newest.Origin)
		case kept.Page > tree.state.Number:
			c.find("tree", "it is an older copy, or its end was cut off: it has %d pages, and page %d was signed at %s", tree.state.Number, kept.Page, kept.Time)
		case tree.hashes[kept.Page-1] != kept.Hash:
			c.find(pageName(kept.Page), "it is another one than that of the checkpoint that was kept, which was signed at %s: the tree was made anew", kept.Time)
		}
	}
}

// read reads a file within the bounds of an object of the bucket.
func read(files fs.FS, name string) ([]byte, error) {
	file, err := files.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	data, err := io.ReadAll(io.LimitReader(file, evidence.MaxObjectBytes+1))
	if err == nil && len(data) > evidence.MaxObjectBytes {
		err = fmt.Errorf("%s has more than %d bytes; no object has", name, evidence.MaxObjectBytes)
	}
	return data, err
}
