package writeback

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
	"time"

	"github.com/go-git/go-billy/v5/memfs"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/plumbing/storer"
	"github.com/go-git/go-git/v5/storage/filesystem"
)

// What is unpacked: a pack of few bytes may hold objects of many.
const (
	maxObjectBytes = 8 << 20
	maxTotalBytes  = 4 << 30 // passed by, not kept
	cacheBytes     = 16 << 20
)

// unpack keeps a pack in memory as it came; its objects are unpacked when they are looked at.
func unpack(ctx context.Context, pack []byte) (storer.Storer, error) {
	if err := bounds(ctx, pack); err != nil {
		return nil, err
	}
	store := filesystem.NewStorage(memfs.New(), cache.NewObjectLRU(cacheBytes))
	return store, packfile.UpdateObjectStorage(store, bytes.NewReader(pack))
}

// smallPack is up to which size packs are worked on side by side, in bytes.
const smallPack = 2 << 20

// room is for one large repository at a time: unpacking takes several times the memory of its pack, whoever made it.
type room chan struct{}

// enter waits for it; leave makes place for the next.
func (r room) enter(ctx context.Context, got *fetched) (leave func(), err error) {
	if len(got.pack) <= smallPack {
		return func() {}, nil
	}
	select {
	case r <- struct{}{}:
		return func() { <-r }, nil
	case <-ctx.Done():
		return nil, failf(Unreachable, "other large repositories are being worked on, one at a time")
	}
}

// bounds refuses a pack with an object that is too large, as it is or as what it is made of says.
func bounds(ctx context.Context, pack []byte) error {
	scanner := packfile.NewScanner(bytes.NewReader(pack))
	_, count, err := scanner.Header()
	if err != nil {
		return err
	}
	left := int64(maxTotalBytes)
	for range count {
		header, err := scanner.NextObjectHeader()
		if err = cmp.Or(ctx.Err(), err); err != nil {
			return err
		}
		entry := &head{most: min(maxObjectBytes, left)}
		if _, _, err := scanner.NextObject(entry); err != nil {
			return err
		}
		size := entry.size
		if header.Type.IsDelta() {
			size = max(size, entry.target())
		}
		if left -= size; size > maxObjectBytes || left < 0 {
			return errTooLarge
		}
	}
	return nil
}

var errTooLarge = failf(Invalid, "the repository has a file of more than %d MiB in the history of its branch; use a smaller repository", maxObjectBytes>>20)

// head counts what is written to it, up to a limit, and keeps the first bytes.
type head struct {
	first []byte
	size  int64
	most  int64
}

func (h *head) Write(p []byte) (int, error) {
	h.first = append(h.first, p[:min(len(p), 2*binary.MaxVarintLen64-len(h.first))]...)
	if h.size += int64(len(p)); h.size > h.most {
		return 0, errTooLarge
	}
	return len(p), nil
}

// target is how large the object becomes that a delta makes: the second number in it.
func (h *head) target() int64 {
	_, n := binary.Uvarint(h.first)
	if n <= 0 {
		return maxTotalBytes
	}
	size, n := binary.Uvarint(h.first[n:])
	if n <= 0 || size > maxTotalBytes {
		return maxTotalBytes
	}
	return int64(size)
}

// read is the content of a file in a commit.
func read(commit *object.Commit, name string) ([]byte, error) {
	tree, err := commit.Tree()
	if err != nil {
		return nil, err
	}
	entry, err := tree.FindEntry(name)
	switch {
	case errors.Is(err, object.ErrEntryNotFound), errors.Is(err, object.ErrDirectoryNotFound):
		return nil, failf(Invalid, "the branch has no file %s; fix writeBack.path in the playbook", name)
	case err != nil:
		return nil, err
	case !entry.Mode.IsFile() || entry.Mode == filemode.Symlink:
		return nil, failf(Invalid, "%s is a directory or a link in the repository, and no file; fix writeBack.path in the playbook", name)
	}
	file, err := tree.TreeEntryFile(entry)
	if err != nil {
		return nil, err
	}
	if file.Size > maxFileBytes {
		return nil, failf(Invalid, "%s has %d bytes; the operator edits files of %d at most", name, file.Size, maxFileBytes)
	}
	reader, err := file.Reader()
	if err != nil {
		return nil, err
	}
	defer func() { _ = reader.Close() }()
	return io.ReadAll(reader)
}

// made are the objects of new commits, in a store that has what they rest on.
type made struct {
	store  storer.Storer
	hashes []plumbing.Hash
}

// encoder is an object of Git.
type encoder interface {
	Encode(o plumbing.EncodedObject) error
}

func (m *made) add(one encoder) (plumbing.Hash, error) {
	encoded := m.store.NewEncodedObject()
	if err := one.Encode(encoded); err != nil {
		return plumbing.ZeroHash, err
	}
	hash, err := m.store.SetEncodedObject(encoded)
	m.hashes = append(m.hashes, hash)
	return hash, err
}

// blob is the content of a file.
type blob []byte

// Encode implements encoder.
func (b blob) Encode(o plumbing.EncodedObject) error {
	o.SetType(plumbing.BlobObject)
	writer, err := o.Writer()
	if err != nil {
		return err
	}
	if _, err := writer.Write(b); err != nil {
		return err
	}
	return writer.Close()
}

// with is a tree in which one file, which is there already, has another content.
func (m *made) with(tree *object.Tree, name string, content plumbing.Hash) (plumbing.Hash, error) {
	first, rest, deeper := strings.Cut(name, "/")
	next := object.Tree{Entries: append([]object.TreeEntry(nil), tree.Entries...)}
	for i := range next.Entries {
		if next.Entries[i].Name != first {
			continue
		}
		if !deeper {
			next.Entries[i].Hash = content
			return m.add(&next)
		}
		below, err := object.GetTree(m.store, next.Entries[i].Hash)
		if err != nil {
			return plumbing.ZeroHash, err
		}
		if next.Entries[i].Hash, err = m.with(below, rest, content); err != nil {
			return plumbing.ZeroHash, err
		}
		return m.add(&next)
	}
	return plumbing.ZeroHash, fmt.Errorf("%s: %w", path.Clean(name), object.ErrEntryNotFound)
}

// commit adds a commit on another one, in which one file has another content.
func (m *made) commit(parent *object.Commit, name string, content []byte, author Author, now time.Time, message string, sign signer) (*object.Commit, error) {
	tree, err := parent.Tree()
	if err != nil {
		return nil, err
	}
	file, err := m.add(blob(content))
	if err != nil {
		return nil, err
	}
	root, err := m.with(tree, name, file)
	if err != nil {
		return nil, err
	}
	who := object.Signature{Name: author.Name, Email: author.Email, When: now.UTC()}
	commit := &object.Commit{Author: who, Committer: who, Message: message, TreeHash: root, ParentHashes: []plumbing.Hash{parent.Hash}}
	if sign != nil {
		unsigned := &plumbing.MemoryObject{}
		if err := commit.EncodeWithoutSignature(unsigned); err != nil {
			return nil, err
		}
		reader, err := unsigned.Reader()
		if err != nil {
			return nil, err
		}
		if commit.PGPSignature, err = sign(reader); err != nil {
			return nil, err
		}
	}
	hash, err := m.add(commit)
	if err != nil {
		return nil, err
	}
	return object.GetCommit(m.store, hash)
}

// pack is all that was added, as a server takes it.
func (m *made) pack() ([]byte, error) {
	var pack bytes.Buffer
	_, err := packfile.NewEncoder(&pack, m.store, false).Encode(m.hashes, 0)
	return pack.Bytes(), err
}
