package bucket_test

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// serverVariable names the program of the S3 server, which `make test` builds. Without it, what needs one is skipped, and says so.
const serverVariable = "S3_SERVER"

// Names that the tests give their server.
const (
	bucketName = "evidence"
	accessKey  = "tests"
	secretKey  = "only-of-the-tests"
)

// s3Kind is a real S3 server.
var s3Kind = kind{
	name: "S3", serves: func(t *testing.T) string { return servesS3(t) },
	url: func(endpoint, folder string) string {
		return "s3://" + bucketName + folder + "?path_style=true&endpoint=" + url.QueryEscape(endpoint)
	},
	writes:  func(r *http.Request) bool { return r.Method == http.MethodPut && strings.HasSuffix(r.URL.Path, key) },
	reads:   func(r *http.Request) bool { return r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, key) },
	says:    sayXML,
	secrets: []string{secretKey},
	onlyNew: func(r *http.Request) bool { return r.Header.Get("If-None-Match") == "*" },
	unknown: "NotImplemented",
	ignores: ignoresConditions,
	remove: func(t *testing.T, endpoint string) {
		if _, err := clientOf(t, endpoint).DeleteBucket(t.Context(), &s3.DeleteBucketInput{Bucket: new(bucketName)}); err != nil {
			t.Fatal(err)
		}
	},
}

// servesS3 starts an S3 server of the test's own on loopback, with an empty bucket, and ends it. It returns where it listens.
func servesS3(t *testing.T, options ...func(*s3.CreateBucketInput)) string {
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
	runs(t, program, "--port", address, "--access", accessKey, "--secret", secretKey, "--quiet", "posix", "--versioning-dir", versions, root)
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

// ignoresConditions is a server that knows no If-None-Match, and replaces what is there.
func ignoresConditions(t *testing.T, endpoint string) fault {
	t.Helper()
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
