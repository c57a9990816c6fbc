package evidence

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"time"
)

// fileSystem is what a bucket of files asks of its volume. Names are paths below its folder. Errors wrap fs.ErrExist and fs.ErrNotExist.
type fileSystem interface {
	Read(name string, limit int64) ([]byte, error)
	Create(name string) (file, error)  // for writing; there must be none of this name
	Link(name, another string) error   // there must be none of the other name
	Rename(name, another string) error // replaces one of the other name
	Remove(name string) error          // of a file, or of an empty folder
	Mkdir(name string) error
	List(folder string, limit int) ([]listed, error)
	Walk(folder string, enter func(folder string) bool, see func(name string, bytes int64)) error // all plain files below it, in any order
	SyncFolder(name string) error                                                                 // the names in it
	SyncAll() error                                                                               // everything, whoever wrote it
	Close() error
}

// file is one that is being written.
type file interface {
	io.Writer
	Sync() error
	Close() error
}

// listed is a file in a folder.
type listed struct {
	name    string
	changed time.Time
}

// Rights of what is made: the operator's own.
const (
	ownFile   = 0o600
	ownFolder = 0o700
)

// disk is a folder of the real file system. Nothing in it leads out of it, and no symbolic link to another place inside: an object that lies
// elsewhere is none.
type disk struct{ root *os.Root }

func openDisk(folder string) (*disk, error) {
	if err := os.MkdirAll(folder, ownFolder); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(folder)
	if err != nil {
		return nil, err
	}
	return &disk{root}, nil
}

// in calls do with the folder of a name, and the last part of the name.
func (d *disk) in(name string, do func(folder *os.Root, name string) error) error {
	above, last := path.Split(name)
	folder, opened := d.root, []*os.Root(nil)
	defer func() {
		for _, one := range opened {
			_ = one.Close() // only a way to what is inside
		}
	}()
	for part := range strings.SplitSeq(strings.Trim(above, "/"), "/") {
		if part == "" {
			continue
		}
		if err := is(folder, part, fs.ModeDir, name); err != nil {
			return err
		}
		next, err := folder.OpenRoot(part)
		if err != nil {
			return err
		}
		folder, opened = next, append(opened, next)
	}
	return do(folder, last)
}

// is says whether a part of a name is of the type that it should be.
func is(folder *os.Root, part string, wanted fs.FileMode, name string) error {
	info, err := folder.Lstat(part)
	if err != nil {
		return err
	}
	if info.Mode().Type() != wanted {
		return fmt.Errorf("%s: %s is neither a plain file nor a folder where one should be (%s); remove it", name, part, info.Mode())
	}
	return nil
}

func (d *disk) Read(name string, limit int64) (data []byte, err error) {
	err = d.in(name, func(folder *os.Root, name string) error {
		if err := is(folder, name, 0, name); err != nil {
			return err
		}
		opened, err := folder.Open(name)
		if err != nil {
			return err
		}
		defer func() { _ = opened.Close() }() // a reader has nothing left to lose
		data, err = io.ReadAll(io.LimitReader(opened, limit+1))
		if err == nil && int64(len(data)) > limit {
			err = fmt.Errorf("larger than %d bytes", limit)
		}
		return err
	})
	return data, err
}

func (d *disk) Create(name string) (made file, err error) {
	err = d.in(name, func(folder *os.Root, name string) error {
		made, err = folder.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, ownFile)
		return err
	})
	return made, err
}

func (d *disk) Link(name, another string) error {
	return d.across(name, another, d.root.Link)
}

func (d *disk) Rename(name, another string) error {
	return d.across(name, another, d.root.Rename)
}

// across looks at both folders, then does what needs both.
func (d *disk) across(name, another string, do func(name, another string) error) error {
	nothing := func(*os.Root, string) error { return nil }
	if err := errors.Join(d.in(name, nothing), d.in(another, nothing)); err != nil {
		return err
	}
	return do(name, another)
}

func (d *disk) Remove(name string) error {
	return d.in(name, func(folder *os.Root, name string) error { return folder.Remove(name) })
}

func (d *disk) Mkdir(name string) error {
	return d.in(name, func(folder *os.Root, name string) error { return folder.Mkdir(name, ownFolder) })
}

func (d *disk) List(name string, limit int) (files []listed, err error) {
	err = d.in(name+"/", func(folder *os.Root, _ string) error {
		opened, err := folder.Open(".")
		if err != nil {
			return err
		}
		defer func() { _ = opened.Close() }() // as in Read
		entries, err := opened.ReadDir(limit)
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		for _, entry := range entries {
			if info, err := entry.Info(); err == nil && info.Mode().IsRegular() { // it may be gone since
				files = append(files, listed{entry.Name(), info.ModTime()})
			}
		}
		return nil
	})
	return files, err
}

func (d *disk) Walk(folder string, enter func(folder string) bool, see func(name string, bytes int64)) error {
	return fs.WalkDir(d.root.FS(), folder, func(name string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() && name != folder && !enter(name) {
			return fs.SkipDir
		}
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		info, err := entry.Info()
		if errors.Is(err, fs.ErrNotExist) { // since it was listed
			return nil
		}
		if err == nil {
			see(name, info.Size())
		}
		return err
	})
}

func (d *disk) SyncFolder(name string) error {
	if name == "." {
		name = ""
	}
	return d.in(name+"/", func(folder *os.Root, _ string) error {
		opened, err := folder.Open(".")
		if err != nil {
			return err
		}
		return errors.Join(opened.Sync(), opened.Close())
	})
}

func (d *disk) SyncAll() error {
	opened, err := d.root.Open(".")
	if err != nil {
		return err
	}
	return errors.Join(syncVolume(opened), opened.Close())
}

func (d *disk) Close() error { return d.root.Close() }
