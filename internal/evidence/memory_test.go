package evidence

import (
	"bytes"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"syscall"
	"time"
)

// memory is a file system in memory. As a real one it holds back what was not synced, and after a power cut names and contents are there
// or not, each by itself. A sync that fails drops what it was about and counts it as written: the next sync of it succeeds, and lies.
type memory struct {
	root *node
	did  []string
	// before each operation; an error is what it then fails with.
	before func(n int, operation, name string) error
}

type node struct {
	folder  bool
	data    []byte
	synced  []byte           // of data
	dirty   bool             // data is not synced
	names   map[string]*node // of a folder
	durable map[string]*node // those of them that are on the disk
	pending []change         // of names, not synced
	changed time.Time
}

type change struct {
	name string
	to   *node // nil: removed
}

func newMemory() *memory { return &memory{root: newFolder()} }

func newFolder() *node {
	return &node{folder: true, names: map[string]*node{}, durable: map[string]*node{}}
}

func (m *memory) operation(name, about string) error {
	m.did = append(m.did, name+" "+about)
	if m.before == nil {
		return nil
	}
	if err := m.before(len(m.did), name, about); err != nil {
		return &fs.PathError{Op: name, Path: about, Err: err}
	}
	return nil
}

// find is the folder of a name, its last part, and what has that name.
func (m *memory) find(name string) (folder *node, last string, found *node, err error) {
	above, last := path.Split(name)
	folder = m.root
	for part := range strings.SplitSeq(strings.Trim(above, "/"), "/") {
		if part == "" {
			continue
		}
		if folder = folder.names[part]; folder == nil || !folder.folder {
			return nil, "", nil, &fs.PathError{Op: "find", Path: name, Err: fs.ErrNotExist}
		}
	}
	return folder, last, folder.names[last], nil
}

func (n *node) set(name string, to *node) {
	n.names[name] = to
	if to == nil {
		delete(n.names, name)
	}
	n.pending = append(n.pending, change{name, to})
}

func (m *memory) Read(name string, _ int64) ([]byte, error) {
	if err := m.operation("read", name); err != nil {
		return nil, err
	}
	_, _, found, err := m.find(name)
	if err != nil || found == nil {
		return nil, fs.ErrNotExist
	}
	return bytes.Clone(found.data), nil
}

type memoryFile struct {
	*node
	of   *memory
	name string
}

func (m *memory) Create(name string) (file, error) {
	if err := m.operation("create", name); err != nil {
		return nil, err
	}
	folder, last, found, err := m.find(name)
	if err != nil {
		return nil, err
	}
	if found != nil {
		return nil, fs.ErrExist
	}
	made := &node{dirty: true}
	folder.set(last, made)
	return memoryFile{made, m, name}, nil
}

// Write that fails wrote a half.
func (f memoryFile) Write(data []byte) (int, error) {
	err := f.of.operation("write", f.name)
	if err != nil {
		data = data[:len(data)/2]
	}
	f.data, f.dirty = append(f.data, data...), true
	return len(data), err
}

func (f memoryFile) Sync() error {
	err := f.of.operation("sync", f.name)
	if err == nil && f.dirty {
		f.synced = bytes.Clone(f.data)
	}
	f.dirty = false
	return err
}

func (f memoryFile) Close() error { return f.of.operation("close", f.name) }

func (m *memory) Link(name, another string) error {
	if err := m.operation("link", another); err != nil {
		return err
	}
	_, _, found, err := m.find(name)
	if err != nil || found == nil {
		return fs.ErrNotExist
	}
	folder, last, taken, err := m.find(another)
	if err != nil {
		return err
	}
	if taken != nil {
		return fs.ErrExist
	}
	folder.set(last, found)
	return nil
}

func (m *memory) Rename(name, another string) error {
	if err := m.operation("rename", another); err != nil {
		return err
	}
	from, last, found, err := m.find(name)
	if err != nil || found == nil {
		return fs.ErrNotExist
	}
	to, other, _, err := m.find(another)
	if err != nil {
		return err
	}
	to.set(other, found)
	from.set(last, nil)
	return nil
}

func (m *memory) Remove(name string) error {
	if err := m.operation("remove", name); err != nil {
		return err
	}
	folder, last, found, err := m.find(name)
	if err != nil || found == nil {
		return fs.ErrNotExist
	}
	if len(found.names) > 0 {
		return syscall.ENOTEMPTY
	}
	folder.set(last, nil)
	return nil
}

func (m *memory) Mkdir(name string) error {
	if err := m.operation("mkdir", name); err != nil {
		return err
	}
	folder, last, found, err := m.find(name)
	if err != nil {
		return err
	}
	if found != nil {
		return fs.ErrExist
	}
	folder.set(last, newFolder())
	return nil
}

