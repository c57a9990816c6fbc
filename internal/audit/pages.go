package audit

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"golang.org/x/mod/sumdb/tlog"

	"tradeops.dev/strategy-operator/internal/evidence"
	"tradeops.dev/strategy-operator/internal/logtree"
)

// tree is a tree that was computed again from its pages.
type tree struct {
	namespace string // as the logs in it name it
	state     logtree.State
	hashes    []string          // of the pages
	leaves    map[string][]leaf // of each log, by the number of the entry, from 1
	signed    string            // the newest checkpoint
}

// leaf is an entry in the tree.
type leaf struct {
	index int64
	hash  tlog.Hash
}

// pageName is the name of a page in the folder of a namespace.
func pageName(number int64) string {
	_, name, _ := strings.Cut(evidence.TreeKey("namespace", number), "/")
	return name
}

// readTree reads all pages in order. What a page says counts as far as its checkpoint is signed and follows from the pages before.
func (c *checker) readTree() (*tree, error) {
	t := &tree{leaves: map[string][]leaf{}}
	for {
		name := pageName(t.state.Number + 1)
		data, err := read(c.files, name)
		if errors.Is(err, fs.ErrNotExist) {
			return t, c.ends(t)
		}
		if err != nil {
			return nil, err
		}
		if err := c.apply(t, data); err != nil {
			c.find(name, "%v; what comes after it is not checked", err)
			return t, nil
		}
	}
}

// ends says what is wrong with the end of the tree: pages behind a gap.
func (c *checker) ends(t *tree) error {
	names, err := fs.ReadDir(c.files, path.Dir(pageName(1)))
	if errors.Is(err, fs.ErrNotExist) {
		return errors.New("there is no tree (folder tree) in it: this is not the folder of a namespace, or nothing was signed yet")
	}
	if err != nil {
		return err
	}
	for _, one := range names {
		var number int64
		if _, err := fmt.Sscanf(one.Name(), "%d.json", &number); err == nil && one.Name() == path.Base(pageName(number)) && number > t.state.Number {
			c.find(pageName(t.state.Number+1), "it is missing, and %s is there: it was removed", one.Name())
			return nil
		}
	}
	if t.state.Number == 0 {
		return errors.New("the tree has no page: nothing was signed yet")
	}
	return nil
}

func (c *checker) apply(t *tree, data []byte) error {
	page, hash, signed, err := logtree.Decode(data)
	if err != nil {
		return err
	}
	checkpoint, err := logtree.Open(signed, c.trust.Public)
	if err != nil {
		return err
	}
	before := t.state
	next, err := before.Apply(page, hash)
	if err != nil {
		return err
	}
	root, err := next.Tree.Root()
	if err != nil {
		return err
	}
	stated := logtree.Checkpoint{Origin: checkpoint.Origin, Size: page.Size, Root: root, Time: page.Time, Page: page.Number, Hash: hash}
	if before.Number > 0 {
		stated.Origin = c.report.Newest.Origin
	}
	if checkpoint != stated {
		return fmt.Errorf("its checkpoint was signed for something else: for page %d of %s with %d leaves", checkpoint.Page, checkpoint.Origin, checkpoint.Size)
	}
	if err := t.take(page, before.Tree.Size); err != nil {
		return err
	}
	if next.Time.Before(before.Time) {
		c.note("page %d says that it was signed at %s, before page %d: a clock was wrong", page.Number, page.Time, before.Number)
	}
	t.state, t.signed, c.report.Newest = next, signed, checkpoint
	t.hashes = append(t.hashes, hash)
	return nil
}

// take remembers where the leaves of a page are.
func (t *tree) take(page logtree.Page, index int64) error {
	for _, run := range page.Runs {
		namespace, name, found := strings.Cut(run.Log, "/")
		if t.namespace == "" {
			t.namespace = namespace
		}
		if !found || namespace != t.namespace || !fs.ValidPath(strings.TrimSuffix(name, "/")) {
			return fmt.Errorf("it names %.300q, which is no log of this namespace", run.Log)
		}
		for i, hash := range run.Leaves {
			at := run.First - 1 + int64(i)
			if at < int64(len(t.leaves[name])) {
				if t.leaves[name][at].hash != hash {
					return fmt.Errorf("it has another entry %d of %s than a page before it", at+1, run.Log)
				}
			} else {
				t.leaves[name] = append(t.leaves[name], leaf{index, hash})
			}
			index++
		}
	}
	return nil
}
