package cloud

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	"tradeops.dev/strategy-operator/internal/evidence"
)

// Bucket is one of a cloud, the keys those of its objects, behind a folder.
type Bucket struct {
	server
	kind, folder string // the folder with the slash at its end, or empty

	trial   sync.Mutex
	tried   bool
	onlyNew bool // the server creates an object only if it is not there
}

// server is what differs between clouds. Names are whole: a key with the folder before it. What a server says is told as in said.
type server interface {
	// get fails with evidence.ErrNotFound for an object that is not there, in a bucket that is.
	get(ctx context.Context, name string) ([]byte, error)
	// put writes an object; onlyNew: only if there is none of this name, else it fails with errTaken, or with errUnconditional where a server
	// does not know how.
	put(ctx context.Context, name string, data []byte, onlyNew bool) error
	// page is a part of a list, and where the next one begins; empty: there is none.
	page(ctx context.Context, of query) (found []evidence.Object, next string, err error)
	// Lock is what is set for all new objects. An error says that it is not known: that is not a no.
	Lock(ctx context.Context) (Lock, error)
}

// query is what is listed, sorted as texts.
type query struct {
	prefix string // of whole names
	after  string // what is not behind this name is not wanted, and may be listed all the same; empty: from the beginning
	deep   bool   // also of folders below
	most   int    // how many are wanted; 0: all
	next   string // where this page begins; empty: the first one
}

// perPage is how many objects a page has at most. One more than is wanted: some clouds list the one that the others are behind, too.
func (q query) perPage() int {
	const largest = 1000 // of S3 and of Google
	if q.most > 0 && q.most < largest {
		return q.most + 1
	}
	return largest
}

// Kind is for people.
func (b *Bucket) Kind() string { return b.kind }

// Close implements evidence.Store.
func (*Bucket) Close() error { return nil }

// Get implements evidence.Store.
func (b *Bucket) Get(ctx context.Context, key string) ([]byte, error) {
	if err := evidence.CheckKey(key); err != nil {
		return nil, err
	}
	data, err := b.get(ctx, b.folder+key)
	if errors.Is(err, evidence.ErrNotFound) {
		return nil, fmt.Errorf("%w: %s", evidence.ErrNotFound, key)
	}
	if err != nil {
		return nil, fmt.Errorf("read evidence %s: %w", key, err)
	}
	return data, nil
}

// whole is what a server sends of an object.
func whole(body io.Reader) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(body, evidence.MaxObjectBytes+1))
	if err == nil && len(data) > evidence.MaxObjectBytes {
		err = fmt.Errorf("larger than %d bytes", evidence.MaxObjectBytes)
	}
	return data, err
}

// Create implements evidence.Store. A write whose answer was lost is sent again by the library, and then finds itself: it is read back.
func (b *Bucket) Create(ctx context.Context, key string, data []byte) error {
	if err := evidence.CheckKey(key); err != nil {
		return err
	}
	if err := b.create(ctx, key, data); err != nil {
		return fmt.Errorf("write evidence %s: %w", key, err)
	}
	return nil
}

func (b *Bucket) create(ctx context.Context, key string, data []byte) error {
	if len(data) > evidence.MaxObjectBytes {
		return fmt.Errorf("it has %d bytes; at most %d are possible", len(data), evidence.MaxObjectBytes)
	}
	onlyNew, err := b.createsOnlyNew(ctx)
	if err != nil {
		return err
	}
	if !onlyNew {
		if err := b.compare(ctx, key, data); !errors.Is(err, evidence.ErrNotFound) {
			return err
		}
	}
	err = b.put(ctx, b.folder+key, data, onlyNew)
	if onlyNew && !errors.Is(err, errTaken) {
		return err
	}
	if !onlyNew && err != nil {
		return err
	}
	return b.compare(ctx, key, data) // another writer, or this one's lost answer
}

