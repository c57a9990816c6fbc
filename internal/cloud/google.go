package cloud

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/googleapis/gax-go/v2"
	"google.golang.org/api/googleapi"
	"google.golang.org/api/option"
	"google.golang.org/api/storage/v1"

	"tradeops.dev/strategy-operator/internal/evidence"
)

// google is a bucket of Google Cloud Storage. The library is the one of its plain JSON API: the other one brings gRPC's whole world along.
type google struct {
	service *storage.Service
	bucket  string
}

func connectGoogle(ctx context.Context, at place) (server, error) {
	options := []option.ClientOption{option.WithScopes(storage.DevstorageReadWriteScope), option.WithTelemetryDisabled()}
	if at.endpoint != "" {
		options = append(options, option.WithEndpoint(at.endpoint+"/storage/v1/"))
	}
	service, err := storage.NewService(ctx, options...)
	if err != nil {
		return nil, fmt.Errorf("read the credentials in the environment: %w", unsaid(err))
	}
	return &google{service, at.bucket}, nil
}

func (g *google) get(ctx context.Context, name string) (data []byte, err error) {
	err = again(ctx, func(ctx context.Context) error {
		answer, err := g.service.Objects.Get(g.bucket, name).Context(ctx).Download()
		if err != nil {
			return err
		}
		defer func() { _ = answer.Body.Close() }() // what was read is all that is needed
		data, err = whole(answer.Body)
		return err
	})
	if statusOf(err) != http.StatusNotFound {
		return data, saidByGoogle(err)
	}
	// It says the same of a bucket that is not there; a list tells them apart.
	if _, _, err := g.page(ctx, query{prefix: name, most: 1}); err != nil {
		return nil, err
	}
	return nil, evidence.ErrNotFound
}

func (g *google) put(ctx context.Context, name string, data []byte, onlyNew bool) error {
	sum := crc32.Checksum(data, crc32.MakeTable(crc32.Castagnoli)) // it refuses other bytes than these
	object := &storage.Object{Name: name, Crc32c: base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, sum))}
	err := again(ctx, func(ctx context.Context) error {
		insert := g.service.Objects.Insert(g.bucket, object).Name(name).Fields("name").Context(ctx).
			WithRetry(nil, func(error) bool { return false }). // it would go on for ever
			Media(bytes.NewReader(data), googleapi.ContentType("application/octet-stream"))
		if onlyNew {
			insert.IfGenerationMatch(0)
		}
		_, err := insert.Do()
		return err
	})
	switch status := statusOf(err); {
	case status == http.StatusPreconditionFailed:
		return errTaken
	case onlyNew && status == http.StatusNotImplemented:
		return errUnconditional
	case onlyNew && status == http.StatusForbidden && g.has(ctx, name): // who may create and not replace, or not yet, may be told so of what is there
		return errTaken
	}
	return saidByGoogle(err)
}

func (g *google) has(ctx context.Context, name string) bool {
	return again(ctx, func(ctx context.Context) error {
		_, err := g.service.Objects.Get(g.bucket, name).Fields("name").Context(ctx).Do()
		return err
	}) == nil
}

func (g *google) page(ctx context.Context, of query) (found []evidence.Object, next string, err error) {
	list := g.service.Objects.List(g.bucket).Prefix(of.prefix).PageToken(of.next).MaxResults(int64(of.perPage())).Fields("nextPageToken", "items(name,size)")
	if !of.deep {
		list.Delimiter("/")
	}
	if of.after != "" {
		list.StartOffset(of.after)
	}
	err = again(ctx, func(ctx context.Context) error {
		answer, err := list.Context(ctx).Do()
		if err != nil {
			return err
		}
		for _, one := range answer.Items {
			found = append(found, evidence.Object{Key: one.Name, Bytes: int64(one.Size)}) // none has more than 5 TiB
		}
		next = answer.NextPageToken
		return nil
	})
	return found, next, saidByGoogle(err)
}

// Lock implements server. A retention policy that is not locked can be taken away again by who may change the bucket.
func (g *google) Lock(ctx context.Context) (found Lock, err error) {
	var bucket *storage.Bucket
	err = again(ctx, func(ctx context.Context) error {
		bucket, err = g.service.Buckets.Get(g.bucket).Fields("retentionPolicy").Context(ctx).Do()
		return err
	})
	if err != nil {
		return Lock{}, fmt.Errorf("ask the evidence bucket for its retention policy: %w", saidByGoogle(err))
	}
	policy := bucket.RetentionPolicy
	if policy == nil || policy.RetentionPeriod == 0 {
		return Lock{}, nil
	}
	found = Lock{Mode: Governance, For: (time.Duration(policy.RetentionPeriod) * time.Second).String()}
	if policy.IsLocked {
		found.Mode = Compliance
	}
	const day = 24 * 60 * 60
	if policy.RetentionPeriod%day == 0 {
		found.For = fmt.Sprintf("%d days", policy.RetentionPeriod/day)
	}
	return found, nil
}

// again calls a server, and once more, some times, when it was busy or the connection ended: each call may be repeated.
func again(ctx context.Context, call func(context.Context) error) error {
	return gax.Invoke(ctx, func(ctx context.Context, _ gax.CallSettings) error { return call(ctx) },
		gax.WithRetry(func() gax.Retryer {
			return &retryer{Backoff: gax.Backoff{Initial: firstPause, Max: longestPause}, left: tries - 1}
		}))
}

// retryer says whether a call that failed is repeated, a few times.
type retryer struct {
	gax.Backoff
	left int
}

// Retry implements gax.Retryer.
func (r *retryer) Retry(err error) (time.Duration, bool) {
	r.left--
	return r.Pause(), r.left >= 0 && passes(err)
}

func passes(err error) bool {
	switch statusOf(err) {
	case http.StatusRequestTimeout, http.StatusTooManyRequests,
		http.StatusInternalServerError, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	_, ended := errors.AsType[*url.Error](err)
	return ended || errors.Is(err, io.ErrUnexpectedEOF)
}

// statusOf is the code of an answer that is an error; 0 if there is none.
func statusOf(err error) int {
	if answer, is := errors.AsType[*googleapi.Error](err); is {
		return answer.Code
	}
	return 0
}

func saidByGoogle(err error) error {
	if err == nil {
		return nil
	}
	answer, is := errors.AsType[*googleapi.Error](err)
	if !is {
		return unsaid(err)
	}
	code := strconv.Itoa(answer.Code)
	if len(answer.Errors) > 0 && answer.Errors[0].Reason != "" {
		code = answer.Errors[0].Reason
	}
	return said(code, cmp.Or(answer.Message, answer.Body, http.StatusText(answer.Code)), err)
}
