package controllers

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/signals"
)

// files is a bucket that remembers what was created; nothing while it fails.
type files struct {
	Evidence
	made  map[string]string
	fails error
}

func (f *files) Create(_ context.Context, key string, data []byte) error {
	if f.fails == nil {
		f.made[key] = string(data)
	}
	return f.fails
}

// sampledNow is a snapshot with one number, measured now.
func sampledNow(now time.Time, value float64) signals.Snapshot {
	return signals.Snapshot{Time: now, Readings: map[string]signals.Reading{"cpu": {Value: value, Known: true, Time: now}}}
}

func someIncident(namespace, uid string) *strategyv1.StrategyIncident {
	return &strategyv1.StrategyIncident{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "pnl", UID: types.UID(uid), CreationTimestamp: metav1.NewTime(time.Date(2026, 11, 23, 13, 0, 0, 0, time.UTC))}}
}

func TestSamplesAreStoredEachFewMinutesAndAtTheEnd(t *testing.T) {
	bucket := &files{made: map[string]string{}}
	s := newSamples(bucket)
	incident := someIncident("trading", "5f0e8a11-1")
	now := incident.CreationTimestamp.Time
	for range 12 { // six minutes
		s.add(incident, sampledNow(now, 1))
		s.store(t.Context(), incident, now)
		now = now.Add(30 * time.Second)
	}
	if len(bucket.made) != 1 {
		t.Fatalf("%d files after six minutes", len(bucket.made))
	}
	bucket.fails = errors.New("no space left on device")
	incident.Status.ClosedTime = new(metav1.NewTime(now))
	s.store(t.Context(), incident, now)
	bucket.fails = nil
	s.store(t.Context(), incident, now) // the next pass
	lines := 0
	for key, text := range bucket.made {
		if !strings.HasPrefix(key, "trading/2026/11/23/pnl-5f0e8a11/samples/20261123-130") || !strings.HasSuffix(key, ".jsonl") {
			t.Errorf("file %s", key)
		}
		lines += strings.Count(text, "\n")
	}
	if len(bucket.made) != 2 || lines != 12 || len(s.of)+len(s.sizes) != 0 {
		t.Errorf("%d files, %d samples; %d incidents and %d namespaces are remembered", len(bucket.made), lines, len(s.of), len(s.sizes))
	}
}

// A namespace whose samples nobody stores loses its own, and no others; memory is bounded; what waited is stored once the bucket is well.
func TestSamplesThatWaitAreBounded(t *testing.T) {
	bucket := &files{made: map[string]string{}, fails: errors.New("away")}
	s := newSamples(bucket)
	now := time.Date(2026, 11, 23, 13, 0, 0, 0, time.UTC)
	large := func(n int) signals.Snapshot {
		return signals.Snapshot{Time: now, Readings: map[string]signals.Reading{"cpu": {Problem: fmt.Sprintf("%s %d", strings.Repeat("x", 500), n)}}}
	}
	many := someIncident("attacker", "1")
	for n := range 2 * samplesOfOne / 500 {
		s.add(many, large(n))
		if n%100 == 0 {
			s.store(t.Context(), many, now)
		}
	}
	if size := s.sizes["attacker"]; size < samplesOfOne || size > samplesOfOne+1024 {
		t.Errorf("%d bytes of one namespace", size)
	}
	other := someIncident("trading", "2")
	s.add(other, sampledNow(now, 1))
	if s.sizes["trading"] <= samplesBase {
		t.Error("another namespace's samples are lost, too")
	}
	for n := range 20 {
		one := someIncident(fmt.Sprintf("attacker-%d", n), fmt.Sprint(n))
		one.UID = types.UID(fmt.Sprintf("many-%d", n))
		for n := range samplesOfOne / 500 {
			s.add(one, large(n))
		}
	}
	all := 0
	for _, size := range s.sizes {
		all += size
	}
	if all > samplesOfAll+1024 {
		t.Errorf("%d bytes wait", all)
	}
	bucket.fails = nil
	many.DeletionTimestamp = new(metav1.NewTime(now))
	s.store(t.Context(), many, now)
	if len(bucket.made) != 1 || s.sizes["attacker"] != 0 {
		t.Errorf("%d files; %d bytes wait", len(bucket.made), s.sizes["attacker"])
	}
}
