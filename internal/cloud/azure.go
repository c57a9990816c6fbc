package cloud

import (
	"bytes"
	"context"
	"crypto/md5"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/streaming"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/bloberror"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blockblob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"

	"tradeops.dev/strategy-operator/internal/evidence"
)

// azure is a container of Azure Blob Storage.
type azure struct{ client *container.Client }

// accountKey is the variable with the key of the storage account, where there is no identity.
const accountKey = "AZURE_STORAGE_KEY"

func connectAzure(_ context.Context, at place) (server, error) {
	endpoint := at.endpoint
	if endpoint == "" {
		endpoint = "https://" + at.account + ".blob.core.windows.net"
	}
	address := endpoint + "/" + url.PathEscape(at.bucket)
	options := &container.ClientOptions{ClientOptions: azcore.ClientOptions{
		Retry: policy.RetryOptions{MaxRetries: tries - 1, RetryDelay: firstPause, MaxRetryDelay: longestPause},
	}}
	if secret := os.Getenv(accountKey); secret != "" {
		key, err := container.NewSharedKeyCredential(at.account, secret)
		if err != nil {
			return nil, errors.New(accountKey + " in the environment is no key of a storage account: it is to be Base64") // err may repeat it
		}
		client, err := container.NewClientWithSharedKeyCredential(address, key, options)
		return &azure{client}, err
	}
	identity, err := azidentity.NewDefaultAzureCredential(nil)
	if err != nil {
		return nil, fmt.Errorf("read the credentials in the environment: %w", unsaid(err))
	}
	client, err := container.NewClient(address, identity, options)
	return &azure{client}, err
}

func (a *azure) get(ctx context.Context, name string) ([]byte, error) {
	found, err := a.client.NewBlobClient(name).DownloadStream(ctx, nil)
	if bloberror.HasCode(err, bloberror.BlobNotFound) { // and not that there is no such container
		return nil, evidence.ErrNotFound
	}
	if err != nil {
		return nil, saidByAzure(err)
	}
	body := found.NewRetryReader(ctx, &blob.RetryReaderOptions{MaxRetries: tries - 1})
	defer func() { _ = body.Close() }() // what was read is all that is needed
	data, err := whole(body)
	if err != nil {
		return nil, saidByAzure(err)
	}
	return data, nil
}

func (a *azure) put(ctx context.Context, name string, data []byte, onlyNew bool) error {
	sum := md5.Sum(data) // it refuses other bytes than these; no more rests on it
	options := &blockblob.UploadOptions{TransactionalValidation: blob.TransferValidationTypeMD5(sum[:])}
	if onlyNew {
		options.AccessConditions = &blob.AccessConditions{ModifiedAccessConditions: &blob.ModifiedAccessConditions{IfNoneMatch: new(azcore.ETagAny)}}
	}
	_, err := a.client.NewBlockBlobClient(name).Upload(ctx, streaming.NopCloser(bytes.NewReader(data)), options)
	switch {
	case err == nil:
		return nil
	case bloberror.HasCode(err, bloberror.BlobAlreadyExists, bloberror.ConditionNotMet, // the second one where two write at once
		bloberror.UnauthorizedBlobOverwrite, bloberror.BlobImmutableDueToPolicy): // who may create and not replace; what nobody may replace
		return errTaken
	case onlyNew && bloberror.HasCode(err, "NotImplemented", bloberror.UnsupportedHeader):
		return errUnconditional
	}
	return saidByAzure(err)
}

func (a *azure) page(ctx context.Context, of query) ([]evidence.Object, string, error) {
	// The first page is told where it begins by a name, the others by what the one before said.
	most, marker, start := new(int32(of.perPage())), filled(of.next), filled(of.after)
	if marker != nil {
		start = nil
	}
	if of.deep {
		pages := a.client.NewListBlobsFlatPager(&container.ListBlobsFlatOptions{Prefix: &of.prefix, Marker: marker, MaxResults: most, StartFrom: start})
		answer, err := pages.NextPage(ctx)
		if err != nil {
			return nil, "", saidByAzure(err)
		}
		return objectsOf(answer.Segment.BlobItems), text(answer.NextMarker), nil
	}
	pages := a.client.NewListBlobsHierarchyPager("/", &container.ListBlobsHierarchyOptions{Prefix: &of.prefix, Marker: marker, MaxResults: most, StartFrom: start})
	answer, err := pages.NextPage(ctx)
	if err != nil {
		return nil, "", saidByAzure(err)
	}
	return objectsOf(answer.Segment.BlobItems), text(answer.NextMarker), nil
}

func objectsOf(items []*container.BlobItem) (found []evidence.Object) {
	for _, one := range items {
		if one.Name != nil && one.Properties != nil && one.Properties.ContentLength != nil {
			found = append(found, evidence.Object{Key: *one.Name, Bytes: *one.Properties.ContentLength})
		}
	}
	return found
}

// Lock implements server. A container tells that it has a policy or a hold, and neither how long nor whether it is locked for good: the weaker is told.
func (a *azure) Lock(ctx context.Context) (Lock, error) {
	found, err := a.client.GetProperties(ctx, nil)
	switch {
	case err != nil:
		return Lock{}, fmt.Errorf("ask the evidence container for its immutability policy: %w", saidByAzure(err))
	case is(found.HasImmutabilityPolicy):
		return Lock{Mode: Governance, For: "as long as its immutability policy says"}, nil
	case is(found.HasLegalHold):
		return Lock{Mode: Governance, For: "as long as its legal hold stands"}, nil
	case is(found.IsImmutableStorageWithVersioningEnabled):
		return Lock{}, errors.New("the evidence container may lock each version, and does not tell whether it does; look at its default policy in Azure")
	}
	return Lock{}, nil
}

func saidByAzure(err error) error {
	if refused, is := errors.AsType[*azidentity.AuthenticationFailedError](err); is && refused.RawResponse != nil {
		return said(refused.RawResponse.Status, "the identity in the environment is given no token", err) // its own words have times and numbers
	}
	answer, is := errors.AsType[*azcore.ResponseError](err)
	if !is {
		return unsaid(err)
	}
	return said(answer.ErrorCode, fmt.Sprintf("%d %s", answer.StatusCode, http.StatusText(answer.StatusCode)), err)
}

func is(value *bool) bool { return value != nil && *value }

func text(value *string) string {
	if value == nil {
		return ""
	}
	return *value
}

// filled is a text that is there, or none.
func filled(value string) *string {
	if value == "" {
		return nil
	}
	return &value
}
