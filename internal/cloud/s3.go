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

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"

	"tradeops.dev/strategy-operator/internal/evidence"
)

// S3 is a bucket of S3, the keys those of its objects, behind a folder.
type S3 struct {
	client         *s3.Client
	bucket, folder string // the folder with the slash at its end, or empty

	trial   sync.Mutex
	tried   bool
	onlyNew bool // the server creates an object only if it is not there
}

// Close implements evidence.Store.
func (*S3) Close() error { return nil }

// Get implements evidence.Store.
func (b *S3) Get(ctx context.Context, key string) ([]byte, error) {
	if err := evidence.CheckKey(key); err != nil {
		return nil, err
	}
	data, err := b.get(ctx, key)
	if _, missing := errors.AsType[*types.NoSuchKey](err); missing { // and not that there is no such bucket
		return nil, fmt.Errorf("%w: %s", evidence.ErrNotFound, key)
	}
	if err != nil {
		return nil, fmt.Errorf("read evidence %s: %w", key, short(err))
	}
	return data, nil
}

func (b *S3) get(ctx context.Context, key string) ([]byte, error) {
	found, err := b.client.GetObject(ctx, &s3.GetObjectInput{Bucket: &b.bucket, Key: new(b.folder + key)})
	if err != nil {
		return nil, err
	}
	defer func() { _ = found.Body.Close() }() // what was read is all that is needed
	data, err := io.ReadAll(io.LimitReader(found.Body, evidence.MaxObjectBytes+1))
	if err == nil && len(data) > evidence.MaxObjectBytes {
		err = fmt.Errorf("larger than %d bytes", evidence.MaxObjectBytes)
	}
	return data, err
}

// Create implements evidence.Store. A write whose answer was lost is sent again by the library, and then finds itself: it is read back.
func (b *S3) Create(ctx context.Context, key string, data []byte) error {
	if err := evidence.CheckKey(key); err != nil {
		return err
	}
	if err := b.create(ctx, key, data); err != nil {
		return fmt.Errorf("write evidence %s: %w", key, short(err))
	}
	return nil
}

func (b *S3) create(ctx context.Context, key string, data []byte) error {
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
	err = b.put(ctx, key, data, onlyNew)
	if onlyNew && !taken(err) {
		return err
	}
	if !onlyNew && err != nil {
		return err
	}
	return b.compare(ctx, key, data) // another writer, or this one's lost answer
}

// compare says whether the object that is there is this one.
func (b *S3) compare(ctx context.Context, key string, data []byte) error {
	stored, err := b.Get(ctx, key)
	if err == nil && !bytes.Equal(stored, data) {
		return evidence.ErrDifferent
	}
	return err
}

func (b *S3) put(ctx context.Context, key string, data []byte, onlyNew bool) error {
	input := &s3.PutObjectInput{Bucket: &b.bucket, Key: new(b.folder + key), Body: bytes.NewReader(data)}
	if onlyNew {
		input.IfNoneMatch = new("*")
	}
	_, err := b.client.PutObject(ctx, input)
	return err
}

// trialKey is the key of an object that tells whether the server heeds If-None-Match. No namespace begins with a dot.
const trialKey = ".strategy-operator/created-once"

// createsOnlyNew tries whether an object that is there is left as it is, once: a server that does not know the header would replace it in silence.
func (b *S3) createsOnlyNew(ctx context.Context) (bool, error) {
	b.trial.Lock()
	defer b.trial.Unlock()
	if b.tried {
		return b.onlyNew, nil
	}
	err := b.put(ctx, trialKey, []byte("1"), true)
	if err == nil { // it was not there, or is replaced
		err = b.put(ctx, trialKey, []byte("2"), true)
	}
	switch {
	case taken(err):
		b.tried, b.onlyNew = true, true
	case err == nil || unknownHeader(err):
		b.tried = true
	default:
		return false, err
	}
	return b.onlyNew, nil
}

func taken(err error) bool { return codeOf(err) == "PreconditionFailed" }

func unknownHeader(err error) bool {
	code := codeOf(err)
	return code == "NotImplemented" || code == "InvalidArgument"
}

// codeOf is what a server calls an error; empty if it called it nothing.
func codeOf(err error) string {
	if named, is := errors.AsType[smithy.APIError](err); is {
		return named.ErrorCode()
	}
	return ""
}

// short is an error without the numbers of requests, which differ each time: it stands in conditions.
func short(err error) error {
	named, is := errors.AsType[smithy.APIError](err)
	if !is || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return err
	}
	return shortError{fmt.Errorf("the bucket says %s: %s", named.ErrorCode(), named.ErrorMessage()), err}
}

type shortError struct {
	error
	cause error
}

// Unwrap is the error in whole.
func (e shortError) Unwrap() error { return e.cause }

// Size implements evidence.Sized: of one object, or of all in a folder.
func (b *S3) Size(ctx context.Context, folder string) (bytes int64, err error) {
	exact, err := b.pages(ctx, b.folder+folder, "", 1, true)
	if err != nil {
		return 0, err
	}
	if len(exact) == 1 && exact[0].Key == folder {
		return exact[0].Bytes, nil
	}
	all, err := b.pages(ctx, b.folder+folder+"/", "", 0, true)
	for _, one := range all {
		bytes += one.Bytes
	}
	return bytes, err
}

// List implements evidence.Bucket.
func (b *S3) List(ctx context.Context, folder, after string, most int) ([]evidence.Object, error) {
	if err := evidence.CheckKey(folder); err != nil {
		return nil, err
	}
	return b.pages(ctx, b.folder+folder+"/", after, most, true)
}

// Names implements evidence.Store.
func (b *S3) Names(ctx context.Context, folder string) ([]string, error) {
	folder = strings.TrimSuffix(folder, "/")
	if err := evidence.CheckKey(folder); err != nil {
		return nil, err
	}
	found, err := b.pages(ctx, b.folder+folder+"/", "", evidence.MaxNames+1, false)
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

// pages are the objects whose whole keys begin with prefix, behind one; most 0: all; deep: those of folders below, too.
func (b *S3) pages(ctx context.Context, prefix, after string, most int, deep bool) (found []evidence.Object, err error) {
	input := &s3.ListObjectsV2Input{Bucket: &b.bucket, Prefix: &prefix}
	if !deep {
		input.Delimiter = new("/")
	}
	if after != "" {
		input.StartAfter = new(b.folder + after)
	}
	if most > 0 && most < 1000 {
		input.MaxKeys = new(int32(most))
	}
	for pages := s3.NewListObjectsV2Paginator(b.client, input); pages.HasMorePages() && (most == 0 || len(found) < most); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list evidence in %s: %w", strings.TrimPrefix(prefix, b.folder), short(err))
		}
		for _, one := range page.Contents {
			if one.Key != nil && one.Size != nil {
				found = append(found, evidence.Object{Key: strings.TrimPrefix(*one.Key, b.folder), Bytes: *one.Size})
			}
		}
	}
	slices.SortFunc(found, func(x, y evidence.Object) int { return cmp.Compare(x.Key, y.Key) })
	if most > 0 {
		found = found[:min(most, len(found))]
	}
	return found, nil
}
