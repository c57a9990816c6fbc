package evidence

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// MaxObjectBytes bounds what is read back from the bucket.
const MaxObjectBytes = 4 << 20

// MaxNames is how many objects of one folder are listed.
const MaxNames = 10_000

// ErrNotFound is wrapped by Get for an object that is not there: compare with errors.Is.
var ErrNotFound = errors.New("no such object in the evidence bucket")

// ErrDifferent is wrapped by Create when the object is there with other bytes: compare with errors.Is.
var ErrDifferent = errors.New("the evidence bucket holds a different object under this key")

// Store is a bucket in which objects are created once and never changed. It may be used from many goroutines at once.
type Store interface {
	// Get returns an object's bytes. The error wraps ErrNotFound if it is not there, or only the beginning of it is; any other one: the
	// bucket cannot be read, or the object is larger than MaxObjectBytes.
	Get(ctx context.Context, key string) ([]byte, error)
	// Create writes an object that is not there yet. Without an error it is stored, whatever ends then. The same bytes again are no error, so
	// that it can be repeated after a crash; other bytes are ErrDifferent. After any other error the object may be there or not: repeat it.
	Create(ctx context.Context, key string, data []byte) error
	// Names are the names of the objects in a folder, without those in folders below it, in order; none if there is no such folder. One with
	// more than MaxNames is an error.
	Names(ctx context.Context, folder string) ([]string, error)
	// Close releases the bucket.
	Close() error
}

// Bucket is a store that knows what it has.
type Bucket interface {
	Sized
	// List is what lies in a folder and in those below it: of the keys behind one (empty: from the beginning) the first ones, sorted as texts,
	// no more than most. A folder that is not there is empty.
	List(ctx context.Context, folder, after string, most int) ([]Object, error)
}

// Object is one that is stored.
type Object struct {
	Key   string `json:"key"`
	Bytes int64  `json:"bytes"`
}

// Open opens a bucket of files: file:///var/lib/strategy-operator/evidence is a folder on a volume, which is made if it is not there.
func Open(bucket string) (Bucket, error) {
	at, err := url.Parse(bucket)
	if err != nil {
		return nil, fmt.Errorf("evidence bucket: %w", err)
	}
	switch {
	case at.Scheme != "file":
		return nil, fmt.Errorf("evidence bucket %s: its scheme is %q; there are file (file:///var/lib/strategy-operator/evidence), s3 (s3://BUCKET/FOLDER?region=eu-central-1), gs (gs://BUCKET/FOLDER) and azblob (azblob://CONTAINER/FOLDER?account=NAME)", bucket, at.Scheme)
	case at.Host != "" || !strings.HasPrefix(at.Path, "/"):
		return nil, fmt.Errorf("evidence bucket %s: the path is to be absolute, after three slashes, as in file:///var/lib/strategy-operator/evidence", bucket)
	case at.RawQuery != "" || at.Fragment != "":
		return nil, fmt.Errorf("evidence bucket %s: file:// takes no parameters; leave out what stands after the path", bucket)
	}
	return OpenFiles(at.Path)
}
