package report

import (
	"io"
	"io/fs"
	"strings"
)

// Source is where the files of a bucket are, by their keys.
type Source interface {
	// ReadFile is a file's bytes; the error is or wraps fs.ErrNotExist when there is none.
	ReadFile(key string) ([]byte, error)
	// Names are the names of what is in a folder, in any order; none if there is no such folder.
	Names(folder string) ([]string, error)
}

// maxFile is how much of a file is read.
const maxFile = 4 << 20

// Copy is the copy of a bucket.
func Copy(files fs.FS) Source { return copied{files} }

type copied struct{ fs.FS }

// ReadFile implements Source. A file that is larger than any the operator stores is read to where that shows.
func (c copied) ReadFile(key string) ([]byte, error) {
	file, err := c.Open(key)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	return io.ReadAll(io.LimitReader(file, maxFile+1))
}

// Names implements Source. A file, such as a note beside the folders, is no folder.
func (c copied) Names(folder string) ([]string, error) {
	folder = strings.TrimSuffix(folder, "/")
	if at, err := fs.Stat(c.FS, folder); err != nil || !at.IsDir() {
		return nil, err
	}
	entries, err := fs.ReadDir(c.FS, folder)
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names, err
}
