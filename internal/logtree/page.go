package logtree

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"golang.org/x/mod/sumdb/tlog"
)

// Bounds of a page.
const (
	// MaxLeaves of a page: so many entries are read for it.
	MaxLeaves = 256
	// SnapshotEvery so many pages all logs are listed, so that nobody reads further back to know where each log was.
	SnapshotEvery = 32
)

// Page is what came to the tree at a time.
type Page struct {
	Number   int64       `json:"number"` // from 1, without a gap
	Time     string      `json:"time"`   // RFC 3339, in UTC
	Previous string      `json:"previous,omitempty"`
	Size     int64       `json:"size"` // leaves of the tree, with those of this page
	Runs     []Run       `json:"runs,omitempty"`
	Peaks    []tlog.Hash `json:"peaks,omitempty"` // of the tree's full subtrees, from the left
	// Logs are the heads of all logs of the tree whose objects are there, in each page that lists them: the first, and each 32nd.
	Logs map[string]Head `json:"logs,omitempty"`
}

// Run are entries of one log, one leaf each.
type Run struct {
	Log    string      `json:"log"`   // the prefix of the object's folder
	First  int64       `json:"first"` // number of the first entry
	Leaves []tlog.Hash `json:"leaves"`
	Head   string      `json:"head"` // SHA-256 of the last entry, in hex
}

// Last is the number of the run's last entry.
func (r Run) Last() int64 { return r.First + int64(len(r.Leaves)) - 1 }

// into adds the leaves to a tree, and moves the head of the log.
func (r Run) into(tree *Tree, logs map[string]Head) error {
	for _, leaf := range r.Leaves {
		if err := tree.Add(leaf); err != nil {
			return err
		}
	}
	if r.Last() > logs[r.Log].Entries {
		logs[r.Log] = Head{r.Last(), r.Head}
	}
	return nil
}

// Head is how far a log is, as in the status of its object.
type Head struct {
	Entries int64  `json:"entries"`
	Hash    string `json:"hash"` // of the last entry
}

// State is what must be known of the pages so far to make the next one, or to check it. The zero value is before the first.
type State struct {
	Number int64
	Hash   string // of the newest page
	Time   time.Time
	Tree   Tree
	Logs   map[string]Head
}

// Next is the page after the state, with these runs. Of the logs only those stay known that are kept: of the others nothing can come any more.
func (s State) Next(now time.Time, runs []Run, kept map[string]bool) (Page, error) {
	tree, err := fromPeaksOf(s.Tree)
	if err != nil {
		return Page{}, err
	}
	page := Page{Number: s.Number + 1, Time: now.UTC().Format(time.RFC3339), Previous: s.Hash, Runs: runs}
	logs := maps.Clone(s.Logs)
	if logs == nil {
		logs = map[string]Head{}
	}
	for _, run := range runs {
		if err := run.into(&tree, logs); err != nil {
			return Page{}, err
		}
	}
	page.Size = tree.Size
	if page.Peaks, err = tree.peaks(); err != nil {
		return Page{}, err
	}
	if lists(page.Number) {
		maps.DeleteFunc(logs, func(log string, _ Head) bool { return !kept[log] })
		page.Logs = logs
	}
	return page, nil
}

func fromPeaksOf(tree Tree) (Tree, error) {
	peaks, err := tree.peaks()
	if err != nil {
		return Tree{}, err
	}
	return fromPeaks(tree.Size, peaks)
}

// lists says whether a page lists the logs.
func lists(number int64) bool { return number%SnapshotEvery == 1 }

// Apply is the state after a page that follows this one, whose bytes have the hash; the state before is used up. It says why one does not follow.
func (s State) Apply(page Page, hash string) (State, error) {
	at, err := time.Parse(time.RFC3339, page.Time)
	switch {
	case err != nil:
		return State{}, fmt.Errorf("page %d has no time: %w", page.Number, err)
	case page.Number != s.Number+1:
		return State{}, fmt.Errorf("page %d comes after page %d", page.Number, s.Number)
	case page.Previous != s.Hash:
		return State{}, fmt.Errorf("page %d was made after another page %d than the one that is there", page.Number, s.Number)
	}
	tree, logs := s.Tree, maps.Clone(s.Logs)
	if logs == nil {
		logs = map[string]Head{}
	}
	for _, run := range page.Runs {
		if run.First < 1 || run.First > logs[run.Log].Entries+1 { // one that the operator had forgotten begins again
			return State{}, fmt.Errorf("page %d has entry %d of %s, of which the tree has %d entries", page.Number, run.First, run.Log, logs[run.Log].Entries)
		}
		if err := run.into(&tree, logs); err != nil {
			return State{}, err
		}
	}
	for log, head := range page.Logs {
		if logs[log] != head {
			return State{}, fmt.Errorf("page %d says of %s what the pages before do not say", page.Number, log)
		}
	}
	peaks, err := tree.peaks()
	if err != nil {
		return State{}, err
	}
	if page.Size != tree.Size || !slices.Equal(page.Peaks, peaks) {
		return State{}, fmt.Errorf("page %d is not the tree before with its own leaves", page.Number)
	}
	return State{Number: page.Number, Hash: hash, Time: at, Tree: tree, Logs: logs}, nil
}

// Trimmed forgets what is not needed to go on: all hashes but those of the full subtrees, and logs of which nothing can come any more. page is
// the newest one.
func (s State) Trimmed(page Page) (State, error) {
	var err error
	if s.Tree, err = fromPeaksOf(s.Tree); err != nil {
		return State{}, err
	}
	if page.Lists() {
		s.Logs = page.Logs
	}
	return s, nil
}

// At is the state right after a page that lists the logs.
func At(page Page, hash string) (State, error) {
	at, err := time.Parse(time.RFC3339, page.Time)
	if err != nil {
		return State{}, fmt.Errorf("page %d has no time: %w", page.Number, err)
	}
	tree, err := fromPeaks(page.Size, page.Peaks)
	if err != nil {
		return State{}, fmt.Errorf("page %d: %w", page.Number, err)
	}
	return State{Number: page.Number, Hash: hash, Time: at, Tree: tree, Logs: page.Logs}, nil
}

// Lists says whether a state can be made from this page alone.
func (p Page) Lists() bool { return lists(p.Number) }

// file is how a page lies in the bucket, with its checkpoint: in one object, so that there is no page without one.
type file struct {
	Checkpoint string          `json:"checkpoint"`
	Page       json.RawMessage `json:"page"`
}

// Hash of a page's bytes.
func hashOf(page []byte) string {
	sum := sha256.Sum256(page)
	return hex.EncodeToString(sum[:])
}

// Decode reads a page and the checkpoint beside it, whose signature and hash are the caller's to check. It takes no other form of what it says.
func Decode(data []byte) (page Page, hash, checkpoint string, err error) {
	var whole file
	if err := strictly(data, &whole); err != nil {
		return Page{}, "", "", fmt.Errorf("not a page of the tree: %w", err)
	}
	if err := strictly(whole.Page, &page); err != nil {
		return Page{}, "", "", fmt.Errorf("not a page of the tree: %w", err)
	}
	return page, hashOf(whole.Page), whole.Checkpoint, nil
}

// strictly reads JSON that is, byte for byte, what this program writes: another way to write the same would be another page to whoever reads
// it otherwise.
func strictly(data []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return err
	}
	again, err := json.Marshal(into)
	if err != nil {
		return err
	}
	if !bytes.Equal(again, data) {
		return fmt.Errorf("it is not written as the operator writes it")
	}
	return nil
}
