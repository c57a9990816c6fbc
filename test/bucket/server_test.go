package bucket_test

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"tradeops.dev/strategy-operator/internal/cloud"
)

// serverVariable names the program of the S3 server, which `make test` builds. Without it, what needs one is skipped, and says so.
const serverVariable = "S3_SERVER"

// Names that the tests give their server.
const (
	bucketName = "evidence"
	accessKey  = "tests"
	secretKey  = "only-of-the-tests"
)

// serves starts an S3 server of the test's own on loopback, with an empty bucket, and ends it. It returns where it listens.
func serves(t *testing.T, options ...func(*s3.CreateBucketInput)) string {
	t.Helper()
	program := os.Getenv(serverVariable)
	if program == "" {
		t.Skipf("%s names no S3 server; make test builds one and runs this", serverVariable)
	}
	t.Setenv("AWS_ACCESS_KEY_ID", accessKey)
	t.Setenv("AWS_SECRET_ACCESS_KEY", secretKey)
	t.Setenv("AWS_REGION", "us-east-1")
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	t.Setenv("AWS_CONFIG_FILE", filepath.Join(t.TempDir(), "none"))
	address, root, versions := free(t), t.TempDir(), t.TempDir()
	var said bytes.Buffer
	server := exec.CommandContext(context.WithoutCancel(t.Context()), program, "--port", address, "--access", accessKey, "--secret", secretKey, "--quiet",
		"posix", "--versioning-dir", versions, root)
	server.Stdout, server.Stderr = &said, &said
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = server.Process.Kill()
		_ = server.Wait()
		if t.Failed() {
			t.Logf("the S3 server said:\n%s", said.String())
		}
	})
	client := clientOf(t, "http://"+address)
	input := &s3.CreateBucketInput{Bucket: new(bucketName)}
	for _, option := range options {
		option(input)
	}
	for begin := time.Now(); ; {
		_, err := client.CreateBucket(t.Context(), input)
		if err == nil {
			return "http://" + address
		}
		if time.Since(begin) > time.Minute {
			t.Fatalf("the S3 server does not serve: %v", err)
		}
	}
}

func clientOf(t *testing.T, endpoint string) *s3.Client {
	t.Helper()
	found, err := config.LoadDefaultConfig(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return s3.NewFromConfig(found, func(o *s3.Options) { o.BaseEndpoint, o.UsePathStyle = &endpoint, true })
}

// free is an address of loopback at which nobody listens.
func free(t *testing.T) string {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().String()
}

// fault is what a proxy does instead of passing a request on; false: nothing.
type fault func(w http.ResponseWriter, r *http.Request, pass http.Handler) bool

// through is a proxy before a server, with faults.
func through(t *testing.T, endpoint string, faults ...fault) string {
	t.Helper()
	at, err := url.Parse(endpoint)
	if err != nil {
		t.Fatal(err)
	}
	pass := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(at)
		r.Out.Host = r.In.Host // it is signed
	}}
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, one := range faults {
			if one(w, r, pass) {
				return
			}
		}
		pass.ServeHTTP(w, r)
	}))
	t.Cleanup(proxy.Close)
	return proxy.URL
}

// opened is the operator's store on a server, behind a proxy with faults.
func opened(t *testing.T, endpoint, folder string, faults ...fault) *cloud.S3 {
	t.Helper()
	if len(faults) > 0 {
		endpoint = through(t, endpoint, faults...)
	}
	store, err := cloud.Open(t.Context(), "s3://"+bucketName+folder+"?path_style=true&endpoint="+url.QueryEscape(endpoint))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	return store
}

// refusesConditions is a server that knows no If-None-Match, and says so.
func refusesConditions(w http.ResponseWriter, r *http.Request, _ http.Handler) bool {
	if r.Header.Get("If-None-Match") == "" {
		return false
	}
	w.WriteHeader(http.StatusNotImplemented)
	_, _ = w.Write([]byte(`<Error><Code>NotImplemented</Code><Message>by the test</Message></Error>`))
	return true
}

// ignoresConditions is a server that knows no If-None-Match, and replaces what is there.
func ignoresConditions(t *testing.T, endpoint string) fault {
	client := clientOf(t, endpoint)
	return func(_ http.ResponseWriter, r *http.Request, _ http.Handler) bool {
		if r.Header.Get("If-None-Match") != "" {
			key := strings.TrimPrefix(r.URL.Path, "/"+bucketName+"/")
			if _, err := client.DeleteObject(r.Context(), &s3.DeleteObjectInput{Bucket: new(bucketName), Key: &key}); err != nil {
				t.Errorf("delete %s: %v", key, err)
			}
		}
		return false
	}
}

func lockedFor(days int32) func(*s3.CreateBucketInput) {
	return func(input *s3.CreateBucketInput) { input.ObjectLockEnabledForBucket = new(days > 0) }
}

// lock sets what holds for new objects.
func lock(t *testing.T, endpoint string, mode types.ObjectLockRetentionMode, days int32) {
	t.Helper()
	_, err := clientOf(t, endpoint).PutObjectLockConfiguration(t.Context(), &s3.PutObjectLockConfigurationInput{
		Bucket: new(bucketName), ObjectLockConfiguration: &types.ObjectLockConfiguration{
			ObjectLockEnabled: types.ObjectLockEnabledEnabled, Rule: &types.ObjectLockRule{DefaultRetention: &types.DefaultRetention{Mode: mode, Days: &days}},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
}