func (m *memory) Walk(folder string, enter func(string) bool, see func(string, int64)) error {
	_, _, found, err := m.find(folder)
	if err != nil || found == nil {
		return fs.ErrNotExist
	}
	found.walk(folder, enter, see)
	return nil
}

func (n *node) walk(name string, enter func(string) bool, see func(string, int64)) {
	if !n.folder {
		see(name, int64(len(n.data)))
	}
	for inside, below := range n.names {
		if at := name + "/" + inside; !below.folder || enter(at) {
			below.walk(at, enter, see)
		}
	}
}

func (m *memory) List(name string, limit int) (files []listed, err error) {
	if err := m.operation("list", name); err != nil {
		return nil, err
	}
	_, _, found, err := m.find(name)
	if err != nil || found == nil {
		return nil, fs.ErrNotExist
	}
	for _, name := range slices.Sorted(maps.Keys(found.names)) {
		files = append(files, listed{name, found.names[name].changed})
	}
	return files[:min(limit, len(files))], nil
}

func (m *memory) SyncFolder(name string) error {
	err := m.operation("sync folder", name)
	found := m.root
	if name != "." {
		if _, _, found, _ = m.find(name); found == nil {
			return fs.ErrNotExist
		}
	}
	found.syncNames(err == nil)
	return err
}

func (n *node) syncNames(kept bool) {
	for _, one := range n.pending {
		if kept {
			n.durable[one.name] = one.to
		}
	}
	n.pending = nil
}

func (m *memory) SyncAll() error {
	if err := m.operation("sync all", ""); err != nil {
		return err
	}
	m.root.syncAll()
	return nil
}

func (n *node) syncAll() {
	if n.dirty {
		n.synced, n.dirty = bytes.Clone(n.data), false
	}
	n.syncNames(true)
	for _, below := range n.names {
		below.syncAll()
	}
}

func (m *memory) Close() error { return nil }

// kept says what of that which was not synced is on the disk after a power cut.
type kept struct {
	name    string
	change  func(i int) bool                 // of a folder's names, by its number
	content func(data, synced []byte) []byte // of a file
}

var (
	all     = func(data, _ []byte) []byte { return data }
	nothing = func(_, synced []byte) []byte { return synced }
	half    = func(data, _ []byte) []byte { return data[:len(data)/2] }
	zeros   = func(data, _ []byte) []byte { return make([]byte, len(data)) }
)

// powerCuts are the ways in which a disk may be left: names without contents, contents without names, and mixtures.
func powerCuts() (cuts []kept) {
	for of, content := range map[string]func(data, synced []byte) []byte{"all": all, "no": nothing, "half the": half, "zeros for": zeros} {
		for which, change := range map[string]func(int) bool{
			"all": func(int) bool { return true }, "no": func(int) bool { return false }, "odd": func(i int) bool { return i%2 == 1 },
			"even": func(i int) bool { return i%2 == 0 }, "the first": func(i int) bool { return i == 0 }, "the later": func(i int) bool { return i > 0 },
		} {
			cuts = append(cuts, kept{fmt.Sprintf("%s names, %s contents", which, of), change, content})
		}
	}
	return cuts
}

// after is the file system as it is found after a power cut.
func (m *memory) after(cut kept) *memory {
	copies := map[*node]*node{}
	var of func(n *node) *node
	of = func(n *node) *node {
		if copies[n] != nil {
			return copies[n]
		}
		left := &node{folder: n.folder, changed: n.changed}
		copies[n] = left
		if !n.folder {
			left.data = bytes.Clone(n.synced)
			if n.dirty {
				left.data = bytes.Clone(cut.content(n.data, n.synced))
			}
			left.synced = left.data
			return left
		}
		names := maps.Clone(n.durable)
		for i, one := range n.pending {
			if cut.change(i) {
				names[one.name] = one.to
			}
		}
		left.names, left.durable = map[string]*node{}, map[string]*node{}
		for name, below := range names {
			if below != nil {
				left.names[name] = of(below)
				left.durable[name] = left.names[name]
			}
		}
		return left
	}
	return &memory{root: of(m.root)}
}

// put is a file that is there from the beginning.
func (m *memory) put(name string, data []byte) {
	folder := m.root
	above, last := path.Split(name)
	for part := range strings.SplitSeq(strings.Trim(above, "/"), "/") {
		if folder.names[part] == nil {
			folder.set(part, newFolder())
		}
		folder = folder.names[part]
	}
	folder.set(last, &node{data: data, dirty: true})
	m.root.syncAll()
}
