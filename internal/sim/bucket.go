package sim

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"tradeops.dev/strategy-operator/internal/evidence"
)

// Bucket is the evidence, in memory. As the real one it takes the same bytes again under a used key, and no others.
type Bucket struct {
	// Full is what every write is answered with, as by a volume without room, or one that is read-only; nil: it takes them.
	Full error

	sync.Mutex
	objects map[string][]byte
}

// NewBucket is an empty one.
func NewBucket() *Bucket { return &Bucket{objects: map[string][]byte{}} }

// Get implements controllers.Evidence.
func (b *Bucket) Get(_ context.Context, key string) ([]byte, error) {
	b.Lock()
	defer b.Unlock()
	data, found := b.objects[key]
	if !found {
		return nil, fmt.Errorf("%s: %w", key, evidence.ErrNotFound)
	}
	return bytes.Clone(data), nil
}

// Create implements controllers.Evidence.
func (b *Bucket) Create(_ context.Context, key string, data []byte) error {
	b.Lock()
	defer b.Unlock()
	if b.Full != nil {
		return fmt.Errorf("write evidence %s: %w", key, b.Full)
	}
	if err := evidence.CheckKey(key); err != nil {
		return err
	}
	if stored, found := b.objects[key]; found {
		if !bytes.Equal(stored, data) {
			return fmt.Errorf("%s: %w", key, evidence.ErrDifferent)
		}
		return nil
	}
	b.objects[key] = bytes.Clone(data)
	return nil
}

// Names implements controllers.Evidence.
func (b *Bucket) Names(_ context.Context, folder string) ([]string, error) {
	b.Lock()
	defer b.Unlock()
	var names []string
	for key := range b.objects {
		if name, inside := strings.CutPrefix(key, folder); inside && !strings.Contains(name, "/") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names, nil
}

// Lose is somebody who deletes an object.
func (b *Bucket) Lose(key string) {
	b.Lock()
	defer b.Unlock()
	delete(b.objects, key)
}

// Put is somebody who puts an object into the place of another.
func (b *Bucket) Put(key string, data []byte) {
	b.Lock()
	defer b.Unlock()
	b.objects[key] = bytes.Clone(data)
}

// Objects are a copy of all objects.
func (b *Bucket) Objects() map[string][]byte {
	b.Lock()
	defer b.Unlock()
	return maps.Clone(b.objects)
}

func (b *Bucket) fork() *Bucket {
	b.Lock()
	defer b.Unlock()
	return &Bucket{Full: b.Full, objects: maps.Clone(b.objects)}
}
