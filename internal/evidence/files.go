package evidence

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"hash/maphash"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Names of the store's own: no key begins with a dot.
const (
	writing  = ".writing" // the folder of files that are being written
	tempName = "object-"  // and how their names begin
)

// What of files that a crash left is removed at the start: never one of somebody who may still be writing.
const (
	leftAfter = time.Hour
	maxLeft   = 1024 // at a time
)

// Files is a bucket of files, the keys their paths.
//
// A new object is written to a file of another name, synced, linked to its own name, which cannot replace one, and the folder is
// synced. So a name leads to a whole object or to none, after a full volume and after a power cut, too. A sync that fails says that
// nothing is stored: what it was about is written anew, since the system may count its lost pages as written.
type Files struct {
	fs   fileSystem
	self string // of this process, in the names of its files
	last atomic.Int64
	seed maphash.Seed
	keys [64]sync.RWMutex // by the hash of the key: nobody reads what is not known to be stored

	folders sync.Mutex // one makes folders at a time: another one's is not there before it is synced
	start   sync.Mutex
	begun   bool
}

// OpenFiles opens a bucket in a folder, which is made if it is not there.
func OpenFiles(folder string) (*Files, error) {
	volume, err := openDisk(folder)
	if err != nil {
		return nil, fmt.Errorf("open evidence bucket: %w", err)
	}
	return newFiles(volume), nil
}

func newFiles(volume fileSystem) *Files {
	return &Files{fs: volume, self: rand.Text(), seed: maphash.MakeSeed()}
}

// Close implements Store.
func (f *Files) Close() error { return f.fs.Close() }

// Get implements Store.
func (f *Files) Get(ctx context.Context, key string) ([]byte, error) {
	if err := CheckKey(key); err != nil {
		return nil, err
	}
	if err := f.begin(ctx); err != nil {
		return nil, fmt.Errorf("read evidence %s: %w", key, err)
	}
	lock := f.lock(key)
	lock.RLock()
	defer lock.RUnlock()
	data, err := f.fs.Read(key, MaxObjectBytes)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%w: %s", ErrNotFound, key)
	case err != nil:
		return nil, fmt.Errorf("read evidence %s: %w", key, err)
	case unfinished(key, data):
		return nil, fmt.Errorf("%w: %s ends before it is whole", ErrNotFound, key)
	}
	return data, nil
}

// Create implements Store.
func (f *Files) Create(ctx context.Context, key string, data []byte) error {
	if err := CheckKey(key); err != nil {
		return err
	}
	err := f.begin(ctx)
	if err == nil {
		lock := f.lock(key)
		lock.Lock()
		defer lock.Unlock()
		err = f.create(key, data)
	}
	if err != nil {
		return fmt.Errorf("write evidence %s: %w", key, err)
	}
	return nil
}

// Names implements Store.
func (f *Files) Names(ctx context.Context, folder string) ([]string, error) {
	folder = strings.TrimSuffix(folder, "/")
	if err := CheckKey(folder); err != nil {
		return nil, err
	}
	if err := f.begin(ctx); err != nil {
		return nil, fmt.Errorf("list evidence %s: %w", folder, err)
	}
	files, err := f.fs.List(folder, MaxNames+1)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("list evidence %s: %w", folder, err)
	case len(files) > MaxNames:
		return nil, fmt.Errorf("list evidence %s: it has more than %d objects", folder, MaxNames)
	}
	names := make([]string, len(files))
	for i, one := range files {
		names[i] = one.name
	}
	slices.Sort(names)
	return names, nil
}

// Size implements Sized.
func (f *Files) Size(ctx context.Context, folder string) (int64, error) {
	if err := f.begin(ctx); err != nil {
		return 0, err
	}
	var all int64
	err := f.fs.Walk(folder, func(string) bool { return true }, func(_ string, bytes int64) { all += bytes })
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	return all, err
}

// List implements Bucket. A folder that is all behind or all before what is asked for is not entered, so each part of a long list costs as much.
func (f *Files) List(ctx context.Context, folder, after string, most int) ([]Object, error) {
	if err := CheckKey(folder); err != nil {
		return nil, err
	}
	if err := f.begin(ctx); err != nil {
		return nil, fmt.Errorf("list evidence in %s: %w", folder, err)
	}
	first := firstKeys{after: after, most: most}
	err := f.fs.Walk(folder, func(name string) bool { return ctx.Err() == nil && first.mayBeIn(name) }, first.see)
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	if err := errors.Join(err, ctx.Err()); err != nil {
		return nil, fmt.Errorf("list evidence in %s: %w", folder, err)
	}
	return first.sorted(), nil
}