// compare says whether the object that is there is this one.
func (b *Bucket) compare(ctx context.Context, key string, data []byte) error {
	stored, err := b.Get(ctx, key)
	if err == nil && !bytes.Equal(stored, data) {
		return evidence.ErrDifferent
	}
	return err
}

// trialKey is the key of an object that tells whether the server creates only what is new. No namespace begins with a dot.
const trialKey = ".strategy-operator/created-once"

// createsOnlyNew tries whether an object that is there is left as it is, once: a server that does not know the condition would replace it in silence.
func (b *Bucket) createsOnlyNew(ctx context.Context) (bool, error) {
	b.trial.Lock()
	defer b.trial.Unlock()
	if b.tried {
		return b.onlyNew, nil
	}
	err := b.put(ctx, b.folder+trialKey, []byte("1"), true)
	if err == nil { // it was not there, or is replaced
		err = b.put(ctx, b.folder+trialKey, []byte("2"), true)
	}
	switch {
	case errors.Is(err, errTaken):
		b.tried, b.onlyNew = true, true
	case err == nil || errors.Is(err, errUnconditional):
		b.tried = true
	default:
		return false, err
	}
	return b.onlyNew, nil
}

// Size implements evidence.Sized: of one object, or of all in a folder.
func (b *Bucket) Size(ctx context.Context, folder string) (bytes int64, err error) {
	exact := false
	err = b.walk(ctx, query{prefix: b.folder + folder, deep: true, most: 1}, func(first evidence.Object) bool {
		bytes, exact = first.Bytes, first.Key == folder
		return false
	})
	if err != nil || exact {
		return bytes, err
	}
	bytes = 0
	err = b.walk(ctx, query{prefix: b.folder + folder + "/", deep: true}, func(one evidence.Object) bool {
		bytes += one.Bytes
		return true
	})
	return bytes, err
}

// List implements evidence.Bucket.
func (b *Bucket) List(ctx context.Context, folder, after string, most int) ([]evidence.Object, error) {
	if err := evidence.CheckKey(folder); err != nil {
		return nil, err
	}
	return b.first(ctx, query{prefix: b.folder + folder + "/", after: after, deep: true, most: most})
}

// Names implements evidence.Store.
func (b *Bucket) Names(ctx context.Context, folder string) ([]string, error) {
	folder = strings.TrimSuffix(folder, "/")
	if err := evidence.CheckKey(folder); err != nil {
		return nil, err
	}
	found, err := b.first(ctx, query{prefix: b.folder + folder + "/", most: evidence.MaxNames + 1})
	if err != nil {
		return nil, err
	}
	if len(found) > evidence.MaxNames {
		return nil, fmt.Errorf("list evidence %s: it has more than %d objects", folder, evidence.MaxNames)
	}
	var names []string
	for _, one := range found {
		names = append(names, strings.TrimPrefix(one.Key, folder+"/"))
	}
	return names, nil
}

// first are the first objects of a query, as many as are wanted; after is a key here.
func (b *Bucket) first(ctx context.Context, of query) (found []evidence.Object, err error) {
	after := of.after
	if after != "" {
		of.after = b.folder + after
	}
	err = b.walk(ctx, of, func(one evidence.Object) bool {
		if one.Key > after {
			found = append(found, one)
		}
		return len(found) < of.most
	})
	slices.SortFunc(found, func(x, y evidence.Object) int { return cmp.Compare(x.Key, y.Key) })
	return found, err
}

// walk sees one object after another, by their keys, until see has enough.
func (b *Bucket) walk(ctx context.Context, of query, see func(evidence.Object) (more bool)) error {
	for {
		found, next, err := b.page(ctx, of)
		if err != nil {
			return fmt.Errorf("list evidence in %s: %w", strings.TrimPrefix(of.prefix, b.folder), err)
		}
		for _, one := range found {
			one.Key = strings.TrimPrefix(one.Key, b.folder)
			if !see(one) {
				return nil
			}
		}
		if next == "" {
			return nil
		}
		of.next = next
	}
}
