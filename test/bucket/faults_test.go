package bucket_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"tradeops.dev/strategy-operator/internal/evidence"
)

const key = "trading/2026/11/23/pnl-1-01234567/log/000001.json"

// writes says whether a request writes evidence, and not the object that tells what the server can.
func writes(r *http.Request) bool {
	return r.Method == http.MethodPut && strings.HasSuffix(r.URL.Path, key)
}

// answersWith is a server that says an error, so many times.
func answersWith(code int, name string, times *atomic.Int32) fault {
	return func(w http.ResponseWriter, r *http.Request, _ http.Handler) bool {
		if !writes(r) || times.Add(-1) < 0 {
			return false
		}
		w.Header().Set("Content-Type", "application/xml")
		w.WriteHeader(code)
		_, _ = w.Write([]byte(`<?xml version="1.0"?><Error><Code>` + name + `</Code><Message>by the test</Message></Error>`))
		return true
	}
}

// A server that is busy for a moment is asked again; one that stays so, or is full, is told, and what was not stored is stored later.
func TestAServerThatIsBusyOrFull(t *testing.T) {
	endpoint := serves(t)
	for _, c := range []struct {
		name   string
		code   int
		called string
		times  int32
		fails  bool
	}{
		{"busy once", http.StatusServiceUnavailable, "SlowDown", 1, false},
		{"busy", http.StatusServiceUnavailable, "SlowDown", 100, true},
		{"full", http.StatusInsufficientStorage, "InsufficientStorage", 100, true},
		{"a quota", http.StatusForbidden, "QuotaExceeded", 100, true},
		{"refused", http.StatusForbidden, "AccessDenied", 100, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			var times atomic.Int32
			times.Store(c.times)
			folder := "/" + strings.ReplaceAll(c.name, " ", "-")
			store := opened(t, endpoint, folder, answersWith(c.code, c.called, &times))
			err := store.Create(t.Context(), key, []byte(`{"seq":1}`))
			if (err != nil) != c.fails || c.fails && (!strings.Contains(err.Error(), c.called) || errors.Is(err, evidence.ErrDifferent) || strings.Contains(err.Error(), "RequestID")) {
				t.Fatalf("%v", err)
			}
			times.Store(0)
			if err := store.Create(t.Context(), key, []byte(`{"seq":1}`)); err != nil {
				t.Errorf("when it is over: %v", err)
			}
			if data, err := store.Get(t.Context(), key); err != nil || string(data) != `{"seq":1}` {
				t.Errorf("%s, %v", data, err)
			}
		})
	}
}

// The answer to a write is lost after it took effect. The same bytes are then found to be there, by this call or by the next; other bytes are not
// taken for them.
func TestTheAnswerToAWriteIsLost(t *testing.T) {
	endpoint := serves(t)
	lost := func(after int32) fault {
		var n atomic.Int32
		return func(w http.ResponseWriter, r *http.Request, pass http.Handler) bool {
			if !writes(r) || n.Add(1) > after {
				return false
			}
			pass.ServeHTTP(httptest.NewRecorder(), r)
			panic(http.ErrAbortHandler) // the connection ends without an answer
		}
	}
	for name, c := range map[string]struct {
		faults []fault
		folder string
	}{
		"once": {[]fault{lost(1)}, "/once"}, "each time": {[]fault{lost(100)}, "/each-time"},
		"by one that does not know If-None-Match": {[]fault{ignoresConditions(t, endpoint), lost(1)}, "/unconditional"},
	} {
		t.Run(name, func(t *testing.T) {
			store := opened(t, endpoint, c.folder, c.faults...)
			err := store.Create(t.Context(), key, []byte(`{"seq":1}`))
			if errors.Is(err, evidence.ErrDifferent) || err != nil && name != "each time" {
				t.Fatal(err)
			}
			after := opened(t, endpoint, c.folder)
			if err := after.Create(t.Context(), key, []byte(`{"seq":1}`)); err != nil {
				t.Errorf("again: %v", err)
			}
			if err := after.Create(t.Context(), key, []byte(`{"seq":2}`)); !errors.Is(err, evidence.ErrDifferent) {
				t.Errorf("other bytes: %v", err)
			}
		})
	}
}

// A server that does not answer ends the call with whoever waits for it, and what it does with it later is no fault.
func TestAServerThatHangs(t *testing.T) {
	release := make(chan struct{})
	store := opened(t, serves(t), "", func(_ http.ResponseWriter, r *http.Request, _ http.Handler) bool {
		if writes(r) {
			<-release
		}
		return false
	})
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if err := store.Create(ctx, key, []byte(`{"seq":1}`)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
	close(release)
	if err := store.Create(t.Context(), key, []byte(`{"seq":1}`)); err != nil {
		t.Error(err)
	}
}

// A bucket that is not there has no evidence, which is another thing than that there is none of an object.
func TestABucketThatIsNotThere(t *testing.T) {
	endpoint := serves(t)
	if _, err := clientOf(t, endpoint).DeleteBucket(t.Context(), &s3.DeleteBucketInput{Bucket: new(bucketName)}); err != nil {
		t.Fatal(err)
	}
	store := opened(t, endpoint, "")
	if _, err := store.Get(t.Context(), key); err == nil || errors.Is(err, evidence.ErrNotFound) {
		t.Errorf("%v", err)
	}
	if err := store.Create(t.Context(), key, []byte(`{}`)); err == nil {
		t.Error("it is stored nowhere")
	}
}

// A lock is told as it is; that it may not be asked for is no no. What is locked is written and read like anything else, and deleted by nobody.
func TestTheLockIsTold(t *testing.T) {
	open := serves(t)
	if got, err := opened(t, open, "").Lock(t.Context()); err != nil || got.Mode != "" {
		t.Errorf("without one: %+v, %v", got, err)
	}
	refused := opened(t, open, "", func(w http.ResponseWriter, r *http.Request, _ http.Handler) bool {
		if !r.URL.Query().Has("object-lock") {
			return false
		}
		w.WriteHeader(http.StatusForbidden)
		_, _ = w.Write([]byte(`<Error><Code>AccessDenied</Code><Message>by the test</Message></Error>`))
		return true
	})
	if got, err := refused.Lock(t.Context()); err == nil {
		t.Errorf("who may not ask: %+v", got)
	}
	endpoint := serves(t, lockedFor(1825))
	lock(t, endpoint, types.ObjectLockRetentionModeCompliance, 1825)
	store := opened(t, endpoint, "")
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

// Each namespace has its share of a bucket of S3, too.
func TestSharesOfS3(t *testing.T) {
	store := evidence.Share(opened(t, serves(t), ""), 1000)
	if err := store.Create(t.Context(), "greedy/1.log", make([]byte, 800)); err != nil {
		t.Fatal(err)
	}
	if err := store.Create(t.Context(), "greedy/2.log", make([]byte, 800)); err == nil || !strings.Contains(err.Error(), "has used its share") {
		t.Errorf("%v", err)
	}
	if err := store.Create(t.Context(), "greedy/1.log", make([]byte, 800)); err != nil {
		t.Errorf("what is there: %v", err)
	}
	if err := store.Create(t.Context(), "modest/1.log", make([]byte, 800)); err != nil {
		t.Errorf("another one: %v", err)
	}
}
