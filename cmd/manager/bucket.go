package main

import (
	"context"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/util/wait"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	"tradeops.dev/strategy-operator/internal/cloud"
	"tradeops.dev/strategy-operator/internal/evidence"
)

// openBucket opens the bucket of a URL, and knows how to ask what keeps its objects from being deleted.
func openBucket(ctx context.Context, url string) (evidence.Bucket, *bucketLock, error) {
	if !cloud.Knows(url) {
		files, err := evidence.Open(url)
		return files, newBucketLock("a folder on a volume", func(context.Context) (cloud.Lock, error) { return cloud.Lock{}, nil }), err
	}
	bucket, err := cloud.Open(ctx, url)
	if err != nil {
		return nil, nil, err
	}
	return bucket, newBucketLock(bucket.Kind(), bucket.Lock), nil
}

// bucketLock tells what keeps the objects of the bucket from being deleted: in the log, in a metric, and to whoever lists evidence. It is asked at
// the start, and again until there is an answer; the operator itself deletes nothing, so nothing waits for it.
type bucketLock struct {
	kind string
	ask  func(context.Context) (cloud.Lock, error)
	mode *prometheus.GaugeVec

	mu    sync.Mutex
	words string
}

// Values of the metric beside the modes of a lock.
const (
	lockNone    = "none"
	lockUnknown = "unknown"
)

func newBucketLock(kind string, ask func(context.Context) (cloud.Lock, error)) *bucketLock {
	l := &bucketLock{kind: kind, ask: ask, words: "whether its objects are locked is not known yet", mode: prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "strategy_evidence_lock", Help: "1 for what keeps objects of the evidence bucket from being deleted: COMPLIANCE, GOVERNANCE, none, or unknown.",
	}, []string{"mode"})}
	l.mode.WithLabelValues(lockUnknown).Set(1)
	return l
}

func (l *bucketLock) register() error { return metrics.Registry.Register(l.mode) }

// String is for people.
func (l *bucketLock) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.kind + ": " + l.words
}

// NeedLeaderElection implements manager.LeaderElectionRunnable.
func (*bucketLock) NeedLeaderElection() bool { return false }

// askAgain is how long after one without an answer the next question is asked.
const askAgain = time.Minute

// Start implements manager.Runnable.
func (l *bucketLock) Start(ctx context.Context) error {
	_ = wait.PollUntilContextCancel(ctx, askAgain, true, func(ctx context.Context) (bool, error) { return l.know(ctx), nil }) // it ends with the manager
	return nil
}

// know asks once; false: there is no answer.
func (l *bucketLock) know(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, askAgain/2)
	defer cancel()
	found, err := l.ask(ctx)
	mode, words := found.Mode, found.String()
	switch {
	case err != nil:
		mode, words = lockUnknown, "whether its objects are locked is not known: "+err.Error()
	case mode == "":
		mode = lockNone
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.words != words {
		ctrl.Log.WithName("evidence").Info("The evidence bucket is "+l.kind, "lock", mode, "says", words)
	}
	l.words = words
	l.mode.Reset()
	l.mode.WithLabelValues(mode).Set(1)
	return err == nil
}