func (f *Files) create(key string, data []byte) error {
	if len(data) > MaxObjectBytes {
		return fmt.Errorf("it has %d bytes; at most %d are possible", len(data), MaxObjectBytes)
	}
	if _, err := f.compare(key, data); err != nil { // it says so on a full volume, too
		return err
	}
	temp, err := f.written(data)
	if err != nil {
		return err
	}
	made, err := f.place(temp, key, data)
	if err := errors.Join(err, removed(f.fs, temp)); err != nil {
		return err
	}
	if err := f.fs.SyncFolder(path.Dir(key)); err != nil {
		if made { // whoever finds it takes it for stored
			err = errors.Join(err, removed(f.fs, key))
		}
		return err
	}
	return nil
}

// place gives a synced file the name of the object. made: there was none of that name before.
func (f *Files) place(temp, key string, data []byte) (made bool, err error) {
	if err := f.folder(path.Dir(key)); err != nil {
		return false, err
	}
	err = f.fs.Link(temp, key)
	if !errors.Is(err, fs.ErrExist) {
		return err == nil, err
	}
	replaces, err := f.compare(key, data)
	if err != nil || !replaces {
		return false, err
	}
	// The same bytes, or the beginning of them: nobody knows whether they were ever synced, and these were.
	return false, f.fs.Rename(temp, key)
}

// compare says whether there is something under a key that may be replaced by data, because it is the same or the beginning of it.
func (f *Files) compare(key string, data []byte) (found bool, err error) {
	stored, err := f.fs.Read(key, MaxObjectBytes)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		return false, err
	case !bytes.Equal(stored, data) && !torn(key, stored, data):
		return true, ErrDifferent
	}
	return true, nil
}

// written is a new file with data, synced.
func (f *Files) written(data []byte) (name string, err error) {
	name = fmt.Sprintf("%s/%s%s-%d", writing, tempName, f.self, f.last.Add(1))
	file, err := f.fs.Create(name)
	if errors.Is(err, fs.ErrNotExist) {
		if err := f.folder(writing); err != nil {
			return "", err
		}
		file, err = f.fs.Create(name)
	}
	if err != nil {
		return "", err
	}
	_, err = file.Write(data)
	if err == nil {
		err = file.Sync()
	}
	if err := errors.Join(err, file.Close()); err != nil {
		return "", errors.Join(err, removed(f.fs, name))
	}
	return name, nil
}

// folder makes a folder and those above it, as far as they are not there, each synced.
func (f *Files) folder(name string) error {
	f.folders.Lock()
	defer f.folders.Unlock()
	return f.makeFolder(name)
}

func (f *Files) makeFolder(name string) error {
	err := f.fs.Mkdir(name)
	above := path.Dir(name)
	if errors.Is(err, fs.ErrNotExist) && above != name {
		if err := f.makeFolder(above); err != nil {
			return err
		}
		err = f.fs.Mkdir(name)
	}
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := f.fs.SyncFolder(above); err != nil {
		return errors.Join(err, removed(f.fs, name))
	}
	return nil
}

// begin is before the first use. What an earlier process left may be in memory only: it is synced, so that what is found is stored.
func (f *Files) begin(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	f.start.Lock()
	defer f.start.Unlock()
	if f.begun {
		return nil
	}
	if err := f.fs.SyncAll(); err != nil {
		return fmt.Errorf("sync what was written before: %w", err)
	}
	f.tidy()
	f.begun = true
	return nil
}

// tidy removes what a crash left. The clock is the volume's: a new file shows what time it is there. What cannot be removed, or is too
// much at once, harms nobody, and is tried again at the next start.
func (f *Files) tidy() {
	probe, err := f.written(nil)
	if err != nil { // a full or read-only volume: those who write are told
		return
	}
	defer func() { _ = f.fs.Remove(probe) }()
	files, err := f.fs.List(writing, maxLeft)
	if err != nil {
		return
	}
	var now time.Time
	for _, one := range files {
		if writing+"/"+one.name == probe {
			now = one.changed
		}
	}
	for _, one := range files {
		if strings.HasPrefix(one.name, tempName) && now.Sub(one.changed) > leftAfter {
			_ = f.fs.Remove(writing + "/" + one.name)
		}
	}
}

func (f *Files) lock(key string) *sync.RWMutex {
	return &f.keys[maphash.String(f.seed, key)%uint64(len(f.keys))]
}

// removed takes back what was made. It may be gone already.
func removed(volume fileSystem, name string) error {
	if err := volume.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
