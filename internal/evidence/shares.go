package evidence

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"
)

// measuredFor is how long the size of what a namespace has is believed after it was found too large: somebody may have moved things away.
const measuredFor = time.Minute

// Sized is a store that knows how much it has.
type Sized interface {
	Store
	// Size is how many bytes the objects have whose keys begin with a folder; 0 if there are none.
	Size(ctx context.Context, folder string) (int64, error)
}

// Shares is a store in which no namespace, the first part of each key, has more than its share: else the reports of one would fill the volume
// of all. An eighth of it is kept for decision logs and their tree, so that reports do not end what must be logged.
type Shares struct {
	Sized
	each int64 // bytes

	mu   sync.Mutex
	used map[string]*share
}

// share is what one namespace has.
type share struct {
	sync.Mutex
	known      bool
	bytes      int64
	forgetting bool // in a while
}

// Share gives each namespace so many bytes of a store.
func Share(store Sized, each int64) *Shares {
	return &Shares{Sized: store, each: each, used: map[string]*share{}}
}

// Create implements Store. An object that is there already takes no more room.
func (s *Shares) Create(ctx context.Context, key string, data []byte) error {
	there, err := s.Size(ctx, key)
	if err == nil && there > 0 {
		return s.Sized.Create(ctx, key, data)
	}
	namespace, _, _ := strings.Cut(key, "/")
	of := s.of(namespace)
	fits, err := s.take(ctx, of, namespace, key, int64(len(data)))
	if err != nil {
		return fmt.Errorf("write evidence %s: %w", key, err)
	}
	if !fits {
		return fmt.Errorf("write evidence %s: namespace %s has used its share of the evidence bucket, %d bytes (--evidence-share); copy its oldest folders elsewhere and remove them here, or raise the share",
			key, namespace, s.each)
	}
	if err := s.Sized.Create(ctx, key, data); err != nil {
		of.add(-int64(len(data)))
		return err
	}
	return nil
}

// take counts an object before it is written, if there is room for it.
func (s *Shares) take(ctx context.Context, of *share, namespace, key string, bytes int64) (fits bool, err error) {
	room := s.each
	if !strings.Contains(key, "/"+logFolder) && !strings.Contains(key, "/"+treeFolder) { // a namespace may be called like them
		room -= s.each / 8
	}
	of.Lock()
	defer of.Unlock()
	if !of.known {
		if of.bytes, err = s.Size(ctx, namespace); err != nil {
			return false, fmt.Errorf("see how much namespace %s has: %w", namespace, err)
		}
		of.known = true
	}
	if of.bytes+bytes > room {
		if !of.forgetting {
			of.forgetting = true
			time.AfterFunc(measuredFor, of.forget)
		}
		return false, nil
	}
	of.bytes += bytes
	return true, nil
}

func (s *Shares) of(namespace string) *share {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.used[namespace] == nil {
		s.used[namespace] = &share{}
	}
	return s.used[namespace]
}

func (s *share) add(bytes int64) {
	s.Lock()
	defer s.Unlock()
	s.bytes += bytes
}

func (s *share) forget() {
	s.Lock()
	defer s.Unlock()
	s.known, s.forgetting = false, false
}
