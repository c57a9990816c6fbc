package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"tradeops.dev/strategy-operator/internal/evidence"
)

// filesOf is what a source has of a namespace, as the files of a bucket: what verifies a copy, or makes a report of one, needs no other way to read
// what the manager serves.
func filesOf(ctx context.Context, from source, namespace string) (fs.FS, error) {
	if copied, is := from.(folder); is {
		return copied.FS, nil
	}
	return serve(ctx, from, namespace)
}

// served are the files of a bucket: their names were listed once, each is read when somebody reads it.
type served struct {
	folders map[string][]fs.DirEntry
	files   map[string]name
	get     func(key string) ([]byte, error)
}

// serve takes up the names. What says how many entries a log has is listed before the logs: one that grows meanwhile is longer than what was listed
// says, never shorter, which would look as if somebody had cut it off.
func serve(ctx context.Context, from source, namespace string) (*served, error) {
	l := &served{
		folders: map[string][]fs.DirEntry{".": nil}, files: map[string]name{},
		get: func(key string) ([]byte, error) { return from.get(ctx, key) },
	}
	first := []string{namespace + "/tree", namespace + "/forgotten"}
	for _, folder := range append(first, namespace) {
		objects, _, err := all(ctx, from, folder)
		if err != nil {
			return nil, err
		}
		for _, one := range objects {
			later := folder == namespace && slices.ContainsFunc(first, func(before string) bool { return strings.HasPrefix(one.Key, before+"/") })
			if !later {
				l.add(one)
			}
		}
	}
	for _, entries := range l.folders {
		slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	}
	return l, nil
}

func (l *served) add(object evidence.Object) {
	l.files[object.Key] = name{base: path.Base(object.Key), bytes: object.Bytes}
	entry := l.files[object.Key]
	for at := path.Dir(object.Key); ; at = path.Dir(at) {
		_, known := l.folders[at]
		l.folders[at] = append(l.folders[at], fs.FileInfoToDirEntry(entry))
		if known {
			return
		}
		entry = name{base: path.Base(at), folder: true}
	}
}

// Open implements fs.FS.
func (l *served) Open(key string) (fs.File, error) {
	about, err := l.about(key)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: key, Err: err}
	}
	return &opened{about: about, get: func() ([]byte, error) { return l.get(key) }}, nil
}

// ReadDir implements fs.ReadDirFS.
func (l *served) ReadDir(key string) ([]fs.DirEntry, error) {
	entries, found := l.folders[key]
	if !found {
		return nil, &fs.PathError{Op: "readdir", Path: key, Err: fs.ErrNotExist}
	}
	return entries, nil
}

func (l *served) about(key string) (name, error) {
	if file, found := l.files[key]; found {
		return file, nil
	}
	if _, found := l.folders[key]; found {
		return name{base: path.Base(key), folder: true}, nil
	}
	return name{}, fs.ErrNotExist
}

// opened is a file, or a folder, which can only be asked about.
type opened struct {
	about name
	get   func() ([]byte, error)
	data  *bytes.Reader
}

// Read implements fs.File.
func (o *opened) Read(into []byte) (int, error) {
	if o.about.folder {
		return 0, fmt.Errorf("%s: %w", o.about.base, errors.ErrUnsupported)
	}
	if o.data == nil {
		data, err := o.get()
		if err != nil {
			return 0, err
		}
		o.data = bytes.NewReader(data)
	}
	return o.data.Read(into)
}

// Stat implements fs.File.
func (o *opened) Stat() (fs.FileInfo, error) { return o.about, nil }

// Close implements fs.File.
func (o *opened) Close() error { return nil }

// name is what a list says of a file or a folder.
type name struct {
	base   string
	bytes  int64
	folder bool
}

var _ fs.FileInfo = name{}

// Name implements fs.FileInfo.
func (n name) Name() string { return n.base }

// Size implements fs.FileInfo.
func (n name) Size() int64 { return n.bytes }

// Mode implements fs.FileInfo.
func (n name) Mode() fs.FileMode {
	if n.folder {
		return fs.ModeDir | writtenFolder
	}
	return writtenFile
}

// ModTime implements fs.FileInfo: a list says nothing of it.
func (name) ModTime() time.Time { return time.Time{} }

// IsDir implements fs.FileInfo.
func (n name) IsDir() bool { return n.folder }

// Sys implements fs.FileInfo.
func (name) Sys() any { return nil }
