package evidence

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"gocloud.dev/blob"
	_ "gocloud.dev/blob/fileblob" // the file:// scheme
	"gocloud.dev/gcerrors"
)

// MaxObjectBytes bounds what is read back from the bucket.
const MaxObjectBytes = 4 << 20

// ErrNotFound is returned by Get for an object that is not there: compare with errors.Is.
var ErrNotFound = errors.New("no such object in the evidence bucket")

// ErrDifferent is wrapped by Create when the object is there with other bytes: compare with errors.Is.
var ErrDifferent = errors.New("the evidence bucket holds a different object under this key")

// Store is a bucket in which objects are created once and never changed. It may be used from many goroutines at once.
type Store struct {
	bucket *blob.Bucket
}

// Open opens the bucket of a URL, e.g. file:///var/lib/strategy-operator/evidence?create_dir=1&no_tmp_dir=1&metadata=skip.
func Open(ctx context.Context, url string) (*Store, error) {
	bucket, err := blob.OpenBucket(ctx, url)
	if err != nil {
		return nil, fmt.Errorf("open evidence bucket: %w", err)
	}
	return &Store{bucket: bucket}, nil
}

// Close releases the bucket.
func (s *Store) Close() error {
	return s.bucket.Close()
}

// Get returns an object's bytes, or ErrNotFound. Any other error: the bucket cannot be read, or the object is larger than
// MaxObjectBytes.
func (s *Store) Get(ctx context.Context, key string) ([]byte, error) {
	reader, err := s.bucket.NewReader(ctx, key, nil)
	if gcerrors.Code(err) == gcerrors.NotFound {
		return nil, ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("read evidence %s: %w", key, err)
	}
	defer func() { _ = reader.Close() }() // a reader has nothing left to lose
	data, err := io.ReadAll(io.LimitReader(reader, MaxObjectBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read evidence %s: %w", key, err)
	}
	if len(data) > MaxObjectBytes {
		return nil, fmt.Errorf("read evidence %s: larger than %d bytes", key, MaxObjectBytes)
	}
	return data, nil
}

// Create writes an object that is not there yet, and reads it back. The same bytes again are no error, so that it can be repeated
// after a crash; other bytes are ErrDifferent. After any other error the object may be there or not: repeat it.
func (s *Store) Create(ctx context.Context, key string, data []byte) error {
	err := s.bucket.WriteAll(ctx, key, data, &blob.WriterOptions{ContentType: "application/octet-stream", IfNotExist: true})
	if err != nil && gcerrors.Code(err) != gcerrors.FailedPrecondition {
		return fmt.Errorf("write evidence %s: %w", key, err)
	}
	stored, err := s.Get(ctx, key)
	if err != nil {
		return err
	}
	if !bytes.Equal(stored, data) {
		return fmt.Errorf("write evidence %s: %w", key, ErrDifferent)
	}
	return nil
}
