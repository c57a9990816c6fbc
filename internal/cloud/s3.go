package cloud

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"

	"tradeops.dev/strategy-operator/internal/evidence"
)

// amazon is a bucket of S3, of AWS or of any server that speaks it.
type amazon struct {
	client *s3.Client
	bucket string
}

func connectS3(ctx context.Context, at place) (server, error) {
	var options []func(*config.LoadOptions) error
	if at.region != "" {
		options = append(options, config.WithRegion(at.region))
	}
	found, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return nil, fmt.Errorf("read the credentials in the environment: %w", err)
	}
	if found.Region == "" {
		return nil, errors.New("its region is not known; add ?region=..., or set AWS_REGION")
	}
	client := s3.NewFromConfig(found, func(o *s3.Options) {
		o.UsePathStyle = at.pathStyle
		if at.endpoint != "" {
			o.BaseEndpoint = &at.endpoint
		}
	})
	return &amazon{client, at.bucket}, nil
}

func (a *amazon) get(ctx context.Context, name string) ([]byte, error) {
	found, err := a.client.GetObject(ctx, &s3.GetObjectInput{Bucket: &a.bucket, Key: &name})
	if _, missing := errors.AsType[*types.NoSuchKey](err); missing { // and not that there is no such bucket
		return nil, evidence.ErrNotFound
	}
	if err != nil {
		return nil, saidByS3(err)
	}
	defer func() { _ = found.Body.Close() }() // what was read is all that is needed
	return whole(found.Body)
}

func (a *amazon) put(ctx context.Context, name string, data []byte, onlyNew bool) error {
	input := &s3.PutObjectInput{Bucket: &a.bucket, Key: &name, Body: bytes.NewReader(data)}
	if onlyNew {
		input.IfNoneMatch = new("*")
	}
	_, err := a.client.PutObject(ctx, input)
	switch code := codeOf(err); {
	case err == nil:
		return nil
	case code == "PreconditionFailed":
		return errTaken
	case onlyNew && (code == "NotImplemented" || code == "InvalidArgument"):
		return errUnconditional
	}
	return saidByS3(err)
}

func (a *amazon) page(ctx context.Context, of query) (found []evidence.Object, next string, err error) {
	input := &s3.ListObjectsV2Input{Bucket: &a.bucket, Prefix: &of.prefix, MaxKeys: new(int32(of.perPage()))}
	if !of.deep {
		input.Delimiter = new("/")
	}
	switch {
	case of.next != "":
		input.ContinuationToken = &of.next
	case of.after != "":
		input.StartAfter = &of.after
	}
	answer, err := a.client.ListObjectsV2(ctx, input)
	if err != nil {
		return nil, "", saidByS3(err)
	}
	for _, one := range answer.Contents {
		if one.Key != nil && one.Size != nil {
			found = append(found, evidence.Object{Key: *one.Key, Bytes: *one.Size})
		}
	}
	if answer.NextContinuationToken != nil {
		next = *answer.NextContinuationToken
	}
	return found, next, nil
}

// Lock implements server.
func (a *amazon) Lock(ctx context.Context) (Lock, error) {
	answer, err := a.client.GetObjectLockConfiguration(ctx, &s3.GetObjectLockConfigurationInput{Bucket: &a.bucket})
	switch {
	case codeOf(err) == "ObjectLockConfigurationNotFoundError":
		return Lock{}, nil
	case err != nil:
		return Lock{}, fmt.Errorf("ask the evidence bucket for its object lock: %w", saidByS3(err))
	case answer.ObjectLockConfiguration == nil || answer.ObjectLockConfiguration.Rule == nil || answer.ObjectLockConfiguration.Rule.DefaultRetention == nil:
		return Lock{}, nil // it may be locked, and is not
	}
	retention := answer.ObjectLockConfiguration.Rule.DefaultRetention
	found := Lock{Mode: string(retention.Mode)}
	switch {
	case retention.Days != nil:
		found.For = fmt.Sprintf("%d days", *retention.Days)
	case retention.Years != nil:
		found.For = fmt.Sprintf("%d years", *retention.Years)
	default:
		return Lock{}, nil
	}
	return found, nil
}

// codeOf is what a server calls an error; empty if it called it nothing.
func codeOf(err error) string {
	if named, is := errors.AsType[smithy.APIError](err); is {
		return named.ErrorCode()
	}
	return ""
}

func saidByS3(err error) error {
	named, is := errors.AsType[smithy.APIError](err)
	if !is || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return unsaid(err)
	}
	return said(named.ErrorCode(), named.ErrorMessage(), err)
}
