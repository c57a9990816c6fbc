package bucket_test

import (
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"tradeops.dev/strategy-operator/internal/evidence"
)

// A lock is told as it is; that it may not be asked for is no no. What is locked is written and read like anything else, and deleted by nobody.
func TestTheLockOfS3IsTold(t *testing.T) {
	open := servesS3(t)
	if got, err := s3Kind.opened(t, open, "").Lock(t.Context()); err != nil || got.Mode != "" {
		t.Errorf("without one: %+v, %v", got, err)
	}
	refused := s3Kind.opened(t, open, "", func(w http.ResponseWriter, r *http.Request, _ http.Handler) bool {
		if !r.URL.Query().Has("object-lock") {
			return false
		}
		sayXML(w, http.StatusForbidden, "AccessDenied")
		return true
	})
	if got, err := refused.Lock(t.Context()); err == nil {
		t.Errorf("who may not ask: %+v", got)
	}
	endpoint := servesS3(t, lockedFor(1825))
	lock(t, endpoint, types.ObjectLockRetentionModeCompliance, 1825)
	store := s3Kind.opened(t, endpoint, "")
	if got, err := store.Lock(t.Context()); err != nil || got.String() != "its objects are locked (COMPLIANCE) for 1825 days" {
		t.Errorf("%s, %v", got, err)
	}
	createdOnce(t, store)
	client := clientOf(t, endpoint)
	versions, err := client.ListObjectVersions(t.Context(), &s3.ListObjectVersionsInput{Bucket: new(bucketName), Prefix: new(key)})
	if err != nil || len(versions.Versions) != 1 {
		t.Fatalf("%d versions, %v", len(versions.Versions), err)
	}
	if _, err := client.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: new(bucketName), Key: new(key), VersionId: versions.Versions[0].VersionId}); err == nil {
		t.Error("somebody deleted what is locked")
	}
}

// A retention policy of Google's is told as it is; the server here has none, so a proxy says so.
func TestTheRetentionOfGoogleIsTold(t *testing.T) {
	endpoint := googleKind.serves(t)
	for policy, want := range map[string]string{
		"{}": "nothing keeps its objects from being deleted",
		`{"retentionPolicy":{"retentionPeriod":"157680000","isLocked":true}}`: "its objects are locked (COMPLIANCE) for 1825 days",
		`{"retentionPolicy":{"retentionPeriod":"5400"}}`:                      "its objects are locked (GOVERNANCE) for 1h30m0s",
	} {
		store := googleKind.opened(t, endpoint, "", func(w http.ResponseWriter, r *http.Request, _ http.Handler) bool {
			if r.URL.Path != "/storage/v1/b/"+bucketName {
				return false
			}
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write([]byte(policy))
			return true
		})
		if got, err := store.Lock(t.Context()); err != nil || got.String() != want {
			t.Errorf("%s: %s, %v", policy, got, err)
		}
	}
	var times atomic.Int32
	times.Store(100)
	refused := googleKind.opened(t, endpoint, "", googleKind.answersWith(func(*http.Request) bool { return true }, http.StatusForbidden, "forbidden", &times))
	if got, err := refused.Lock(t.Context()); err == nil {
		t.Errorf("who may not ask: %+v", got)
	}
	if got, err := googleKind.opened(t, endpoint, "").Lock(t.Context()); err != nil || got.Mode != "" {
		t.Errorf("as the server here says: %+v, %v", got, err)
	}
}

// A container of Azure tells that something is set, not how firm it is, and of versions not even that.
func TestTheImmutabilityOfAzureIsTold(t *testing.T) {
	for header, want := range map[string]string{
		"x-ms-has-immutability-policy":                   "its objects are locked (GOVERNANCE) for as long as its immutability policy says",
		"x-ms-has-legal-hold":                            "its objects are locked (GOVERNANCE) for as long as its legal hold stands",
		"x-ms-immutable-storage-with-versioning-enabled": "",
	} {
		endpoint := servesAzure(t, &azureContainer{properties: map[string]string{header: "true"}})
		got, err := azureKind.opened(t, endpoint, "").Lock(t.Context())
		if (err != nil) != (want == "") || err == nil && got.String() != want {
			t.Errorf("%s: %s, %v", header, got, err)
		}
	}
	endpoint := servesAzure(t, &azureContainer{properties: map[string]string{"x-ms-has-immutability-policy": "false"}})
	if got, err := azureKind.opened(t, endpoint, "").Lock(t.Context()); err != nil || got.Mode != "" {
		t.Errorf("without one: %+v, %v", got, err)
	}
}

// Who may create and not replace is refused what is there, in other words than that it is there. It is read back all the same.
func TestWhoMayOnlyCreate(t *testing.T) {
	endpoint := googleKind.serves(t)
	var times atomic.Int32
	google := googleKind.opened(t, endpoint, "", googleKind.answersWith(googleKind.writes, http.StatusForbidden, "forbidden", &times))
	azure := azureKind.opened(t, servesAzure(t, &azureContainer{fixed: true}), "")
	for name, store := range map[string]evidence.Bucket{"Google": google, "Azure": azure} {
		times.Store(0)
		if err := store.Create(t.Context(), key, []byte(`{"seq":1}`)); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		times.Store(100)
		if err := store.Create(t.Context(), key, []byte(`{"seq":1}`)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := store.Create(t.Context(), key, []byte(`{"seq":2}`)); !errors.Is(err, evidence.ErrDifferent) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A token that is refused is told in one line, without the token.
func TestNoTokenForABucketOfGoogle(t *testing.T) {
	endpoint := googleKind.serves(t)
	identity(t, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write([]byte("{\"error\":\"invalid_grant\",\n\"error_description\":\"by the test\"}"))
	})
	_, err := googleKind.opened(t, endpoint, "").Get(t.Context(), key)
	if err == nil || errors.Is(err, evidence.ErrNotFound) || !strings.Contains(err.Error(), "invalid_grant") || strings.Contains(err.Error(), podToken) || strings.Contains(err.Error(), "\n") {
		t.Errorf("%v", err)
	}
}
