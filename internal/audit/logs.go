package audit

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"tradeops.dev/strategy-operator/internal/decisionlog"
	"tradeops.dev/strategy-operator/internal/evidence"
)

// logFolder is the name of the folder of a log in that of its object.
const logFolder = "log"

// findLogs are the folders of objects that have a log, with a slash at the end.
func findLogs(files fs.FS) (found map[string]bool, err error) {
	found = map[string]bool{}
	folders, err := fs.Glob(files, path.Join("*", "*", "*", "*", logFolder))
	for _, folder := range folders {
		found[path.Dir(folder)+"/"] = true
	}
	return found, err
}

// checkLogs checks every log that the tree has, and every one that is there.
func (c *checker) checkLogs(tree *tree, there map[string]bool) error {
	for name := range tree.leaves {
		there[name] = there[name] || false
	}
	for _, name := range slices.Sorted(maps.Keys(there)) {
		if !there[name] {
			c.find(name, "the whole log is gone: the tree has %d entries of it", len(tree.leaves[name]))
			continue
		}
		lines, err := c.lines(name)
		if err != nil {
			return err
		}
		c.report.Logs++
		c.report.Entries += len(lines)
		c.checkLog(name, lines, tree.leaves[name])
	}
	return nil
}

// lines are the entries of a log, nil where one is missing.
func (c *checker) lines(name string) (lines [][]byte, err error) {
	files, err := fs.ReadDir(c.files, name+logFolder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		if strings.HasSuffix(file.Name(), ProofSuffix) {
			continue
		}
		var seq int64
		if _, err := fmt.Sscanf(file.Name(), "%d.json", &seq); err != nil || evidence.LogKey(name, seq) != path.Join(name+logFolder, file.Name()) || seq < 1 || seq > 1e6 {
			c.note("%s is no entry of a log", path.Join(name+logFolder, file.Name()))
			continue
		}
		line, err := read(c.files, evidence.LogKey(name, seq))
		if err != nil {
			return nil, err
		}
		for int64(len(lines)) < seq {
			lines = append(lines, nil)
		}
		lines[seq-1] = line
	}
	return lines, nil
}

// checkLog compares the lines with their leaves, and with each other.
func (c *checker) checkLog(name string, lines [][]byte, leaves []leaf) {
	if len(lines) < len(leaves) {
		c.find(name, "its end was cut off: it has %d entries, and the tree has %d", len(lines), len(leaves))
	}
	if !c.signed(name, lines, leaves) || !c.chain(name, lines) || len(lines) <= len(leaves) {
		return
	}
	for i, line := range lines[len(leaves):] {
		if identity, err := decisionlog.Read(line); err != nil || c.old(identity) {
			c.find(evidence.LogKey(name, int64(len(leaves)+i+1)), "it is from %s and not in the tree, whose newest checkpoint is from %s: it was put there later, or its object was deleted before the operator took it up",
				identity.Timestamp, c.report.Newest.Time)
			return
		}
	}
	c.note("%s: %s newer than the newest checkpoint: no signature of the tree stands for them yet", name, count(len(lines)-len(leaves), "entry is", "entries are"))
}

// signed says whether the lines are those whose hashes were signed.
func (c *checker) signed(name string, lines [][]byte, leaves []leaf) bool {
	places := map[tlog.Hash]int{}
	for i, leaf := range leaves {
		places[leaf.hash] = i + 1
	}
	for i, line := range lines[:min(len(lines), len(leaves))] {
		hash := tlog.RecordHash(line)
		if line == nil || hash == leaves[i].hash {
			continue
		}
		where := evidence.LogKey(name, int64(i+1))
		if at, elsewhere := places[hash]; elsewhere {
			c.find(where, "entries were reordered: it is entry %d", at)
		} else {
			c.find(where, "it was rewritten: it is not the entry whose hash was signed")
		}
		return false
	}
	return true
}

// chain says whether each line follows the one before it.
func (c *checker) chain(name string, lines [][]byte) bool {
	head, object := "", ""
	for i, line := range lines {
		where := evidence.LogKey(name, int64(i+1))
		if line == nil {
			c.find(where, "it is missing, and a later one is there: it was removed")
			return false
		}
		identity, err := c.verify(line)
		if err != nil {
			c.find(where, "%v", err)
			return false
		}
		if identity.Seq != int64(i+1) || identity.PrevHash != head || i > 0 && identity.ObjectUID != object {
			c.find(where, "it does not follow the entry before it: it says that it is entry %d", identity.Seq)
			return false
		}
		head, object = decisionlog.Hash(line), identity.ObjectUID
	}
	return true
}

// verify checks a line by itself, with the keys if there are any.
func (c *checker) verify(line []byte) (decisionlog.Identity, error) {
	if c.trust.Secret != nil {
		return decisionlog.Verify(line, c.trust.Secret)
	}
	return decisionlog.Shape(line)
}

// old says whether an entry has to be in the tree. One whose time cannot be read has to be.
func (c *checker) old(identity decisionlog.Identity) bool {
	newest, err := time.Parse(time.RFC3339, c.report.Newest.Time)
	if err != nil {
		return true
	}
	at, err := time.Parse(time.RFC3339, identity.Timestamp)
	return err != nil || newest.Sub(at) > settled
}

// checkForgotten compares the logs with what was written down of objects before the operator deleted them, or one of them.
func (c *checker) checkForgotten(only string) error {
	names, err := fs.Glob(c.files, "forgotten/*.json")
	if err != nil {
		return err
	}
	for _, name := range names {
		data, err := read(c.files, name)
		if err != nil {
			return err
		}
		var told struct {
			UID string `json:"uid"`
			Log struct {
				Prefix  string `json:"prefix"`
				Entries int64  `json:"entries"`
				Head    string `json:"head"`
			} `json:"log"`
		}
		if err := json.Unmarshal(data, &told); err != nil {
			c.find(name, "it cannot be read: %v", err)
			continue
		}
		if c.trust.Secret != nil {
			if _, err := decisionlog.Unseal(data, decisionlog.Sealed{Kind: "forgotten", ObjectUID: told.UID}, c.trust.Secret); err != nil {
				c.find(name, "%v", err)
				continue
			}
		}
		if told.Log.Entries == 0 {
			continue
		}
		_, folder, _ := strings.Cut(told.Log.Prefix, "/")
		if !fs.ValidPath(strings.TrimSuffix(folder, "/")) {
			c.find(name, "it names %.300q, which is no folder", told.Log.Prefix)
			continue
		}
		if only != "" && folder != only {
			continue
		}
		last := evidence.LogKey(folder, told.Log.Entries)
		line, err := read(c.files, last)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			c.find(last, "it is missing: %s says that the log has %d entries", name, told.Log.Entries)
		case err != nil:
			return err
		case decisionlog.Hash(line) != told.Log.Head:
			c.find(last, "it is not the last entry of which %s has the hash", name)
		}
	}
	return nil
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
