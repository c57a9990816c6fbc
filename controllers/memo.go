package controllers

import (
	"cmp"
	"sync"
	"time"
)

// The bounds of one memo. What it holds is a saving, never needed.
const (
	memoEntries = 1024
	memoBytes   = 32 << 20
)

// memo remembers what was read, within bounds of count and of bytes, so that it need not be read again. Entries go into the
// newer half, and so does what is asked for again; when that half is full, the older one is forgotten and the halves change
// places. So what is in use stays. The zero value is empty.
type memo[K comparable, V any] struct {
	sync.Mutex
	most         int // bytes; 0 means memoBytes
	newer, older map[K]memoEntry[V]
	bytes        int // of the newer half
}

type memoEntry[V any] struct {
	value V
	bytes int
}

func (m *memo[K, V]) get(key K) (value V, found bool) {
	m.Lock()
	defer m.Unlock()
	if entry, found := m.newer[key]; found {
		return entry.value, true
	}
	entry, found := m.older[key]
	if found {
		m.keep(key, entry)
	}
	return entry.value, found
}

// put remembers a value that takes so many bytes; one that takes more than a half has is not remembered.
func (m *memo[K, V]) put(key K, value V, bytes int) {
	m.Lock()
	defer m.Unlock()
	m.drop(key)
	if bytes <= m.half() {
		m.keep(key, memoEntry[V]{value, bytes})
	}
}

func (m *memo[K, V]) half() int { return cmp.Or(m.most, memoBytes) / 2 }

// forget gives the memory back at once.
func (m *memo[K, V]) forget(key K) {
	m.Lock()
	defer m.Unlock()
	m.drop(key)
}

func (m *memo[K, V]) keep(key K, entry memoEntry[V]) {
	if m.newer == nil || len(m.newer) >= memoEntries/2 || m.bytes+entry.bytes > m.half() {
		m.newer, m.older, m.bytes = map[K]memoEntry[V]{}, m.newer, 0
	}
	m.newer[key] = entry
	m.bytes += entry.bytes
}

func (m *memo[K, V]) drop(key K) {
	m.bytes -= m.newer[key].bytes
	delete(m.newer, key)
	delete(m.older, key)
}

// dated is what was read, and when.
type dated[V any] struct {
	value V
	at    time.Time
}
