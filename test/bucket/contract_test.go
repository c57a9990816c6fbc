// Package bucket_test is what every bucket of evidence promises, tried on each kind: files, the one in memory that the simulated cluster has, and those of clouds.
package bucket_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"tradeops.dev/strategy-operator/internal/evidence"
	"tradeops.dev/strategy-operator/internal/sim"
)

// store is what the operator itself needs of a bucket.
type store interface {
	Get(ctx context.Context, key string) ([]byte, error)
	Create(ctx context.Context, key string, data []byte) error
}

func TestEveryBucketKeepsTheContract(t *testing.T) {
	type bucket struct {
		open  func(t *testing.T) store
		races bool // two that write in the same moment may both believe that theirs is stored
	}
	buckets := map[string]bucket{
		"files":  {open: func(t *testing.T) store { return files(t) }},
		"memory": {open: func(*testing.T) store { return sim.NewBucket() }},
	}
	for _, k := range kinds {
		buckets[k.name] = bucket{open: func(t *testing.T) store { return k.opened(t, k.serves(t), "") }}
		buckets[k.name+" that refuses the condition"] = bucket{races: true, open: func(t *testing.T) store { return k.opened(t, k.serves(t), "", k.refuses) }}
		buckets[k.name+" that ignores the condition"] = bucket{races: true, open: func(t *testing.T) store {
			endpoint := k.serves(t)
			return k.opened(t, endpoint, "", k.ignores(t, endpoint))
		}}
	}
	for name, c := range buckets {
		t.Run(name, func(t *testing.T) {
			bucket := c.open(t)
			createdOnce(t, bucket)
			oneWins(t, bucket, c.races)
		})
	}
}

func files(t *testing.T) evidence.Bucket {
	t.Helper()
	bucket, err := evidence.Open("file://" + t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = bucket.Close() })
	return bucket
}

// An object is there once, whole, and stays as it is.
func createdOnce(t *testing.T, bucket store) {
	t.Helper()
	const key = "trading/2026/11/23/pnl-1-01234567/log/000001.json"
	if _, err := bucket.Get(t.Context(), key); !errors.Is(err, evidence.ErrNotFound) {
		t.Errorf("before it is written: %v", err)
	}
	for _, again := range []bool{false, true} {
		if err := bucket.Create(t.Context(), key, []byte(`{"seq":1}`)); err != nil {
			t.Errorf("again: %t: %v", again, err)
		}
	}
	if err := bucket.Create(t.Context(), key, []byte(`{"seq":2}`)); !errors.Is(err, evidence.ErrDifferent) {
		t.Errorf("other bytes: %v", err)
	}
	if data, err := bucket.Get(t.Context(), key); err != nil || string(data) != `{"seq":1}` {
		t.Errorf("%q, %v", data, err)
	}
	if err := bucket.Create(t.Context(), "../outside.json", []byte(`{}`)); err == nil {
		t.Error("a key that leads out of the bucket")
	}
	large := bytes.Repeat([]byte("x"), evidence.MaxObjectBytes)
	if err := bucket.Create(t.Context(), "trading/large.log", large); err != nil {
		t.Errorf("as large as possible: %v", err)
	}
	if data, err := bucket.Get(t.Context(), "trading/large.log"); err != nil || !bytes.Equal(data, large) {
		t.Errorf("%d bytes, %v", len(data), err)
	}
}

// Of many that write at once, all but those with the bytes that are there are told.
func oneWins(t *testing.T, bucket store, races bool) {
	t.Helper()
	const key, writers = "trading/2026/11/23/pnl-1-01234567/log/000002.json", 8
	var won atomic.Int32
	var all sync.WaitGroup
	for i := range writers {
		all.Go(func() {
			switch err := bucket.Create(t.Context(), key, []byte{'[', byte('0' + i%2), ']'}); {
			case err == nil:
				won.Add(1)
			case !errors.Is(err, evidence.ErrDifferent):
				t.Errorf("writer %d: %v", i, err)
			}
		})
	}
	all.Wait()
	if won.Load() == 0 || !races && won.Load() != writers/2 {
		t.Errorf("%d of %d writers believe that theirs is stored", won.Load(), writers)
	}
}

// What a bucket lists is sorted as texts, in parts that fit together, and of no other folder.
func TestEveryBucketListsWhatItHas(t *testing.T) {
	buckets := map[string]func(t *testing.T) evidence.Bucket{"files": files}
	for _, k := range kinds {
		buckets[k.name] = func(t *testing.T) evidence.Bucket { return k.opened(t, k.serves(t), "") }
		buckets[k.name+" in a folder"] = func(t *testing.T) evidence.Bucket { return k.opened(t, k.serves(t), "/of/ours") }
	}
	for name, open := range buckets {
		t.Run(name, func(t *testing.T) {
			bucket := open(t)
			want := []string{"a/1.json", "a/b.c/2.json", "a/b/1.json", "a/b/c/1.json", "a/b0.json", "a/c/1.json"}
			for _, key := range append([]string{"ab/1.json", "b/1.json"}, want...) {
				if err := bucket.Create(t.Context(), key, []byte(`{}`)); err != nil {
					t.Fatal(err)
				}
			}
			for folder, want := range map[string][]string{"a": {"1.json", "b0.json"}, "a/b/": {"1.json"}, "none": nil} {
				if got, err := bucket.Names(t.Context(), folder); err != nil || !slices.Equal(got, want) {
					t.Errorf("the names in %s: %v, %v", folder, got, err)
				}
			}
			for _, most := range []int{1, 2, 5, 100} {
				var got []string
				after := ""
				for {
					part, err := bucket.List(t.Context(), "a", after, most)
					if err != nil {
						t.Fatal(err)
					}
					for _, one := range part {
						if got = append(got, one.Key); one.Bytes != 2 {
							t.Errorf("%s has %d bytes", one.Key, one.Bytes)
						}
					}
					if len(part) < most {
						break
					}
					after = part[len(part)-1].Key
				}
				if !slices.Equal(got, want) {
					t.Errorf("in parts of %d: %q", most, got)
				}
			}
			if none, err := bucket.List(t.Context(), "nobody", "", 10); err != nil || len(none) != 0 {
				t.Errorf("a folder that is not there: %v, %v", none, err)
			}
			for folder, bytes := range map[string]int64{"a": 12, "a/b": 4, "a/b/1.json": 2, "nobody": 0} {
				if size, err := bucket.Size(t.Context(), folder); err != nil || size != bytes {
					t.Errorf("%s has %d bytes, %v", folder, size, err)
				}
			}
		})
	}
}
