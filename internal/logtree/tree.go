package logtree

import (
	"fmt"
	"math/bits"

	"golang.org/x/mod/sumdb/tlog"
)

// Tree is a tree of hashes as far as it must be known to add to it: those of the full subtrees that it is made of. A tree that keeps every hash
// can prove each leaf, too.
type Tree struct {
	Size   int64
	hashes map[int64]tlog.Hash // by their index in storage
}

// ReadHashes implements tlog.HashReader.
func (t *Tree) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	found := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		hash, known := t.hashes[index]
		if !known {
			return nil, fmt.Errorf("hash %d of the tree is not known", index)
		}
		found[i] = hash
	}
	return found, nil
}

// Add puts a leaf behind the others.
func (t *Tree) Add(leaf tlog.Hash) error {
	made, err := tlog.StoredHashesForRecordHash(t.Size, leaf, t)
	if err != nil {
		return err
	}
	if t.hashes == nil {
		t.hashes = map[int64]tlog.Hash{}
	}
	first := tlog.StoredHashIndex(0, t.Size)
	for i, hash := range made {
		t.hashes[first+int64(i)] = hash
	}
	t.Size++
	return nil
}

// Root is the hash of the whole tree.
func (t *Tree) Root() (tlog.Hash, error) { return tlog.TreeHash(t.Size, t) }

// peaks are the hashes of the full subtrees, from the left.
func (t *Tree) peaks() ([]tlog.Hash, error) { return t.ReadHashes(peaksOf(t.Size)) }

// fromPeaks is a tree of which no more is known than its full subtrees.
func fromPeaks(size int64, peaks []tlog.Hash) (Tree, error) {
	indexes := peaksOf(size)
	if size < 0 || len(indexes) != len(peaks) {
		return Tree{}, fmt.Errorf("a tree of %d leaves has not %d full subtrees", size, len(peaks))
	}
	tree := Tree{Size: size, hashes: make(map[int64]tlog.Hash, len(peaks))}
	for i, index := range indexes {
		tree.hashes[index] = peaks[i]
	}
	return tree, nil
}

// peaksOf says where the full subtrees are in storage: a tree is made of one for each bit of its size.
func peaksOf(size int64) (indexes []int64) {
	for at := int64(0); at < size; {
		level := bits.Len64(uint64(size-at)) - 1
		indexes = append(indexes, tlog.StoredHashIndex(level, at>>level))
		at += 1 << level
	}
	return indexes
}
