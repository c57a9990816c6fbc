//go:build e2e

package e2e

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// pool lends worlds to stories.
type pool struct {
	free chan *world
	kept atomic.Int32
}

func newPool(all []*world) *pool {
	p := &pool{free: make(chan *world, len(all))}
	for _, w := range all {
		p.free <- w
	}
	return p
}

func (p *pool) take(t *testing.T) *world {
	t.Helper()
	w, open := <-p.free
	if !open {
		t.Fatal("no world is left: each is kept by a story that failed")
	}
	return w
}

func (p *pool) give(w *world) { p.free <- w }

// keep is instead of give: the world stays as it is, to be looked at.
func (p *pool) keep() {
	if int(p.kept.Add(1)) == cap(p.free) {
		close(p.free)
	}
}

// told is how long the stories took, and what failed.
var told times

type times struct {
	sync.Mutex
	stories  []timed
	failures []string
}

// fail keeps what a story failed with: the log of a run is long, and who reads it may only see its end.
func (t *times) fail(name, message string) {
	t.Lock()
	defer t.Unlock()
	t.failures = append(t.failures, fmt.Sprintf("failed: %s: %.3000s", name, message))
}

type timed struct {
	name, world string
	fresh, took time.Duration
}

func (t *times) add(story timed) {
	t.Lock()
	defer t.Unlock()
	t.stories = append(t.stories, story)
}

// table has the longest story first.
func (t *times) table() string {
	t.Lock()
	defer t.Unlock()
	slices.SortFunc(t.stories, func(a, b timed) int { return cmp.Compare(b.took, a.took) })
	var lines strings.Builder
	fmt.Fprintf(&lines, "%8s  %8s  %-12s %s\n", "fresh", "told", "world", "story")
	for _, s := range t.stories {
		fmt.Fprintf(&lines, "%6.1f s  %6.1f s  %-12s %s\n", s.fresh.Seconds(), s.took.Seconds(), s.world, s.name)
	}
	for _, failure := range t.failures {
		fmt.Fprintln(&lines, failure)
	}
	return lines.String()
}
