package main

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"tradeops.dev/strategy-operator/internal/cloud"
)

// What locks the bucket is told, and that it is not known is no no.
func TestTheLockOfTheBucketIsTold(t *testing.T) {
	answer, err := cloud.Lock{}, errors.New("access denied")
	l := newBucketLock("a bucket of S3", func(context.Context) (cloud.Lock, error) { return answer, err })
	told := func(known bool, mode, words string) {
		t.Helper()
		if got := l.know(t.Context()); got != known {
			t.Errorf("known: %t", got)
		}
		registry := prometheus.NewRegistry()
		registry.MustRegister(l.mode)
		families, err := registry.Gather()
		if err != nil || len(families) != 1 || len(families[0].Metric) != 1 || families[0].Metric[0].Label[0].GetValue() != mode {
			t.Errorf("%v, %v; want %s", families, err, mode)
		}
		if got := l.String(); got != "a bucket of S3: "+words {
			t.Errorf("%s", got)
		}
	}
	told(false, "unknown", "whether its objects are locked is not known: access denied")
	err = nil
	told(true, "none", "nothing keeps its objects from being deleted")
	answer = cloud.Lock{Mode: "COMPLIANCE", For: "1825 days"}
	told(true, "COMPLIANCE", "its objects are locked (COMPLIANCE) for 1825 days")
}

func TestWhichBucketsThereAre(t *testing.T) {
	for url, says := range map[string]string{
		"ftp://evidence": `its scheme is "ftp"`, "evidence": `its scheme is ""`, "s3://key:s3cret@evidence": "holds a user or a password", "gs://key:s3cret@evidence": "holds a user or a password",
		"azblob://evidence": "names no storage account", "file:relative": "absolute",
	} {
		_, _, err := openBucket(t.Context(), url)
		if err == nil || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: %v", url, err)
		}
	}
	bucket, lock, err := openBucket(t.Context(), "file://"+t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = bucket.Close() }()
	if !lock.know(t.Context()) || lock.String() != "a folder on a volume: nothing keeps its objects from being deleted" {
		t.Error(lock)
	}
}
