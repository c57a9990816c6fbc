package controllers

import (
	"context"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/log"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/bounded"
	"tradeops.dev/strategy-operator/internal/evidence"
	"tradeops.dev/strategy-operator/internal/lifecycle"
	"tradeops.dev/strategy-operator/internal/signals"
)

// samplesOfOne is how many bytes of samples of one namespace wait in memory while the bucket takes none, and samplesOfAll of all: then the
// newer ones are lost, and counted. An incident that has none takes samplesBase.
const samplesOfOne, samplesOfAll, samplesBase = 4 << 20, 16 << 20, 1 << 10

// samples keeps what the signals of open incidents were, a file for some minutes. It decides nothing and nothing waits for it: what an
// incident decides on, its plan stores itself. What is in memory when the operator ends is lost, some minutes of samples at most.
type samples struct {
	bucket Evidence

	mu    sync.Mutex // never held during a call
	of    map[types.UID]*recorded
	sizes map[string]int // by namespace
}

// recorded are the samples of one incident. One worker at a time has one.
type recorded struct {
	signals.Recording
	namespace string
}

func newSamples(bucket Evidence) *samples {
	return &samples{bucket: bucket, of: map[types.UID]*recorded{}, sizes: map[string]int{}}
}

// add takes what was seen of the signals of an incident.
func (s *samples) add(incident *strategyv1.StrategyIncident, snapshot signals.Snapshot) {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := 0
	for _, size := range s.sizes {
		all += size
	}
	if s.sizes[incident.Namespace] >= samplesOfOne || all >= samplesOfAll {
		samplesLost.Inc()
		return
	}
	known := s.of[incident.UID]
	if known == nil {
		known = &recorded{namespace: incident.Namespace}
		s.of[incident.UID] = known
		s.grow(incident.Namespace, samplesBase)
	}
	before := known.Size()
	known.Add(snapshot)
	s.grow(incident.Namespace, known.Size()-before)
}

// grow counts bytes that wait.
func (s *samples) grow(namespace string, bytes int) {
	if s.sizes[namespace] += bytes; s.sizes[namespace] <= 0 {
		delete(s.sizes, namespace)
	}
}

// store writes what is due of an incident after a pass over it: all of one that is over, which is forgotten then. What cannot be written
// waits for the next pass.
func (s *samples) store(ctx context.Context, incident *strategyv1.StrategyIncident, now time.Time) {
	over := lifecycle.Closed(incident.Status) || incident.DeletionTimestamp != nil
	from, text := s.due(incident.UID, now, over)
	if len(text) > 0 {
		prefix := evidence.Prefix(incident.Namespace, incident.Name, string(incident.UID), incident.CreationTimestamp.Time)
		if err := s.bucket.Create(ctx, evidence.SamplesKey(prefix, from, short(text)), text); err != nil {
			log.FromContext(ctx).Info("Samples of signals cannot be stored; they wait in memory", "problem", bounded.Line(err.Error(), 512))
			return
		}
		s.stored(incident.UID)
	}
	if over {
		s.forget(incident.UID)
	}
}

// due is what is to be stored now.
func (s *samples) due(uid types.UID, now time.Time, over bool) (from time.Time, text []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	known := s.of[uid]
	if known == nil || !over && !known.Due(now) {
		return time.Time{}, nil
	}
	return known.Lines()
}

func (s *samples) stored(uid types.UID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if known := s.of[uid]; known != nil {
		s.grow(known.namespace, -known.Size())
		known.Stored()
	}
}

func (s *samples) forget(uid types.UID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if known := s.of[uid]; known != nil {
		s.grow(known.namespace, -known.Size()-samplesBase)
		delete(s.of, uid)
	}
}
